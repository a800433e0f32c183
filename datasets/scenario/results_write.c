/* SPDX-License-Identifier: MIT */
/* Results as JSON: one line per snapshot and step, so that a diff shows where. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/outbuf.h"
#include "datasets/scenario/results.h"

/* Append @value, which is given away; NULL: it was no text that JSON can hold. */
static void put(struct outbuf *out, json_t *value)
{
	char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY)
			   : NULL;

	if (text)
		outbuf_printf(out, "%s", text);
	else if (!out->error)
		out->error = -EILSEQ;
	free(text);
	json_decref(value);
}

static void put_text(struct outbuf *out, const char *key, const char *text)
{
	if (!*text)
		return;
	outbuf_printf(out, "\"%s\":", key);
	put(out, json_string(text));
	outbuf_printf(out, ",\n");
}

static void put_number(struct outbuf *out, const char *key, uint64_t value)
{
	if (value != SCENARIO_UNKNOWN)
		outbuf_printf(out, ",\"%s\":%" PRIu64, key, value);
}

static void put_header(struct outbuf *out, const struct scenario_results *r)
{
	outbuf_printf(out, "{\"kage_scenario_results\":1,\n");
	put_text(out, "by", r->by_model ? "model" : "kernel");
	put_text(out, "kernel", r->kernel);
	put_text(out, "policy", r->policy);
	if (r->is_concurrent)
		outbuf_printf(out, "\"concurrent\":true,\n");
	put_text(out, "scenario", r->scenario);
	outbuf_printf(out, "\"scenario_id\":\"%016" PRIx64 "\",\n",
		      r->scenario_id);
	put_text(out, "trace", r->trace);
	put_text(out, "trace_id", r->trace_id);
	put_text(out, "mix", r->mix);
	outbuf_printf(out,
		      "\"seed\":%" PRIu64 ",\n\"footprint_pages\":%" PRIu64
		      ",\n",
		      r->seed, r->footprint_pages);
}

static void put_generation(struct outbuf *out,
			   const struct scenario_generation *g)
{
	size_t start = out->used;

	outbuf_printf(out, "{");
	put_number(out, "age_ms", g->age_ms);
	put_number(out, "anon", g->anon);
	put_number(out, "file", g->file);
	if (!out->error && out->used > start + 1) /* the first comma */
		out->data[start + 1] = ' ';
	outbuf_printf(out, "}");
}

static void put_snapshot(struct outbuf *out, const struct scenario_snapshot *s)
{
	outbuf_printf(out, "{\"name\":");
	put(out, json_string(s->name));
	put_number(out, "step", s->step);
	put_number(out, "epochs", s->epochs);
	outbuf_printf(out, ",\n \"counters\":{");
	for (size_t i = 0; i < s->nr_counters; i++) {
		outbuf_printf(out, "%s", i ? "," : "");
		put(out, json_string(s->counters[i].name));
		outbuf_printf(out, ":%" PRIu64, s->counters[i].value);
	}
	outbuf_printf(out, "},\n \"generations\":[");
	for (size_t i = 0; i < s->nr_generations; i++) {
		outbuf_printf(out, "%s", i ? "," : "");
		put_generation(out, &s->generations[i]);
	}
	outbuf_printf(out, "]}");
}

static void put_evicted(struct outbuf *out, const gfn_t *gfn, size_t n)
{
	size_t run;

	outbuf_printf(out, ",\"evicted_pages\":%zu,\n \"evicted\":[", n);
	for (size_t i = 0; i < n; i += run) {
		for (run = 1; i + run < n && gfn[i + run] == gfn[i] + run;)
			run++;
		outbuf_printf(out, "%s[%" PRIu64 ",%zu]", i ? "," : "", gfn[i],
			      run);
	}
	outbuf_printf(out, "]");
}

static void put_course(struct outbuf *out, const struct scenario_point *point,
		       size_t n)
{
	if (!n)
		return;
	outbuf_printf(out, ",\n \"course\":[");
	for (size_t i = 0; i < n; i++)
		outbuf_printf(out, "%s[%" PRIu64 ",%" PRIu64 "]", i ? "," : "",
			      point[i].calls, point[i].touches);
	outbuf_printf(out, "]");
}

static void put_step(struct outbuf *out, const struct scenario_results *r,
		     const struct scenario_outcome *step)
{
	outbuf_printf(out, "{\"line\":%u,\"word\":\"%s\"", step->line,
		      scenario_words[step->word]);
	put_number(out, "asked", step->asked);
	put_number(out, "requests", step->requests);
	put_number(out, "passes", step->passes);
	put_number(out, "epochs", step->epochs);
	put_number(out, "touches", step->beside.touches);
	put_number(out, "calls", step->beside.calls);
	put_number(out, "hot_pages", step->beside.hot);
	put_number(out, "hot_kept", step->beside.kept);
	put_number(out, "hot_present", step->beside.present);
	put_course(out, r->course + step->beside.first_point,
		   step->beside.nr_points);
	if (r->has_evicted)
		put_evicted(out, r->evicted + step->first_evicted,
			    step->nr_evicted);
	outbuf_printf(out, "}");
}

int scenario_results_write(const struct scenario_results *results,
			   const char *path, struct status *st)
{
	struct outbuf out = {0};
	int ret;

	put_header(&out, results);
	if (results->details) {
		outbuf_printf(&out, "\"details\":");
		put(&out, json_loads(results->details, 0, NULL));
		outbuf_printf(&out, ",\n");
	}
	outbuf_printf(&out, "\"snapshots\":[");
	for (size_t i = 0; i < results->nr_snapshots; i++) {
		outbuf_printf(&out, i ? ",\n" : "\n");
		put_snapshot(&out, &results->snapshots[i]);
	}
	outbuf_printf(&out, "],\n\"steps\":[");
	for (size_t i = 0; i < results->nr_steps; i++) {
		outbuf_printf(&out, i ? ",\n" : "\n");
		put_step(&out, results, &results->steps[i]);
	}
	outbuf_printf(&out, "]}\n");
	ret = outbuf_write_file(&out, path, st);
	outbuf_fini(&out);
	return ret;
}

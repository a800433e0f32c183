/* SPDX-License-Identifier: MIT */
/*
 * `kage trace info` and `kage trace check`: what a trace is and adds up to.  What the
 * guest did that the capture could not see is not known here; the fidelity says so.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/units.h"
#include "datasets/cmd_trace.h"
#include "datasets/survey.h"
#include "datasets/trace/meta.h"

struct options {
	bool json;
	bool partial;
	bool quick;
	uint64_t window_ns;
};

/* Read to the end, unless the totals are known and hold. */
static int finish(struct trace_reader *reader, bool is_all, struct status *st)
{
	struct trace_block block;
	int ret = is_all || !trace_reader_totals(reader);

	while (ret > 0)
		ret = trace_reader_next(reader, &block, st);
	return ret;
}

static void print_source(const struct trace_meta *meta, const json_t *details)
{
	json_int_t fold =
		json_integer_value(json_object_get(details, "fold_ticks"));
	char text[UNITS_TEXT];

	printf("source      %s, %s", meta->source,
	       trace_fidelity_names[meta->fidelity]);
	if (fold > 0)
		printf(", folded to %s",
		       units_time(text,
				  cmd_trace_ns(&meta->clock, (uint64_t)fold)));
	putchar('\n');
}

/* Return: a string as it is, anything else as JSON; to free(); NULL: no memory. */
static char *value_text(const json_t *value)
{
	if (json_is_string(value))
		return kage_strdup(json_string_value(value), NULL);
	return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY |
					 JSON_REAL_PRECISION(15));
}

static const char *text_or_unknown(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "unknown";
}

/* Of the host what decides how its bits are to be read; --json has all of it. */
static void print_system(const json_t *system)
{
	const json_t *kvm = json_object_get(system, "kvm");
	const json_t *kernel = json_object_get(system, "kernel");
	const json_t *cpu = json_object_get(system, "cpu");
	const char *kind = text_or_unknown(kvm, "kind");
	char text[512];

	snprintf(text, sizeof(text), "Linux %s, %s",
		 text_or_unknown(kernel, "release"),
		 text_or_unknown(cpu, "model_name"));
	cmd_trace_print_text("host", 11, text);
	snprintf(text, sizeof(text),
		 "kind %s, paging %s, dirty by %s, accessed by %s%s", kind,
		 text_or_unknown(kvm, "paging"),
		 text_or_unknown(kvm, "dirty_mechanism"),
		 text_or_unknown(kvm, "accessed_mechanism"),
		 strcmp(kind, "pvm")
			 ? ""
			 : "; guest code is emulated, no VMX or SVM");
	cmd_trace_print_text("kvm", 11, text);
}

/* One line for each, whatever the source chose to say. */
static int print_details(json_t *details, struct status *st)
{
	void *at = json_object_iter(details);

	for (; at; at = json_object_iter_next(details, at)) {
		char *text;

		if (!strcmp(json_object_iter_key(at), "system")) {
			print_system(json_object_iter_value(at));
			continue;
		}
		text = value_text(json_object_iter_value(at));
		if (!text)
			return status_fail(st, ENOMEM, "out of memory");
		cmd_trace_print_text(json_object_iter_key(at), 11, text);
		free(text);
	}
	return 0;
}

static void print_meta(const struct trace_meta *meta, const json_t *details)
{
	char text[UNITS_TEXT];

	print_source(meta, details);
	printf("fidelity    %s\n", trace_fidelity_meanings[meta->fidelity]);
	printf("channels   %s%s%s\n",
	       meta->channels & TRACE_CHANNEL_ACCESSED ? " accessed" : "",
	       meta->channels & TRACE_CHANNEL_DIRTY ? " dirty" : "",
	       meta->channels == TRACE_CHANNEL_ACCESSED
		       ? " (which pages were written is not known)"
	       : meta->channels == TRACE_CHANNEL_DIRTY
		       ? " (what was only read is not known)"
		       : "");
	printf("clock       %s, %u ps per tick\n",
	       meta->clock.kind == TRACE_CLOCK_NS ? "time"
						  : "retired instructions",
	       meta->clock.ps_per_tick);
	printf("guest       %u vCPUs, %s in %zu slots\n", meta->nr_vcpus,
	       units_bytes(text, trace_meta_pages(meta) * TRACE_PAGE_BYTES),
	       meta->nr_slots);
}

static void print_totals(const struct trace_totals *totals,
			 const struct trace_clock *clock)
{
	char id[TRACE_ID_TEXT], a[UNITS_TEXT], b[UNITS_TEXT], c[UNITS_TEXT];

	trace_id_text(id, totals->id);
	printf("content id  %s\n", id);
	printf("time        %s to %s\n",
	       units_time(a, cmd_trace_ns(clock, totals->first_time)),
	       units_time(b, cmd_trace_ns(clock, totals->last_time)));
	printf("epochs      %s with %s pages recorded\n",
	       units_count(a, totals->epochs),
	       units_count(b, totals->epoch_pages));
	printf("stream      %s records, %s accesses, %s%s lost\n",
	       units_count(a, totals->events), units_count(b, totals->accesses),
	       totals->lost_unknown ? "at least " : "",
	       units_count(c, totals->lost));
	if (totals->lost_unknown)
		printf("loss        of unknown number %s times\n",
		       units_count(a, totals->lost_unknown));
}

/* What a page that counts was, as far as the trace says. */
static const char *seen_word(const struct trace_meta *meta)
{
	return meta->channels & TRACE_CHANNEL_ACCESSED ? "accessed" : "written";
}

static double percent(uint64_t part, uint64_t whole)
{
	return 100 * (double)part / (double)whole;
}

static void print_sets(const struct survey_sets *sets, const char *unit)
{
	char min[UNITS_TEXT], median[UNITS_TEXT], max[UNITS_TEXT],
		n[UNITS_TEXT];

	if (sets->n)
		printf("working set %s min, %s median, %s max pages in %s %s\n",
		       units_count(min, sets->pages[0]),
		       units_count(median, survey_median(sets)),
		       units_count(max, sets->pages[sets->n - 1]),
		       units_count(n, sets->n), unit);
}

static void print_slots(const struct trace_meta *meta, const uint64_t *seen)
{
	char pages[UNITS_TEXT], some[UNITS_TEXT];

	printf("memslots    %12s %14s %14s %7s  backing\n", "first gfn",
	       "pages", seen_word(meta), "%");
	for (size_t i = 0; i < meta->nr_slots; i++) {
		const struct trace_slot *s = &meta->slots[i];

		printf("            %#12" PRIx64 " %14s %14s %7.2f  ", s->gfn,
		       units_count(pages, s->npages),
		       units_count(some, seen[i]), percent(seen[i], s->npages));
		cmd_trace_print_text("", 0, s->backing);
	}
}

static void print_pages(const struct trace_meta *meta,
			const struct survey *survey)
{
	char a[UNITS_TEXT], b[UNITS_TEXT], unit[UNITS_TEXT + 16];

	printf("footprint   %s pages %s, %s: %.2f %% of the guest\n",
	       units_count(a, survey->footprint), seen_word(meta),
	       units_bytes(b, survey->footprint * TRACE_PAGE_BYTES),
	       percent(survey->footprint, trace_meta_pages(meta)));
	print_sets(&survey->epochs, "epochs");
	units_time(a, cmd_trace_ns(&meta->clock, survey->window));
	snprintf(unit, sizeof(unit), "windows of %s", a);
	print_sets(&survey->windows, unit);
	print_slots(meta, survey->slot_pages);
}

/* Counts above 2^63 would come out negative; no trace has them. */
static json_t *totals_json(const struct trace_totals *t)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "epochs",
			 (json_int_t)t->epochs, "epoch_pages",
			 (json_int_t)t->epoch_pages, "events",
			 (json_int_t)t->events, "accesses",
			 (json_int_t)t->accesses, "lost", (json_int_t)t->lost,
			 "lost_unknown", (json_int_t)t->lost_unknown,
			 "first_time", (json_int_t)t->first_time, "last_time",
			 (json_int_t)t->last_time);
}

/* NULL, as JSON's null, where there is no such set. */
static json_t *sets_json(const struct survey_sets *sets)
{
	if (!sets->n)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I}", "count", (json_int_t)sets->n,
			 "min", (json_int_t)sets->pages[0], "median",
			 (json_int_t)survey_median(sets), "max",
			 (json_int_t)sets->pages[sets->n - 1]);
}

static json_t *slots_json(const struct trace_meta *meta, const uint64_t *seen)
{
	json_t *slots = json_array();

	for (size_t i = 0; i < meta->nr_slots; i++)
		json_array_append_new(
			slots,
			json_pack("{s:I, s:I, s:I}", "gfn",
				  (json_int_t)meta->slots[i].gfn, "npages",
				  (json_int_t)meta->slots[i].npages, "seen",
				  (json_int_t)seen[i]));
	return slots;
}

static json_t *pages_json(const struct trace_meta *meta,
			  const struct survey *survey)
{
	json_t *windows;

	if (!survey)
		return json_null();
	windows = sets_json(&survey->windows);
	if (json_is_object(windows))
		json_object_set_new(windows, "ticks",
				    json_integer((json_int_t)survey->window));
	return json_pack("{s:s, s:I, s:o, s:o, s:o}", "seen", seen_word(meta),
			 "footprint", (json_int_t)survey->footprint, "epochs",
			 sets_json(&survey->epochs), "windows", windows,
			 "slots", slots_json(meta, survey->slot_pages));
}

/* @survey: NULL if the pages were not counted */
static int print_json(const struct trace_reader *reader,
		      const struct survey *survey, struct status *st)
{
	const struct trace_totals *totals = trace_reader_totals(reader);
	const struct trace_meta *meta = trace_reader_meta(reader);
	char id[TRACE_ID_TEXT];
	char *text = meta_to_json(meta, st);
	json_t *root;

	if (!text)
		return -ENOMEM;
	trace_id_text(id, totals->id);
	root = json_pack("{s:s, s:b, s:b, s:o, s:s, s:o, s:o}", "id", id,
			 "partial", trace_reader_is_partial(reader, NULL),
			 "damaged", !!trace_reader_damage(reader, NULL), "meta",
			 json_loads(text, 0, NULL), "fidelity_means",
			 trace_fidelity_meanings[meta->fidelity], "totals",
			 totals_json(totals), "pages",
			 pages_json(meta, survey));
	free(text);
	if (!root)
		return status_fail(st, ENOMEM, "out of memory");
	json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
	return 0;
}

static int print_info(const struct trace_reader *reader,
		      const struct survey *survey, struct status *st)
{
	const struct trace_meta *meta = trace_reader_meta(reader);
	json_t *details = json_loads(meta->details, 0, NULL);
	int ret;

	if (!details)
		return status_fail(st, ENOMEM, "out of memory");
	print_meta(meta, details);
	print_totals(trace_reader_totals(reader), &meta->clock);
	if (survey)
		print_pages(meta, survey);
	ret = print_details(details, st);
	json_decref(details);
	return ret;
}

static int check_window(const struct options *o, uint64_t *ticks,
			const struct trace_meta *meta, struct status *st)
{
	*ticks = cmd_trace_ticks(&meta->clock, o->window_ns);
	if (o->quick && o->window_ns)
		return status_fail(st, EINVAL,
				   "--quick counts no pages in a --window");
	if (o->window_ns && !*ticks)
		return status_fail(st, EINVAL,
				   "--window is less than a tick of the "
				   "trace's clock");
	return 0;
}

static int run_info(const struct cmd_call *call, struct status *st)
{
	const struct options *o = call->values;
	struct survey survey = {0}, *pages = o->quick ? NULL : &survey;
	struct trace_reader *reader;
	uint64_t window;
	int ret = cmd_trace_open(&reader, call,
				 o->partial ? TRACE_OPEN_PARTIAL : 0, st);

	if (!ret)
		ret = check_window(o, &window, trace_reader_meta(reader), st);
	if (ret)
		goto out_close;
	ret = o->quick ? finish(reader, o->partial, st)
		       : survey_trace(&survey, reader, window, st);
	if (ret)
		goto out_close;
	ret = o->json ? print_json(reader, pages, st)
		      : print_info(reader, pages, st);
	cmd_trace_warn_partial(reader, call->argv[0]);
out_close:
	survey_fini(&survey);
	trace_reader_close(reader);
	return ret;
}

static int run_check(const struct cmd_call *call, struct status *st)
{
	const struct options *o = call->values;
	unsigned int flags = o->partial ? TRACE_OPEN_PARTIAL : 0;
	struct trace_reader *reader;
	int ret = cmd_trace_open(&reader, call, flags | TRACE_OPEN_VERIFY, st);

	if (!ret)
		ret = finish(reader, true, st);
	if (ret)
		goto out_close;
	if (o->json)
		ret = print_json(reader, NULL, st);
	else
		print_totals(trace_reader_totals(reader),
			     &trace_reader_meta(reader)->clock);
	if (!ret)
		ret = cmd_trace_fail_damaged(reader, call->argv[0], st);
out_close:
	trace_reader_close(reader);
	return ret;
}

#define OPT_SHARED                                                             \
	{"json",   0,                                                          \
	 OPT_FLAG, offsetof(struct options, json),                             \
	 NULL,	   "one JSON document"},                                       \
	{                                                                      \
		"partial", 0, OPT_FLAG, offsetof(struct options, partial),     \
			NULL,                                                  \
			"read an unfinished or damaged file as far as it is "  \
			"whole"                                                \
	}

static const struct opt info_opts[] = {
	OPT_SHARED,
	{"quick", 'q', OPT_FLAG, offsetof(struct options, quick), NULL,
	 "do not count pages: read the index only, if there is one"},
	{"window", 'w', OPT_TIME, offsetof(struct options, window_ns), "TIME",
	 "of a stream's working set (1/64 of the trace, 1s of a pipe)"},
	{.name = NULL},
};

static const struct opt check_opts[] = {
	OPT_SHARED,
	{.name = NULL},
};

const struct cmd cmd_trace_info = {
	.name = "info",
	.summary = "print what a trace says about itself and its pages",
	.operands = " TRACE",
	.details =
		"The footprint is the pages that the guest accessed (or wrote, "
		"where only writes were\nseen), the working set those in each "
		"epoch or, of a stream, in each whole window of\ntime.  All of "
		"the trace is read for them; --quick does without.",
	.opts = info_opts,
	.values_size = sizeof(struct options),
	.run = run_info,
};

const struct cmd cmd_trace_check = {
	.name = "check",
	.summary = "read all of a trace and prove it whole",
	.operands = " TRACE",
	.details = "Every rule of the format is checked, and the content id is "
		   "computed from the\nrecords.  Exit code 0: whole; 3: cut or "
		   "damaged, with the offset.  With --partial, an\nunfinished "
		   "file may end early; a damaged one is still an error.",
	.opts = check_opts,
	.values_size = sizeof(struct options),
	.run = run_check,
};

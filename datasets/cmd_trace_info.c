/* SPDX-License-Identifier: MIT */
/* `kage trace info` and `kage trace check`: what a trace is and adds up to. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/units.h"
#include "datasets/cmd_trace.h"
#include "datasets/trace/meta.h"

struct options {
	bool json;
	bool partial;
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

/* One line for each, whatever the source chose to say. */
static int print_details(json_t *details, struct status *st)
{
	void *at = json_object_iter(details);

	for (; at; at = json_object_iter_next(details, at)) {
		char *text = value_text(json_object_iter_value(at));

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
	printf("channels   %s%s\n",
	       meta->channels & TRACE_CHANNEL_ACCESSED ? " accessed" : "",
	       meta->channels & TRACE_CHANNEL_DIRTY ? " dirty" : "");
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
	printf("epochs      %s with %s pages in all\n",
	       units_count(a, totals->epochs),
	       units_count(b, totals->epoch_pages));
	printf("stream      %s records, %s accesses, %s%s lost\n",
	       units_count(a, totals->events), units_count(b, totals->accesses),
	       totals->lost_unknown ? "at least " : "",
	       units_count(c, totals->lost));
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

static int print_json(const struct trace_reader *reader, struct status *st)
{
	const struct trace_totals *totals = trace_reader_totals(reader);
	char id[TRACE_ID_TEXT];
	char *text = meta_to_json(trace_reader_meta(reader), st);
	json_t *root;

	if (!text)
		return -ENOMEM;
	trace_id_text(id, totals->id);
	root = json_pack("{s:s, s:b, s:b, s:o, s:o}", "id", id, "partial",
			 trace_reader_is_partial(reader, NULL), "damaged",
			 !!trace_reader_damage(reader, NULL), "meta",
			 json_loads(text, 0, NULL), "totals",
			 totals_json(totals));
	free(text);
	if (!root)
		return status_fail(st, ENOMEM, "out of memory");
	json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
	return 0;
}

static int print_info(const struct trace_reader *reader, struct status *st)
{
	const struct trace_meta *meta = trace_reader_meta(reader);
	json_t *details = json_loads(meta->details, 0, NULL);
	int ret;

	if (!details)
		return status_fail(st, ENOMEM, "out of memory");
	print_meta(meta, details);
	print_totals(trace_reader_totals(reader), &meta->clock);
	ret = print_details(details, st);
	json_decref(details);
	return ret;
}

static int run(const struct cmd_call *call, bool is_proof, struct status *st)
{
	const struct options *o = call->values;
	unsigned int flags = (o->partial ? TRACE_OPEN_PARTIAL : 0) |
			     (is_proof ? TRACE_OPEN_VERIFY : 0);
	struct trace_reader *reader;
	int ret = cmd_trace_open(&reader, call, flags, st);

	if (!ret)
		ret = finish(reader, is_proof || o->partial, st);
	if (ret)
		goto out_close;
	if (o->json)
		ret = print_json(reader, st);
	else if (!is_proof)
		ret = print_info(reader, st);
	else
		print_totals(trace_reader_totals(reader),
			     &trace_reader_meta(reader)->clock);
	if (!ret && is_proof)
		ret = cmd_trace_fail_damaged(reader, call->argv[0], st);
	else
		cmd_trace_warn_partial(reader, call->argv[0]);
out_close:
	trace_reader_close(reader);
	return ret;
}

static int run_info(const struct cmd_call *call, struct status *st)
{
	return run(call, false, st);
}

static int run_check(const struct cmd_call *call, struct status *st)
{
	return run(call, true, st);
}

static const struct opt opts[] = {
	{"json", 0, OPT_FLAG, offsetof(struct options, json), NULL,
	 "one JSON document"},
	{"partial", 0, OPT_FLAG, offsetof(struct options, partial), NULL,
	 "read an unfinished or damaged file as far as it is whole"},
	{.name = NULL},
};

const struct cmd cmd_trace_info = {
	.name = "info",
	.summary = "print what a trace says about itself",
	.operands = " TRACE",
	.opts = opts,
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
	.opts = opts,
	.values_size = sizeof(struct options),
	.run = run_check,
};

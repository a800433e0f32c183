/* SPDX-License-Identifier: MIT */
/* `kage trace cut`, `coarsen` and `recover`: traces made of traces. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"
#include "datasets/cmd_trace.h"
#include "datasets/coarsen.h"

struct options {
	const char *output;
	bool partial;
	uint64_t from_ns, to_ns;
	const char *epochs;
	uint64_t by;
	uint64_t period_ns;
};

/* What a command does between a reader and a writer. */
typedef int change_fn(struct trace_reader *reader, struct trace_writer *writer,
		      const struct options *o, struct status *st);

static void print_id(const struct options *o, const struct trace_totals *totals)
{
	char id[TRACE_ID_TEXT];

	trace_id_text(id, totals->id);
	fprintf(o->output[0] == '-' && !o->output[1] ? stderr : stdout,
		"%s  %s\n", id, o->output);
}

static int run_change(const struct cmd_call *call, change_fn *change,
		      struct status *st)
{
	const struct options *o = call->values;
	struct trace_reader *reader = NULL;
	struct trace_writer *writer = NULL;
	struct trace_totals totals;
	int ret;

	if (!o->output)
		return status_fail(st, EINVAL, "trace %s needs --output FILE",
				   call->cmd->name);
	ret = cmd_trace_open(&reader, call, o->partial ? TRACE_OPEN_PARTIAL : 0,
			     st);
	if (!ret)
		ret = trace_writer_open(&writer, o->output,
					trace_reader_meta(reader), st);
	if (!ret)
		ret = change(reader, writer, o, st);
	if (ret) {
		trace_writer_discard(writer);
		goto out_close;
	}
	ret = trace_writer_close(writer, &totals, st);
	if (!ret) {
		print_id(o, &totals);
		cmd_trace_warn_partial(reader, call->argv[0]);
		if (!totals.events && !totals.epochs)
			fprintf(stderr,
				"kage: %s: no record was selected: this trace "
				"is empty\n",
				o->output);
	}
out_close:
	trace_reader_close(reader);
	return ret;
}

/* "A..B", both epoch numbers and both included. */
static int parse_epochs(const char *text, struct cut_job *job,
			struct status *st)
{
	unsigned long long first, last;
	int end = -1;

	if (text[0] < '0' || text[0] > '9' ||
	    sscanf(text, "%llu..%llu%n", &first, &last, &end) != 2 ||
	    text[end] || first > last)
		return status_fail(st, EINVAL, "--epochs: '%s' is not A..B",
				   text);
	job->first_epoch = first;
	job->last_epoch = last;
	return 0;
}

/* What is asked of epochs needs some.  Known at once, or behind the last block. */
static int need_epochs(const struct trace_reader *reader, const char *use,
		       struct status *st)
{
	const struct trace_totals *totals = trace_reader_totals(reader);

	if (!totals || totals->epochs || !totals->events)
		return 0;
	return status_fail(st, EINVAL, "not an epoch trace: %s", use);
}

static int cut_epochs(struct trace_reader *reader, struct trace_writer *writer,
		      const struct options *o, struct cut_job *job,
		      struct status *st)
{
	static const char use[] =
		"--epochs has nothing to count; use --from and --to, or make "
		"epochs with `kage trace coarsen --period`";
	int ret = parse_epochs(o->epochs, job, st);

	if (!ret)
		ret = need_epochs(reader, use, st);
	if (!ret)
		ret = cut(reader, writer, job, st);
	return ret ? ret : need_epochs(reader, use, st);
}

static int change_cut(struct trace_reader *reader, struct trace_writer *writer,
		      const struct options *o, struct status *st)
{
	const struct trace_clock *clock = &trace_reader_meta(reader)->clock;
	struct cut_job job = {.from = cmd_trace_ticks(clock, o->from_ns),
			      .to = cmd_trace_ticks(clock, o->to_ns),
			      .last_epoch = UINT64_MAX};

	if (o->from_ns > o->to_ns)
		return status_fail(st, EINVAL, "--from is behind --to");
	return o->epochs ? cut_epochs(reader, writer, o, &job, st)
			 : cut(reader, writer, &job, st);
}

static int change_coarsen(struct trace_reader *reader,
			  struct trace_writer *writer, const struct options *o,
			  struct status *st)
{
	static const char use[] = "--by has nothing to join; use --period";
	const struct trace_clock *clock = &trace_reader_meta(reader)->clock;
	struct coarsen_job job = {
		.by = o->by, .period = cmd_trace_ticks(clock, o->period_ns)};
	int ret;

	if (!job.by == !job.period)
		return status_fail(st, EINVAL,
				   "trace coarsen needs either --by N or "
				   "--period T of at least one tick");
	ret = job.by ? need_epochs(reader, use, st) : 0;
	if (!ret)
		ret = coarsen(reader, writer, &job, st);
	return ret || !job.by ? ret : need_epochs(reader, use, st);
}

static int run_cut(const struct cmd_call *call, struct status *st)
{
	return run_change(call, change_cut, st);
}

static int run_coarsen(const struct cmd_call *call, struct status *st)
{
	return run_change(call, change_coarsen, st);
}

static int run_recover(const struct cmd_call *call, struct status *st)
{
	char text[UNITS_TEXT], id[TRACE_ID_TEXT];
	struct trace_totals totals;
	uint64_t dropped;
	int ret;

	if (call->argc != 1)
		return status_fail(st, EINVAL, "trace recover takes one file");
	ret = trace_recover(call->argv[0], &totals, &dropped, st);
	if (ret)
		return ret;
	trace_id_text(id, totals.id);
	printf("%s  %s records\n", id,
	       units_count(text, totals.events + totals.epochs));
	if (dropped)
		fprintf(stderr,
			"kage: %s: dropped %s bytes behind the last whole "
			"block\n",
			call->argv[0], units_count(text, dropped));
	return 0;
}

#define OPT_OUTPUT                                                             \
	"output", 'o', OPT_STRING, offsetof(struct options, output), "FILE",   \
		"the trace to write; - is standard output"
#define OPT_PARTIAL                                                            \
	"partial", 0, OPT_FLAG, offsetof(struct options, partial), NULL,       \
		"read an unfinished or damaged file as far as it is whole"

static const struct opt cut_opts[] = {
	{OPT_OUTPUT},
	{OPT_PARTIAL},
	{"from", 0, OPT_TIME, offsetof(struct options, from_ns), "TIME",
	 "keep what is behind this time"},
	{"to", 0, OPT_TIME, offsetof(struct options, to_ns), "TIME",
	 "keep what is not behind this time"},
	{"epochs", 0, OPT_STRING, offsetof(struct options, epochs), "A..B",
	 "of the epochs, keep these"},
	{.name = NULL},
};

static const struct opt coarsen_opts[] = {
	{OPT_OUTPUT},
	{OPT_PARTIAL},
	{"by", 0, OPT_COUNT, offsetof(struct options, by), "N",
	 "make one epoch of N"},
	{"period", 0, OPT_TIME, offsetof(struct options, period_ns), "TIME",
	 "make epochs of this length, of a stream too"},
	{.name = NULL},
};

static const struct options presets = {.to_ns = UINT64_MAX};

const struct cmd cmd_trace_cut = {
	.name = "cut",
	.summary = "copy a part of a trace",
	.operands = " TRACE",
	.details = "Times stay as they are; epochs are counted from 0 again.  "
		   "An epoch is kept if\nall of it is between --from and --to.",
	.opts = cut_opts,
	.presets = &presets,
	.values_size = sizeof(presets),
	.run = run_cut,
};

const struct cmd cmd_trace_coarsen = {
	.name = "coarsen",
	.summary = "make longer epochs",
	.operands = " TRACE",
	.details =
		"The pages of an epoch are in the order of their first touch "
		"if that is known of\nall that it is made of; a page is dirty "
		"if it was dirty in any.",
	.opts = coarsen_opts,
	.presets = &presets,
	.values_size = sizeof(presets),
	.run = run_coarsen,
};

const struct cmd cmd_trace_recover = {
	.name = "recover",
	.summary = "finish an unfinished trace in place",
	.operands = " NAME.part",
	.details =
		"What lies behind the last whole block is cut off.  NAME.part "
		"becomes NAME.\nA finished file that is damaged is left "
		"alone; see `kage trace cut --partial`.",
	.run = run_recover,
};

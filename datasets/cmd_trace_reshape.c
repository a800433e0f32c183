/* SPDX-License-Identifier: MIT */
/* `kage trace sample`, `anonymize` and `merge`: traces in which pages are others. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/units.h"
#include "datasets/cmd_trace.h"
#include "datasets/reshape/reshape.h"

struct options {
	const char *output;
	const char *share;
	uint64_t seed;
	const char *key;
	bool appends;
};

static void print_id(const char *output, const struct trace_totals *totals)
{
	char id[TRACE_ID_TEXT];

	trace_id_text(id, totals->id);
	fprintf(strcmp(output, "-") ? stdout : stderr, "%s  %s\n", id, output);
	if (!totals->events && !totals->epochs)
		fprintf(stderr,
			"kage: %s: no record was selected: this trace is "
			"empty\n",
			output);
}

/* "1/16" or "0.0625". */
static int parse_share(const char *text, double *share, struct status *st)
{
	const char *slash = strchr(text, '/');
	double divisor = 1;
	char number[32];
	int ret;

	snprintf(number, sizeof(number), "%.*s",
		 slash ? (int)(slash - text) : (int)strlen(text), text);
	ret = units_parse_real(number, share, st);
	if (!ret && slash)
		ret = units_parse_real(slash + 1, &divisor, st);
	if (ret)
		return ret;
	if (!(divisor > 0) || !(*share > 0) || *share > divisor)
		return status_fail(st, EINVAL,
				   "--share %s: more than 0 and up to 1", text);
	*share /= divisor;
	return 0;
}

static int run_sample(const struct cmd_call *call, struct status *st)
{
	const struct options *o = call->values;
	struct sample_job job = {.seed = o->seed};
	struct trace_reader *reader = NULL;
	struct trace_totals totals;
	int ret;

	if (!o->output || !o->share)
		return status_fail(st, EINVAL,
				   "trace sample needs --share and --output "
				   "FILE");
	ret = parse_share(o->share, &job.share, st);
	if (!ret)
		ret = cmd_trace_open(&reader, call, 0, st);
	if (!ret)
		ret = sample_trace(reader, o->output, &job, &totals, st);
	if (!ret)
		print_id(o->output, &totals);
	trace_reader_close(reader);
	return ret;
}

static int run_anonymize(const struct cmd_call *call, struct status *st)
{
	const struct options *o = call->values;
	struct trace_reader *reader = NULL;
	struct trace_totals totals;
	int ret;

	if (!o->output || !o->key)
		return status_fail(st, EINVAL,
				   "trace anonymize needs --key FILE and "
				   "--output FILE");
	ret = cmd_trace_open(&reader, call, 0, st);
	if (!ret)
		ret = anonymize_trace(reader, o->output, o->key, &totals, st);
	if (!ret)
		print_id(o->output, &totals);
	trace_reader_close(reader);
	return ret;
}

static int run_merge(const struct cmd_call *call, struct status *st)
{
	const struct options *o = call->values;
	size_t n = (size_t)call->argc, opened = 0;
	struct trace_reader **readers;
	struct trace_totals totals;
	int ret = 0;

	if (n < 2 || !o->output)
		return status_fail(st, EINVAL,
				   "trace merge takes two traces or more and "
				   "--output FILE");
	readers = kage_calloc(n, sizeof(struct trace_reader *), st);
	if (!readers)
		return -ENOMEM;
	for (; opened < n && !ret; opened += !ret)
		ret = trace_reader_open(&readers[opened], call->argv[opened], 0,
					st);
	if (!ret)
		ret = o->appends ? append_traces(readers, n, o->output, &totals,
						 st)
				 : merge_traces(readers, n, o->output, &totals,
						st);
	if (!ret)
		print_id(o->output, &totals);
	for (size_t i = 0; i < opened; i++)
		trace_reader_close(readers[i]);
	free(readers);
	return ret;
}

#define OPT_OUTPUT                                                             \
	"output", 'o', OPT_STRING, offsetof(struct options, output), "FILE",   \
		"the trace to write; - is standard output"

static const struct opt sample_opts[] = {
	{OPT_OUTPUT},
	{"share", 0, OPT_STRING, offsetof(struct options, share), "SHARE",
	 "of the blocks to keep: 1/16 or 0.0625"},
	{"seed", 0, OPT_COUNT, offsetof(struct options, seed), "N",
	 "of the hash that chooses (0)"},
	{.name = NULL},
};

static const struct opt anonymize_opts[] = {
	{OPT_OUTPUT},
	{"key", 'k', OPT_STRING, offsetof(struct options, key), "FILE",
	 "16 bytes or more that nobody else has; not stored"},
	{.name = NULL},
};

static const struct opt merge_opts[] = {
	{OPT_OUTPUT},
	{"append", 0, OPT_FLAG, offsetof(struct options, appends), NULL,
	 "parts of one recording, each behind the one before"},
	{.name = NULL},
};

const struct cmd cmd_trace_sample = {
	.name = "sample",
	.summary = "keep a share of the guest's pages",
	.operands = " TRACE",
	.details =
		"Pages are kept by aligned blocks of 64, because policies look "
		"around a page.  The\nshare stands in the header; limits in "
		"percent of the footprint still fit, those in\nbytes are to be "
		"scaled.",
	.opts = sample_opts,
	.values_size = sizeof(struct options),
	.run = run_sample,
};

const struct cmd cmd_trace_anonymize = {
	.name = "anonymize",
	.summary = "hide where things are in the guest's memory",
	.operands = " TRACE",
	.details =
		"Aligned blocks of 2 MiB change places by a secret key, the "
		"order of pages in them\nstays.  Host addresses, notes and the "
		"description of the capture are left out;\ntimes, vCPUs and "
		"memslots stay.  The order in time still tells: blocks that a "
		"scan\ntouches one behind the other can be put in a row "
		"again.",
	.opts = anonymize_opts,
	.values_size = sizeof(struct options),
	.run = run_anonymize,
};

const struct cmd cmd_trace_merge = {
	.name = "merge",
	.summary = "make one trace of several",
	.operands = " TRACE TRACE...",
	.details = "The guests lie beside each other in memory, as if all had "
		   "begun at once; their\nepochs must be alike.  With --append "
		   "they are parts of one guest's recording.",
	.opts = merge_opts,
	.values_size = sizeof(struct options),
	.run = run_merge,
};

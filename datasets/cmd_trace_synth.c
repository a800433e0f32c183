/* SPDX-License-Identifier: MIT */
/* `kage trace synth`: a trace out of a generator. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "datasets/cmd_trace.h"
#include "datasets/synth/synth.h"

struct options {
	struct synth_job job;
	const char *output;
	const char *params;
	bool list;
};

static int list(void)
{
	for (size_t i = 0; synths[i]; i++) {
		printf("%-12s %s\n", synths[i]->name, synths[i]->summary);
		param_help(synths[i]->params, stdout);
	}
	return 0;
}

static int run(const struct cmd_call *call, struct status *st)
{
	const struct options *o = call->values;
	const struct synth *synth;
	struct trace_totals totals;
	char id[TRACE_ID_TEXT];
	int ret;

	if (o->list)
		return list();
	if (call->argc != 1 || !o->output)
		return status_fail(st, EINVAL,
				   "trace synth takes one generator and "
				   "--output FILE (see --list)");
	synth = synth_find(call->argv[0], st);
	if (!synth)
		return -EINVAL;
	ret = synth_run(synth, o->params, &o->job, o->output, &totals, st);
	if (ret)
		return ret;
	trace_id_text(id, totals.id);
	fprintf(strcmp(o->output, "-") ? stdout : stderr, "%s  %s\n", id,
		o->output);
	return 0;
}

static const struct opt opts[] = {
	{"output", 'o', OPT_STRING, offsetof(struct options, output), "FILE",
	 "the trace to write; - is standard output"},
	{"params", 'p', OPT_STRING, offsetof(struct options, params), "K=V,...",
	 "parameters of the generator"},
	{"pages", 0, OPT_COUNT, offsetof(struct options, job.pages), "N",
	 "of the guest (64K)"},
	{"accesses", 'n', OPT_COUNT, offsetof(struct options, job.accesses),
	 "N", "to generate (1M)"},
	{"tick", 0, OPT_TIME, offsetof(struct options, job.tick_ns), "TIME",
	 "between two accesses (100ns)"},
	{"writes", 0, OPT_REAL, offsetof(struct options, job.writes), "SHARE",
	 "of the accesses (0.3)"},
	{"seed", 0, OPT_COUNT, offsetof(struct options, job.seed), "N",
	 "of all that is random (1)"},
	{"epoch", 0, OPT_TIME, offsetof(struct options, job.epoch_ns), "TIME",
	 "write epochs of this length instead of a stream"},
	{"list", 0, OPT_FLAG, offsetof(struct options, list), NULL,
	 "the generators and their parameters"},
	{.name = NULL},
};

static const struct options presets = {
	.job = {.pages = 1 << 16,
		.accesses = 1 << 20,
		.tick_ns = 100,
		.writes = 0.3,
		.seed = 1},
};

const struct cmd cmd_trace_synth = {
	.name = "synth",
	.summary = "generate a trace of a known pattern",
	.operands = " GENERATOR",
	.opts = opts,
	.presets = &presets,
	.values_size = sizeof(presets),
	.run = run,
};

/* SPDX-License-Identifier: MIT */
/* kage record: capture a guest's page accesses into a trace. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/param.h"
#include "base/units.h"
#include "capture/backend.h"
#include "capture/cmd.h"
#include "capture/session.h"

enum {
	PARAM_BYTES = 256
};

struct record_options {
	const char *backend;
	const char *output;
	const char *params;
	const char *about;
	uint64_t epoch_ns;
	double ns_per_insn;
};

#define STREAM UINT64_MAX /* epoch_ns: no epochs asked for */

static const struct record_options record_presets = {.ns_per_insn = 0.5,
						     .epoch_ns = STREAM};

#define FIELD(name) offsetof(struct record_options, name)
static const struct opt record_opts[] = {
	{"backend", 'b', OPT_STRING, FIELD(backend), "NAME",
	 "how to capture (see kage probe)"},
	{"output", 'o', OPT_STRING, FIELD(output), "FILE",
	 "the trace; - is standard output"},
	{"epoch", 0, OPT_TIME, FIELD(epoch_ns), "TIME",
	 "sets of pages per epoch of virtual time, not a stream"},
	{"ns-per-insn", 0, OPT_REAL, FIELD(ns_per_insn), "X",
	 "virtual time of one instruction (0.5)"},
	{"params", 0, OPT_STRING, FIELD(params), "K=V,...",
	 "the backend's parameters"},
	{"about", 0, OPT_STRING, FIELD(about), "FILE",
	 "JSON object that describes the workload, for the header"},
	{.name = NULL},
};
#undef FIELD

static int to_ps_per_tick(const struct record_options *options,
			  const struct capture_ops *ops, uint32_t *ps,
			  struct status *st)
{
	double wanted = options->ns_per_insn * 1000;

	if (!(wanted >= 1 && wanted <= 1e6))
		return status_fail(st, EINVAL,
				   "--ns-per-insn: %g is not between 0.001 and "
				   "1000",
				   options->ns_per_insn);
	*ps = ops->clock == TRACE_CLOCK_NS ? 1000 : (uint32_t)(wanted + 0.5);
	return 0;
}

static int load_about(const char *path, json_t **details, struct status *st)
{
	json_error_t error;

	*details = path ? json_load_file(path, 0, &error) : json_object();
	if (json_is_object(*details))
		return 0;
	if (!path)
		return status_fail(st, ENOMEM, "out of memory");
	if (!*details)
		return status_fail(st, EBADMSG, "%s: line %d: %s", path,
				   error.line, error.text);
	json_decref(*details);
	return status_fail(st, EBADMSG, "%s: not a JSON object", path);
}

static void print_summary(const char *path, const struct trace_totals *totals)
{
	char events[UNITS_TEXT], accesses[UNITS_TEXT], pages[UNITS_TEXT];

	if (totals->epochs)
		fprintf(stderr, "kage: %s: %" PRIu64 " epochs, %s pages\n",
			path, totals->epochs,
			units_count(pages, totals->epoch_pages));
	else
		fprintf(stderr, "kage: %s: %s records of %s accesses\n", path,
			units_count(events, totals->events),
			units_count(accesses, totals->accesses));
}

/* A finished file, complete or not, gets its summary. */
static int capture(const struct session_plan *plan, struct status *st)
{
	struct trace_totals totals = {0};
	int ret = session_run(plan, &totals, st);

	if (!ret || ret == -EINTR || ret == -ENOBUFS)
		print_summary(plan->output, &totals);
	if (ret == -EINTR && !st->message[0])
		status_fail(st, EINTR, "interrupted; %s is complete up to then",
			    plan->output);
	return ret;
}

static int check_options(const struct record_options *options,
			 struct status *st)
{
	if (!options->backend)
		return status_fail(st, EINVAL,
				   "record: -b is needed (see kage probe)");
	if (!options->output)
		return status_fail(st, EINVAL, "record: -o is needed");
	if (!options->epoch_ns)
		return status_fail(
			st, EINVAL,
			"--epoch: an epoch takes time; without the option there are none");
	return 0;
}

static int record_run(const struct cmd_call *call, struct status *st)
{
	const struct record_options *options = call->values;
	_Alignas(max_align_t) char values[PARAM_BYTES] = {0};
	struct session_plan plan = {.output = options->output};
	int ret = check_options(options, st);

	if (ret)
		return ret;
	plan.backend = capture_backend_find(options->backend, st);
	if (!plan.backend)
		return -EINVAL;
	assert(plan.backend->ops->values_size <= sizeof(values));
	ret = param_parse(plan.backend->ops->params, values, options->backend,
			  options->params, st);
	if (!ret)
		ret = to_ps_per_tick(options, plan.backend->ops,
				     &plan.target.ps_per_tick, st);
	if (!ret)
		ret = load_about(options->about, &plan.details, st);
	if (ret)
		return ret;
	plan.target.command = (const char *const *)call->argv;
	plan.target.values = values;
	if (options->epoch_ns != STREAM)
		plan.target.epoch_ticks =
			(uint64_t)((double)options->epoch_ns * 1000 /
				   plan.target.ps_per_tick);
	ret = capture(&plan, st);
	json_decref(plan.details);
	return ret;
}

const struct cmd cmd_record = {
	.name = "record",
	.summary = "capture the page accesses of a guest into a trace",
	.operands = " -- COMMAND...",
	.details =
		"With -b tcg, COMMAND is a QEMU command line:\n"
		"  kage record -b tcg -o guest.kgt -- qemu-system-x86_64 -m 1G ...\n"
		"Interrupting finishes the file (exit code 130).",
	.opts = record_opts,
	.presets = &record_presets,
	.values_size = sizeof(struct record_options),
	.run = record_run,
};

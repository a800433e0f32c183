/* SPDX-License-Identifier: MIT */
/* kage record: capture a guest's page accesses into a trace. */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/param.h"
#include "base/units.h"
#include "capture/backend.h"
#include "capture/cmd.h"
#include "capture/session.h"
#include "capture/summary.h"

enum {
	PARAM_BYTES = 256,
	SHORTEST_NS = 1000, /* of an epoch and of a capture */
};

struct record_options {
	const char *backend;
	const char *output;
	const char *params;
	const char *about;
	const char *event;
	const char *pages;
	struct guest_words guest;
	uint64_t epoch_ns;
	struct session_limits limits;
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
	{"pid", 'p', OPT_COUNT, FIELD(guest.pid), "PID",
	 "the process of a running guest"},
	{"cgroup", 0, OPT_STRING, FIELD(guest.cgroup), "PATH",
	 "its memory cgroup, as /proc/PID/cgroup has it"},
	{"qmp", 0, OPT_STRING, FIELD(guest.qmp), "SOCKET",
	 "a QEMU's QMP socket; gives its process and memory map"},
	{"slots", 0, OPT_STRING, FIELD(guest.slots), "MAP",
	 "its memory: GPA-GPA[@HVA],... in bytes, or a JSON file"},
	{"epoch", 0, OPT_TIME, FIELD(epoch_ns), "TIME",
	 "length of an epoch; tcg records a stream without it"},
	{"duration", 0, OPT_TIME, FIELD(limits.duration_ns), "TIME",
	 "end after this real time"},
	{"epochs", 0, OPT_COUNT, FIELD(limits.epochs), "N",
	 "end after so many"},
	{"max-size", 0, OPT_COUNT, FIELD(limits.bytes), "BYTES",
	 "end when the file is so long"},
	{"max-loss", 0, OPT_REAL, FIELD(limits.max_loss), "SHARE",
	 "lost events that are no error: 0.01 is one in a hundred (0)"},
	{"pages", 0, OPT_STRING, FIELD(pages), "GFN-GFN",
	 "record only these guest frames, first to last"},
	{"event", 'e', OPT_STRING, FIELD(event), "NAME",
	 "what the PMU counts or samples, as libpfm4 spells it"},
	{"ns-per-insn", 0, OPT_REAL, FIELD(ns_per_insn), "X",
	 "tcg: virtual time of one instruction (0.5)"},
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

/* What the capture itself says must not look like the user's words. */
static int check_about(const json_t *details, const char *path,
		       struct status *st)
{
	static const char *const ours[] = {"system", "unseen"};

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (json_object_get(details, ours[i]))
			return status_fail(st, EBADMSG,
					   "%s: \"%s\" is the capture's to say",
					   path, ours[i]);
	return 0;
}

static int load_about(const char *path, json_t **details, struct status *st)
{
	json_error_t error;
	int ret;

	*details = path ? json_load_file(path, 0, &error) : json_object();
	if (json_is_object(*details)) {
		ret = check_about(*details, path, st);
	} else if (!path) {
		ret = status_fail(st, ENOMEM, "out of memory");
	} else if (!*details) {
		ret = status_fail(st, EBADMSG, "%s: line %d: %s", path,
				  error.line, error.text);
	} else {
		ret = status_fail(st, EBADMSG, "%s: not a JSON object", path);
	}
	if (ret) {
		json_decref(*details);
		*details = NULL;
	}
	return ret;
}

/* Return: whether @text begins with a gfn, decimal or 0x; then @end is behind it. */
static bool parse_gfn(const char *text, gfn_t *gfn, const char **end)
{
	char *behind;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*gfn = strtoull(text, &behind, strncmp(text, "0x", 2) ? 10 : 16);
	*end = behind;
	return !errno && *gfn < TRACE_GFN_LIMIT;
}

/* "FIRST-LAST", both included. */
static int parse_pages(const char *text, struct session_plan *plan,
		       struct status *st)
{
	const char *end;

	plan->last_gfn = TRACE_GFN_LIMIT - 1;
	if (!text)
		return 0;
	if (parse_gfn(text, &plan->first_gfn, &end) && *end == '-' &&
	    parse_gfn(end + 1, &plan->last_gfn, &end) && !*end &&
	    plan->first_gfn <= plan->last_gfn)
		return 0;
	return status_fail(st, EINVAL, "--pages: '%s' is not GFN-GFN", text);
}

static int check_words(const struct record_options *options,
		       const struct capture_ops *ops,
		       const struct cmd_call *call, struct status *st)
{
	const struct guest_words *words = &options->guest;

	if (ops->takes_command && !call->argc)
		return status_fail(st, EINVAL,
				   "%s needs a command line after --",
				   options->backend);
	if (!ops->takes_command && call->argc)
		return status_fail(st, EINVAL, "%s takes no command: '%s'",
				   options->backend, call->argv[0]);
	if (!ops->needs &&
	    (words->pid || words->cgroup || words->qmp || words->slots))
		return status_fail(st, EINVAL,
				   "%s starts its own guest: --pid, --cgroup, "
				   "--qmp and --slots are not for it",
				   options->backend);
	if (options->event && !ops->takes_event)
		return status_fail(st, EINVAL, "%s takes no --event",
				   options->backend);
	if (options->ns_per_insn != record_presets.ns_per_insn &&
	    ops->clock != TRACE_CLOCK_INSN)
		return status_fail(st, EINVAL,
				   "%s does not count instructions: "
				   "--ns-per-insn is not for it",
				   options->backend);
	if (options->limits.max_loss > 1)
		return status_fail(st, EINVAL, "--max-loss is a share: 0 to 1");
	return 0;
}

/* "--epoch 2" is two nanoseconds, and never what was meant. */
static int too_short(const char *option, uint64_t ns, struct status *st)
{
	return status_fail(st, EINVAL,
			   "--%s: %" PRIu64 " ns is too short; a time without "
			   "a unit is in ns: say 2s or 100ms",
			   option, ns);
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
		return status_fail(st, EINVAL, "--epoch: an epoch takes time");
	if (options->epoch_ns < SHORTEST_NS)
		return too_short("epoch", options->epoch_ns, st);
	if (options->limits.duration_ns &&
	    options->limits.duration_ns < SHORTEST_NS)
		return too_short("duration", options->limits.duration_ns, st);
	return 0;
}

static int set_epoch(struct capture_target *target, uint64_t epoch_ns,
		     const struct capture_backend *backend, struct status *st)
{
	if (epoch_ns == STREAM)
		epoch_ns = backend->ops->epoch_ns;
	else if (!backend->ops->scan && backend->ops->clock == TRACE_CLOCK_NS)
		return status_fail(st, EINVAL,
				   "--epoch: %s records a stream; kage trace "
				   "coarsen makes epochs of it",
				   backend->name);
	target->epoch_ticks =
		(uint64_t)((double)epoch_ns * 1000 / target->ps_per_tick);
	if (epoch_ns && !target->epoch_ticks)
		return status_fail(st, EINVAL,
				   "--epoch: an epoch is shorter than one "
				   "instruction (--ns-per-insn)");
	return 0;
}

/* A stream never has so many epochs: the capture would not end. */
static int check_limits(const struct session_plan *plan, struct status *st)
{
	if (!plan->limits.epochs || plan->target.epoch_ticks)
		return 0;
	return status_fail(
		st, EINVAL,
		"--epochs: %s records a stream%s; --duration ends it",
		plan->backend->name,
		plan->backend->ops->clock == TRACE_CLOCK_NS
			? ""
			: " without --epoch");
}

/* A finished file, complete or not, gets its summary. */
static int capture(const struct session_plan *plan, struct status *st)
{
	struct session_report report;
	int ret = session_run(plan, &report, st);

	if (!ret || report.totals.epochs || report.totals.events)
		summary_print(plan, &report, stderr);
	if (ret == -EINTR && !st->message[0])
		status_fail(st, EINTR, "interrupted; %s is complete up to then",
			    plan->output);
	return ret;
}

/* Everything that is the user's words, before anything is touched. */
static int make_plan(const struct cmd_call *call, struct session_plan *plan,
		     void *values, struct status *st)
{
	const struct record_options *options = call->values;
	const struct capture_ops *ops;
	int ret = check_options(options, st);

	if (ret)
		return ret;
	plan->backend = capture_backend_find(options->backend, st);
	if (!plan->backend)
		return -EINVAL;
	ops = plan->backend->ops;
	assert(ops->values_size <= PARAM_BYTES);
	plan->output = options->output;
	plan->limits = options->limits;
	plan->target.command = (const char *const *)call->argv;
	plan->target.event = options->event;
	plan->target.values = values;
	ret = check_words(options, ops, call, st);
	if (!ret)
		ret = param_parse(ops->params, values, options->backend,
				  options->params, st);
	if (!ret)
		ret = to_ps_per_tick(options, ops, &plan->target.ps_per_tick,
				     st);
	if (!ret)
		ret = set_epoch(&plan->target, options->epoch_ns, plan->backend,
				st);
	if (!ret)
		ret = check_limits(plan, st);
	return ret ? ret : parse_pages(options->pages, plan, st);
}

/* Nobody should look for a memory map only to hear that it is of no use here. */
static int find_guest(struct guest *guest, const struct guest_words *words,
		      const struct capture_backend *backend, struct status *st)
{
	struct capture_probe probe = {.reason = ""};
	int ret = guest_open(guest, words, backend->ops->needs, st);

	if (ret != -EINVAL)
		return ret;
	backend->ops->probe(&probe);
	if (!probe.reason[0])
		return ret;
	return status_fail(st, EOPNOTSUPP,
			   "%s does not work here: %s (what helps: %s)",
			   backend->name, probe.reason, probe.fix);
}

static int record_run(const struct cmd_call *call, struct status *st)
{
	const struct record_options *options = call->values;
	_Alignas(max_align_t) char values[PARAM_BYTES] = {0};
	struct session_plan plan = {.output = options->output};
	struct guest *guest;
	int ret = make_plan(call, &plan, values, st);

	if (ret)
		return ret;
	guest = kage_calloc(1, sizeof(*guest), st);
	if (!guest)
		return -ENOMEM;
	ret = find_guest(guest, &options->guest, plan.backend, st);
	if (!ret)
		ret = load_about(options->about, &plan.details, st);
	if (!ret) {
		plan.target.guest = guest;
		ret = capture(&plan, st);
		json_decref(plan.details);
	}
	guest_close(guest);
	free(guest);
	return ret;
}

const struct cmd cmd_record = {
	.name = "record",
	.summary = "capture the page accesses of a guest into a trace",
	.operands = " [-- COMMAND...]",
	.details =
		"A guest that kage starts (tcg):\n"
		"  kage record -b tcg -o guest.kgt -- qemu-system-x86_64 -m 1G ...\n"
		"A guest that runs already:\n"
		"  kage record -b mglru --qmp /run/vm1.qmp --epochs 60 -o vm1.kgt\n"
		"A guest program of kage's own (dirty-ring, dirty-log; kage guest --list):\n"
		"  kage record -b dirty-ring --epochs 60 -o p.kgt -- hotcold hot=250\n"
		"A TIME has a unit (2s, 100ms); without one it is in ns.\n"
		"While it runs the trace is FILE.part; at the end that replaces FILE.\n"
		"Without a limit it ends with the guest or with Ctrl-C, which finishes the\n"
		"file (exit code 130).  A second Ctrl-C a second later waits for nothing.",
	.opts = record_opts,
	.presets = &record_presets,
	.values_size = sizeof(struct record_options),
	.run = record_run,
};

/* SPDX-License-Identifier: MIT */
/* kage live: a trace and a scenario on this host's kernel. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "capture/cmd.h"
#include "capture/interrupts.h"
#include "capture/live/host.h"
#include "capture/live/run.h"
#include "capture/tracing/hostfs.h"
#include "datasets/scenario/hot.h"

struct live_options {
	const char *scenario, *output, *backing;
	uint64_t seed, vcpus;
	bool is_thp, is_concurrent, is_check;
};

static const struct live_options live_presets = {.backing = "anon", .vcpus = 1};

#define FIELD(name) offsetof(struct live_options, name)
static const struct opt live_opts[] = {
	{"scenario", 's', OPT_STRING, FIELD(scenario), "FILE",
	 "what guest and host do (SCENARIO.md)"},
	{"output", 'o', OPT_STRING, FIELD(output), "FILE",
	 "counters and evictions, as JSON"},
	{"backing", 0, OPT_STRING, FIELD(backing), "KIND",
	 "of guest memory: anon or memfd (anon)"},
	{"thp", 0, OPT_FLAG, FIELD(is_thp), NULL,
	 "ask for huge pages; else they are refused"},
	{"seed", 0, OPT_COUNT, FIELD(seed), "N",
	 "of the order within epochs that have none (0)"},
	{"concurrent", 0, OPT_FLAG, FIELD(is_concurrent), NULL,
	 "the guest goes on while the host works; counts will vary"},
	{"vcpus", 0, OPT_COUNT, FIELD(vcpus), "N",
	 "with --concurrent: vCPUs that share the touches (1)"},
	{"check", 0, OPT_FLAG, FIELD(is_check), NULL,
	 "only say whether this host can do it, and what would disturb"},
	{.name = NULL},
};
#undef FIELD

static void warn_of_disturbers(void)
{
	int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	json_t *list = live_host_disturbers(root), *text;
	size_t i;

	json_array_foreach(list, i, text)
		fprintf(stderr, "kage: counts will vary: %s\n",
			json_string_value(text));
	json_decref(list);
	close(root);
}

/* Huge pages of shared memory have a switch of their own (mm/shmem.c). */
static void warn_of_thp(const struct live_config *config)
{
	static const char file[] =
		"/sys/kernel/mm/transparent_hugepage/shmem_enabled";
	char text[128];

	if (config->is_thp && config->backing == VMM_MEMFD &&
	    hostfs_read(AT_FDCWD, file, text, sizeof(text), NULL) > 0 &&
	    (strstr(text, "[never]") || strstr(text, "[deny]")))
		fprintf(stderr,
			"kage: a memfd gets no huge pages: "
			"echo advise >%s\n",
			file);
}

static int check_usage(const struct cmd_call *call, struct live_config *config,
		       struct status *st)
{
	const struct live_options *o = call->values;

	if (call->argc != 1 && !o->is_check)
		return status_fail(st, EINVAL, "live takes one trace");
	if (!o->is_check && (!o->scenario || !o->output))
		return status_fail(st, EINVAL,
				   "live needs --scenario FILE and -o FILE");
	if (!o->vcpus || o->vcpus > LIVE_VM_VCPUS_MAX ||
	    (o->vcpus > 1 && !o->is_concurrent))
		return status_fail(st, EINVAL,
				   "--vcpus: 1 to %d, more than 1 only with "
				   "--concurrent",
				   LIVE_VM_VCPUS_MAX);
	config->is_thp = o->is_thp;
	config->is_concurrent = o->is_concurrent;
	config->nr_vcpus = (unsigned int)o->vcpus;
	return vmm_find_backing(o->backing, &config->backing, st);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void name_inputs(struct scenario_results *results,
			const struct live_config *config, const char *trace,
			const struct live_options *o)
{
	results->is_concurrent = config->is_concurrent;
	results->scenario_id = scenario_id(config->scenario);
	results->seed = o->seed;
	results->footprint_pages = config->playback->nr_pages;
	snprintf(results->scenario, sizeof(results->scenario), "%s",
		 base_name(o->scenario));
	snprintf(results->trace, sizeof(results->trace), "%s",
		 base_name(trace));
	memcpy(results->trace_id, config->playback->trace_id,
	       sizeof(results->trace_id));
}

static int run_and_close(const struct live_config *config,
			 struct scenario_results *results, struct status *st)
{
	struct live_run run;
	struct status closing = {""};
	json_t *details;
	int error, ret = live_run_open(&run, config, results, st);

	if (!ret)
		ret = live_run_steps(&run, st);
	if (!ret)
		ret = scenario_count_hot(results, config->playback, st);
	if (!ret) {
		details = live_run_details(&run);
		results->details = json_dumps(details, 0);
		json_decref(details);
	}
	error = live_run_close(&run, &closing);
	if (ret || !error)
		return ret;
	return status_fail(st, -error, "%s", closing.message);
}

/* Signals end the run in order: the cgroup goes, and there is no half result. */
static int run_guarded(struct live_config *config,
		       struct scenario_results *results, struct status *st)
{
	sigset_t ends, before;
	int ret;

	interrupts_set(&ends);
	config->signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
	if (config->signals < 0)
		return status_fail(st, errno, "signalfd: %s", strerror(errno));
	sigprocmask(SIG_BLOCK, &ends, &before);
	ret = run_and_close(config, results, st);
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(config->signals);
	return ret;
}

static int run_scenario(const struct cmd_call *call, struct live_config *config,
			struct status *st)
{
	const struct live_options *o = call->values;
	struct scenario_results results = {.by_model = false};
	struct scenario scenario = {0};
	struct playback playback = {0};
	int ret = scenario_load(&scenario, o->scenario, st);

	if (!ret)
		ret = playback_load(&playback, call->argv[0], &scenario,
				    o->seed, st);
	if (ret)
		goto out;
	config->scenario = &scenario;
	config->playback = &playback;
	ret = live_host_check(st);
	if (ret)
		goto out;
	warn_of_disturbers();
	warn_of_thp(config);
	name_inputs(&results, config, call->argv[0], o);
	ret = run_guarded(config, &results, st);
	if (!ret)
		ret = scenario_results_write(&results, o->output, st);
out:
	scenario_results_fini(&results);
	playback_fini(&playback);
	scenario_fini(&scenario);
	return ret;
}

static int live_run_command(const struct cmd_call *call, struct status *st)
{
	const struct live_options *o = call->values;
	struct live_config config = {.signals = -1};
	int ret = check_usage(call, &config, st);

	if (ret)
		return ret;
	if (!o->is_check)
		return run_scenario(call, &config, st);
	ret = live_host_check(st);
	if (!ret)
		warn_of_disturbers();
	return ret;
}

const struct cmd cmd_live = {
	.name = "live",
	.summary = "play a trace and a scenario on this host's kernel",
	.operands = " TRACE",
	.details =
		"A guest in a VMM of kage's own touches the pages that the trace names, in a\n"
		"cgroup of its own, while the host ages and reclaims as the scenario says:\n"
		"  kage live hotcold.kgt --scenario reclaim.scn -o out.json\n"
		"Needs root, /dev/kvm, cgroup version 2, MGLRU and swap (--check).  Page cache\n"
		"that is clean is dropped before each step, so that lists are complete.",
	.opts = live_opts,
	.presets = &live_presets,
	.values_size = sizeof(struct live_options),
	.run = live_run_command,
};

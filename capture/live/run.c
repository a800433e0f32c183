/* SPDX-License-Identifier: MIT */
/* Setting a run up, its steps one after the other, and its end; see run.h. */
#include "capture/live/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/alloc.h"
#include "capture/host/fingerprint.h"
#include "capture/live/host.h"
#include "capture/live/refusal.h"
#include "capture/live/still.h"
#include "capture/tracing/hostfs.h"
#include "datasets/scenario/hot.h"

/* What results and the kernel's texts may take, for a page of the footprint and besides */
enum {
	RESULT_BYTES = 64,
	OTHER_BYTES = 32 << 20,
};

/* See snapshot.c. */
static uint64_t settle_time_ns(const char *release)
{
	const uint64_t flush_time_ns = 2000000000, slack_ns = 200000000;
	unsigned int major, minor;

	if (sscanf(release, "%u.%u", &major, &minor) == 2 &&
	    (major < 6 || (major == 6 && minor < 16)))
		return 0;
	return flush_time_ns + slack_ns;
}

static int open_files(struct live_run *run, struct status *st)
{
	run->debugfs = hostfs_open("debugfs", st);
	if (run->debugfs < 0)
		return run->debugfs;
	run->tracefs = hostfs_open("tracefs", st);
	if (run->tracefs < 0)
		return run->tracefs;
	run->lru_gen = lru_gen_open(run->debugfs, st);
	if (run->lru_gen < 0)
		return host_error(run->lru_gen);
	run->drop_caches =
		open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
	if (run->drop_caches < 0)
		return refuse_host(st, errno, "drop_caches: %s",
				   strerror(errno));
	return 0;
}

static int start_guest(struct live_run *run, struct status *st)
{
	struct live_vm_config config = {
		.pages = run->config.playback->guest_pages,
		.nr_vcpus = run->config.nr_vcpus,
		.backing = run->config.backing,
		.is_thp = run->config.is_thp,
		.is_undisturbed = !run->config.is_concurrent,
	};
	int ret;

	config.procs = live_cgroup_open(&run->cgroup, "cgroup.procs", st);
	if (config.procs < 0)
		return config.procs;
	ret = live_vm_start(&run->vm, &config, st);
	close(config.procs);
	return ret;
}

static int compare_places(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Evicted pages belong to the current step.  A huge page has pages that are not in
 * the footprint. */
static int take_eviction(void *arg, uint64_t page, struct status *st)
{
	struct live_run *run = arg;
	const struct playback *playback = run->config.playback;
	const uint32_t place = (uint32_t)page,
		       *at = bsearch(&place, playback->place,
				     playback->nr_pages, sizeof(place),
				     compare_places);

	if (!at) {
		run->unused_evicted++;
		return 0;
	}
	return scenario_results_evict(
		run->results, playback->footprint[at - playback->place], st);
}

static int start_counters(struct live_run *run, struct status *st)
{
	size_t nr = 0;
	int ret = live_counting_open(&run->counting, run->tracefs, st);

	if (ret)
		return ret;
	while (live_counters[nr].name)
		nr++;
	run->base_counts = kage_calloc(nr, sizeof(*run->base_counts), st);
	if (!run->base_counts)
		return -ENOMEM;
	ret = evictions_open(&run->evictions, run->tracefs, &run->vm.slot,
			     run->vm.tids, run->vm.nr_vcpus, st);
	run->evictions.evicted = take_eviction;
	run->evictions.arg = run;
	return ret;
}

int live_run_open(struct live_run *run, const struct live_config *config,
		  struct scenario_results *results, struct status *st)
{
	struct utsname name = {.release = ""};
	int ret;

	*run = (struct live_run){.config = *config,
				 .cgroup.fd = -1,
				 .debugfs = -1,
				 .tracefs = -1,
				 .lru_gen = -1,
				 .drop_caches = -1,
				 .results = results};
	uname(&name);
	run->settle_ns = settle_time_ns(name.release);
	snprintf(results->kernel, sizeof(results->kernel), "%s", name.release);
	results->has_evicted = true;
	run->moments = json_object();
	ret = open_files(run, st);
	if (!ret)
		ret = live_cgroup_create(&run->cgroup, &run->guard, st);
	if (!ret)
		ret = start_guest(run, st);
	if (!ret)
		ret = start_counters(run, st);
	if (!ret)
		run->is_still = live_hold_still(OTHER_BYTES +
						config->playback->nr_pages *
							RESULT_BYTES);
	return ret;
}

int live_interrupted(const struct live_run *run, struct status *st)
{
	struct signalfd_siginfo info;

	if (run->config.signals >= 0 &&
	    read(run->config.signals, &info, sizeof(info)) == sizeof(info))
		return status_fail(st, EINTR,
				   "interrupted: there is no result");
	return 0;
}

static int obey(struct live_run *run, const struct scenario_step *step,
		struct status *st)
{
	switch (step->word) {
	case SCENARIO_POPULATE:
		return live_populate(run, st);
	case SCENARIO_EPOCHS:
		return live_play_epochs(run, step->count, st);
	case SCENARIO_SWEEP:
		return live_sweep(run, step, st);
	case SCENARIO_AGE:
		return live_age(run, step, st);
	case SCENARIO_RECLAIM:
		return live_reclaim(run, step, st);
	case SCENARIO_EVICT_GEN:
		return live_evict_gen(run, step, st);
	case SCENARIO_LIMIT:
		return live_limit(run, step, st);
	case SCENARIO_SNAPSHOT:
		return live_snapshot(run, step, st);
	case SCENARIO_NR_WORDS:
		break;
	}
	return status_fail(st, ENOTSUP, "line %u: not done here", step->line);
}

static int do_step(struct live_run *run, const struct scenario_step *step,
		   struct status *st)
{
	int ret;

	run->outcome = scenario_results_step(run->results, step, st);
	if (!run->outcome)
		return -ENOMEM;
	if (run->config.is_concurrent && scenario_word_has_hot(step->word))
		run->outcome->beside.touches = run->outcome->beside.calls = 0;
	run->turns = 0;
	run->stride = 1;
	if (step->word == SCENARIO_AGE)
		run->outcome->passes = 0;
	if (step->word == SCENARIO_RECLAIM)
		run->outcome->requests = 0;
	ret = evictions_begin(&run->evictions, st);
	if (!ret)
		ret = obey(run, step, st);
	if (!ret)
		ret = evictions_end(&run->evictions, st);
	if (!ret)
		ret = live_note_present(run, st);
	return ret ? ret : live_interrupted(run, st);
}

int live_run_steps(struct live_run *run, struct status *st)
{
	const struct scenario *scenario = run->config.scenario;
	int ret = live_snapshot_base(run, st);

	for (size_t i = 0; i < scenario->nr_steps && !ret; i++)
		ret = do_step(run, &scenario->steps[i], st);
	return ret;
}

/* Whether pages @i - 1 and @i of the footprint are neighbours in both. */
static bool is_next(const struct playback *playback, size_t i)
{
	return playback->footprint[i] == playback->footprint[i - 1] + 1 &&
	       playback->place[i] == playback->place[i - 1] + 1;
}

/* [[gfn, npages, page], ...]: page is where in the data slot the run begins. */
static json_t *describe_map(const struct playback *playback)
{
	json_t *map = json_array();

	for (size_t i = 0; i < playback->nr_pages;) {
		size_t first = i++;

		while (i < playback->nr_pages && is_next(playback, i))
			i++;
		json_array_append_new(
			map, json_pack("[I, I, I]",
				       (json_int_t)playback->footprint[first],
				       (json_int_t)(i - first),
				       (json_int_t)playback->place[first]));
	}
	return map;
}

json_t *live_run_details(const struct live_run *run)
{
	int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	json_t *details = json_pack(
		"{s:s, s:b, s:i, s:b, s:b, s:I, s:s, s:o, s:I, s:I, s:I, s:I, "
		"s:I, s:I, s:O, s:o, s:o, s:o}",
		"backing", vmm_backing_names[run->config.backing], "thp",
		run->config.is_thp, "vcpus", (int)run->vm.nr_vcpus,
		"concurrent", run->config.is_concurrent, "still", run->is_still,
		"meanwhile", (json_int_t)run->meanwhile, "cgroup",
		run->cgroup.path, "map", describe_map(run->config.playback),
		"unused_evicted", (json_int_t)run->unused_evicted,
		"guest_pages", (json_int_t)run->config.playback->guest_pages,
		"short_requests", (json_int_t)run->short_requests,
		"other_unmaps", (json_int_t)run->evictions.others,
		"repeated_unmaps", (json_int_t)run->evictions.repeated, "lost",
		(json_int_t)run->evictions.lost, "moments", run->moments,
		"settings", live_host_settings(root), "disturbers",
		live_host_disturbers(root), "system",
		fingerprint_take(root, NULL));

	close(root);
	return details;
}

int live_run_close(struct live_run *run, struct status *st)
{
	const int fds[] = {run->debugfs, run->tracefs, run->lru_gen,
			   run->drop_caches};

	evictions_close(&run->evictions);
	live_counting_close(&run->counting);
	live_vm_stop(&run->vm);
	live_cgroup_close(&run->cgroup);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(run->orders);
	free(run->entries);
	free(run->base_counts);
	json_decref(run->moments);
	return guard_close(&run->guard, st);
}

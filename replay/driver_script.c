/* SPDX-License-Identifier: MIT */
/*
 * A scenario file: the host's steps, each at once and with the guest standing still;
 * the engine plays the guest's (script.c).  datasets/scenario/SCENARIO.md says what
 * the steps are.
 *
 * It cannot know what a machine charges to the cgroup besides the guest's pages:
 * limits count these alone.
 */
#include <errno.h>

#include "replay/lane.h"

enum {
	MAX_RETRIES = 16 /* MAX_RECLAIM_RETRIES */
};

/* Counters of the model that a kernel has, too, with sums where it has one. */
static const struct {
	const char *name;
	enum counter counter;
	enum counter more[2]; /* added; COUNT_accesses: nothing */
} kernel_names[] = {
	{"pgscan", COUNT_scanned, {0}},
	{"pgsteal", COUNT_evictions, {0}},
	{"pgrefill", COUNT_sorted, {COUNT_protected}},
	{"kvm_age_hva",
	 COUNT_calls_aging,
	 {COUNT_calls_victim, COUNT_calls_window}},
	{"kvm_unmap_hva_range", COUNT_calls_unmap, {0}},
	{"guest_faults", COUNT_faults, {COUNT_stale_faults}},
};

static int count_all(const struct lane *lane, struct scenario_snapshot *s)
{
	const uint64_t *n = lane->counters.n;
	int ret = 0;

	for (size_t i = 0; i < sizeof(kernel_names) / sizeof(kernel_names[0]);
	     i++) {
		uint64_t sum = n[kernel_names[i].counter];

		for (int k = 0; k < 2; k++)
			if (kernel_names[i].more[k])
				sum += n[kernel_names[i].more[k]];
		ret = ret ? ret
			  : scenario_snapshot_count(s, kernel_names[i].name,
						    sum, NULL);
	}
	if (!ret)
		ret = scenario_snapshot_count(
			s, "workingset_refault_anon",
			n[lane->mglru.version->workingset_refault], NULL);
	/* accesses are counted by nobody: quiet ones cost the engine nothing */
	for (int i = COUNT_accesses + 1; i < NR_COUNTERS && !ret; i++)
		ret = scenario_snapshot_count(s, counter_info[i].name, n[i],
					      NULL);
	return ret;
}

/* Not zero where there are none: kernels have some, for which there is no model. */
static uint64_t size_of_files(const struct mglru *m, unsigned int gen)
{
	int64_t pages = m->nr_pages[LRU_GEN_FILE][gen];

	if (m->file_first == m->npages)
		return SCENARIO_UNKNOWN;
	return pages > 0 ? (uint64_t)pages : 0;
}

static int show_generations(const struct mglru *m, struct scenario_snapshot *s,
			    uint64_t now_ns)
{
	int ret = 0;

	for (uint64_t seq = mglru_oldest_seq(m); seq <= m->max_seq && !ret;
	     seq++) {
		unsigned int gen = (unsigned int)(seq % MAX_NR_GENS);
		int64_t pages = m->nr_pages[LRU_GEN_ANON][gen];
		const struct scenario_generation g = {
			.age_ms = (now_ns - m->timestamps[gen]) / 1000000,
			.anon = pages > 0 ? (uint64_t)pages : 0,
			.file = size_of_files(m, gen),
		};

		ret = scenario_snapshot_generation(s, &g, NULL);
	}
	return ret;
}

static uint64_t epochs_played(const struct scenario_results *results)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < results->nr_steps; i++)
		sum += results->steps[i].epochs;
	return sum;
}

static void take_snapshot(struct lane *lane, const char *name, uint64_t now_ns)
{
	struct scenario_snapshot *s = scenario_results_snapshot(
		lane->script, name, epochs_played(lane->script), NULL);

	if (!s || count_all(lane, s) ||
	    show_generations(&lane->mglru, s, now_ns))
		lane->error = -ENOMEM;
}

/* memory_max_write(): reclaim the excess, until that helps no more. */
static void set_limit(struct lane *lane, uint64_t pages, uint64_t now_ns)
{
	const uint64_t *evictions = &lane->counters.n[COUNT_evictions];
	int retries = MAX_RETRIES;

	lane->limit_pages = pages;
	while (lane->mglru.resident > pages && retries) {
		uint64_t before = *evictions;

		lane_reclaim_now(lane, RECLAIM_DIRECT,
				 lane->mglru.resident - pages, false, now_ns);
		retries -= *evictions == before;
	}
	lane->counters.n[COUNT_failed_reclaims] += lane->mglru.resident > pages;
}

static void age(struct lane *lane, const struct scenario_step *step,
		uint64_t now_ns)
{
	uint64_t before = lane->counters.n[COUNT_passes];

	lane_reclaim_now(lane, RECLAIM_AGE, 0, step->is_forced, now_ns);
	lane->script->steps[lane->script->nr_steps - 1].passes =
		lane->counters.n[COUNT_passes] - before;
}

/* kage live settles the lists before the host works and after. */
static void script_obey(struct lane *lane, const struct scenario_step *step,
			uint64_t request, uint64_t now_ns)
{
	uint64_t footprint = lane->script->footprint_pages;

	mglru_lru_add_drain(&lane->mglru);
	switch (step->word) {
	case SCENARIO_AGE:
		age(lane, step, now_ns);
		break;
	case SCENARIO_RECLAIM:
		lane_reclaim_now(lane, RECLAIM_PROACTIVE,
				 scenario_request_pages(step, request), false,
				 now_ns);
		break;
	case SCENARIO_EVICT_GEN:
		lane_reclaim_now(lane, RECLAIM_GENERATIONS, step->count, false,
				 now_ns);
		break;
	case SCENARIO_LIMIT:
		set_limit(lane, scenario_limit_pages(step, footprint), now_ns);
		break;
	case SCENARIO_SNAPSHOT:
		take_snapshot(lane, step->name, now_ns);
		break;
	default: /* the guest's */
		break;
	}
	mglru_lru_add_drain(&lane->mglru);
}

static uint64_t script_wrong_window(const struct lane *lane)
{
	(void)lane;
	return 1000000000;
}

const struct driver_ops driver_script = {
	.summary = "a scenario file: script:FILE.scn, at no virtual time",
	.needs_scenario = true,
	.charge = lane_charge,
	.obey = script_obey,
	.wrong_window = script_wrong_window,
};

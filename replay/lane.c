/* SPDX-License-Identifier: MIT */
/* One run: model, driver and what it reports; see lane.h. */
#include "replay/lane.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"

#define LONG_WINDOW_NS UINT64_C(120000000000)

enum {
	MAX_RETRIES = 16, /* MAX_RECLAIM_RETRIES */
	PAGE_BYTES = 4096
};

static unsigned int log2_of(uint64_t value)
{
	return value ? 63 - (unsigned int)__builtin_clzll(value) : 0;
}

/* What kage live sees of an eviction in the lab. */
static void note_unmapping(void *arg, uint32_t page)
{
	struct lane *lane = arg;

	life_evicted(lane, page);
	numa_forget(&lane->numa, page);
	if (lane->footprint &&
	    !(lane->footprint[page / WINDOW] >> page % WINDOW & 1))
		return;
	if (lane->script && lane->script->nr_steps &&
	    scenario_results_evict(lane->script, page, NULL))
		lane->error = -ENOMEM;
}

static void note_eviction(void *arg, uint32_t page, uint64_t now_ns)
{
	struct lane *lane = arg;

	if (lane->epoch && epoch_set_touched(lane->epoch, page, now_ns))
		lane->counters.n[COUNT_same_epoch_evictions]++;
}

static void note_refault(void *arg, uint32_t page, uint64_t evicted_ns,
			 uint64_t now_ns)
{
	struct lane *lane = arg;
	uint64_t age = now_ns > evicted_ns ? now_ns - evicted_ns : 0;

	life_refault(lane, page, evicted_ns);
	lane->refault_age[log2_of(age)]++;
	lane->counters.n[COUNT_wrong_evictions_120s] += age < LONG_WINDOW_NS;
	if (age < lane->config->wrong_window_ns)
		lane->counters.n[COUNT_wrong_evictions]++;
}

static void note_generation(void *arg, uint64_t now_ns)
{
	struct lane *lane = arg;
	const struct mglru *m = &lane->mglru;

	if (lane->accuracy)
		accuracy_new_generation(lane);
	life_new_generation(lane);
	for (uint64_t seq = mglru_oldest_seq(m); seq <= m->max_seq; seq++) {
		unsigned int gen = (unsigned int)(seq % MAX_NR_GENS);

		if (kage_grow(&lane->generations, &lane->generations_capacity,
			      lane->nr_generations, sizeof(*lane->generations),
			      NULL)) {
			lane->error = -ENOMEM;
			return;
		}
		lane->generations[lane->nr_generations++] =
			(struct lane_generation){
				.pass = lane->counters.n[COUNT_passes],
				.end_ns = now_ns,
				.seq = seq,
				.age_ns = now_ns - m->timestamps[gen],
				.pages = m->nr_pages[LRU_GEN_ANON][gen] +
					 m->nr_pages[LRU_GEN_FILE][gen],
			};
	}
}

int lane_init(struct lane *lane, const struct lane_config *config,
	      struct pages *pages, unsigned int bit, struct status *st)
{
	const struct memory memory = memory_or_default(config->memory);

	*lane = (struct lane){.config = config,
			      .wake_ns = UINT64_MAX,
			      .limit_pages = config->limit_pages};
	lane->mglru = (struct mglru){
		.version = config->version,
		.policy = config->policy->ops,
		.policy_params = config->policy_params,
		.mmu = &lane->mmu,
		.counters = &lane->counters,
		.listener = {.unmapped = note_unmapping,
			     .evicted = note_eviction,
			     .refaulted = note_refault,
			     .new_generation = note_generation,
			     .arg = lane},
		.swappiness = (unsigned int)memory.swappiness,
		.memory_min = memory.min / PAGE_BYTES,
		.memory_low = memory.low / PAGE_BYTES,
		.is_nested = memory.nested,
		.never_sleeps = !config->scenario,
	};
	if (config->driver->ops->first_wake)
		lane->wake_ns = config->driver->ops->first_wake(lane);
	if (config->scenario) {
		lane->script = kage_calloc(1, sizeof(*lane->script), st);
		lane->limit_pages = SCENARIO_NO_LIMIT;
		if (!lane->script)
			return -ENOMEM;
	}
	if (mmu_init(&lane->mmu, config->mmu->ops, config->mmu_params,
		     config->version->name, pages, bit, &lane->counters, st))
		return -ENOMEM;
	lane->mmu.chunk = config->chunk;
	lane->numa.next_ns = UINT64_MAX;
	if (mglru_init(&lane->mglru, st))
		return -ENOMEM;
	if (memory.swap != MEMORY_SWAP_SSD)
		return 0;
	return mglru_use_ssd(&lane->mglru, (unsigned int)memory.page_cluster,
			     st);
}

void lane_fini(struct lane *lane)
{
	mglru_fini(&lane->mglru);
	accuracy_free(lane->accuracy);
	life_free(lane->life);
	timeline_free(lane->timeline);
	numa_fini(&lane->numa);
	mmu_fini(&lane->mmu);
	if (lane->script)
		scenario_results_fini(lane->script);
	free(lane->script);
	free(lane->samples);
	free(lane->generations);
}

/* Not every access that comes this far is a fault: the counter tells. */
static void fault_told(struct lane *lane, uint32_t page, uint64_t now_ns,
		       unsigned int how)
{
	const uint64_t *faults = &lane->counters.n[COUNT_faults];
	bool is_new = mglru_needs_charge(&lane->mglru, page);
	uint64_t before = *faults;

	if (is_new)
		life_fault(lane, page);
	mglru_fault(&lane->mglru, page, now_ns, how);
	if (!is_new && *faults != before)
		life_mapped(lane, page);
}

/* A charge of the process with the files is the memcg's like any other. */
static void access_file(struct lane *lane, uint32_t page, uint64_t now_ns)
{
	const struct driver_ops *driver = lane->config->driver->ops;

	lane->now_ns = now_ns;
	if (driver->charge && mglru_needs_charge(&lane->mglru, page))
		driver->charge(lane, page, now_ns);
	mglru_file_access(&lane->mglru, page, now_ns);
}

void lane_bring_in(struct lane *lane, uint32_t page, uint64_t now_ns)
{
	const struct driver_ops *driver = lane->config->driver->ops;
	struct mglru_swapin s;
	uint32_t next;

	mglru_swapin_begin(&lane->mglru, &s, page);
	while (mglru_swapin_next(&lane->mglru, &s, &next)) {
		if (driver->charge)
			driver->charge(lane, next, now_ns);
		mglru_swapin_read(&lane->mglru, &s, now_ns);
	}
	mglru_swapin_end(&lane->mglru, &s);
	if (driver->charge && mglru_needs_charge(&lane->mglru, page))
		driver->charge(lane, page, now_ns);
}

void lane_access(struct lane *lane, uint32_t page, uint64_t now_ns,
		 bool is_write)
{
	const uint64_t *unmaps = &lane->counters.n[COUNT_calls_unmap];
	unsigned int how = is_write ? MGLRU_WRITE : 0;
	uint64_t before = *unmaps;

	if (page >= lane->mglru.file_first) {
		access_file(lane, page, now_ns);
		return;
	}
	lane->now_ns = now_ns;
	if (lane->timeline)
		timeline_access_begins(lane->timeline, page, lane->vcpu,
				       now_ns);
	lane_bring_in(lane, page, now_ns);
	if (lane->numa.mode != NUMA_OFF)
		how |= lane_numa_trouble(lane, page, now_ns);
	if (*unmaps != before)
		how |= MGLRU_STALE;
	if (lane->life)
		fault_told(lane, page, now_ns, how);
	else
		mglru_fault(&lane->mglru, page, now_ns, how);
	if (lane->timeline)
		timeline_access_ends(lane->timeline);
}

/* A step of @r, and its time on the timeline. */
static uint32_t step(struct lane *lane, struct reclaim *r, uint64_t now_ns)
{
	uint32_t work = reclaim_step(r, &lane->mglru, now_ns);

	if (lane->timeline)
		timeline_reclaimed(lane->timeline, r, now_ns);
	return work;
}

void lane_reclaim_now(struct lane *lane, enum reclaim_kind kind,
		      uint64_t wanted, bool force_scan, uint64_t now_ns)
{
	struct reclaim r;

	lane->now_ns = now_ns;
	reclaim_begin(&r, &lane->mglru, kind, wanted, force_scan);
	while (step(lane, &r, now_ns))
		if (lane->beside)
			beside_go_on(lane->beside, lane);
}

/* Return: whether @nr pages fit, maybe after reclaim. */
static bool make_room(struct lane *lane, uint32_t nr, uint64_t now_ns)
{
	const uint64_t *resident = &lane->mglru.resident;
	uint64_t limit = lane->limit_pages;

	for (int i = 0; i <= MAX_RETRIES && *resident + nr > limit; i++)
		lane_reclaim_now(lane, RECLAIM_DIRECT, nr, false, now_ns);
	return *resident + nr <= limit;
}

void lane_charge(struct lane *lane, uint32_t page, uint64_t now_ns)
{
	uint32_t nr = mglru_needs_charge(&lane->mglru, page);
	bool fits = make_room(lane, nr, now_ns);

	if (!fits && nr > 1) { /* do_huge_pmd_anonymous_page() */
		mglru_fall_back(&lane->mglru, page);
		fits = make_room(lane, 1, now_ns);
	}
	lane->counters.n[COUNT_failed_reclaims] += !fits;
}

void lane_reclaim_begin(struct lane *lane, enum reclaim_kind kind,
			uint64_t wanted, bool force_scan, uint64_t now_ns)
{
	reclaim_begin(&lane->reclaim, &lane->mglru, kind, wanted, force_scan);
	lane->work_ns = now_ns;
}

/* task_numa_work() of the VMM's threads */
static void scan(struct lane *lane)
{
	numa_scan(&lane->numa, &lane->mglru);
	if (lane->timeline)
		timeline_host(lane->timeline, lane->now_ns);
}

void lane_advance(struct lane *lane, uint64_t now_ns)
{
	while (lane_next_ns(lane) <= now_ns) {
		lane->now_ns = lane_next_ns(lane);
		if (lane->numa.next_ns <= lane->now_ns)
			scan(lane);
		else if (lane->reclaim.state != RECLAIM_IDLE)
			lane->work_ns +=
				lane->config->pace_ns *
				step(lane, &lane->reclaim, lane->work_ns);
		else
			lane->config->driver->ops->wake(lane, lane->wake_ns);
	}
}

/* Bucket 0: touched in this interval; b: 2^(b-1) to 2^b - 1 intervals before. */
static void count_idle(const struct lane *lane, uint32_t *idle,
		       const uint32_t *last_seen, uint32_t sample)
{
	for (uint32_t page = 0; page < lane->mglru.npages; page++) {
		uint32_t age = sample - last_seen[page];

		if (mglru_flags(&lane->mglru, page) & PAGE_RESIDENT)
			idle[age ? log2_of(age) + 1 : 0]++;
	}
}

void lane_take_sample(struct lane *lane, uint64_t end_ns,
		      const uint32_t *last_seen, uint32_t sample)
{
	struct lane_sample *s;

	if (kage_grow(&lane->samples, &lane->samples_capacity, lane->nr_samples,
		      sizeof(*s), NULL)) {
		lane->error = -ENOMEM;
		return;
	}
	s = &lane->samples[lane->nr_samples++];
	*s = (struct lane_sample){.end_ns = end_ns,
				  .resident = lane->mglru.resident,
				  .counters = lane->counters};
	if (last_seen)
		count_idle(lane, s->idle, last_seen, sample);
}

/* SPDX-License-Identifier: MIT */
/*
 * When NUMA balancing scans next, what its hint faults do, and its parameters.
 *
 * The period follows hint faults (update_task_scan_period() in kernel/sched/fair.c);
 * what is left out: groups of tasks, failed migrations, what memory is shared with
 * other processes, and the time that the scanning task must run in between.
 */
#include <string.h>

#include "base/rng.h"
#include "models/invalidate.h"
#include "models/numa_internal.h"

#define MS UINT64_C(1000000)

enum {
	MAX_SCAN_WINDOW = 2560, /* MB/s */
	NUMA_PERIOD_SLOTS = 10,
	NUMA_PERIOD_THRESHOLD = 7,
};

#define PARAM(name, type, preset, min, max, unit, help, source)                \
	{                                                                      \
#name, type, offsetof(struct numa_params, name), preset, min,  \
			max, NULL, unit, help, source                          \
	}

static const char *const scanners[] = {"vcpu", "other", NULL};

const struct param_spec numa_specs[] = {
	PARAM(delay, PARAM_TIME, 1e9, 0, 1e15, "ns",
	      "from the trace's begin to the first scan",
	      "sysctl_numa_balancing_scan_delay: 1000 ms"),
	PARAM(min, PARAM_TIME, 1e9, 1e6, 1e15, "ns",
	      "shortest time for one scan of all resident pages",
	      "sysctl_numa_balancing_scan_period_min: 1000 ms"),
	PARAM(max, PARAM_TIME, 60e9, 1e6, 1e15, "ns",
	      "longest time for one scan of all resident pages",
	      "sysctl_numa_balancing_scan_period_max: 60000 ms"),
	PARAM(adapt, PARAM_UINT, 1, 0, 1, "",
	      "whether the period follows hint faults; 0: it stays at min",
	      "update_task_scan_period()"),
	PARAM(size, PARAM_UINT, 256 << 20, 2 << 20, 1e12, "bytes",
	      "of memory per scan, 8 times as much where nothing changes",
	      "sysctl_numa_balancing_scan_size: 256 MB; task_numa_work()"),
	PARAM(pinned, PARAM_UINT, 0, 0, 100, "percent",
	      "pages that stay accessible: pinned for DMA, KSM, shared",
	      "folio_can_map_prot_numa() of 7.2; the share is the user's"),
	PARAM(block, PARAM_UINT, 1, 1, 1 << 20, "pages",
	      "neighbours that are all pinned or none",
	      "kage's choice: 1 scatters them; device memory lies together"),
	PARAM(migratable, PARAM_UINT, 0, 0, 100, "percent",
	      "hint faults that move their page to another node",
	      "do_numa_page(): migrate_misplaced_folio(); the share is the user's"),
	PARAM(private, PARAM_UINT, 100, 0, 100, "percent",
	      "hint faults on pages that the same task touched last",
	      "task_numa_fault(): cpupid_match_pid(); 100 is one vCPU"),
	PARAM(seed, PARAM_UINT, 1, 0, 1e15, "",
	      "of which pages are pinned or move", "kage's choice: any number"),
	{"scanner", PARAM_ENUM, offsetof(struct numa_params, scanner), 0, 0, 0,
	 scanners, "", "thread that scans: a vCPU's, or another of the VMM",
	 "task_tick_numa(): whichever runs when the time has come"},
	{0},
};

const struct numa_mode_info numa_modes[] = {
	{"off", "no NUMA balancing", NUMA_OFF},
	{"range", "ranges are invalidated before it is known what changes",
	 NUMA_RANGE},
	{"deferred", "from the first page that changes, to the same end",
	 NUMA_DEFERRED},
	{"precise", "only the pages that change", NUMA_PRECISE},
	{NULL, NULL, NUMA_OFF},
};

const struct numa_mode_info *numa_find(const char *name)
{
	for (const struct numa_mode_info *mode = numa_modes; mode->name; mode++)
		if (!strcmp(mode->name, name))
			return mode;
	return NULL;
}

/* get_mm_rss() of the VMM: files are another process's. */
static uint64_t rss_of(const struct mglru *m)
{
	uint64_t rss = m->resident - m->unmapped;

	for (uint32_t page = m->file_first; page < m->npages; page++)
		rss -= (m->flags[page] & (PAGE_RESIDENT | PAGE_UNMAPPED)) ==
		       PAGE_RESIDENT;
	return rss;
}

/* task_nr_scan_windows() */
static uint64_t scan_windows(const struct numa *n, const struct mglru *m)
{
	uint64_t scan_pages = n->params->size / 4096;
	uint64_t rss = rss_of(m);

	return rss ? (rss + scan_pages - 1) / scan_pages : 1;
}

/* task_scan_min() */
static uint64_t scan_min_ns(const struct numa *n, const struct mglru *m)
{
	uint64_t mb = n->params->size >> 20;
	uint64_t windows = mb < MAX_SCAN_WINDOW ? MAX_SCAN_WINDOW / mb : 1;
	uint64_t floor_ns = 1000 / windows * MS;
	uint64_t scan_ns = n->params->min / scan_windows(n, m);

	return scan_ns > floor_ns ? scan_ns : floor_ns;
}

/* task_scan_max() */
static uint64_t scan_max_ns(const struct numa *n, const struct mglru *m)
{
	uint64_t min_ns = scan_min_ns(n, m);
	uint64_t max_ns = n->params->max / scan_windows(n, m);

	return min_ns > max_ns ? min_ns : max_ns;
}

void numa_set_next(struct numa *n, const struct mglru *m)
{
	if (!n->period_ns || !n->params->adapt)
		n->period_ns = scan_min_ns(n, m); /* task_scan_start() */
	n->next_ns += n->period_ns;
}

/* Slots by which the period grows, or shrinks. */
static int64_t period_slots(const struct numa *n)
{
	int64_t local = (int64_t)(n->nr_local * NUMA_PERIOD_SLOTS /
				  (n->nr_local + n->nr_remote));
	int64_t private =
		(int64_t)(n->params->private * NUMA_PERIOD_SLOTS / 100);
	int64_t most = local > private ? local : private;

	if (private >= NUMA_PERIOD_THRESHOLD)
		most = private;
	else if (local >= NUMA_PERIOD_THRESHOLD)
		most = local;
	if (most == NUMA_PERIOD_THRESHOLD)
		return 1;
	return most - NUMA_PERIOD_THRESHOLD;
}

/* update_task_scan_period() */
static void update_period(struct numa *n, const struct mglru *m,
			  uint64_t now_ns)
{
	uint64_t min_ns = scan_min_ns(n, m), max_ns = scan_max_ns(n, m);
	bool is_shared = n->params->private < 100 && n->nr_local + n->nr_remote;
	int64_t slot, period;

	if (!n->nr_local && !is_shared) {
		n->period_ns = n->period_ns * 2 < max_ns ? n->period_ns * 2
							 : max_ns;
		n->next_ns = now_ns + n->period_ns;
		return;
	}
	slot = (int64_t)((n->period_ns + NUMA_PERIOD_SLOTS - 1) /
			 NUMA_PERIOD_SLOTS);
	period = (int64_t)n->period_ns + period_slots(n) * slot;
	period = period < (int64_t)max_ns ? period : (int64_t)max_ns;
	n->period_ns = period > (int64_t)min_ns ? (uint64_t)period : min_ns;
	n->nr_local = n->nr_remote = 0;
}

static bool is_misplaced(const struct numa *n, uint32_t page)
{
	uint64_t hash = rng_mix(rng_mix(n->params->seed + 1) ^ page);

	return rng_mix(hash ^ n->seq) % 100 < n->params->migratable;
}

bool numa_fault(struct numa *n, struct mglru *m, uint32_t page, uint64_t now_ns)
{
	bool moves = is_misplaced(n, page);

	numa_forget(n, page);
	m->counters->n[COUNT_numa_faults]++;
	m->counters->n[COUNT_numa_migrations] += moves;
	if (moves)
		mglru_invalidate(m, page, page + 1, MMU_MIGRATE);
	if (n->params->adapt && n->seq != n->placed_seq) {
		n->placed_seq = n->seq; /* task_numa_placement() */
		update_period(n, m, now_ns);
	}
	n->nr_local += !moves;
	n->nr_remote += moves;
	return moves;
}

/* Calls of less than a range are over before the walk goes on: where it is at @now_ns
 * is invalid, and tables that do not exist are taken as walked.  What precise
 * announces stays so to its end, whatever the calls in between. */
static bool is_in_call(const struct numa *n, const struct numa_busy *b,
		       enum mmu_chunk chunk, uint32_t page, uint64_t now_ns)
{
	uint64_t at = b->first;

	if (chunk == MMU_CHUNK_RANGE || n->mode == NUMA_PRECISE)
		return page >= b->first && page < b->end;
	at += (now_ns - b->from_ns) / n->pace_ns;
	return chunk == MMU_CHUNK_PAGE
		       ? page == at
		       : page / PTRS_PER_PTE == at / PTRS_PER_PTE;
}

bool numa_is_busy(const struct numa *n, const struct mmu *mmu, uint32_t page,
		  uint64_t now_ns)
{
	for (unsigned int i = 0; i < n->nr_busy; i++) {
		const struct numa_busy *b = &n->busy[i];

		if (now_ns >= b->from_ns && now_ns < b->until_ns &&
		    (mmu->traits.retries_all ||
		     is_in_call(n, b, mmu->chunk, page, now_ns)))
			return true;
	}
	return false;
}

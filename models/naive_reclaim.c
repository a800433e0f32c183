/* SPDX-License-Identifier: MIT */
/* The naive twin: the reclaim loops of each kernel; see naive_mglru.h. */
#include "models/naive_internal.h"

enum {
	MIN_GENS = 2,
	SCAN_MAX = 4096,
	PRIORITY = 12,
	CLUSTER = 32,
	RETRIES = 16,
};

static uint64_t evictable_size(const struct naive_mglru *n)
{
	uint64_t total = 0;

	for (uint64_t seq = n->min_seq; seq <= n->max_seq; seq++)
		total += naive_size(n, (int)(seq % NAIVE_GENS));
	return total;
}

static bool has_cold(const struct naive_mglru *n)
{
	return n->min_seq + MIN_GENS <= n->max_seq;
}

/* should_run_aging() of 6.1 and 6.12 */
static bool should_run_aging_6(const struct naive_mglru *n)
{
	uint64_t total = evictable_size(n);
	uint64_t young = naive_size(n, (int)(n->max_seq % NAIVE_GENS));
	uint64_t old;

	if (!has_cold(n))
		return true;
	if (n->min_seq + MIN_GENS < n->max_seq)
		return false;
	old = naive_size(n, (int)((n->max_seq - MIN_GENS) % NAIVE_GENS));
	return young * 2 > total || old * 4 < total;
}

/* lru_gen_shrink_lruvec() with get_nr_to_scan() and should_abort_scan() of 6.1 */
static void shrink_lruvec_6_1(struct naive_mglru *n,
			      struct naive_scan_control *sc)
{
	uint64_t seq = n->max_seq, scanned = 0;

	for (;;) {
		uint64_t nr_to_scan = evictable_size(n) >> sc->priority, delta;
		bool can_evict = has_cold(n);

		if (should_run_aging_6(n)) {
			if (sc->priority != PRIORITY) {
				can_evict |= naive_try_to_inc_max_seq(n, false);
				sc->has_walk = true;
			}
			if (!can_evict)
				return;
		}
		if (!nr_to_scan)
			return;
		delta = naive_evict_folios(n, sc, SCAN_MAX);
		scanned += delta;
		if (!delta || scanned >= nr_to_scan)
			return;
		if (n->max_seq - seq > 1)
			return;
		if (sc->nr_reclaimed >= sc->nr_to_reclaim)
			return;
	}
}

/* try_to_shrink_lruvec() with get_nr_to_scan() of 6.12 */
static void shrink_lruvec_6_12(struct naive_mglru *n,
			       struct naive_scan_control *sc)
{
	uint64_t scanned = 0;

	for (;;) {
		uint64_t nr_to_scan = has_cold(n) ? evictable_size(n) : 0;
		uint64_t delta;

		if (should_run_aging_6(n) && sc->priority != PRIORITY) {
			naive_try_to_inc_max_seq(n, false);
			return;
		}
		nr_to_scan >>= sc->priority;
		if (!nr_to_scan)
			return;
		delta = naive_evict_folios(n, sc, SCAN_MAX);
		scanned += delta;
		if (!delta || scanned >= nr_to_scan)
			return;
	}
}

/* should_run_aging() of 7.2 */
static bool should_run_aging_7(const struct naive_mglru *n, int priority)
{
	if (!has_cold(n))
		return true;
	return priority != PRIORITY && n->min_seq + MIN_GENS == n->max_seq;
}

/* try_to_shrink_lruvec() of 7.2 */
static void shrink_lruvec_7_2(struct naive_mglru *n,
			      struct naive_scan_control *sc)
{
	int64_t nr_to_scan = (int64_t)(evictable_size(n) >> sc->priority);

	while (nr_to_scan > 0) {
		uint64_t nr_batch = 64, delta;

		if (should_run_aging_7(n, sc->priority)) {
			naive_try_to_inc_max_seq(n, false);
			sc->has_walk = true;
		}
		if (nr_to_scan < 64)
			nr_batch = (uint64_t)nr_to_scan;
		delta = naive_evict_folios(n, sc, nr_batch);
		if (!delta)
			return;
		if (sc->nr_reclaimed >= sc->nr_to_reclaim)
			return;
		nr_to_scan -= (int64_t)delta;
	}
}

/* lru_gen_shrink_lruvec(): lru_add_drain() and set_mm_walk() first */
static void shrink_lruvec(struct naive_mglru *n, struct naive_scan_control *sc)
{
	naive_lru_add_drain(n);
	sc->walk_can_swap = true;
	sc->has_walk = sc->is_proactive && n->version != NAIVE_6_1;
	if (n->version == NAIVE_6_1)
		shrink_lruvec_6_1(n, sc);
	else if (n->version == NAIVE_6_12)
		shrink_lruvec_6_12(n, sc);
	else
		shrink_lruvec_7_2(n, sc);
}

static void do_try_to_free_pages(struct naive_mglru *n,
				 struct naive_scan_control *sc)
{
	for (sc->priority = PRIORITY; sc->priority >= 0; sc->priority--) {
		shrink_lruvec(n, sc);
		if (sc->nr_reclaimed >= sc->nr_to_reclaim)
			return;
	}
}

static uint64_t try_to_free_mem_cgroup_pages(struct naive_mglru *n,
					     uint64_t nr_pages,
					     bool is_proactive)
{
	struct naive_scan_control sc = {
		.is_proactive = is_proactive,
		.nr_to_reclaim = nr_pages > CLUSTER ? nr_pages : CLUSTER,
	};

	do_try_to_free_pages(n, &sc);
	if (!sc.nr_reclaimed && n->version != NAIVE_6_1)
		do_try_to_free_pages(n, &sc); /* memcg_full_walk */
	return sc.nr_reclaimed;
}

/* try_charge_memcg() */
void naive_direct_reclaim(struct naive_mglru *n, uint64_t nr_pages)
{
	n->counters.n[COUNT_reclaims]++;
	try_to_free_mem_cgroup_pages(n, nr_pages, false);
}

/* memory_reclaim(), user_proactive_reclaim() */
void naive_memory_reclaim(struct naive_mglru *n, uint64_t nr_to_reclaim)
{
	uint64_t nr_reclaimed = 0;
	int retries = RETRIES;

	if (nr_to_reclaim)
		n->counters.n[COUNT_reclaims]++;
	while (nr_reclaimed < nr_to_reclaim) {
		uint64_t batch = nr_to_reclaim - nr_reclaimed, now;

		if (n->version != NAIVE_6_1)
			batch /= 4;
		now = try_to_free_mem_cgroup_pages(n, batch, true);
		if (!now && !retries--)
			return;
		nr_reclaimed += now;
	}
}

/* run_aging() */
void naive_age(struct naive_mglru *n, bool force_scan)
{
	if (!force_scan && naive_nr_gens(n) == NAIVE_GENS &&
	    n->version != NAIVE_7_2)
		return;
	naive_try_to_inc_max_seq(n, force_scan);
}

/* run_eviction() */
void naive_evict_generations(struct naive_mglru *n, uint64_t back)
{
	struct naive_scan_control sc = {.has_walk = true};
	uint64_t seq = n->max_seq - back;

	if (back < MIN_GENS || back > n->max_seq)
		return;
	while (seq >= n->min_seq)
		if (!naive_evict_folios(n, &sc, SCAN_MAX))
			return;
}

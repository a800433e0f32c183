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

uint64_t naive_evictable_size(const struct naive_mglru *n)
{
	uint64_t total = 0;

	for (uint64_t seq = n->min_seq[NAIVE_ANON]; seq <= n->max_seq; seq++)
		total += naive_is_evictable(n, NAIVE_ANON)
				 ? naive_size(n, NAIVE_ANON,
					      (int)(seq % NAIVE_GENS))
				 : 0;
	for (uint64_t seq = n->min_seq[NAIVE_FILE]; seq <= n->max_seq; seq++)
		total += naive_is_evictable(n, NAIVE_FILE)
				 ? naive_size(n, NAIVE_FILE,
					      (int)(seq % NAIVE_GENS))
				 : 0;
	return total;
}

static bool has_cold(const struct naive_mglru *n)
{
	return naive_min_seq(n) + MIN_GENS <= n->max_seq;
}

/* should_run_aging() of 6.1 and 6.12 */
bool naive_should_run_aging_6(const struct naive_mglru *n)
{
	uint64_t total = naive_evictable_size(n);
	uint64_t young = 0, old = 0;
	int youngest = (int)(n->max_seq % NAIVE_GENS);
	int third = (int)((n->max_seq - MIN_GENS) % NAIVE_GENS);

	if (!has_cold(n))
		return true;
	if (naive_min_seq(n) + MIN_GENS < n->max_seq)
		return false;
	for (int i = 0; i < NAIVE_TYPES; i++) {
		enum naive_type type = (enum naive_type)i;

		if (!naive_is_evictable(n, type))
			continue;
		young += naive_size(n, type, youngest);
		if (naive_nr_gens(n, type) > MIN_GENS)
			old += naive_size(n, type, third);
	}
	return young * 2 > total || old * 4 < total;
}

/* The memcg's own limit knows no protection: mem_cgroup_unprotected(); on 6.1, which does
 * not ask that, it has one of 0 pages. */
bool naive_below_min(const struct naive_mglru *n,
		     const struct naive_scan_control *sc)
{
	if (n->is_nested || sc->is_kswapd)
		return naive_resident(n) <= n->memory_min;
	return n->version == NAIVE_6_1 && naive_resident(n) == 0;
}

bool naive_below_low(const struct naive_mglru *n,
		     const struct naive_scan_control *sc)
{
	if (!n->is_nested && !sc->is_kswapd)
		return false;
	return naive_resident(n) <= n->memory_low;
}

/* get_nr_to_scan() of 6.1.  Return: 0 if nothing is to be scanned. */
static uint64_t get_nr_to_scan_6_1(struct naive_mglru *n,
				   struct naive_scan_control *sc,
				   bool *need_aging)
{
	uint64_t nr_to_scan = naive_evictable_size(n) >> sc->priority;
	bool can_evict = has_cold(n);

	if (naive_below_min(n, sc))
		return 0;
	if (naive_below_low(n, sc) && !sc->memcg_low_reclaim)
		return 0;
	*need_aging = naive_should_run_aging_6(n);
	if (!*need_aging)
		return nr_to_scan;
	if (sc->priority != PRIORITY) {
		if (sc->is_kswapd)
			return 0;
		can_evict |= naive_try_to_inc_max_seq(n, false);
		sc->has_walk = true;
	}
	return can_evict ? nr_to_scan : 0;
}

/* should_abort_scan() of 6.1 */
static bool should_abort_6_1(const struct naive_mglru *n,
			     const struct naive_scan_control *sc, uint64_t seq)
{
	if (sc->is_kswapd)
		return naive_kswapd_aborts(n, sc);
	if (n->max_seq - seq > 1)
		return true;
	return sc->nr_reclaimed >= sc->nr_to_reclaim && sc->need_swapping;
}

/* lru_gen_shrink_lruvec() of 6.1 */
static void shrink_lruvec_6_1(struct naive_mglru *n,
			      struct naive_scan_control *sc)
{
	uint64_t seq = n->max_seq, scanned = 0;
	bool need_aging = false;

	for (;;) {
		uint64_t nr_to_scan = get_nr_to_scan_6_1(n, sc, &need_aging);
		uint64_t delta;

		if (!nr_to_scan)
			return;
		delta = naive_evict_folios(n, sc, SCAN_MAX);
		if (!delta)
			return;
		scanned += delta;
		if (scanned >= nr_to_scan || should_abort_6_1(n, sc, seq))
			break;
	}
	if (sc->nr_reclaimed >= NAIVE_BATCH && !need_aging)
		sc->memcgs_need_aging = false;
}

/* try_to_shrink_lruvec() with get_nr_to_scan() of 6.12 */
static void shrink_lruvec_6_12(struct naive_mglru *n,
			       struct naive_scan_control *sc)
{
	uint64_t scanned = 0;

	for (;;) {
		uint64_t nr_to_scan = has_cold(n) ? naive_evictable_size(n) : 0;
		uint64_t delta;

		if (naive_below_min(n, sc)) {
			sc->should_rotate = true;
			return;
		}
		if (naive_should_run_aging_6(n) && sc->priority != PRIORITY) {
			if (naive_try_to_inc_max_seq(n, false))
				sc->should_rotate = true;
			return;
		}
		nr_to_scan >>= sc->priority;
		if (!nr_to_scan)
			return;
		delta = naive_evict_folios(n, sc, SCAN_MAX);
		scanned += delta;
		if (!delta || scanned >= nr_to_scan)
			return;
		if (sc->is_kswapd && naive_kswapd_aborts(n, sc))
			return;
	}
}

/* should_run_aging() of 7.2 */
static bool should_run_aging_7(const struct naive_mglru *n, int priority)
{
	if (!has_cold(n))
		return true;
	return priority != PRIORITY &&
	       naive_min_seq(n) + MIN_GENS == n->max_seq;
}

/* get_nr_to_scan() of 7.2, with apply_proportional_protection() */
static int64_t get_nr_to_scan_7_2(struct naive_mglru *n,
				  struct naive_scan_control *sc)
{
	uint64_t scan = naive_evictable_size(n), protection = n->memory_min;
	uint64_t usage = naive_resident(n);
	bool is_protected = n->is_nested || sc->is_kswapd;

	if (is_protected && (n->memory_min || n->memory_low)) {
		if (n->memory_low > n->memory_min && !sc->memcg_low_reclaim) {
			sc->memcg_low_skipped = true;
			protection = n->memory_low;
		}
		if (usage < protection)
			usage = protection;
		scan -= scan * protection / (usage + 1);
		if (scan < CLUSTER)
			scan = CLUSTER;
	}
	return (int64_t)(scan >> sc->priority);
}

/* try_to_shrink_lruvec() of 7.2 */
static void shrink_lruvec_7_2(struct naive_mglru *n,
			      struct naive_scan_control *sc)
{
	int64_t nr_to_scan = get_nr_to_scan_7_2(n, sc);
	bool should_age = false;

	while (nr_to_scan > 0) {
		uint64_t nr_batch = 64, delta;

		if (naive_below_min(n, sc)) {
			sc->should_rotate = true;
			return;
		}
		if (should_run_aging_7(n, sc->priority)) {
			if (naive_try_to_inc_max_seq(n, false))
				sc->should_rotate = true;
			sc->has_walk = should_age = true;
		}
		if (nr_to_scan < 64)
			nr_batch = (uint64_t)nr_to_scan;
		delta = naive_evict_folios(n, sc, nr_batch);
		if (!delta)
			return;
		if (sc->is_kswapd && (naive_kswapd_aborts(n, sc) || should_age))
			return;
		if (!sc->is_kswapd && sc->nr_reclaimed >= sc->nr_to_reclaim)
			return;
		nr_to_scan -= (int64_t)delta;
	}
}

/* lru_gen_shrink_lruvec(): lru_add_drain() and set_mm_walk() first */
void naive_shrink_lruvec(struct naive_mglru *n, struct naive_scan_control *sc)
{
	naive_lru_add_drain(n);
	sc->walk_can_swap = n->swappiness > 0;
	sc->need_swapping = false;
	sc->has_walk = sc->is_kswapd ||
		       (sc->is_proactive && n->version != NAIVE_6_1);
	if (n->version == NAIVE_6_1)
		shrink_lruvec_6_1(n, sc);
	else if (n->version == NAIVE_6_12)
		shrink_lruvec_6_12(n, sc);
	else
		shrink_lruvec_7_2(n, sc);
}

/* shrink_node_memcgs() */
static void shrink_memcg(struct naive_mglru *n, struct naive_scan_control *sc)
{
	if (naive_below_min(n, sc)) {
		n->counters.n[COUNT_protected_skips]++;
		return;
	}
	if (naive_below_low(n, sc) && !sc->memcg_low_reclaim) {
		sc->memcg_low_skipped = true;
		n->counters.n[COUNT_protected_skips]++;
		return;
	}
	naive_shrink_lruvec(n, sc);
}

static void do_try_to_free_pages(struct naive_mglru *n,
				 struct naive_scan_control *sc)
{
	for (sc->priority = PRIORITY; sc->priority >= 0; sc->priority--) {
		shrink_memcg(n, sc);
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
	if (!sc.nr_reclaimed && sc.memcg_low_skipped) {
		sc.memcg_low_reclaim = true;
		do_try_to_free_pages(n, &sc);
	}
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
	if (!force_scan && n->max_seq - naive_min_seq(n) + 1 == NAIVE_GENS &&
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
	while (seq >= naive_min_seq(n))
		if (!naive_evict_folios(n, &sc, SCAN_MAX))
			return;
}

/* SPDX-License-Identifier: MIT */
/* The naive twin: kswapd of each kernel; see naive_mglru.h. */
#include "models/naive_internal.h"

enum {
	MIN_GENS = 2,
	PRIORITY = 12,
	CLUSTER = 32,
};

static uint64_t nr_free(const struct naive_mglru *n,
			const struct naive_scan_control *sc)
{
	uint64_t used = naive_resident(n);

	return used < sc->node_pages ? sc->node_pages - used : 0;
}

bool naive_kswapd_aborts(const struct naive_mglru *n,
			 const struct naive_scan_control *sc)
{
	if (n->version != NAIVE_6_1)
		return sc->nr_reclaimed >= sc->nr_to_reclaim ||
		       nr_free(n, sc) > sc->high + NAIVE_BATCH;
	if (sc->nr_reclaimed < sc->nr_to_reclaim)
		return false;
	if (sc->priority > PRIORITY - 2)
		return false;
	return sc->high <= nr_free(n, sc);
}

/* The highest bit, from 1; 0 has none. */
static int fls_long(uint64_t value)
{
	int bits = 0;

	for (; value; value >>= 1)
		bits++;
	return bits;
}

static void set_initial_priority(const struct naive_mglru *n,
				 struct naive_scan_control *sc)
{
	uint64_t inactive = 0;
	int priority;

	if (sc->priority != PRIORITY || sc->nr_to_reclaim < NAIVE_BATCH)
		return;
	for (int gen = 0; gen < NAIVE_GENS; gen++) {
		if (gen == (int)(n->max_seq % NAIVE_GENS) ||
		    gen == (int)((n->max_seq - 1) % NAIVE_GENS))
			continue;
		inactive += naive_size(n, NAIVE_FILE, gen);
		if (n->swappiness)
			inactive += naive_size(n, NAIVE_ANON, gen);
	}
	priority = fls_long(inactive) - 1 - fls_long(sc->nr_to_reclaim - 1);
	sc->priority = priority < 6 ? 6 : priority > 12 ? 12 : priority;
}

/* age_lruvec() of 6.1 */
static bool age_lruvec(struct naive_mglru *n, struct naive_scan_control *sc,
		       uint64_t min_ttl_ns)
{
	int oldest = (int)(n->min_seq[NAIVE_FILE] % NAIVE_GENS);
	bool need_aging;

	if (naive_below_min(n, sc))
		return false;
	need_aging = naive_should_run_aging_6(n);
	if (min_ttl_ns) {
		if (*n->now_ns <= n->born_ns[oldest] + min_ttl_ns)
			return false;
		if (!(naive_evictable_size(n) >> sc->priority) &&
		    sc->priority != PRIORITY)
			return false;
	}
	if (need_aging)
		naive_try_to_inc_max_seq(n, false);
	return true;
}

/* lruvec_is_reclaimable() */
static bool is_reclaimable(const struct naive_mglru *n,
			   const struct naive_scan_control *sc,
			   uint64_t min_ttl_ns)
{
	uint64_t seq = n->version == NAIVE_7_2 ? naive_min_seq(n)
					       : n->min_seq[NAIVE_FILE];

	if (naive_below_min(n, sc) ||
	    !(naive_evictable_size(n) >> sc->priority))
		return false;
	return *n->now_ns > n->born_ns[seq % NAIVE_GENS] + min_ttl_ns;
}

static void age_node_6_1(struct naive_mglru *n, struct naive_scan_control *sc,
			 uint64_t min_ttl_ns)
{
	if (!sc->memcgs_need_aging) {
		sc->memcgs_need_aging = true;
		return;
	}
	if (!age_lruvec(n, sc, min_ttl_ns) && min_ttl_ns)
		n->counters.n[COUNT_min_ttl_ooms]++;
}

static void age_node(struct naive_mglru *n, struct naive_scan_control *sc,
		     uint64_t min_ttl_ns)
{
	if (n->version == NAIVE_6_1) {
		age_node_6_1(n, sc, min_ttl_ns);
		return;
	}
	set_initial_priority(n, sc);
	if (min_ttl_ns && !is_reclaimable(n, sc, min_ttl_ns))
		n->counters.n[COUNT_min_ttl_ooms]++;
}

/* shrink_one() */
static void shrink_one(struct naive_mglru *n, struct naive_scan_control *sc)
{
	if (naive_below_min(n, sc)) {
		n->is_at_tail = false;
		n->counters.n[COUNT_protected_skips]++;
		return;
	}
	if (naive_below_low(n, sc) && !n->is_at_tail) {
		n->is_at_tail = true;
		n->counters.n[COUNT_protected_skips]++;
		return;
	}
	sc->should_rotate = false;
	naive_shrink_lruvec(n, sc);
	if (sc->should_rotate)
		n->is_at_tail = false;
	else if (!(naive_evictable_size(n) >> sc->priority))
		n->is_at_tail = !n->is_at_tail;
}

/* shrink_node_memcgs() of 6.1 */
static void shrink_node_6_1(struct naive_mglru *n,
			    struct naive_scan_control *sc)
{
	if (naive_below_min(n, sc) || naive_below_low(n, sc))
		n->counters.n[COUNT_protected_skips]++;
	else
		naive_shrink_lruvec(n, sc);
}

/* Return: whether this priority need not be raised. */
static bool shrink_node(struct naive_mglru *n, struct naive_scan_control *sc)
{
	sc->nr_isolated = 0;
	sc->nr_reclaimed = 0;
	sc->nr_to_reclaim = sc->high < CLUSTER ? CLUSTER : sc->high;
	if (n->version == NAIVE_6_1) {
		shrink_node_6_1(n, sc);
	} else {
		set_initial_priority(n, sc);
		shrink_one(n, sc);
	}
	return sc->nr_reclaimed && sc->nr_isolated >= sc->nr_to_reclaim;
}

/* balance_pgdat() */
void naive_kswapd(struct naive_mglru *n, uint64_t node_pages, uint64_t high,
		  uint64_t min_ttl_ns)
{
	struct naive_scan_control sc = {.is_kswapd = true,
					.node_pages = node_pages,
					.high = high,
					.priority = PRIORITY};

	n->counters.n[COUNT_reclaims]++;
	while (sc.priority >= 1 && nr_free(n, &sc) <= high) {
		age_node(n, &sc, min_ttl_ns);
		if (!shrink_node(n, &sc))
			sc.priority--;
	}
}

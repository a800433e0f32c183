/* SPDX-License-Identifier: MIT */
/* The naive twin: aging, eviction and the reclaim loops; see naive_mglru.h. */
#include <string.h>

#include "models/naive_internal.h"

enum {
	MIN_GENS = 2,
	SCAN_MAX = 4096,
	PRIORITY = 12,
	CLUSTER = 32,
	RETRIES = 16,
	LOOK_AROUND = 64,
};

struct scan_control {
	bool is_proactive;
	int priority;
	uint64_t nr_to_reclaim, nr_reclaimed;
};

static uint64_t nr_gens(const struct naive_mglru *n)
{
	return n->max_seq - n->min_seq + 1;
}

static uint64_t tier_refaulted(const struct naive_tier *t)
{
	return t->avg_refaulted + t->refaulted;
}

static uint64_t tier_total(const struct naive_tier *t)
{
	return t->avg_total + t->evicted + t->protected;
}

static void reset_ctrl_pos(struct naive_mglru *n)
{
	for (int tier = 0; tier < NAIVE_TIERS; tier++) {
		struct naive_tier *t = &n->tier[tier];

		t->avg_refaulted = tier_refaulted(t) / 2;
		t->avg_total = tier_total(t) / 2;
		t->refaulted = t->evicted = t->protected = 0;
	}
}

/* The gain of the first tier is 1, of the others 2. */
static bool positive_ctrl_err(const struct naive_tier *sp,
			      const struct naive_tier *pv)
{
	if (tier_refaulted(pv) < 64)
		return true;
	return tier_refaulted(pv) * (tier_total(sp) + 64) <=
	       (tier_refaulted(sp) + 1) * tier_total(pv) * 2;
}

static int get_tier_idx(const struct naive_mglru *n)
{
	for (int tier = 1; tier < NAIVE_TIERS; tier++)
		if (!positive_ctrl_err(&n->tier[0], &n->tier[tier]))
			return tier - 1;
	return NAIVE_TIERS - 1;
}

static void folio_update_gen(struct naive_mglru *n, uint32_t page)
{
	struct naive_page *p = &n->page[page];
	int youngest = (int)(n->max_seq % NAIVE_GENS);

	if (p->gen < 0) {
		p->is_referenced = true;
		return;
	}
	if (p->gen != youngest)
		n->counters.n[COUNT_promoted]++;
	p->gen = youngest;
	naive_clear_refs(p);
}

static void folio_inc_gen(struct naive_mglru *n, uint32_t page)
{
	struct naive_page *p = &n->page[page];

	if (p->gen != (int)(n->min_seq % NAIVE_GENS))
		return;
	p->gen = (p->gen + 1) % NAIVE_GENS;
	naive_clear_refs(p);
}

static void move_tail(struct naive_mglru *n, uint32_t page)
{
	naive_list_del(n, page);
	naive_list_add_tail(&n->list[n->page[page].gen], page);
}

static void inc_min_seq(struct naive_mglru *n)
{
	struct naive_list *oldest = &n->list[n->min_seq % NAIVE_GENS];

	while (oldest->n) {
		uint32_t page = oldest->page[oldest->n - 1];

		folio_inc_gen(n, page);
		move_tail(n, page);
	}
	reset_ctrl_pos(n);
	n->min_seq++;
}

static bool try_to_inc_min_seq(struct naive_mglru *n)
{
	uint64_t old = n->min_seq, seq = old;

	while (seq + MIN_GENS <= n->max_seq && !n->list[seq % NAIVE_GENS].n)
		seq++;
	if (seq == old)
		return false;
	reset_ctrl_pos(n);
	n->min_seq = seq;
	return true;
}

static void inc_max_seq(struct naive_mglru *n)
{
	if (nr_gens(n) == NAIVE_GENS)
		inc_min_seq(n);
	n->max_seq++;
	n->counters.n[COUNT_passes]++;
}

static void update_bloom_filter(struct naive_mglru *n, uint64_t seq,
				uint32_t table)
{
	if (n->has_filter[seq % 2])
		n->filter[seq % 2][table] = true;
}

static uint32_t walk_pte_range(struct naive_mglru *n, uint32_t table,
			       uint64_t seq)
{
	uint32_t first = table * NAIVE_TABLE, nr_present = 0, nr_young = 0;
	bool young[NAIVE_TABLE];

	naive_ask(n, COUNT_calls_aging, first, NAIVE_TABLE, young);
	for (uint32_t i = 0; i < NAIVE_TABLE; i++) {
		struct naive_page *p = &n->page[first + i];

		if (!naive_is_mapped(p))
			continue;
		nr_present++;
		if (!young[i] && !p->is_young)
			continue;
		p->is_young = false;
		nr_young++;
		folio_update_gen(n, first + i);
	}
	if (nr_young * 8 >= NAIVE_TABLE)
		update_bloom_filter(n, seq + 1, table);
	n->counters.n[COUNT_tables]++;
	n->counters.n[COUNT_aging_ptes] += nr_present;
	n->counters.n[COUNT_aging_young] += nr_young;
	return nr_present;
}

static void walk_mm(struct naive_mglru *n, uint64_t seq, bool force_scan)
{
	for (uint32_t table = 0; table < n->npages / NAIVE_TABLE; table++) {
		uint32_t visited;

		if (n->max_seq != seq)
			return;
		if (!n->has_table[table])
			continue;
		if (!force_scan && n->has_filter[seq % 2] &&
		    !n->filter[seq % 2][table]) {
			n->counters.n[COUNT_tables_skipped]++;
			continue;
		}
		visited = walk_pte_range(n, table, seq);
		if (visited)
			n->pause(n->arg, visited);
	}
}

static void try_to_inc_max_seq(struct naive_mglru *n, bool force_scan)
{
	uint64_t seq = n->max_seq;

	if (!n->is_mm_taken && (force_scan || !n->is_mm_unused)) {
		n->is_mm_taken = true;
		n->is_mm_unused = n->is_stepped;
		n->has_filter[(seq + 1) % 2] = true;
		memset(n->filter[(seq + 1) % 2], 0, sizeof(n->filter[0]));
		walk_mm(n, seq, force_scan);
	}
	if (n->max_seq != seq)
		return;
	n->is_mm_taken = false;
	inc_max_seq(n);
}

static bool sort_folio(struct naive_mglru *n, uint32_t page, int tier_idx)
{
	struct naive_page *p = &n->page[page];
	int refs = naive_refs(p), tier = naive_tier_from_refs(refs);

	if (p->gen != (int)(n->min_seq % NAIVE_GENS)) {
		naive_list_del(n, page);
		naive_list_add(&n->list[p->gen], page);
		n->counters.n[COUNT_sorted]++;
		return true;
	}
	if (tier > tier_idx || refs == 4) {
		folio_inc_gen(n, page);
		move_tail(n, page);
		n->tier[tier].protected ++;
		n->counters.n[COUNT_protected]++;
		return true;
	}
	return false;
}

static void isolate_folio(struct naive_mglru *n, uint32_t page)
{
	struct naive_page *p = &n->page[page];

	if (!p->is_referenced)
		naive_clear_refs(p);
	p->is_referenced = false;
	naive_del(n, page);
}

/* The isolated folios are in the order of isolation. */
static uint64_t scan_folios(struct naive_mglru *n, uint32_t *isolated,
			    uint32_t *nr_isolated)
{
	struct naive_list *oldest = &n->list[n->min_seq % NAIVE_GENS];
	int tier_idx = get_tier_idx(n);
	uint64_t scanned = 0;

	*nr_isolated = 0;
	if (nr_gens(n) == MIN_GENS)
		return 0;
	while (oldest->n && scanned < SCAN_MAX && *nr_isolated < NAIVE_BATCH) {
		uint32_t page = oldest->page[oldest->n - 1];

		scanned++;
		if (sort_folio(n, page, tier_idx))
			continue;
		isolate_folio(n, page);
		isolated[(*nr_isolated)++] = page;
	}
	n->counters.n[COUNT_scanned] += *nr_isolated;
	return *nr_isolated || scanned == SCAN_MAX ? scanned : 0;
}

static void look_at_neighbour(struct naive_mglru *n, uint32_t page,
			      bool has_walk)
{
	struct naive_page *p = &n->page[page];

	if (has_walk) {
		folio_update_gen(n, page);
	} else if (p->gen < 0) {
		p->is_referenced = true;
	} else if (p->gen != (int)(n->max_seq % NAIVE_GENS)) {
		naive_clear_refs(p);
		naive_activate(n, page);
	}
}

static void lru_gen_look_around(struct naive_mglru *n, uint32_t victim,
				bool has_walk)
{
	uint32_t start = victim / NAIVE_TABLE * NAIVE_TABLE;
	uint32_t end = start + NAIVE_TABLE, nr_young = 1;
	bool young[LOOK_AROUND];

	if (end - victim < LOOK_AROUND / 2)
		start = end - LOOK_AROUND;
	else if (victim - start >= LOOK_AROUND / 2)
		start = victim - LOOK_AROUND / 2;
	naive_ask(n, COUNT_calls_window, start, LOOK_AROUND, young);
	for (uint32_t i = 0; i < LOOK_AROUND; i++) {
		struct naive_page *p = &n->page[start + i];

		if (!naive_is_mapped(p))
			continue;
		n->counters.n[COUNT_lookaround_ptes]++;
		if (!young[i] && !p->is_young)
			continue;
		p->is_young = false;
		nr_young++;
		n->counters.n[COUNT_lookaround_young]++;
		look_at_neighbour(n, start + i, has_walk);
	}
	if (nr_young * 8 >= LOOK_AROUND)
		update_bloom_filter(n, n->max_seq, victim / NAIVE_TABLE);
}

static bool folio_referenced(struct naive_mglru *n, uint32_t page,
			     bool has_walk)
{
	struct naive_page *p = &n->page[page];
	bool was_young = p->is_young, was_spte_young;

	if (p->is_in_swap_cache)
		return false;
	was_spte_young = naive_ask_victim(n, page);
	p->is_young = false;
	n->counters.n[COUNT_rmap_walks]++;
	if (was_young || (was_spte_young && naive_looks_around(n)))
		lru_gen_look_around(n, page, has_walk);
	return was_young || was_spte_young;
}

/* Isolated and not freed since. */
static bool is_isolated(const struct naive_mglru *n, uint32_t page)
{
	return n->page[page].is_resident && n->page[page].gen < 0;
}

/* Return: whether the folio was reclaimed. */
static bool shrink_folio(struct naive_mglru *n, uint32_t page, bool has_walk,
			 bool *is_rejected)
{
	*is_rejected = false;
	if (!is_isolated(n, page))
		return false;
	if (n->page[page].is_referenced ||
	    folio_referenced(n, page, has_walk)) {
		n->counters.n[COUNT_kept]++;
		*is_rejected = true;
		return false;
	}
	if (!n->page[page].is_in_swap_cache)
		naive_zap(n, page, 1, NULL);
	n->page[page].is_in_swap_cache = true;
	if (naive_has_extra_reference(n, page)) {
		n->counters.n[COUNT_busy]++;
		*is_rejected = true;
		return false;
	}
	naive_remove_mapping(n, page);
	return true;
}

static uint64_t evict_folios(struct naive_mglru *n, struct scan_control *sc)
{
	uint32_t page[NAIVE_BATCH], nr_isolated;
	bool is_rejected[NAIVE_BATCH];
	uint64_t scanned = scan_folios(n, page, &nr_isolated);

	if (try_to_inc_min_seq(n))
		scanned++;
	if (nr_gens(n) == MIN_GENS)
		scanned = 0;
	for (uint32_t i = 0; i < nr_isolated; i++) {
		if (shrink_folio(n, page[i], sc->is_proactive, &is_rejected[i]))
			sc->nr_reclaimed++;
		n->pause(n->arg, 1);
	}
	for (uint32_t i = 0; i < nr_isolated; i++) {
		if (!is_rejected[i] || !is_isolated(n, page[i]))
			continue;
		naive_clear_refs(&n->page[page[i]]);
		naive_add_active(n, page[i]);
	}
	return scanned;
}

static bool should_run_aging(const struct naive_mglru *n, uint64_t *nr_to_scan)
{
	uint64_t total = 0, young = 0, old = 0;

	*nr_to_scan = 0;
	if (n->min_seq + MIN_GENS > n->max_seq)
		return true;
	for (uint64_t seq = n->min_seq; seq <= n->max_seq; seq++) {
		uint64_t size = naive_size(n, (int)(seq % NAIVE_GENS));

		total += size;
		if (seq == n->max_seq)
			young = size;
		if (seq + MIN_GENS == n->max_seq)
			old = size;
	}
	*nr_to_scan = total;
	if (n->min_seq + MIN_GENS < n->max_seq)
		return false;
	return young * 2 > total || old * 4 < total;
}

/* 0 stands for the kernel's -1, too: both end the loop. */
static uint64_t get_nr_to_scan(struct naive_mglru *n,
			       const struct scan_control *sc)
{
	uint64_t nr_to_scan;
	bool must_age = should_run_aging(n, &nr_to_scan);

	if (!must_age || sc->priority == PRIORITY)
		return nr_to_scan >> sc->priority;
	try_to_inc_max_seq(n, false);
	return 0;
}

static void try_to_shrink_lruvec(struct naive_mglru *n, struct scan_control *sc)
{
	uint64_t scanned = 0;

	naive_lru_add_drain(n);
	for (;;) {
		uint64_t nr_to_scan = get_nr_to_scan(n, sc);
		uint64_t delta;

		if (!nr_to_scan)
			return;
		delta = evict_folios(n, sc);
		scanned += delta;
		if (!delta || scanned >= nr_to_scan)
			return;
	}
}

static void do_try_to_free_pages(struct naive_mglru *n, struct scan_control *sc)
{
	for (sc->priority = PRIORITY; sc->priority >= 0; sc->priority--) {
		try_to_shrink_lruvec(n, sc);
		if (sc->nr_reclaimed >= sc->nr_to_reclaim)
			return;
	}
}

static uint64_t try_to_free_mem_cgroup_pages(struct naive_mglru *n,
					     uint64_t nr_pages,
					     bool is_proactive)
{
	struct scan_control sc = {
		.is_proactive = is_proactive,
		.nr_to_reclaim = nr_pages > CLUSTER ? nr_pages : CLUSTER,
	};

	do_try_to_free_pages(n, &sc);
	if (!sc.nr_reclaimed)
		do_try_to_free_pages(n, &sc); /* memcg_full_walk */
	return sc.nr_reclaimed;
}

void naive_direct_reclaim(struct naive_mglru *n)
{
	n->counters.n[COUNT_reclaims]++;
	try_to_free_mem_cgroup_pages(n, 1, false);
}

void naive_memory_reclaim(struct naive_mglru *n, uint64_t nr_to_reclaim)
{
	uint64_t nr_reclaimed = 0;
	int retries = RETRIES;

	if (nr_to_reclaim)
		n->counters.n[COUNT_reclaims]++;
	while (nr_reclaimed < nr_to_reclaim) {
		uint64_t quarter = (nr_to_reclaim - nr_reclaimed) / 4;
		uint64_t now = try_to_free_mem_cgroup_pages(n, quarter, true);

		if (!now && !retries--)
			return;
		nr_reclaimed += now;
	}
}

/* run_aging() */
void naive_age(struct naive_mglru *n, bool force_scan)
{
	if (!force_scan && nr_gens(n) == NAIVE_GENS)
		return;
	try_to_inc_max_seq(n, force_scan);
}

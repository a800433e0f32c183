/* SPDX-License-Identifier: MIT */
/* The naive twin: eviction and look-around; see naive_mglru.h. */
#include <stddef.h>

#include "models/naive_internal.h"

enum {
	MIN_GENS = 2,
	SCAN_MAX = 4096,
	LOOK_AROUND = 64,
	ACTIVATE_MAX = 15, /* PAGEVEC_SIZE of 6.1 */
};

/* sort_folio(), its protected folios */
static void protect(struct naive_mglru *n, uint32_t page)
{
	struct naive_page *p = &n->page[page];
	int tier = naive_tier(n, p);

	if (n->version != NAIVE_7_2 || !naive_is_saturated(n, p))
		n->tier[tier].protected ++;
	naive_inc_gen(n, page);
	naive_list_del(n, page);
	if (n->version == NAIVE_7_2)
		naive_list_add(&n->list[p->gen], page);
	else
		naive_list_add_tail(&n->list[p->gen], page);
	n->counters.n[COUNT_protected]++;
}

static bool sort_folio(struct naive_mglru *n, uint32_t page, int tier_idx)
{
	struct naive_page *p = &n->page[page];

	if (p->gen != (int)(n->min_seq % NAIVE_GENS)) {
		naive_list_del(n, page);
		naive_list_add(&n->list[p->gen], page);
		n->counters.n[COUNT_sorted]++;
		return true;
	}
	if (naive_tier(n, p) > tier_idx || naive_is_saturated(n, p)) {
		protect(n, page);
		return true;
	}
	return false;
}

static void isolate_folio(struct naive_mglru *n, uint32_t page)
{
	struct naive_page *p = &n->page[page];

	if (n->version == NAIVE_7_2) {
		if (!p->is_referenced)
			p->refs = 0;
	} else {
		if (!p->is_referenced)
			naive_clear_refs(n, p);
		p->is_referenced = false;
	}
	naive_del(n, page);
}

/* The isolated folios are in the order of isolation. */
static uint64_t scan_folios(struct naive_mglru *n, uint64_t nr_to_scan,
			    uint32_t *isolated, uint32_t *nr_isolated)
{
	struct naive_list *oldest = &n->list[n->min_seq % NAIVE_GENS];
	int tier_idx = naive_tier_idx(n);
	uint64_t scanned = 0;

	*nr_isolated = 0;
	if (naive_nr_gens(n) == MIN_GENS)
		return 0;
	while (oldest->n && scanned < nr_to_scan &&
	       *nr_isolated < NAIVE_BATCH) {
		uint32_t page = oldest->page[oldest->n - 1];

		scanned++;
		if (sort_folio(n, page, tier_idx))
			continue;
		isolate_folio(n, page);
		isolated[(*nr_isolated)++] = page;
	}
	n->counters.n[COUNT_scanned] += *nr_isolated;
	if (n->version == NAIVE_7_2)
		return scanned;
	return *nr_isolated || scanned == nr_to_scan ? scanned : 0;
}

static bool is_in_youngest(const struct naive_mglru *n, uint32_t page)
{
	return n->page[page].gen == (int)(n->max_seq % NAIVE_GENS);
}

/* lru_gen_set_refs() of 7.2 */
static bool set_refs(struct naive_mglru *n, struct naive_page *p)
{
	if (!p->is_referenced && !p->is_workingset) {
		p->is_referenced = true;
		p->refs = 0;
		return false;
	}
	if (naive_refs(n, p) > 1) {
		p->refs = 0;
		p->is_referenced = false;
		p->is_workingset = true;
	} else {
		naive_mark_accessed(n, p);
	}
	return true;
}

static void found_6_12(struct naive_mglru *n, uint32_t page, bool has_walk)
{
	if (has_walk) {
		naive_update_gen(n, page);
	} else if (n->page[page].gen < 0) {
		n->page[page].is_referenced = true;
	} else if (!is_in_youngest(n, page)) {
		naive_clear_refs(n, &n->page[page]);
		naive_activate(n, page);
	}
}

static void found_7_2(struct naive_mglru *n, uint32_t page, bool has_walk)
{
	if (has_walk)
		naive_update_gen(n, page);
	else if (set_refs(n, &n->page[page]) && !is_in_youngest(n, page))
		naive_activate(n, page);
}

/* 6.1 first notes them all. */
static void found_6_1(struct naive_mglru *n, uint32_t start, const bool *young,
		      bool has_walk)
{
	uint32_t page[LOOK_AROUND], nr = 0;

	for (uint32_t i = 0; i < LOOK_AROUND; i++) {
		if (!young[i])
			continue;
		if (n->page[start + i].gen < 0)
			n->page[start + i].is_referenced = true;
		else if (!is_in_youngest(n, start + i))
			page[nr++] = start + i;
	}
	for (uint32_t i = 0; i < nr; i++) {
		if (has_walk || nr >= ACTIVATE_MAX)
			naive_update_gen(n, page[i]);
		else
			naive_activate(n, page[i]);
	}
}

/* Which of the window are young, in either MMU, now old. */
static uint32_t look(struct naive_mglru *n, uint32_t start, bool *young)
{
	uint32_t nr_young = 0;

	naive_ask(n, COUNT_calls_window, start, LOOK_AROUND, young);
	for (uint32_t i = 0; i < LOOK_AROUND; i++) {
		struct naive_page *p = &n->page[start + i];

		if (!naive_is_seen(n, p)) {
			young[i] = false;
			continue;
		}
		n->counters.n[COUNT_lookaround_ptes]++;
		young[i] |= p->is_young;
		p->is_young = false;
		nr_young += young[i];
	}
	n->counters.n[COUNT_lookaround_young] += nr_young;
	return nr_young;
}

static void lru_gen_look_around(struct naive_mglru *n, uint32_t victim,
				const struct naive_scan_control *sc)
{
	uint32_t start = victim / NAIVE_TABLE * NAIVE_TABLE;
	uint32_t end = start + NAIVE_TABLE, nr_young;
	bool young[LOOK_AROUND];

	/* get_pfn_folio() sees no anonymous folio without can_swap */
	if (n->version == NAIVE_6_1 && sc->has_walk && !sc->walk_can_swap)
		return;
	if (end - victim < LOOK_AROUND / 2)
		start = end - LOOK_AROUND;
	else if (victim - start >= LOOK_AROUND / 2)
		start = victim - LOOK_AROUND / 2;
	nr_young = look(n, start, young);
	if (n->version == NAIVE_6_1)
		found_6_1(n, start, young, sc->has_walk);
	for (uint32_t i = 0; i < LOOK_AROUND; i++) {
		if (young[i] && n->version == NAIVE_6_12)
			found_6_12(n, start + i, sc->has_walk);
		if (young[i] && n->version == NAIVE_7_2)
			found_7_2(n, start + i, sc->has_walk);
	}
	if ((nr_young + 1) * 8 >= LOOK_AROUND)
		naive_update_bloom_filter(n, n->max_seq, victim / NAIVE_TABLE);
}

static bool folio_referenced(struct naive_mglru *n, uint32_t page,
			     const struct naive_scan_control *sc)
{
	struct naive_page *p = &n->page[page];
	bool was_young = p->is_young, was_spte_young;

	if (p->is_unmapped)
		return false;
	was_spte_young = naive_ask_victim(n, page);
	p->is_young = false;
	n->counters.n[COUNT_rmap_walks]++;
	if (was_young || (was_spte_young && naive_looks_around(n)))
		lru_gen_look_around(n, page, sc);
	return was_young || was_spte_young;
}

/* Isolated and not freed since. */
static bool is_isolated(const struct naive_mglru *n, uint32_t page)
{
	return n->page[page].is_resident && n->page[page].gen < 0;
}

/* shrink_folio_list() of one folio, up to whether it stays */
static bool is_kept(struct naive_mglru *n, uint32_t page,
		    const struct naive_scan_control *sc)
{
	struct naive_page *p = &n->page[page];

	if (n->version != NAIVE_7_2 && p->is_referenced)
		return true;
	if (!folio_referenced(n, page, sc))
		return false;
	if (n->version == NAIVE_7_2 && set_refs(n, p))
		p->is_active = true;
	return true;
}

/* Return: whether the folio was reclaimed. */
static bool shrink_folio(struct naive_mglru *n, uint32_t page,
			 const struct naive_scan_control *sc, bool *is_rejected)
{
	*is_rejected = false;
	if (!is_isolated(n, page))
		return false;
	if (is_kept(n, page, sc)) {
		n->counters.n[COUNT_kept]++;
		*is_rejected = true;
		return false;
	}
	if (n->kind.is_refused) { /* activate_locked */
		n->counters.n[COUNT_unmap_refused]++;
		n->counters.n[COUNT_kept]++;
		*is_rejected = true;
		return false;
	}
	if (!n->page[page].is_unmapped)
		naive_zap_leaving(n, page, NAIVE_EVICT);
	n->page[page].is_unmapped = true;
	n->page[page].is_prot_none = false;
	if (naive_has_extra_reference(n, page)) {
		n->counters.n[COUNT_busy]++;
		*is_rejected = true;
		return false;
	}
	naive_remove_mapping(n, page);
	return true;
}

static void put_back(struct naive_mglru *n, uint32_t page)
{
	struct naive_page *p = &n->page[page];

	if (n->version != NAIVE_7_2 || naive_folio_seq(n, p) == n->min_seq) {
		naive_clear_refs(n, p);
		p->is_active = true;
	}
	naive_add(n, page);
}

static uint64_t isolate_folios(struct naive_mglru *n, uint64_t nr_to_scan,
			       uint32_t *page, uint32_t *nr_isolated)
{
	uint64_t scanned;

	if (n->version == NAIVE_7_2) {
		naive_try_to_inc_min_seq(n);
		scanned = scan_folios(n, nr_to_scan, page, nr_isolated);
		if (scanned)
			naive_try_to_inc_min_seq(n);
		return scanned;
	}
	scanned = scan_folios(n, SCAN_MAX, page, nr_isolated);
	if (naive_try_to_inc_min_seq(n))
		scanned++;
	return naive_nr_gens(n) == MIN_GENS ? 0 : scanned;
}

uint64_t naive_evict_folios(struct naive_mglru *n,
			    struct naive_scan_control *sc, uint64_t nr_to_scan)
{
	uint32_t page[NAIVE_BATCH], nr_isolated;
	bool is_rejected[NAIVE_BATCH];
	uint64_t scanned = isolate_folios(n, nr_to_scan, page, &nr_isolated);

	for (uint32_t i = 0; i < nr_isolated; i++) {
		if (shrink_folio(n, page[i], sc, &is_rejected[i]))
			sc->nr_reclaimed++;
		n->pause(n->arg, 1);
	}
	for (uint32_t i = 0; i < nr_isolated; i++)
		if (is_rejected[i] && is_isolated(n, page[i]))
			put_back(n, page[i]);
	return scanned;
}

/* SPDX-License-Identifier: MIT */
/*
 * The eviction: scan_folios, sort_folio, isolate_folio, evict_folios, the verdict of
 * shrink_folio_list and lru_gen_look_around (mm/vmscan.c, mm/rmap.c).
 */
#include "models/mglru_internal.h"

/* sort_folio(): pages that their tier protects go to the next generation. */
static void protect(struct mglru *m, uint32_t page, unsigned int tier,
		    bool is_saturated)
{
	unsigned int gen = mglru_inc_gen(m, page);

	mglru_list_del(m, page);
	if (m->version->sort_folio_to_head)
		mglru_list_add(m, page, gen);
	else
		mglru_list_add_tail(m, page, gen);
	if (!is_saturated || !m->version->sort_folio_to_head)
		m->ctrl[page_type(m, page)][tier].protected +=
			mglru_weight(m, page);
	m->counters->n[COUNT_protected] += mglru_weight(m, page);
}

/* sort_folio(): move what does not belong in the oldest generation (any more). */
static bool sort_page(struct mglru *m, uint32_t page, unsigned int tier_idx)
{
	unsigned int gen = (unsigned int)page_gen(m, page);
	unsigned int tier = m->version->folio_lru_tier(m->flags[page]);
	bool is_saturated = m->version->is_saturated(m->flags[page]);

	if (gen !=
	    gen_from_seq(m->min_seq[page_type(m, page)])) { /* promoted */
		mglru_list_del(m, page);
		mglru_list_add(m, page, gen);
		m->counters->n[COUNT_sorted] += mglru_weight(m, page);
		return true;
	}
	if (tier > tier_idx || is_saturated) {
		protect(m, page, tier, is_saturated);
		return true;
	}
	return false;
}

/* isolate_folio() */
static void isolate_page(struct mglru *m, uint32_t page)
{
	m->version->isolate_folio(&m->flags[page]);
	mglru_del(m, page);
}

uint64_t mglru_scan_folios(struct mglru *m, struct mglru_batch *batch,
			   enum mglru_type type, unsigned int tier_idx,
			   uint64_t nr_to_scan)
{
	unsigned int gen = gen_from_seq(m->min_seq[type]);
	struct genlist *l = &m->list[type][gen];
	uint64_t remaining = nr_to_scan, scanned = 0, isolated = 0;

	batch->type = type;
	if (nr_gens(m, type) == MIN_NR_GENS)
		return 0;
	while (!genlist_is_empty(l) && !m->error) {
		uint32_t page = genlist_tail(l);
		uint32_t weight = mglru_weight(m, page);

		mglru_prefetch_listed(m, l);
		scanned += weight;
		if (!sort_page(m, page, tier_idx)) {
			isolate_page(m, page);
			batch->page[batch->n++] = page;
			batch->nr_pages += weight;
			isolated += weight;
		}
		if (!--remaining || isolated >= MIN_LRU_BATCH)
			break;
	}
	m->counters->n[COUNT_scanned] += isolated;
	return isolated || !remaining || m->version->scan_folios_to_order
		       ? scanned
		       : 0;
}

/* evict_folios() up to the point where lru_lock is dropped. */
static uint64_t scan_and_flush(struct mglru *m, struct mglru_batch *batch)
{
	uint64_t scanned = m->version->isolate_folios(m, batch, MAX_LRU_BATCH);

	scanned += mglru_try_to_inc_min_seq(m);
	return nr_gens(m, min_type(m)) == MIN_NR_GENS ? 0 : scanned;
}

/* The same since 7.x: empty generations go first and last, and do not count. */
static uint64_t flush_and_scan(struct mglru *m, struct mglru_batch *batch,
			       uint64_t nr_to_scan)
{
	uint64_t scanned;

	mglru_try_to_inc_min_seq(m);
	scanned = m->version->isolate_folios(m, batch, nr_to_scan);
	if (scanned)
		mglru_try_to_inc_min_seq(m);
	return scanned;
}

uint64_t mglru_isolate(struct mglru *m, struct mglru_batch *batch,
		       uint64_t nr_to_scan)
{
	batch->n = batch->at = batch->nr_kept = batch->nr_pages = 0;
	batch->scanned = m->version->scan_folios_to_order
				 ? flush_and_scan(m, batch, nr_to_scan)
				 : scan_and_flush(m, batch);
	return batch->scanned;
}

/* The window of look-around: 64 pages around @page inside its table. */
static uint32_t window_of(uint32_t page)
{
	uint32_t table = page & ~(uint32_t)(PTRS_PER_PTE - 1);
	uint32_t at = page - table;

	if (at < WINDOW / 2)
		return table;
	if (PTRS_PER_PTE - at < WINDOW / 2)
		return table + PTRS_PER_PTE - WINDOW;
	return page - WINDOW / 2;
}

static void look_around(struct mglru *m, uint32_t page,
			const struct mglru_batch *batch)
{
	bool is_file = page_type(m, page) == LRU_GEN_FILE;
	uint32_t first = window_of(page);
	uint64_t want = mglru_want(m, first);
	uint64_t young = 0;
	uint32_t nr_young;

	if (!is_file && m->version->look_around_needs_can_swap &&
	    !batch->can_swap)
		return;
	if (m->policy->age_window && !is_file)
		young = m->policy->age_window(m->policy_params, m->mmu, first,
					      want);
	young |= mglru_clear_primary(m, first, want);
	nr_young = mglru_spread_young(m, first, &want, &young, 1);
	mglru_tell_asked(m, MGLRU_ASKS_WINDOW, first, want, young);
	m->counters->n[COUNT_lookaround_ptes] += window_count(want);
	m->counters->n[COUNT_lookaround_young] += nr_young;
	m->version->lru_gen_look_around(m, first, young, batch->has_walk);
	if (suitable_to_scan(WINDOW, nr_young + 1)) /* the page itself counts */
		mglru_bloom_add(m, m->max_seq, page / PTRS_PER_PTE);
}

static bool looks_around(const struct mglru *m)
{
	return m->policy->looks_around &&
	       m->policy->looks_around(m->policy_params, m->mmu);
}

/* folio_referenced() */
static bool is_referenced(struct mglru *m, uint32_t page,
			  const struct mglru_batch *batch)
{
	bool primary = m->flags[page] & PAGE_PRIMARY_YOUNG;
	bool secondary;

	if (m->flags[page] & PAGE_UNMAPPED)
		return false;
	secondary = m->policy->age_victim &&
		    page_type(m, page) == LRU_GEN_ANON &&
		    m->policy->age_victim(m->policy_params, m->mmu, page);
	m->flags[page] &= (uint16_t)~PAGE_PRIMARY_YOUNG;
	m->counters->n[COUNT_rmap_walks]++;
	if (m->listener.asked)
		mglru_tell_folio(m, MGLRU_ASKS_VICTIM, page,
				 primary || secondary);
	/* a PMD has no neighbours: folio_referenced_one() */
	if (mglru_weight(m, page) == 1 &&
	    (primary || (secondary && looks_around(m))))
		look_around(m, page, batch);
	return primary || secondary;
}

static bool is_isolated(const struct mglru *m, uint32_t page)
{
	return (m->flags[page] & PAGE_RESIDENT) && page_gen(m, page) < 0;
}

/* shrink_folio_list() up to folio_check_references(): whether the page stays.  With
 * PG_referenced, look-around of another victim found it young. */
static bool is_kept(struct mglru *m, uint32_t page,
		    const struct mglru_batch *batch)
{
	const struct mglru_version *v = m->version;

	if (v->shrink_folio_list_keeps && (m->flags[page] & PAGE_REFERENCED))
		return true;
	if (!is_referenced(m, page, batch))
		return false;
	v->lru_gen_set_refs(&m->flags[page]);
	return true;
}

/* try_to_unmap() succeeds: no notifier refuses */
static bool may_unmap(struct mglru *m, uint32_t page)
{
	return page_type(m, page) == LRU_GEN_FILE || mmu_may_evict(m->mmu);
}

/* A reference that others hold (is_page_cache_freeable()) keeps a page that is
 * unmapped already. */
uint32_t mglru_shrink_one(struct mglru *m, struct mglru_batch *batch,
			  uint64_t now_ns)
{
	uint32_t page = batch->page[batch->at++];
	uint32_t weight = mglru_weight(m, page);

	if (!is_isolated(m, page)) /* the guest gave it back meanwhile */
		return 0;
	if (is_kept(m, page, batch) || !may_unmap(m, page)) {
		batch->page[batch->nr_kept++] = page;
		m->counters->n[COUNT_kept] += weight;
		return 0;
	}
	if (weight > 1) {
		mglru_evict_huge(m, page, now_ns);
		return weight;
	}
	mglru_unmap(m, page);
	if (mglru_is_activating(m, page)) {
		batch->page[batch->nr_kept++] = page;
		m->counters->n[COUNT_busy]++;
		return 0;
	}
	mglru_forget(m, page, now_ns);
	return weight;
}

/* evict_folios(): a page that is neither mapped nor dirty is tried once more, after the
 * others are back on their lists.  What was to be swapped out is dirty; what was read
 * ahead is not. */
static bool is_retried(const struct mglru *m, uint32_t page)
{
	return (m->flags[page] & PAGE_UNMAPPED) &&
	       (page_type(m, page) == LRU_GEN_FILE ||
		mglru_is_read_ahead(m, page));
}

static void put_back(struct mglru *m, uint32_t page)
{
	m->flags[page] =
		m->version->evict_folios(m, page_type(m, page), m->flags[page]);
	mglru_add(m, page);
}

/* The rest of evict_folios(), and move_folios_to_lru(). */
uint32_t mglru_put_back(struct mglru *m, struct mglru_batch *batch,
			uint64_t now_ns)
{
	uint32_t nr_clean = 0, nr_reclaimed = 0;

	for (uint32_t i = 0; i < batch->nr_kept; i++) {
		uint32_t page = batch->page[i];

		if (is_isolated(m, page) && is_retried(m, page))
			batch->page[nr_clean++] = page;
		else if (is_isolated(m, page))
			put_back(m, page);
	}
	for (uint32_t i = 0; i < nr_clean; i++) {
		uint32_t page = batch->page[i];

		if (mglru_is_activating(m, page)) {
			put_back(m, page);
			continue;
		}
		mglru_forget(m, page, now_ns);
		nr_reclaimed++;
	}
	batch->n = batch->at = batch->nr_kept = 0;
	return nr_reclaimed;
}

/* SPDX-License-Identifier: MIT */
/*
 * The eviction: scan_folios, sort_folio, isolate_folio, evict_folios, the verdict of
 * shrink_folio_list and lru_gen_look_around (mm/vmscan.c, mm/rmap.c 6.12).
 */
#include "models/mglru_internal.h"

/* sort_folio(): move what does not belong in the oldest generation (any more). */
static bool sort_page(struct mglru *m, uint32_t page, unsigned int tier_idx)
{
	unsigned int gen = (unsigned int)page_gen(m, page);
	unsigned int refs = mglru_refs(m->flags[page]);
	unsigned int tier = mglru_tier_from_refs(refs);

	if (gen != gen_from_seq(m->min_seq)) { /* promoted */
		mglru_list_del(m, page);
		mglru_list_add(m, page, gen);
		m->counters->n[COUNT_sorted]++;
		return true;
	}
	if (tier > tier_idx || refs == 1 << LRU_REFS_WIDTH) { /* protected */
		mglru_list_del(m, page);
		mglru_list_add_tail(m, page, mglru_inc_gen(m, page));
		m->ctrl[tier].protected ++;
		m->counters->n[COUNT_protected]++;
		return true;
	}
	return false;
}

/* isolate_folio() */
static void isolate_page(struct mglru *m, uint32_t page)
{
	if (!(m->flags[page] & PAGE_REFERENCED))
		m->flags[page] &= (uint16_t)~PAGE_REFS_ALL;
	m->flags[page] &= (uint16_t)~PAGE_REFERENCED;
	mglru_del(m, page);
}

/* scan_folios(): up to 4096 pages scanned, up to 64 isolated. */
static uint64_t scan_pages(struct mglru *m, struct mglru_batch *batch)
{
	unsigned int gen = gen_from_seq(m->min_seq);
	unsigned int tier_idx = mglru_tier_idx(m);
	uint64_t scanned = 0;

	if (nr_gens(m) == MIN_NR_GENS)
		return 0;
	while (!genlist_is_empty(&m->list[gen]) && !m->error) {
		uint32_t page = genlist_tail(&m->list[gen]);

		scanned++;
		if (!sort_page(m, page, tier_idx)) {
			isolate_page(m, page);
			batch->page[batch->n++] = page;
		}
		if (scanned == MAX_LRU_BATCH || batch->n == MIN_LRU_BATCH)
			break;
	}
	m->counters->n[COUNT_scanned] += batch->n;
	return batch->n || scanned == MAX_LRU_BATCH ? scanned : 0;
}

/* evict_folios() up to the point where lru_lock is dropped. */
uint64_t mglru_isolate(struct mglru *m, struct mglru_batch *batch)
{
	batch->n = batch->at = batch->nr_kept = 0;
	batch->scanned = scan_pages(m, batch);
	batch->scanned += mglru_try_to_inc_min_seq(m);
	if (nr_gens(m) == MIN_NR_GENS)
		batch->scanned = 0;
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

/* A neighbour was young: lru_gen_look_around() with or without a walk context. */
static void promote_neighbour(struct mglru *m, uint32_t page, bool has_walk)
{
	unsigned int gen = gen_from_seq(m->max_seq);
	int old = page_gen(m, page);

	if (has_walk) {
		mglru_update_gen(m, page, gen);
	} else if (old < 0) {
		m->flags[page] |= PAGE_REFERENCED;
	} else if ((unsigned int)old != gen) {
		m->flags[page] &= (uint16_t)~PAGE_REFS_ALL;
		mglru_activate(m, page);
	}
}

static void look_around(struct mglru *m, uint32_t page, bool has_walk)
{
	uint32_t first = window_of(page);
	uint64_t want = mapped_mask(m, first);
	uint64_t young = 0;
	uint32_t nr_young;

	if (m->policy->age_window)
		young = m->policy->age_window(m->policy_params, m->mmu, first,
					      want);
	young |= mglru_clear_primary(m, first, want);
	nr_young = window_count(young);
	mglru_tell_asked(m, MGLRU_ASKS_WINDOW, first, want, young);
	m->counters->n[COUNT_lookaround_ptes] += window_count(want);
	m->counters->n[COUNT_lookaround_young] += nr_young;
	for (; young; young &= young - 1)
		promote_neighbour(m, first + (uint32_t)__builtin_ctzll(young),
				  has_walk);
	if (suitable_to_scan(WINDOW, nr_young + 1)) /* the page itself counts */
		mglru_bloom_add(m, m->max_seq, page / PTRS_PER_PTE);
}

static bool looks_around(const struct mglru *m)
{
	return m->policy->looks_around &&
	       m->policy->looks_around(m->policy_params, m->mmu);
}

/* folio_referenced() */
static bool is_referenced(struct mglru *m, uint32_t page, bool has_walk)
{
	bool primary = m->flags[page] & PAGE_PRIMARY_YOUNG;
	bool secondary;

	if (m->flags[page] & PAGE_UNMAPPED)
		return false;
	secondary = m->policy->age_victim &&
		    m->policy->age_victim(m->policy_params, m->mmu, page);
	m->flags[page] &= (uint16_t)~PAGE_PRIMARY_YOUNG;
	m->counters->n[COUNT_rmap_walks]++;
	mglru_tell_asked(m, MGLRU_ASKS_VICTIM, page, 1, primary || secondary);
	if (primary || (secondary && looks_around(m)))
		look_around(m, page, has_walk);
	return primary || secondary;
}

/* add_to_swap() and try_to_unmap() */
static void unmap(struct mglru *m, uint32_t page)
{
	if (m->flags[page] & PAGE_UNMAPPED)
		return;
	mmu_invalidate(m->mmu, page, 1);
	m->flags[page] |= PAGE_UNMAPPED;
	m->unmapped++;
}

static bool is_isolated(const struct mglru *m, uint32_t page)
{
	return (m->flags[page] & PAGE_RESIDENT) && page_gen(m, page) < 0;
}

/* shrink_folio_list(): a reference that others hold (is_page_cache_freeable()) keeps
 * a page that is unmapped already. */
bool mglru_shrink_one(struct mglru *m, struct mglru_batch *batch,
		      uint64_t now_ns)
{
	uint32_t page = batch->page[batch->at++];

	if (!is_isolated(m, page)) /* the guest gave it back meanwhile */
		return false;
	/* PG_referenced here: look-around of another victim found it young */
	if ((m->flags[page] & PAGE_REFERENCED) ||
	    is_referenced(m, page, batch->has_walk)) {
		batch->page[batch->nr_kept++] = page;
		m->counters->n[COUNT_kept]++;
		return false;
	}
	unmap(m, page);
	if (mglru_is_activating(m, page)) {
		batch->page[batch->nr_kept++] = page;
		m->counters->n[COUNT_busy]++;
		return false;
	}
	mglru_forget(m, page, now_ns);
	return true;
}

/* move_folios_to_lru() after evict_folios() made the rejected pages active. */
void mglru_put_back(struct mglru *m, struct mglru_batch *batch)
{
	for (uint32_t i = 0; i < batch->nr_kept; i++) {
		uint32_t page = batch->page[i];

		if (!is_isolated(m, page))
			continue;
		m->flags[page] &= (uint16_t)~PAGE_REFS_ALL;
		mglru_add(m, page, m->max_seq - m->version->rejected_gens_back);
	}
	batch->n = batch->at = batch->nr_kept = 0;
}

/* SPDX-License-Identifier: MIT */
/* The naive twin's invalidations: what each subscriber does in a call. */
#include <stddef.h>

#include "base/rng.h"
#include "models/naive_internal.h"

static void add(struct naive_mglru *n, enum counter counter, uint64_t by)
{
	n->counters.n[counter] += by;
}

static void count_reason(struct naive_mglru *n, enum naive_reason reason)
{
	add(n, COUNT_calls_unmap, 1);
	if (reason == NAIVE_EVICT)
		add(n, COUNT_calls_unmap_evict, 1);
	if (reason == NAIVE_PROTECT)
		add(n, COUNT_calls_unmap_numa, 1);
	if (reason == NAIVE_MIGRATE)
		add(n, COUNT_calls_unmap_migrate, 1);
	if (reason == NAIVE_RECORDED)
		add(n, COUNT_calls_unmap_trace, 1);
	if (reason == NAIVE_GIVEN_BACK)
		add(n, COUNT_calls_unmap_discard, 1);
}

/* range_start() of a driver of devices */
static void call_device(struct naive_mglru *n, uint32_t count)
{
	uint64_t call = n->counters.n[COUNT_calls_unmap];
	uint32_t named = count;

	if (n->kind.sleeps)
		add(n, COUNT_unmap_sleeps, 1);
	if (n->kind.device_pages && named > n->kind.device_pages)
		named = n->kind.device_pages;
	for (uint32_t gru = 0; gru < n->kind.device_flushes; gru++) {
		if (rng_mix(call << 16 | gru) % 100 < n->kind.idle_share) {
			add(n, COUNT_device_idle, 1);
			continue;
		}
		add(n, COUNT_device_flushes, 1);
		add(n, COUNT_device_pages, named);
		add(n, COUNT_device_clipped, count - named);
	}
}

/* The SPTE of @page goes, and with it what it maps.  Return: those pages. */
static uint32_t zap_leaf(struct naive_mglru *n, uint32_t page)
{
	uint32_t count, start = naive_leaf(n, page, &count), lost = 0;

	for (uint32_t i = start; i < start + count; i++) {
		lost += n->page[i].has_spte;
		if (n->page[i].has_spte)
			n->page[i].is_lost = true;
		n->page[i].has_spte = n->page[i].is_spte_young = false;
	}
	n->has_huge_spte[page / NAIVE_TABLE] = false;
	if (n->kind.leaf > 1)
		n->is_split[page / n->kind.leaf * n->kind.leaf / NAIVE_TABLE] =
			true;
	return lost;
}

/* What is counted of a walk over the SPTEs of one page. */
static void visit(struct naive_mglru *n, uint32_t page)
{
	uint32_t chain = naive_side_of(n, page)->chain;

	if (n->kind.is_device)
		return;
	if (n->kind.leaf == 1 || n->page[page].has_spte)
		add(n, COUNT_unmap_visited, 1);
	if (n->page[page].has_spte)
		add(n, COUNT_unmap_sptes, chain ? chain : 1);
}

/* Return: how many pages lost their SPTE. */
static uint32_t zap_page(struct naive_mglru *n, uint32_t page)
{
	uint32_t lost = 0;

	visit(n, page);
	n->page[page].is_spte_read_only = false;
	if (n->page[page].has_spte)
		lost = zap_leaf(n, page);
	n->page[page].is_spte_young = false; /* one that was kept, too */
	if (!n->kind.is_device)
		add(n, COUNT_unmap_zapped, lost);
	return lost;
}

/* Up to 6.12, x86: the accessed bit of a zapped SPTE is handed to the page. */
static void tell_age(struct naive_mglru *n, uint32_t page)
{
	bool is_told = n->version != NAIVE_7_2 && !n->kind.zaps_silently;

	if (n->kind.zap == NAIVE_ZAP_MARK)
		is_told = true;
	if (n->kind.zap == NAIVE_ZAP_DROP)
		is_told = false;
	if (!is_told) {
		add(n, COUNT_ages_erased, 1);
		return;
	}
	add(n, COUNT_ages_marked, 1);
	naive_mark_accessed(n, &n->page[naive_folio(n, page)]);
}

/* Pages whose window of 64 begins at @first; their ages are looked at before. */
static uint32_t zap_window(struct naive_mglru *n, uint32_t first,
			   uint32_t count, const bool *wanted,
			   enum naive_reason reason)
{
	bool is_kept = n->kind.zap == NAIVE_ZAP_KEEP && reason == NAIVE_PROTECT;
	bool young[64] = {false};
	uint32_t lost = 0;

	for (uint32_t i = 0; i < count; i++)
		if (!wanted || wanted[i])
			young[i] = n->page[first + i].is_spte_young &&
				   (is_kept || n->page[first + i].has_spte);
	for (uint32_t i = 0; i < count; i++) {
		if (is_kept && young[i] && n->page[first + i].has_spte)
			n->counters.n[COUNT_ages_kept]++;
		if (!wanted || wanted[i])
			lost += zap_page(n, first + i);
	}
	for (uint32_t i = 0; i < count; i++) {
		if (young[i] && is_kept)
			n->page[first + i].is_spte_young = true;
		else if (young[i])
			tell_age(n, first + i);
	}
	return lost;
}

static void unlock(struct naive_mglru *n, enum naive_reason reason,
		   uint32_t holds, bool has_zapped)
{
	if (n->kind.is_device)
		return;
	add(n, COUNT_lock_write_unmap, holds);
	if (has_zapped) {
		add(n, COUNT_flushes, 1);
		add(n, COUNT_flushes_unmap, 1);
		if (reason == NAIVE_PROTECT)
			add(n, COUNT_flushes_numa, 1);
	}
}

static uint32_t zap_all(struct naive_mglru *n, uint32_t first, uint32_t end,
			const bool *wanted, enum naive_reason reason)
{
	uint32_t lost = 0;

	for (uint32_t page = first; page < end;) {
		uint32_t count = 64 - page % 64;

		if (count > end - page)
			count = end - page;
		if (n->is_huge[page / NAIVE_TABLE]) { /* it has one SPTE */
			lost += zap_window(n, page, 1, NULL, reason);
			page = (page / NAIVE_TABLE + 1) * NAIVE_TABLE;
			continue;
		}
		if (n->has_table[page / NAIVE_TABLE])
			lost += zap_window(n, page, count,
					   wanted ? wanted + (page - first)
						  : NULL,
					   reason);
		page += count;
	}
	return lost;
}

static uint32_t one_call(struct naive_mglru *n, uint32_t first, uint32_t end,
			 enum naive_reason reason)
{
	uint32_t lost;

	count_reason(n, reason);
	call_device(n, end - first);
	lost = zap_all(n, first, end, NULL, reason);
	unlock(n, reason, 2, lost);
	return lost;
}

void naive_zap_leaving(struct naive_mglru *n, uint32_t page,
		       enum naive_reason reason)
{
	uint32_t lost;

	add(n, COUNT_unmap_ranges, 1);
	add(n, COUNT_unmap_pages, naive_nr_pages(n, page));
	count_reason(n, reason);
	call_device(n, naive_nr_pages(n, page));
	lost = zap_page(n, page);
	n->page[page].is_spte_young = false;
	n->page[page].is_lost = false;
	unlock(n, reason, 2, lost);
}

static bool any_pte(const struct naive_mglru *n, uint32_t first, uint32_t end)
{
	for (uint32_t page = first; page < end; page++) {
		const struct naive_page *p = &n->page[naive_folio(n, page)];

		if (p->is_resident && !p->is_unmapped)
			return true;
	}
	return false;
}

/* Where a call that begins at @first ends. */
static uint32_t end_of_call(const struct naive_mglru *n, uint32_t first,
			    uint32_t end)
{
	uint32_t to = end;

	if (n->chunk == NAIVE_CHUNK_TABLE)
		to = (first / NAIVE_TABLE + 1) * NAIVE_TABLE;
	if (n->chunk == NAIVE_CHUNK_PAGE && !n->is_huge[first / NAIVE_TABLE])
		to = first + 1;
	else if (n->chunk == NAIVE_CHUNK_PAGE)
		to = (first / NAIVE_TABLE + 1) * NAIVE_TABLE;
	return to < end ? to : end;
}

uint32_t naive_invalidate_range(struct naive_mglru *n, uint32_t first,
				uint32_t end, enum naive_reason reason)
{
	uint32_t lost = 0, to;

	add(n, COUNT_unmap_ranges, 1);
	add(n, COUNT_unmap_pages, end - first);
	for (; first < end; first = to) {
		to = end_of_call(n, first, end);
		if (n->chunk == NAIVE_CHUNK_RANGE || any_pte(n, first, to))
			lost += one_call(n, first, to, reason);
	}
	return lost;
}

void naive_invalidate(struct naive_mglru *n, uint32_t first, uint32_t count,
		      enum naive_reason reason)
{
	naive_invalidate_range(n, first, first + count, reason);
}

/* range_start() without a zap, numa_protect() for what changed, range_end() */
uint32_t naive_announce(struct naive_mglru *n, uint32_t first, uint32_t end,
			const bool *changed)
{
	uint32_t lost = 0, to;

	add(n, COUNT_unmap_ranges, 1);
	add(n, COUNT_unmap_pages, end - first);
	count_reason(n, NAIVE_PROTECT);
	call_device(n, end - first);
	if (n->kind.is_device)
		return zap_all(n, first, end, NULL, NAIVE_PROTECT);
	for (uint32_t at = first; at < end; at = to) {
		uint32_t here = 0;
		bool any = false;

		to = end_of_call(n, at, end);
		for (uint32_t page = at; page < to; page++)
			any |= changed[page - first];
		if (!any)
			continue;
		here = zap_all(n, at, to, changed + (at - first),
			       NAIVE_PROTECT);
		add(n, COUNT_calls_protect, 1);
		unlock(n, NAIVE_PROTECT, 1, here);
		lost += here;
	}
	unlock(n, NAIVE_PROTECT, 2, false);
	return lost;
}

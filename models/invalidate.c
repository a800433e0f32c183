/* SPDX-License-Identifier: MIT */
/*
 * Ranges of pages that stay but are invalidated, cut into notifier calls, and what
 * their zaps tell of ages.
 *
 * Calls of less than a range were made under the lock of a page table, for what was
 * mapped there ("mmu notifiers #v5", February 2008): a page or table without a PTE has
 * none.  Today's KVM would take mmu_lock twice in each, then it took it once.
 */
#include "models/invalidate.h"

#include "models/mglru_internal.h"
#include "models/spte.h"
#include "models/window.h"

/* Up to 6.12 the zap of a young SPTE marks the page accessed (66bc627e7fee). */
static bool marks_zapped(const struct mglru *m)
{
	const struct mmu_traits *t = &m->mmu->traits;

	if (t->zap == MMU_ZAP_MARK || t->zap == MMU_ZAP_DROP)
		return t->zap == MMU_ZAP_MARK;
	return m->version->kvm_zap_marks_accessed && !t->zaps_silently;
}

static void note_ages(struct mglru *m, uint32_t first, uint64_t young)
{
	bool marks = marks_zapped(m);

	m->counters->n[marks ? COUNT_ages_marked : COUNT_ages_erased] +=
		window_count(young);
	for (; marks && young; young &= young - 1)
		m->version->folio_mark_accessed(&m->flags[mglru_folio(
			m, first + (uint32_t)__builtin_ctzll(young))]);
}

/* Return: pages from @first to the end of its window, or to @end. */
static uint64_t window_of(uint32_t first, uint32_t end)
{
	uint32_t n = WINDOW - first % WINDOW;

	return UINT64_MAX >> (WINDOW - (n < end - first ? n : end - first));
}

/* The SPTE of a huge folio has one age.  Return: the page after it. */
static uint32_t zap_huge(struct mglru *m, struct mmu_unmap *call,
			 uint32_t first)
{
	note_ages(m, first, mglru_zap(m, call, first, 1));
	return (first / PTRS_PER_PTE + 1) * PTRS_PER_PTE;
}

static void zap_range(struct mglru *m, struct mmu_unmap *call, uint32_t first,
		      uint32_t end)
{
	while (first < end) {
		uint64_t range = window_of(first, end);

		if (mglru_weight(m, first) != 1) {
			first = zap_huge(m, call, first);
			continue;
		}
		if (m->table[first / PTRS_PER_PTE] & TABLE_EXISTS)
			note_ages(m, first, mglru_zap(m, call, first, range));
		first += window_count(range);
	}
}

/* Return: the pages that lost their SPTE. */
static uint64_t call_for(struct mglru *m, uint32_t first, uint32_t end,
			 enum mmu_reason reason)
{
	struct mmu_unmap call;

	mmu_unmap_begin(m->mmu, &call, reason, end - first);
	zap_range(m, &call, first, end);
	mmu_unmap_end(m->mmu, &call);
	return call.zapped;
}

static bool has_pte(const struct mglru *m, uint32_t page)
{
	return (mglru_flags(m, page) & (PAGE_RESIDENT | PAGE_UNMAPPED)) ==
	       PAGE_RESIDENT;
}

static uint32_t next_pte(const struct mglru *m, uint32_t first, uint32_t end)
{
	while (first < end && !has_pte(m, first))
		first++;
	return first;
}

/* A huge folio has one entry, which is in one call. */
static uint32_t end_of_call(const struct mglru *m, uint32_t first, uint32_t end)
{
	bool is_page = m->mmu->chunk == MMU_CHUNK_PAGE &&
		       mglru_weight(m, first) == 1;
	uint32_t left = is_page ? 1 : PTRS_PER_PTE - first % PTRS_PER_PTE;

	return left < end - first ? first + left : end;
}

uint64_t mglru_invalidate(struct mglru *m, uint32_t first, uint32_t end,
			  enum mmu_reason reason)
{
	uint64_t zapped = 0;

	m->counters->n[COUNT_unmap_ranges]++;
	m->counters->n[COUNT_unmap_pages] += end - first;
	if (m->mmu->chunk == MMU_CHUNK_RANGE)
		return call_for(m, first, end, reason);
	for (uint32_t to; first < end; first = to) {
		to = end_of_call(m, first, end);
		if (next_pte(m, first, to) < to)
			zapped += call_for(m, first, to, reason);
	}
	return zapped;
}

/* One numa_protect() for the pages of [first, end) that changed, if any did. */
static uint64_t protect(struct mglru *m, uint32_t first, uint32_t end,
			uint64_t (*wants)(const void *, uint32_t, uint64_t),
			const void *arg)
{
	struct mmu_unmap call = {.reason = MMU_NUMA};
	bool any = false;

	for (uint64_t range; first < end; first += window_count(range)) {
		uint64_t wanted;

		range = window_of(first, end);
		wanted = wants(arg, first, range);
		any |= wanted != 0;
		note_ages(m, first, mglru_zap(m, &call, first, wanted));
	}
	if (any)
		mmu_protect_end(m->mmu, &call);
	return call.zapped;
}

uint64_t mglru_protect(struct mglru *m, uint32_t first, uint32_t end,
		       uint64_t (*wants)(const void *arg, uint32_t first,
					 uint64_t range),
		       const void *arg)
{
	static const uint32_t sizes[] = {[MMU_CHUNK_RANGE] = UINT32_MAX,
					 [MMU_CHUNK_TABLE] = PTRS_PER_PTE,
					 [MMU_CHUNK_PAGE] = 1};
	uint32_t size = sizes[m->mmu->chunk];
	struct mmu_unmap call;
	uint64_t zapped;

	m->counters->n[COUNT_unmap_ranges]++;
	m->counters->n[COUNT_unmap_pages] += end - first;
	mmu_unmap_begin(m->mmu, &call, MMU_NUMA, end - first);
	if (!m->mmu->traits.is_kvm) /* it knows range_start() alone */
		zap_range(m, &call, first, end);
	zapped = call.zapped;
	for (uint32_t to; m->mmu->traits.is_kvm && first < end; first = to) {
		uint32_t left = size - first % size;

		to = left < end - first ? first + left : end;
		zapped += protect(m, first, to, wants, arg);
	}
	call.zapped = 0;
	mmu_unmap_end(m->mmu, &call);
	return zapped;
}

uint64_t mglru_has_sptes(const struct mglru *m, uint32_t first, uint64_t range)
{
	return m->mmu->sptes->present(m->mmu, first, range);
}

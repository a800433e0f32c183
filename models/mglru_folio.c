/* SPDX-License-Identifier: MIT */
/*
 * Large folios that PTEs map, in walks and look-around: 7.2 asks about all PTEs of a
 * folio together, and counts all of them as young if one is (folio_pte_batch_flags()
 * and young += nr in walk_pte_range()).  Which pages make a folio is not known: those
 * of an aligned block are taken to, as far as the caller wants them.
 */
#include "models/mglru_internal.h"

/* Return: the part of page @page's folio in the window that begins at @first. */
static uint64_t folio_in_window(const struct mglru *m, uint32_t page,
				uint32_t first)
{
	unsigned int order = m->mmu->traits.folio_order;
	uint32_t from = page >> order << order;
	uint32_t to = from + (UINT32_C(1) << order);

	if (to <= first || from >= first + WINDOW)
		return 0;
	from = from > first ? from - first : 0;
	to = to < first + WINDOW ? to - first : WINDOW;
	return UINT64_MAX >> (WINDOW - (to - from)) << from;
}

static uint32_t count_all(const uint64_t *mask, uint32_t windows)
{
	uint32_t n = 0;

	for (uint32_t w = 0; w < windows; w++)
		n += window_count(mask[w]);
	return n;
}

uint32_t mglru_spread_young(struct mglru *m, uint32_t first,
			    const uint64_t *want, uint64_t *young,
			    uint32_t windows)
{
	uint32_t ptes = count_all(young, windows), total = windows * WINDOW;
	uint32_t pages;

	if (!m->mmu->traits.folio_order)
		return ptes;
	for (uint32_t w = 0; w < windows; w++) {
		uint64_t left = young[w];

		while (left) {
			uint32_t page = first + w * WINDOW +
					(uint32_t)__builtin_ctzll(left);

			for (uint32_t v = 0; v < windows; v++)
				young[v] |= want[v] &
					    folio_in_window(m, page,
							    first + v * WINDOW);
			left &= ~folio_in_window(m, page, first + w * WINDOW);
		}
	}
	pages = count_all(young, windows);
	if (m->mmu->traits.counts == MMU_COUNTS_PTE)
		return ptes;
	m->counters->n[COUNT_tables_inflated] +=
		windows == TABLE_WINDOWS && suitable_to_scan(total, pages) &&
		!suitable_to_scan(total, ptes);
	return pages;
}

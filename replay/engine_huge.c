/* SPDX-License-Identifier: MIT */
/*
 * Huge folios in lanes that have them: where the guest's memory has room for one, and
 * which of their pages a scenario's results name.
 */
#include "base/alloc.h"
#include "replay/engine_internal.h"

/* A VMA that ends within 2 MiB has no huge page there (thp_vma_suitable_order()). */
static void mark_partial(struct engine *e, uint32_t table)
{
	for (size_t i = 0; i < e->nr_lanes; i++)
		if (e->lanes[i].mglru.is_huge)
			e->lanes[i].mglru.table[table] |= TABLE_PARTIAL;
}

void engine_limit_huge(struct engine *e)
{
	for (size_t i = 0; i < e->map.n; i++) {
		const struct gfn_range *r = &e->map.range[i];
		uint64_t end = r->index + r->npages;

		if (r->npages && r->index % PTRS_PER_PTE)
			mark_partial(e, r->index / PTRS_PER_PTE);
		if (r->npages && end % PTRS_PER_PTE)
			mark_partial(e, (uint32_t)(end / PTRS_PER_PTE));
	}
}

uint64_t *engine_list_footprint(const struct engine *e, const gfn_t *gfn,
				size_t n, struct status *st)
{
	uint64_t *bits =
		kage_calloc(e->pages.npages / WINDOW, sizeof(*bits), st);
	uint32_t page;

	for (size_t i = 0; bits && i < n; i++) {
		gfn_map_translate(&e->map, gfn + i, 1, &page);
		bits[page / WINDOW] |= UINT64_C(1) << page % WINDOW;
	}
	return bits;
}

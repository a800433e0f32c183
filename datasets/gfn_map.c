/* SPDX-License-Identifier: MIT */
/* Guest frame numbers to page indices; see gfn_map.h. */
#include "datasets/gfn_map.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"

enum {
	TABLE = 512
};

int gfn_map_init(struct gfn_map *map, const struct trace_meta *meta,
		 struct status *st)
{
	uint64_t next = 0;

	*map = (struct gfn_map){.n = meta->nr_slots};
	map->range = kage_calloc(map->n, sizeof(*map->range), st);
	if (!map->range)
		return -ENOMEM;
	for (size_t i = 0; i < map->n; i++) {
		const struct trace_slot *slot = &meta->slots[i];
		uint64_t phase = slot->hva ? slot->hva / TRACE_PAGE_BYTES
					   : slot->gfn;

		next += (phase - next) % TABLE;
		if (slot->npages >= UINT32_MAX - TABLE ||
		    next >= UINT32_MAX - TABLE - slot->npages)
			return status_fail(
				st, E2BIG,
				"a guest of 2^32 pages (16 TiB) or more cannot be replayed: where all pages are touched it would need 32 GiB, and 40 GiB more for each lane");
		map->range[i] = (struct gfn_range){slot->gfn, slot->npages,
						   (uint32_t)next};
		next += slot->npages;
	}
	map->npages = (uint32_t)((next + TABLE - 1) / TABLE * TABLE);
	return 0;
}

void gfn_map_fini(struct gfn_map *map)
{
	free(map->range);
}

static const struct gfn_range *find(const struct gfn_map *map, gfn_t gfn)
{
	size_t low = 0, high = map->n;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (map->range[middle].gfn <= gfn)
			low = middle;
		else
			high = middle;
	}
	assert(gfn - map->range[low].gfn < map->range[low].npages);
	return &map->range[low];
}

void gfn_map_translate(const struct gfn_map *map, const gfn_t *gfn, size_t n,
		       uint32_t *index)
{
	struct gfn_range r = map->range[0];

	for (size_t i = 0; i < n; i++) {
		if (gfn[i] - r.gfn >= r.npages)
			r = *find(map, gfn[i]);
		index[i] = r.index + (uint32_t)(gfn[i] - r.gfn);
	}
}

const struct gfn_range *gfn_map_range(const struct gfn_map *map, uint32_t index)
{
	size_t low = 0, high = map->n;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (map->range[middle].index <= index)
			low = middle;
		else
			high = middle;
	}
	assert(index - map->range[low].index < map->range[low].npages);
	return &map->range[low];
}

gfn_t gfn_map_gfn(const struct gfn_map *map, uint32_t index)
{
	const struct gfn_range *r = gfn_map_range(map, index);

	return r->gfn + (index - r->index);
}

/* SPDX-License-Identifier: MIT */
/*
 * From guest frame numbers to page indices: dense over the memslots, and congruent
 * to the host virtual page number modulo 512, so that index / 512 names a leaf page
 * table of the VMM (an unknown hva is taken as congruent to the gfn).
 */
#ifndef DATASETS_GFN_MAP_H
#define DATASETS_GFN_MAP_H

#include "base/status.h"
#include "datasets/trace/trace.h"

struct gfn_range {
	gfn_t gfn;
	uint64_t npages;
	uint32_t index; /* of the first page */
};

struct gfn_map {
	struct gfn_range *range; /* owned; sorted by gfn */
	size_t n;
	uint32_t npages; /* indices are below this; a multiple of 512 */
};

/* Return: 0, -ENOMEM, or -E2BIG for a guest of 2^32 pages or more. */
int gfn_map_init(struct gfn_map *map, const struct trace_meta *meta,
		 struct status *st);
void gfn_map_fini(struct gfn_map *map);

/* Translate @n gfns that the reader has checked to lie in a slot. */
void gfn_map_translate(const struct gfn_map *map, const gfn_t *gfn, size_t n,
		       uint32_t *index);

/* Return: where the page at @index is, which some slot has; the map's. */
const struct gfn_range *gfn_map_range(const struct gfn_map *map,
				      uint32_t index);

/* Return: its gfn. */
gfn_t gfn_map_gfn(const struct gfn_map *map, uint32_t index);

#endif

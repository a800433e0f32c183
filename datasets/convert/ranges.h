/* SPDX-License-Identifier: MIT */
/*
 * Which stretches of memory a foreign trace touches, in aligned 2 MiB blocks: it has
 * no memslots, so they are made of these.  What lies between two touched pages of a
 * block was not seen, but is taken as the guest's.
 */
#ifndef DATASETS_RANGES_H
#define DATASETS_RANGES_H

#include "datasets/trace/trace.h"

enum {
	RANGES_BLOCK_PAGES = 512
};

struct range {
	uint64_t first, end; /* blocks [first, end) */
};

/* Zeroed: no memory yet.  Memory grows with the number of stretches, not pages. */
struct ranges {
	struct range *sorted; /* disjoint, not adjacent */
	size_t n, capacity;
	struct range *pending; /* added since the last merge */
	size_t nr_pending, pending_capacity;
	struct range last; /* where the last pages were found */
};

/* Add pages, all below TRACE_GFN_LIMIT.  Return: 0 or -ENOMEM. */
int ranges_add(struct ranges *r, gfn_t gfn, uint64_t npages, struct status *st);
void ranges_fini(struct ranges *r);

/**
 * ranges_slots - memslots that hold everything that was added
 * @slots: owned by the caller; 4 KiB pages of unknown backing, node and hva
 *
 * With more than TRACE_SLOTS_MAX stretches, those with the smallest gaps become one.
 * Return: 0, -ENOMEM, -ENODATA if nothing was added, or -E2BIG if 2^32 pages or more
 * are too few, @st unset for the last two.
 */
int ranges_slots(struct ranges *r, struct trace_slot **slots, size_t *n,
		 struct status *st);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The miss-ratio curve of a trace: the refaults of exact LRU at all limits from one
 * pass.  An access hits at a limit that is no smaller than its reuse distance: the
 * number of distinct pages accessed since the last access of its page, that page
 * included (Mattson, Gecsei, Slutz, Traiger, "Evaluation techniques for storage
 * hierarchies", 1970).
 *
 * A bit per time says whether a last access was then (Bennett and Kruskal, "LRU stack
 * processing", 1975).  Distances are ranks among those bits, from a tree in which each
 * node has the sum of its elder siblings: reading takes one load per level, and what
 * changes is a row of neighbours, subtracted as vectors.  Times are renumbered when
 * they run out: O(log pages) per access, O(pages) memory.
 */
#ifndef MODELS_MRC_H
#define MODELS_MRC_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum {
	MRC_GROUP = 64, /* words of 64 times that are siblings */
	MRC_FAN = 32,	/* groups, and nodes above, that are siblings */
	MRC_LEVELS = 4	/* above words: enough for 2^32 times */
};

struct mrc {
	uint32_t npages;
	uint32_t *last; /* per page: the time of its last access plus one; 0: none */
	uint32_t now, end; /* times so far, and how many there are */

	/* Bit per time: is it a last access; then how many are in elder siblings:
	 * of each word, of each group, and so on.  Right up to .now only. */
	uint64_t *bits;
	uint16_t *before;
	uint32_t *above[MRC_LEVELS];
	unsigned int levels; /* of those above that there are */

	uint64_t accesses;
	uint32_t distinct; /* pages accessed so far */
};

/**
 * mrc_init - no access yet
 * @npages: page indices are below this; at most 2^29 - 64
 *
 * Return: 0, -ENOMEM or -E2BIG; mrc_fini() is safe in any case.
 */
int mrc_init(struct mrc *m, uint32_t npages, struct status *st);
void mrc_fini(struct mrc *m);

/* Return: the reuse distance of this access, or 0 for the first one of @page. */
uint32_t mrc_access(struct mrc *m, uint32_t page);

/* The same for @n accesses at once, into @distance. */
void mrc_accesses(struct mrc *m, const uint32_t *page, size_t n,
		  uint32_t *distance);

#endif

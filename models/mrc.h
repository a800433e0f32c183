/* SPDX-License-Identifier: MIT */
/*
 * The miss-ratio curve of a trace: the refaults of exact LRU at all limits from one
 * pass.  An access hits at a limit that is no smaller than its reuse distance: the
 * number of distinct pages accessed since the last access of its page, that page
 * included (Mattson, Gecsei, Slutz, Traiger, "Evaluation techniques for storage
 * hierarchies", 1970).
 *
 * Distances are counted with partial sums over the times of last accesses (Bennett and
 * Kruskal, "LRU stack processing", 1975) in a tree of which each node has 64 children,
 * so that a sum is over neighbours in memory.  Times are renumbered when they run out:
 * O(log pages) per access, O(pages) memory.
 */
#ifndef MODELS_MRC_H
#define MODELS_MRC_H

#include <stdint.h>

#include "base/status.h"

enum {
	MRC_LEVELS = 5 /* of 64 children each: enough for 2^30 times */
};

struct mrc {
	uint32_t npages;
	uint32_t *last; /* per page: the time of its last access; 0: none yet */
	uint32_t *page_at; /* per time: whose access it was */
	uint32_t now, end; /* times so far, and how many there are */

	/* Bit per time: is it a last access; then how many are in 64 words, in 64
	 * of those, and so on. */
	uint64_t *bits;
	uint8_t *in_word;
	uint32_t *above[MRC_LEVELS - 2];

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

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A set of guest pages: one bit for each page of the memslots.  Memory is touched
 * only where pages are added, so a header may claim a large guest.
 */
#ifndef DATASETS_PAGESET_H
#define DATASETS_PAGESET_H

#include "datasets/trace/trace.h"

struct pageset {
	const struct trace_meta *meta; /* borrowed */
	size_t *first; /* per slot: the word of its first page */
	uint64_t *words;
	size_t low, high; /* only words [low, high) hold pages */
	size_t hint;	  /* of the last slot */
};

/* Return: 0, -ENOMEM, or -E2BIG for a guest of 2^32 pages or more; _fini() is due
 * either way. */
int pageset_init(struct pageset *set, const struct trace_meta *meta,
		 struct status *st);
void pageset_fini(struct pageset *set);

/**
 * pageset_add - add @npages pages, which are in one slot
 * @slot: set to the index of that slot; may be NULL
 *
 * Return: how many of them were not in the set.
 */
uint64_t pageset_add(struct pageset *set, gfn_t gfn, uint64_t npages,
		     size_t *slot);

/* Remove all pages. */
void pageset_clear(struct pageset *set);

#endif

/* SPDX-License-Identifier: MIT */
/* Bitmaps of guest pages; see pageset.h. */
#include "datasets/pageset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "datasets/trace/meta.h"

enum {
	WORD = 64
};

int pageset_init(struct pageset *set, const struct trace_meta *meta,
		 struct status *st)
{
	size_t words = 0;

	*set = (struct pageset){.meta = meta};
	if (trace_meta_pages(meta) > UINT32_MAX)
		return status_fail(st, E2BIG,
				   "the pages of a guest of 16 TiB or more "
				   "cannot be counted");
	set->first = kage_calloc(meta->nr_slots, sizeof(*set->first), st);
	if (!set->first)
		return -ENOMEM;
	for (size_t i = 0; i < meta->nr_slots; i++) {
		set->first[i] = words;
		words += (meta->slots[i].npages + WORD - 1) / WORD;
	}
	set->words = kage_calloc_pages(words, sizeof(*set->words), st);
	set->low = words;
	return set->words ? 0 : -ENOMEM;
}

void pageset_fini(struct pageset *set)
{
	free(set->first);
	free(set->words);
	*set = (struct pageset){0};
}

/* Set the bits of @mask.  Return: how many of them were clear. */
static uint64_t set_bits(uint64_t *word, uint64_t mask)
{
	uint64_t added = mask & ~*word;

	*word |= mask;
	return (uint64_t)__builtin_popcountll(added);
}

uint64_t pageset_add(struct pageset *set, gfn_t gfn, uint64_t npages,
		     size_t *slot)
{
	const struct trace_slot *s =
		meta_slot(set->meta, gfn, npages, &set->hint);
	uint64_t bit = (gfn - s->gfn) % WORD, added = 0;
	size_t at = set->first[s - set->meta->slots] + (gfn - s->gfn) / WORD;

	if (slot)
		*slot = (size_t)(s - set->meta->slots);
	set->low = at < set->low ? at : set->low;
	for (; npages; at++) {
		uint64_t n = WORD - bit < npages ? WORD - bit : npages;

		added += set_bits(&set->words[at],
				  UINT64_MAX >> (WORD - n) << bit);
		npages -= n;
		bit = 0;
	}
	set->high = at > set->high ? at : set->high;
	return added;
}

void pageset_clear(struct pageset *set)
{
	if (set->low < set->high)
		memset(set->words + set->low, 0,
		       (set->high - set->low) * sizeof(*set->words));
	set->low = set->high;
	set->high = 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The guest's TLB: the pages that it accessed last, least recently used out first.
 *
 * Aging does not flush, so while a translation is cached the guest's accesses neither
 * set the accessed bit again nor miss rights that aging took.  One structure serves
 * all lanes of a pass, because a flush leaves of it what was filled since: each lane
 * need only remember when it flushed last.
 *
 * It cannot know how real ones are divided: sets, levels, vCPUs, entries for huge
 * pages.  All of them make it smaller than its number of entries.
 */
#ifndef MODELS_TLB_H
#define MODELS_TLB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct tlb_entry {
	uint64_t filled; /* when, on the TLB's own clock */
	uint32_t page, older, newer;
};

struct tlb {
	uint32_t *where;	 /* per page: its entry plus one, or 0; owned */
	struct tlb_entry *entry; /* size; owned */
	uint32_t size, n, newest, oldest;
	uint64_t clock; /* counts fills */
};

/* Return: 0 or -ENOMEM; tlb_fini() is safe in either case. */
int tlb_init(struct tlb *tlb, uint32_t size, uint32_t npages,
	     struct status *st);
void tlb_fini(struct tlb *tlb);

static inline uint64_t tlb_now(const struct tlb *tlb)
{
	return tlb->clock;
}

/* Return: when @page was filled, later than any flush before; 0: it is not cached. */
static inline uint64_t tlb_filled(const struct tlb *tlb, uint32_t page)
{
	uint32_t at = tlb->where[page];

	return at ? tlb->entry[at - 1].filled : 0;
}

/* The guest has accessed @page, which is mapped now. */
void tlb_fill(struct tlb *tlb, uint32_t page);

#endif

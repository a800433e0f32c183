/* SPDX-License-Identifier: MIT */
/* A list of entries by age, and per page where its entry is; see tlb.h. */
#include "models/tlb.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"

int tlb_init(struct tlb *tlb, uint32_t size, uint32_t npages, struct status *st)
{
	assert(size > 0);
	*tlb = (struct tlb){.size = size};
	tlb->where = kage_calloc_pages(npages, sizeof(*tlb->where), st);
	tlb->entry = kage_calloc(size, sizeof(*tlb->entry), st);
	return tlb->where && tlb->entry ? 0 : -ENOMEM;
}

void tlb_fini(struct tlb *tlb)
{
	free(tlb->where);
	free(tlb->entry);
}

/* Take entry @at out of the list. */
static void take_out(struct tlb *tlb, uint32_t at)
{
	struct tlb_entry *e = &tlb->entry[at];

	if (at == tlb->newest)
		tlb->newest = e->older;
	else
		tlb->entry[e->newer].older = e->older;
	if (at == tlb->oldest)
		tlb->oldest = e->newer;
	else
		tlb->entry[e->older].newer = e->newer;
}

static void put_in_front(struct tlb *tlb, uint32_t at, bool is_only)
{
	tlb->entry[at].older = tlb->newest;
	tlb->entry[tlb->newest].newer = at;
	tlb->newest = at;
	if (is_only)
		tlb->oldest = at;
}

/* An entry that is in no list: a fresh one, or the oldest. */
static uint32_t make_room(struct tlb *tlb)
{
	uint32_t at = tlb->oldest;

	if (tlb->n < tlb->size)
		return tlb->n++;
	tlb->where[tlb->entry[at].page] = 0;
	take_out(tlb, at);
	return at;
}

void tlb_fill(struct tlb *tlb, uint32_t page)
{
	uint32_t at = tlb->where[page];

	if (at) {
		take_out(tlb, --at);
	} else {
		at = make_room(tlb);
		tlb->where[page] = at + 1;
	}
	tlb->entry[at].page = page;
	tlb->entry[at].filled = ++tlb->clock;
	put_in_front(tlb, at, tlb->n == 1);
}

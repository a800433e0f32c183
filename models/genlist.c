/* SPDX-License-Identifier: MIT */
/* Growth of a generation's ring; see genlist.h. */
#include "models/genlist.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"

enum {
	FIRST_SLOTS = 1024
};

int genlist_init(struct genlist *l, struct status *st)
{
	*l = (struct genlist){.mask = FIRST_SLOTS - 1};
	l->slot = kage_calloc(FIRST_SLOTS, sizeof(*l->slot), st);
	return l->slot ? 0 : -ENOMEM;
}

void genlist_fini(struct genlist *l)
{
	free(l->slot);
}

/* Twice as large: each page stays at its position, of which one bit more counts. */
static void spread(struct genlist *l)
{
	uint32_t old = l->mask, mask = 2 * l->mask + 1;

	for (uint32_t at = l->head; at != l->tail; at++)
		if ((at & mask) != (at & old))
			l->slot[at & mask] = l->slot[at & old];
	l->mask = mask;
}

/* The pages move towards the tail, the holes are left behind the head. */
static void close_holes(struct genlist *l, uint32_t *where)
{
	uint32_t to = l->tail;

	for (uint32_t at = l->tail; at != l->head;) {
		uint32_t page = l->slot[--at & l->mask];

		if (page == GENLIST_HOLE)
			continue;
		l->slot[--to & l->mask] = page;
		where[page] = to;
	}
	l->head = to;
}

void genlist_shrink(struct genlist *l)
{
	uint32_t *slot;

	if (l->head != l->tail || l->mask < FIRST_SLOTS)
		return;
	slot = realloc(l->slot, FIRST_SLOTS * sizeof(*slot));
	if (!slot) /* it keeps what it has */
		return;
	*l = (struct genlist){.slot = slot, .mask = FIRST_SLOTS - 1};
}

/* Where a quarter are holes, the pages move together; else the ring doubles. */
int genlist_make_room(struct genlist *l, uint32_t *where)
{
	uint32_t slots = l->mask + 1;
	uint32_t *slot;

	if (!genlist_is_full(l))
		return 0;
	if (l->live <= slots / 4 * 3) {
		close_holes(l, where);
		return 0;
	}
	if (slots > UINT32_MAX / 2)
		return -ENOMEM;
	slot = kage_realloc(l->slot, 2 * (size_t)slots, sizeof(*slot), NULL);
	if (!slot)
		return -ENOMEM;
	l->slot = slot;
	spread(l);
	return 0;
}

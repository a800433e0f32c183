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

/* Copy the pages, without holes, into @slot; then it is the ring. */
static void move_to(struct genlist *l, uint32_t *slot, uint32_t mask,
		    uint32_t *where)
{
	uint32_t at = l->head, used = 0, page;

	while (genlist_next(l, &at, &page)) {
		slot[used] = page;
		where[page] = used++;
	}
	free(l->slot);
	*l = (struct genlist){
		.slot = slot, .mask = mask, .tail = used, .live = used};
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

/* Where no more than half are pages, they make room; else the ring doubles. */
int genlist_make_room(struct genlist *l, uint32_t *where)
{
	uint32_t slots = l->mask + 1;
	uint32_t *slot;

	if (!genlist_is_full(l))
		return 0;
	if (l->live <= slots / 2) {
		close_holes(l, where);
		return 0;
	}
	if (slots > UINT32_MAX / 2)
		return -ENOMEM;
	slots *= 2;
	slot = kage_calloc_pages(slots, sizeof(*slot), NULL);
	if (!slot)
		return -ENOMEM;
	move_to(l, slot, slots - 1, where);
	return 0;
}

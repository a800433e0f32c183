/* SPDX-License-Identifier: MIT */
/*
 * One generation's list: pages in FIFO order, added at either end, taken from the
 * tail, removed from anywhere.
 *
 * A ring of page numbers instead of links: the drain of a generation moves hundreds
 * of thousands of pages, and following links costs a cache miss for each, while a
 * ring is read in order.  A page removed from the middle leaves a hole.  Each page's
 * position is kept by the caller in an array that all lists share (@where).
 */
#ifndef MODELS_GENLIST_H
#define MODELS_GENLIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

#define GENLIST_HOLE UINT32_MAX

/*
 * Positions [head, tail) are in use and wrap around at 2^32; the first and the last
 * of them are never holes.
 */
struct genlist {
	uint32_t *slot; /* owned; mask + 1 elements */
	uint32_t mask;
	uint32_t head, tail;
	uint32_t live; /* pages, holes not counted */
};

/* Return: 0 or -ENOMEM; genlist_fini() is safe in either case. */
int genlist_init(struct genlist *l, struct status *st);
void genlist_fini(struct genlist *l);

/* Make room for one more page.  Return: 0, or -ENOMEM with nothing changed. */
int genlist_make_room(struct genlist *l, uint32_t *where);

/* Give the memory of an empty list back. */
void genlist_shrink(struct genlist *l);

static inline bool genlist_is_empty(const struct genlist *l)
{
	return l->head == l->tail;
}

static inline bool genlist_is_full(const struct genlist *l)
{
	return l->tail - l->head > l->mask;
}

/* The oldest page of a list that is not empty. */
static inline uint32_t genlist_tail(const struct genlist *l)
{
	return l->slot[(l->tail - 1) & l->mask];
}

/* The slot @ahead places before the tail: any page of the ring's past, or a hole. */
static inline uint32_t genlist_peek(const struct genlist *l, uint32_t ahead)
{
	return l->slot[(l->tail - 1 - ahead) & l->mask];
}

/* The caller has made room. */
static inline void genlist_add(struct genlist *l, uint32_t *where,
			       uint32_t page)
{
	l->slot[--l->head & l->mask] = page;
	where[page] = l->head;
	l->live++;
}

static inline void genlist_add_tail(struct genlist *l, uint32_t *where,
				    uint32_t page)
{
	l->slot[l->tail & l->mask] = page;
	where[page] = l->tail++;
	l->live++;
}

static inline void genlist_del(struct genlist *l, uint32_t position)
{
	l->slot[position & l->mask] = GENLIST_HOLE;
	l->live--;
	while (l->head != l->tail &&
	       l->slot[(l->tail - 1) & l->mask] == GENLIST_HOLE)
		l->tail--;
	while (l->head != l->tail && l->slot[l->head & l->mask] == GENLIST_HOLE)
		l->head++;
}

/* Walk from head to tail: start with *at = head.  Return: false at the end. */
static inline bool genlist_next(const struct genlist *l, uint32_t *at,
				uint32_t *page)
{
	for (; *at != l->tail; ++*at) {
		*page = l->slot[*at & l->mask];
		if (*page != GENLIST_HOLE) {
			++*at;
			return true;
		}
	}
	return false;
}

#endif

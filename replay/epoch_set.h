/* SPDX-License-Identifier: MIT */
/*
 * The pages of one epoch, in the order in which they are accessed: 4 bytes each, and
 * as many again while an unknown order is made.  Who asks whether a page was accessed
 * by now is answered from that order; nothing is kept per page but a bit.
 */
#ifndef REPLAY_EPOCH_SET_H
#define REPLAY_EPOCH_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "datasets/gfn_map.h"

/* Page numbers with a bit each: whether any access in the epoch was a write. */
struct epoch_pages {
	uint32_t *page;	    /* owned */
	uint64_t *is_write; /* owned */
	size_t capacity;    /* a multiple of 64 */
};

struct epoch_set {
	struct epoch_pages pages, sorted; /* as gathered; in another order */
	size_t n;			  /* gathered so far */

	/* The epoch that is played, or was last: */
	const uint32_t *order; /* its pages by rank, padded by FEEDER_PAD */
	const uint64_t *is_write;
	size_t order_n;
	uint64_t start, length; /* ticks */
	uint64_t first_tick;	/* of the trace */
	uint32_t ps_per_tick;

	/* Which of them were accessed by noted_ns: ranks below noted. */
	uint64_t *touched; /* per page, a bit; owned */
	uint32_t npages;
	size_t noted;
	uint64_t noted_ns;
};

/* Return: 0 or -ENOMEM; epoch_set_fini() is safe in any case. */
int epoch_set_init(struct epoch_set *s, uint32_t npages, struct status *st);
void epoch_set_fini(struct epoch_set *s);

/* Append @n pages from @page.  Return: 0 or -ENOMEM. */
int epoch_set_push(struct epoch_set *s, uint32_t page, size_t n, bool is_write,
		   struct status *st);

/* What was gathered becomes the order, and gathering begins anew.
 * Return: 0 or -ENOMEM. */
int epoch_set_keep_order(struct epoch_set *s, struct status *st);

/* For the time being the order is that of the set, which stays gathered: who asks
 * before the first access or after the last cannot tell. */
void epoch_set_any_order(struct epoch_set *s);

/* Gathering begins anew, though the order is still that of what was gathered. */
static inline void epoch_set_done(struct epoch_set *s)
{
	s->n = 0;
}

/* What was gathered in the order of epoch_order_key().  Return: 0 or -ENOMEM. */
int epoch_set_hash_order(struct epoch_set *s, const struct gfn_map *map,
			 uint64_t salt, struct status *st);

/* The order is played from now on, in these ticks. */
void epoch_set_begin(struct epoch_set *s, uint64_t start, uint64_t end,
		     uint64_t first_tick, uint32_t ps_per_tick);

/* Return: the tick of the access of @rank. */
static inline uint64_t epoch_set_tick(const struct epoch_set *s, size_t rank)
{
	return s->start + (uint64_t)((unsigned __int128)s->length * (rank + 1) /
				     (s->order_n + 1));
}

static inline bool epoch_set_writes(const struct epoch_set *s, size_t rank)
{
	return s->is_write[rank / 64] >> rank % 64 & 1;
}

/* Return: whether @page was accessed after the epoch's start, and by @now_ns. */
bool epoch_set_touched(struct epoch_set *s, uint32_t page, uint64_t now_ns);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * When each page was last accessed: what no policy may know, to judge policies by.
 * One record serves all lanes of a pass; the engine keeps it, and only if asked to,
 * because it costs a store per access.
 *
 * Times alone do not tell what came first within an instant, so accesses are also
 * numbered.  While one is replayed, and its fault reclaims, it does not count as done.
 */
#ifndef REPLAY_TRUTH_H
#define REPLAY_TRUTH_H

#include <stdint.h>

struct truth_access {
	uint64_t tick;	 /* of the trace's clock */
	uint64_t number; /* from 1; 0: never accessed */
};

struct truth {
	struct truth_access *last; /* per page; owned by the engine */
	uint64_t done;		   /* accesses so far */
	uint64_t first_tick;	   /* of the trace: time zero */
	uint32_t ps_per_tick;
};

/* Note access number truth->done + 1; truth_end() follows once it is replayed. */
static inline void truth_begin(struct truth *t, uint32_t page, uint64_t tick)
{
	t->last[page] = (struct truth_access){tick, t->done + 1};
}

static inline void truth_end(struct truth *t)
{
	t->done++;
}

/* Return: the time of the last access of a page that was accessed. */
static inline uint64_t truth_ns(const struct truth *t, uint32_t page)
{
	uint64_t ticks = t->last[page].tick - t->first_tick, ps;

	if (!__builtin_mul_overflow(ticks, (uint64_t)t->ps_per_tick, &ps))
		return ps / 1000;
	return (uint64_t)((unsigned __int128)ticks * t->ps_per_tick / 1000);
}

#endif

/* SPDX-License-Identifier: MIT */
/* What the reclaim loops of memcgs and of kswapd share. */
#ifndef MODELS_RECLAIM_INTERNAL_H
#define MODELS_RECLAIM_INTERNAL_H

#include "models/reclaim.h"

/* mem_cgroup_below_min(), mem_cgroup_below_low() */
bool reclaim_below_min(const struct reclaim *r, const struct mglru *m);
bool reclaim_below_low(const struct reclaim *r, const struct mglru *m);

/* shrink_one() of a memcg within its memory.low: first it goes to the end.
 * Return: whether that is all for now. */
bool reclaim_rotate_to_tail(struct mglru *m);

/* should_run_aging() up to 6.12, whatever the priority. */
bool reclaim_should_run_aging(const struct mglru *m);

/* The loop of balance_pgdat() up to shrink_node(), should_abort_scan() in it, and what
 * follows it. */
void reclaim_balance(struct reclaim *r, struct mglru *m, uint64_t now_ns);
bool reclaim_kswapd_aborts(const struct reclaim *r, const struct mglru *m);
void reclaim_kswapd_next(struct reclaim *r, struct mglru *m);

#endif

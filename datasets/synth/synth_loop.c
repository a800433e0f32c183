/* SPDX-License-Identifier: MIT */
/*
 * Loop: pages 0, 1, ... pages-1, and again.  Every reuse distance is pages - 1:
 * LRU with less memory than that faults on every access, MIN does not.
 */
#include "datasets/synth/synth.h"

struct state {
	uint64_t pages;
};

static int loop_init(void *opaque, const struct synth_job *job,
		     const void *params, struct status *st)
{
	struct state *s = opaque;

	(void)params;
	(void)st;
	s->pages = job->pages;
	return 0;
}

static uint64_t loop_next(void *opaque, uint64_t i, struct rng *rng)
{
	const struct state *s = opaque;

	(void)rng;
	return i % s->pages;
}

const struct synth synth_loop = {
	.name = "loop",
	.summary = "all pages in turn, over and over",
	.state_size = sizeof(struct state),
	.init = loop_init,
	.next = loop_next,
};

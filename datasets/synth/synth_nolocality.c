/* SPDX-License-Identifier: MIT */
/*
 * No locality: every access falls evenly on any page, independent of all others.
 * No policy that does not know the future can beat chance: the expected hit share
 * is the resident share of the guest.
 */
#include "datasets/synth/synth.h"

struct state {
	uint64_t pages;
};

static int nolocality_init(void *opaque, const struct synth_job *job,
			   const void *params, struct status *st)
{
	struct state *s = opaque;

	(void)params;
	(void)st;
	s->pages = job->pages;
	return 0;
}

static uint64_t nolocality_next(void *opaque, uint64_t i, struct rng *rng)
{
	const struct state *s = opaque;

	(void)i;
	return rng_below(rng, s->pages);
}

const struct synth synth_nolocality = {
	.name = "nolocality",
	.summary = "uniform random accesses",
	.state_size = sizeof(struct state),
	.init = nolocality_init,
	.next = nolocality_next,
};

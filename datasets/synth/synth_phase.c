/* SPDX-License-Identifier: MIT */
/*
 * Phases: for `length` accesses all fall evenly on one working set of `set`
 * pages, then on the next one, which starts `shift` pages further.  Neighbouring
 * sets share set - shift pages (none if shift >= set), modulo the guest's size.
 */
#include <errno.h>

#include "datasets/synth/synth.h"

struct params {
	uint64_t set, shift, length;
};

struct state {
	struct params p;
	uint64_t pages;
};

static const struct param_spec specs[] = {
	{"set", PARAM_UINT, offsetof(struct params, set), 4096, 1, 1e12, NULL,
	 "pages", "in a working set", NULL},
	{"shift", PARAM_UINT, offsetof(struct params, shift), 4096, 0, 1e12,
	 NULL, "pages", "from the start of one set to the next", NULL},
	{"length", PARAM_UINT, offsetof(struct params, length), 1 << 20, 1,
	 1e15, NULL, "accesses", "in a phase", NULL},
	{.name = NULL},
};

static int phase_init(void *opaque, const struct synth_job *job,
		      const void *params, struct status *st)
{
	struct state *s = opaque;

	s->p = *(const struct params *)params;
	s->pages = job->pages;
	if (s->p.set > job->pages)
		return status_fail(st, EINVAL,
				   "phase: set is larger than the guest");
	return 0;
}

static uint64_t phase_next(void *opaque, uint64_t i, struct rng *rng)
{
	const struct state *s = opaque;
	uint64_t start = i / s->p.length % s->pages * (s->p.shift % s->pages);

	return (start + rng_below(rng, s->p.set)) % s->pages;
}

const struct synth synth_phase = {
	.name = "phase",
	.summary = "one working set after the other",
	.params = specs,
	.params_size = sizeof(struct params),
	.state_size = sizeof(struct state),
	.init = phase_init,
	.next = phase_next,
};

/* SPDX-License-Identifier: MIT */
/*
 * Hot and cold: a share `bias` of the accesses falls evenly on a share `hot` of
 * the pages, scattered over the guest; the rest falls evenly on the others.
 */
#include <errno.h>
#include <math.h>

#include "datasets/synth/scatter.h"
#include "datasets/synth/synth.h"

struct params {
	double hot, bias;
};

struct state {
	struct scatter scatter;
	uint64_t hot, cold; /* pages */
	double bias;
};

static const struct param_spec specs[] = {
	{"hot", PARAM_REAL, offsetof(struct params, hot), 0.1, 0, 1, NULL, "",
	 "share of the pages that are hot", NULL},
	{"bias", PARAM_REAL, offsetof(struct params, bias), 0.9, 0, 1, NULL, "",
	 "share of the accesses that go to them", NULL},
	{.name = NULL},
};

static int hotcold_init(void *opaque, const struct synth_job *job,
			const void *opaque_params, struct status *st)
{
	const struct params *params = opaque_params;
	struct state *s = opaque;

	s->scatter = scatter_init(job->pages, job->seed);
	s->hot = (uint64_t)llround(params->hot * (double)job->pages);
	s->cold = job->pages - s->hot;
	s->bias = params->bias;
	if (!s->hot || !s->cold)
		return status_fail(st, EINVAL,
				   "hotcold: hot=%g leaves no hot or no cold "
				   "page",
				   params->hot);
	return 0;
}

static uint64_t hotcold_next(void *opaque, uint64_t i, struct rng *rng)
{
	const struct state *s = opaque;
	bool is_hot = rng_unit(rng) < s->bias;
	uint64_t rank = is_hot ? rng_below(rng, s->hot)
			       : s->hot + rng_below(rng, s->cold);

	(void)i;
	return scatter_place(&s->scatter, rank);
}

const struct synth synth_hotcold = {
	.name = "hotcold",
	.summary = "most accesses to a few scattered pages",
	.params = specs,
	.params_size = sizeof(struct params),
	.state_size = sizeof(struct state),
	.init = hotcold_init,
	.next = hotcold_next,
};

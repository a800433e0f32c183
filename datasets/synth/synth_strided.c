/* SPDX-License-Identifier: MIT */
/*
 * Strided: access i goes to page (i * stride) mod pages.  It visits
  * pages / gcd(pages, stride) pages, each again after exactly that many accesses.  A
 * share of the accesses may go to any page instead, which makes the rest the cold
 * neighbours of hot pages.
 */
#include "datasets/synth/synth.h"

struct params {
	uint64_t stride;
	double rest;
};

struct state {
	uint64_t pages, stride, at;
	double rest;
};

static const struct param_spec specs[] = {
	{"stride", PARAM_UINT, offsetof(struct params, stride), 512, 1, 1e12,
	 NULL, "pages", "512: one page of each page-table page in turn", NULL},
	{"rest", PARAM_REAL, offsetof(struct params, rest), 0, 0, 1, NULL, "",
	 "share of the accesses that go to any page", NULL},
	{.name = NULL},
};

static int strided_init(void *opaque, const struct synth_job *job,
			const void *params, struct status *st)
{
	const struct params *p = params;
	struct state *s = opaque;

	(void)st;
	s->pages = job->pages;
	s->stride = p->stride % job->pages;
	s->rest = p->rest;
	return 0;
}

static uint64_t strided_next(void *opaque, uint64_t i, struct rng *rng)
{
	struct state *s = opaque;
	uint64_t page = s->at;

	(void)i;
	if (s->rest > 0 && rng_unit(rng) < s->rest)
		return rng_below(rng, s->pages);
	s->at = (page + s->stride) % s->pages;
	return page;
}

const struct synth synth_strided = {
	.name = "strided",
	.summary = "a fixed step from page to page",
	.params = specs,
	.params_size = sizeof(struct params),
	.state_size = sizeof(struct state),
	.init = strided_init,
	.next = strided_next,
};

/* SPDX-License-Identifier: MIT */
/*
 * Hot and cold: a share `bias` of the accesses falls evenly on a share `hot` of
 * the pages, the rest evenly on the others.  Hot pages lie together in blocks, and
 * these are scattered over the guest, or one distance apart.
 */
#include <errno.h>
#include <math.h>

#include "datasets/synth/scatter.h"
#include "datasets/synth/synth.h"

enum {
	ORDER_SCATTERED,
	ORDER_EVEN
};

static const char *const orders[] = {"scattered", "even", NULL};

struct params {
	double hot, bias;
	unsigned int order;
	uint64_t block, fill;
};

struct state {
	struct scatter scatter; /* of blocks */
	uint64_t hot, cold;	/* pages */
	uint64_t block;
	uint64_t step; /* blocks from hot to hot; 0: they are scattered */
	uint64_t fill; /* accesses that come first */
	double bias;
};

static const struct param_spec specs[] = {
	{"hot", PARAM_REAL, offsetof(struct params, hot), 0.1, 0, 1, NULL, "",
	 "share of the pages that are hot", NULL},
	{"bias", PARAM_REAL, offsetof(struct params, bias), 0.9, 0, 1, NULL, "",
	 "share of the accesses that go to them", NULL},
	{"block", PARAM_UINT, offsetof(struct params, block), 1, 1, 1e12, NULL,
	 "pages", "hot ones that lie together, aligned", NULL},
	{"order", PARAM_ENUM, offsetof(struct params, order), ORDER_SCATTERED,
	 0, 0, orders, "", "where blocks are: anywhere, or evenly spaced",
	 NULL},
	{"fill", PARAM_UINT, offsetof(struct params, fill), 0, 0, 1, NULL, "",
	 "1: before all else, each page in turn", NULL},
	{.name = NULL},
};

/* Whole blocks only, and the same distance from each to the next. */
static bool is_divisible(const struct state *s, uint64_t pages,
			 unsigned int order)
{
	if (s->hot % s->block || pages % s->block)
		return false;
	return order == ORDER_SCATTERED || pages % s->hot == 0;
}

static int hotcold_init(void *opaque, const struct synth_job *job,
			const void *opaque_params, struct status *st)
{
	const struct params *params = opaque_params;
	struct state *s = opaque;

	s->hot = (uint64_t)llround(params->hot * (double)job->pages);
	s->cold = job->pages - s->hot;
	s->block = params->block;
	s->bias = params->bias;
	s->fill = params->fill ? job->pages : 0;
	if (!s->hot || !s->cold)
		return status_fail(st, EINVAL,
				   "hotcold: hot=%g leaves no hot or no cold "
				   "page",
				   params->hot);
	if (!is_divisible(s, job->pages, params->order))
		return status_fail(st, EINVAL,
				   "hotcold: %llu hot pages of %llu are no "
				   "blocks of %llu in that order",
				   (unsigned long long)s->hot,
				   (unsigned long long)job->pages,
				   (unsigned long long)s->block);
	s->scatter = scatter_init(job->pages / s->block, job->seed);
	if (params->order == ORDER_EVEN)
		s->step = job->pages / s->hot;
	return 0;
}

/* Which block of the guest the one of rank @block is; hot ones rank first. */
static uint64_t place(const struct state *s, uint64_t block)
{
	uint64_t hot = s->hot / s->block;

	if (!s->step)
		return scatter_place(&s->scatter, block);
	if (block < hot)
		return block * s->step;
	block -= hot;
	return block / (s->step - 1) * s->step + 1 + block % (s->step - 1);
}

static uint64_t hotcold_next(void *opaque, uint64_t i, struct rng *rng)
{
	const struct state *s = opaque;
	bool is_hot;
	uint64_t rank;

	if (i < s->fill)
		return i;
	is_hot = rng_unit(rng) < s->bias;
	rank = is_hot ? rng_below(rng, s->hot)
		      : s->hot + rng_below(rng, s->cold);
	return place(s, rank / s->block) * s->block + rank % s->block;
}

const struct synth synth_hotcold = {
	.name = "hotcold",
	.summary = "most accesses to a few pages, scattered or not",
	.params = specs,
	.params_size = sizeof(struct params),
	.state_size = sizeof(struct state),
	.init = hotcold_init,
	.next = hotcold_next,
};

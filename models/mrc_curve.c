/* SPDX-License-Identifier: MIT */
/* Curves from reuse distances; see mrc_curve.h. */
#include "models/mrc_curve.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "models/mrc.h"
#include "models/mrc_limits.h"
#include "models/window.h"

enum {
	MANY = 16384, /* accesses at once */
	GROUPS = 32,
	STEPS = 1024 /* of the footprint: limits beside those asked for */
};

/* 97.5 % of Student's t with 31 degrees of freedom. */
static const double quantile = 2.04;

/* Per limit and group the accesses that hit there but not below. */
struct grid {
	struct mrc_limits limits;
	size_t n;	/* of them; what follows is owned */
	uint64_t *hits; /* [group][limit], then one for those that never hit */
	double *own, *reuses; /* per limit, all groups: pages of the own block
			       * summed over the accesses, and these */
};

struct sample {
	uint64_t *touched; /* bit per page; owned */
	uint8_t *taken; /* per block: whether it is in the sample if touched */
	uint32_t *number; /* per block: its number in the sample, plus one */
	uint32_t *page;	  /* the accesses to its pages; owned */
	size_t n, room;	  /* of these */
	uint64_t salt;
	uint64_t pages[GROUPS]; /* touched ones */
	double share;		/* of the touched pages */
	double fullness; /* touched pages of a touched page's block, mean */
	struct mrc mrc;
	struct grid grid;
};

/* Distances are found many at once: counting them is another loop. */
static void count_all(const struct mrc_limits *l, uint64_t *hits, struct mrc *m,
		      const struct bound_trace *trace, uint32_t *distance)
{
	for (size_t done = 0; done < trace->n; done += MANY) {
		size_t n = trace->n - done < MANY ? trace->n - done : MANY;

		mrc_accesses(m, trace->page + done, n, distance);
		for (size_t i = 0; i < n; i++)
			if (distance[i])
				hits[mrc_limits_of(l, distance[i])]++;
	}
}

int mrc_exact(const struct bound_trace *trace, struct mrc_point *points,
	      size_t n, struct mrc_totals *totals, struct status *st)
{
	uint32_t *distance = kage_calloc(MANY, sizeof(*distance), st);
	uint64_t *hits = kage_calloc(n + 1, sizeof(*hits), st);
	struct mrc_limits limits = {0};
	struct mrc m = {0};
	uint64_t above = 0;
	int ret = -ENOMEM;

	*totals = (struct mrc_totals){0};
	if (distance && hits)
		ret = mrc_init(&m, trace->npages, st);
	if (!ret)
		ret = mrc_limits_init(&limits, points, n, 0, 0, trace->npages,
				      st);
	if (ret)
		goto out;
	count_all(&limits, hits, &m, trace, distance);
	totals->accesses = m.accesses;
	totals->footprint = m.distinct;
	for (size_t i = n; i-- > 0;) {
		above += hits[i + 1];
		points[i].refaults = (double)above;
		points[i].low = points[i].high = points[i].refaults;
	}
out:
	mrc_fini(&m);
	mrc_limits_fini(&limits);
	free(hits);
	free(distance);
	return ret;
}

static uint64_t block_hash(const struct sample *s, uint32_t block)
{
	return rng_mix(s->salt + block + 1);
}

/* The lowest bits: the sample is taken by the others. */
static unsigned int group_of(const struct sample *s, uint32_t block)
{
	return (unsigned int)(block_hash(s, block) % GROUPS);
}

static void take_blocks(struct sample *s, size_t blocks, double rate)
{
	for (uint32_t b = 0; b < blocks; b++)
		s->taken[b] = (double)(block_hash(s, b) >> 11) * 0x1p-53 < rate;
}

/* Nearly all pages were touched before: a load is cheaper than a store. */
static void look_at(struct sample *s, const uint32_t *page, size_t n)
{
	uint64_t *touched = s->touched;
	const uint8_t *taken = s->taken;
	uint32_t *to = s->page + s->n;

	for (size_t i = 0; i < n; i++) {
		uint64_t bit = UINT64_C(1) << page[i] % MRC_BLOCK;
		uint32_t block = page[i] / MRC_BLOCK;

		touched[block] |= bit;
		*to = page[i];
		to += taken[block];
	}
	s->n = (size_t)(to - s->page);
}

/* In one pass: which pages there are, and the accesses to the blocks of the sample. */
static int find_accesses(struct sample *s, const struct bound_trace *trace,
			 double rate, struct status *st)
{
	size_t blocks = (size_t)trace->npages / MRC_BLOCK + 1;

	s->touched = kage_calloc_pages(blocks, sizeof(*s->touched), st);
	s->taken = kage_calloc_pages(blocks, sizeof(*s->taken), st);
	s->number = kage_calloc_pages(blocks, sizeof(*s->number), st);
	if (!s->touched || !s->taken || !s->number)
		return -ENOMEM;
	take_blocks(s, blocks, rate);
	for (size_t done = 0; done < trace->n; done += MANY) {
		size_t n = trace->n - done < MANY ? trace->n - done : MANY;

		while (s->room < s->n + MANY + 1)
			if (kage_grow(&s->page, &s->room, s->room,
				      sizeof(*s->page), st))
				return -ENOMEM;
		look_at(s, trace->page + done, n);
	}
	return 0;
}

static int number_blocks(struct sample *s, const struct bound_trace *trace,
			 struct mrc_totals *totals, struct status *st)
{
	double squares = 0;

	totals->accesses = trace->n;
	for (uint32_t b = 0; b <= trace->npages / MRC_BLOCK; b++) {
		uint32_t pages = window_count(s->touched[b]);

		totals->footprint += pages;
		totals->blocks += pages != 0;
		squares += (double)pages * pages;
		if (!pages || !s->taken[b])
			continue;
		s->number[b] = (uint32_t)++totals->sampled_blocks;
		s->pages[group_of(s, b)] += pages;
		totals->sampled_pages += pages;
	}
	if (totals->sampled_blocks < MRC_BLOCKS_MIN)
		return status_fail(
			st, EINVAL,
			"a sample of %llu of %llu blocks of %d pages says too little: it takes %d",
			(unsigned long long)totals->sampled_blocks,
			(unsigned long long)totals->blocks, MRC_BLOCK,
			MRC_BLOCKS_MIN);
	s->fullness = squares / (double)totals->footprint;
	s->share = (double)totals->sampled_pages / (double)totals->footprint;
	return 0;
}

static int make_grid(struct grid *g, const struct mrc_point *points, size_t n,
		     uint64_t footprint, struct status *st)
{
	g->n = n + STEPS;
	g->hits = kage_calloc(GROUPS * (g->n + 1), sizeof(*g->hits), st);
	g->own = kage_calloc(g->n + 1, sizeof(*g->own), st);
	g->reuses = kage_calloc(g->n + 1, sizeof(*g->reuses), st);
	if (!g->hits || !g->own || !g->reuses)
		return -ENOMEM;
	return mrc_limits_init(&g->limits, points, n, STEPS, footprint,
			       (uint32_t)footprint, st);
}

/* Pages of the block at @first that were accessed since @page, which is one. */
static uint32_t pages_since(const struct mrc *m, uint32_t first, uint32_t page)
{
	const uint32_t *last = m->last + first;
	uint32_t since = m->last[page], n = 0;

	for (int i = 0; i < MRC_BLOCK; i++)
		n += last[i] >= since;
	return n;
}

static void count_access(struct sample *s, uint32_t block, uint32_t offset)
{
	uint32_t first = (s->number[block] - 1) * MRC_BLOCK;
	uint32_t own = 0, distance;
	uint64_t pages;
	size_t at;

	if (s->mrc.last[first + offset])
		own = pages_since(&s->mrc, first, first + offset);
	distance = mrc_access(&s->mrc, first + offset);
	if (!distance)
		return;
	pages = (uint64_t)(own + (distance - own) / s->share + 0.5);
	at = mrc_limits_of(&s->grid.limits, pages < s->grid.limits.most
						    ? (uint32_t)pages
						    : s->grid.limits.most);
	s->grid.hits[group_of(s, block) * (s->grid.n + 1) + at]++;
	s->grid.own[at] += own;
	s->grid.reuses[at]++;
}

/* From "hits there but not below" to "does not hit there". */
static void sum_misses(struct grid *g)
{
	for (unsigned int group = 0; group < GROUPS; group++) {
		uint64_t *hits = g->hits + group * (g->n + 1);
		uint64_t above = hits[g->n];

		for (size_t i = g->n; i-- > 0;) {
			uint64_t here = hits[i];

			hits[i] = above;
			above += here;
		}
	}
}

static uint64_t misses_at(const struct grid *g, size_t at)
{
	uint64_t sum = 0;

	for (unsigned int group = 0; group < GROUPS; group++)
		sum += g->hits[group * (g->n + 1) + at];
	return sum;
}

/* How much of a block's pages go together in a distance of about limit @at: the pages
 * of the own block, on average. */
static double pages_together(const struct grid *g, size_t at)
{
	const size_t around = 8;
	size_t from = at > around ? at - around : 0;
	double own = 0, reuses = 0;

	for (size_t i = from; i <= at + around && i < g->n; i++) {
		own += g->own[i];
		reuses += g->reuses[i];
	}
	return reuses > 0 ? own / reuses : MRC_BLOCK;
}

/* How blocks differ: the error of the estimated refaults at limit @at. */
static double count_error(const struct sample *s, size_t at, double misses)
{
	double each = misses, sum = 0, pages = 0;

	for (unsigned int group = 0; group < GROUPS; group++)
		pages += (double)s->pages[group];
	each /= pages;
	for (unsigned int group = 0; group < GROUPS; group++) {
		size_t row = group * (s->grid.n + 1);
		double off = (double)s->grid.hits[row + at] -
			     each * (double)s->pages[group];

		sum += off * off;
	}
	return quantile * sqrt(sum * GROUPS / (GROUPS - 1) * (1 - s->share)) /
	       s->share;
}

/*
 * How well a distance of @limit pages is measured, as a share of it: the spread of
 * what blocks hold of it around their share of the footprint.  That is at most what it
 * is if blocks are in it as a whole or not at all; a tenth of that is assumed at least,
 * for the page that is accessed need not be like those that were.
 */
static double distance_error(const struct sample *s, double limit,
			     double together, double fullness, double footprint)
{
	double covered = limit / footprint, spread;

	if (covered >= 1)
		return 0;
	spread = fmax(together - fullness * covered,
		      fullness * (1 - covered) / 10);
	return quantile * sqrt(spread * (1 - s->share) / (s->share * limit));
}

/* Refaults at the last limit of the grid that is at most @limit, or with @is_next
 * the first one that is at least that. */
static double refaults_near(const struct sample *s, double limit, bool is_next,
			    double most)
{
	size_t at = mrc_limits_find(&s->grid.limits, limit);

	if (!is_next && (at == s->grid.n || s->grid.limits.limit[at] > limit)) {
		if (!at)
			return most;
		at--;
	}
	if (at == s->grid.n)
		return 0;
	return (double)misses_at(&s->grid, at) / s->share;
}

static void estimate(const struct sample *s, struct mrc_point *p,
		     const struct mrc_totals *totals)
{
	double limit = (double)p->limit;
	double most = (double)(totals->accesses - totals->footprint);
	size_t at = mrc_limits_find(&s->grid.limits, limit);
	double misses = (double)misses_at(&s->grid, at);
	double by_count = count_error(s, at, misses);
	double shift = distance_error(s, limit, pages_together(&s->grid, at),
				      s->fullness, (double)totals->footprint);
	double up, down;

	p->refaults = fmin(misses / s->share, most);
	up = refaults_near(s, limit * (1 - shift), false, most) - p->refaults;
	down = p->refaults - refaults_near(s, limit * (1 + shift), true, most);
	p->low = fmax(p->refaults - hypot(by_count, down), 0);
	p->high = fmin(p->refaults + hypot(by_count, up), most);
}

static void sample_fini(struct sample *s)
{
	free(s->touched);
	free(s->taken);
	free(s->number);
	free(s->page);
	mrc_limits_fini(&s->grid.limits);
	free(s->grid.hits);
	free(s->grid.own);
	free(s->grid.reuses);
	mrc_fini(&s->mrc);
}

int mrc_sampled(const struct bound_trace *trace, double rate, uint64_t seed,
		struct mrc_point *points, size_t n, struct mrc_totals *totals,
		struct status *st)
{
	struct sample s = {.salt = rng_mix(seed + 1)};
	int ret;

	*totals = (struct mrc_totals){0};
	ret = find_accesses(&s, trace, rate, st);
	if (!ret)
		ret = number_blocks(&s, trace, totals, st);
	if (!ret)
		ret = mrc_init(&s.mrc,
			       (uint32_t)totals->sampled_blocks * MRC_BLOCK,
			       st);
	if (!ret)
		ret = make_grid(&s.grid, points, n, totals->footprint, st);
	if (ret)
		goto out;
	for (size_t i = 0; i < s.n; i++)
		count_access(&s, s.page[i] / MRC_BLOCK, s.page[i] % MRC_BLOCK);
	sum_misses(&s.grid);
	for (size_t i = 0; i < n; i++)
		estimate(&s, &points[i], totals);
out:
	sample_fini(&s);
	return ret;
}

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
#include "models/window.h"

enum {
	AHEAD = 32, /* accesses for which memory is asked for early */
	GROUPS = 32,
	STEPS = 1024 /* of the footprint: limits beside those asked for */
};

/* 97.5 % of Student's t with 31 degrees of freedom. */
static const double quantile = 2.04;

/* Limits, and per limit and group the accesses that hit there but not below. */
struct grid {
	double *limit; /* rising; owned as all that follow */
	size_t n;
	uint64_t *hits; /* [group][limit], then one for those that never hit */
	double *own, *reuses; /* per limit, all groups: pages of the own block
			       * summed over the accesses, and these */
};

struct sample {
	uint64_t *touched; /* bit per page; owned */
	uint32_t *number;  /* per block: its number in the sample, plus one */
	uint64_t salt;
	uint64_t pages[GROUPS]; /* touched ones */
	double share;		/* of the touched pages */
	double fullness; /* touched pages of a touched page's block, mean */
	struct mrc mrc;
	struct grid grid;
};

int mrc_exact(const struct bound_trace *trace, struct mrc_point *points,
	      size_t n, struct mrc_totals *totals, struct status *st)
{
	uint64_t *reuses =
		kage_calloc((size_t)trace->npages + 1, sizeof(*reuses), st);
	struct mrc m = {0};
	uint64_t above = 0;
	uint32_t at;
	int ret = -ENOMEM;

	*totals = (struct mrc_totals){0};
	if (reuses)
		ret = mrc_init(&m, trace->npages, st);
	if (ret)
		goto out;
	for (size_t i = 0; i < trace->n; i++) {
		if (i + AHEAD < trace->n)
			__builtin_prefetch(&m.last[trace->page[i + AHEAD]], 1);
		if (i + AHEAD / 2 < trace->n) {
			uint32_t last = m.last[trace->page[i + AHEAD / 2]];

			__builtin_prefetch(&m.bits[last / 64], 1);
			__builtin_prefetch(&m.in_word[last / 64], 1);
		}
		reuses[mrc_access(&m, trace->page[i])]++;
	}
	totals->accesses = m.accesses;
	totals->footprint = m.distinct;
	at = m.distinct;
	for (size_t i = n; i-- > 0;) {
		for (; at > points[i].limit; at--)
			above += reuses[at];
		points[i].refaults = (double)above;
		points[i].low = points[i].high = points[i].refaults;
	}
out:
	mrc_fini(&m);
	free(reuses);
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

static int find_touched(struct sample *s, const struct bound_trace *trace,
			struct mrc_totals *totals, struct status *st)
{
	size_t blocks = (size_t)trace->npages / MRC_BLOCK + 1;
	double squares = 0;

	s->touched = kage_calloc(blocks, sizeof(*s->touched), st);
	s->number = kage_calloc(blocks, sizeof(*s->number), st);
	if (!s->touched || !s->number)
		return -ENOMEM;
	for (size_t i = 0; i < trace->n; i++) {
		uint32_t page = trace->page[i];

		s->touched[page / MRC_BLOCK] |= UINT64_C(1) << page % MRC_BLOCK;
	}
	totals->accesses = trace->n;
	for (size_t b = 0; b < blocks; b++) {
		uint32_t pages = window_count(s->touched[b]);

		totals->footprint += pages;
		totals->blocks += pages != 0;
		squares += (double)pages * pages;
	}
	s->fullness = squares / (double)totals->footprint;
	return 0;
}

static int choose_blocks(struct sample *s, const struct bound_trace *trace,
			 double rate, struct mrc_totals *totals,
			 struct status *st)
{
	for (uint32_t b = 0; b <= trace->npages / MRC_BLOCK; b++) {
		uint32_t pages = window_count(s->touched[b]);

		if (!pages ||
		    (double)(block_hash(s, b) >> 11) * 0x1p-53 >= rate)
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
	s->share = (double)totals->sampled_pages / (double)totals->footprint;
	return 0;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int make_grid(struct grid *g, const struct mrc_point *points, size_t n,
		     uint64_t footprint, struct status *st)
{
	g->n = n + STEPS;
	g->limit = kage_calloc(g->n, sizeof(*g->limit), st);
	g->hits = kage_calloc(GROUPS * (g->n + 1), sizeof(*g->hits), st);
	g->own = kage_calloc(g->n + 1, sizeof(*g->own), st);
	g->reuses = kage_calloc(g->n + 1, sizeof(*g->reuses), st);
	if (!g->limit || !g->hits || !g->own || !g->reuses)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		g->limit[i] = (double)points[i].limit;
	for (size_t i = 0; i < STEPS; i++)
		g->limit[n + i] = (double)footprint * (double)(i + 1) / STEPS;
	qsort(g->limit, g->n, sizeof(*g->limit), by_size);
	return 0;
}

/* Return: the first limit that is at least @pages, or the number of limits. */
static size_t grid_find(const struct grid *g, double pages)
{
	size_t low = 0, high = g->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (g->limit[middle] < pages)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
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
	double pages;
	size_t at;

	if (s->mrc.last[first + offset])
		own = pages_since(&s->mrc, first, first + offset);
	distance = mrc_access(&s->mrc, first + offset);
	if (!distance)
		return;
	pages = own + (distance - own) / s->share;
	at = grid_find(&s->grid, floor(pages + 0.5));
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
	size_t at = grid_find(&s->grid, limit);

	if (!is_next && (at == s->grid.n || s->grid.limit[at] > limit)) {
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
	size_t at = grid_find(&s->grid, limit);
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
	free(s->number);
	free(s->grid.limit);
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
	ret = find_touched(&s, trace, totals, st);
	if (!ret)
		ret = choose_blocks(&s, trace, rate, totals, st);
	if (!ret)
		ret = mrc_init(&s.mrc,
			       (uint32_t)totals->sampled_blocks * MRC_BLOCK,
			       st);
	if (!ret)
		ret = make_grid(&s.grid, points, n, totals->footprint, st);
	if (ret)
		goto out;
	for (size_t i = 0; i < trace->n; i++) {
		uint32_t block = trace->page[i] / MRC_BLOCK;

		if (s.number[block])
			count_access(&s, block, trace->page[i] % MRC_BLOCK);
	}
	sum_misses(&s.grid);
	for (size_t i = 0; i < n; i++)
		estimate(&s, &points[i], totals);
out:
	sample_fini(&s);
	return ret;
}

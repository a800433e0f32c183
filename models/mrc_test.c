/* SPDX-License-Identifier: MIT */
/*
 * Miss-ratio curves: distances against counting by hand, the exact curve against the
 * bound lru at many limits, and the sampled one against the exact one.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/test.h"
#include "models/mrc.h"
#include "models/mrc_curve.h"

enum {
	SMALL = 300, /* pages */
	SHORT = 4000,
	PAGES = 40000,
	LENGTH = 250000,
	POINTS = 12,
	SHAPES = 6,
};

struct accesses {
	uint32_t *page;
	struct bound_trace trace;
};

static uint32_t pick(struct rng *rng, unsigned int shape, uint32_t pages,
		     uint32_t i)
{
	double u = rng_unit(rng);

	switch (shape) {
	case 0: /* hot at the low end */
		return (uint32_t)(u * u * u * pages);
	case 1: /* hot anywhere */
		return (uint32_t)(rng_mix((uint64_t)(u * u * u * pages) + 7) %
				  pages);
	case 2: /* a scan beside a hot eighth */
		return rng_below(rng, 3) ? (uint32_t)(u * pages / 8)
					 : i % pages;
	case 3: /* a loop */
		return i % pages;
	case 4: /* anywhere */
		return (uint32_t)(u * pages);
	default: /* a working set that moves */
		return (i / 30000 * (pages / 10) + (uint32_t)(u * pages / 4)) %
		       pages;
	}
}

static void make(struct accesses *a, unsigned int shape, uint64_t seed,
		 uint32_t pages, uint32_t n)
{
	struct rng rng = {seed};

	a->page = calloc(n, sizeof(*a->page));
	assert_non_null(a->page);
	for (uint32_t i = 0; i < n; i++)
		a->page[i] = pick(&rng, shape, pages, i);
	a->trace =
		(struct bound_trace){.page = a->page, .n = n, .npages = pages};
}

static void set_limits(struct mrc_point *points, uint64_t pages)
{
	for (uint64_t i = 0; i < POINTS; i++)
		points[i] =
			(struct mrc_point){.limit = pages * (i + 1) / POINTS};
}

/* Distinct pages since the last access of @page[at], by looking back. */
static uint32_t naive_distance(const uint32_t *page, uint32_t at)
{
	bool seen[SMALL] = {false};
	uint32_t n = 1;

	for (uint32_t i = at; i-- > 0;) {
		if (page[i] == page[at])
			return n;
		n += !seen[page[i]];
		seen[page[i]] = true;
	}
	return 0;
}

static void distances_are_those_counted_by_hand(void **state)
{
	(void)state;
	for (unsigned int shape = 0; shape < SHAPES; shape++) {
		struct accesses a;
		struct mrc m;

		make(&a, shape, 1, SMALL, SHORT);
		assert_int_equal(mrc_init(&m, SMALL, NULL), 0);
		for (uint32_t i = 0; i < SHORT; i++)
			assert_int_equal(mrc_access(&m, a.page[i]),
					 naive_distance(a.page, i));
		mrc_fini(&m);
		free(a.page);
	}
}

static void exact_curve_is_the_bound_lru_at_every_limit(void **state)
{
	static const uint64_t limits[] = {1,   2,   3,	 5,   17,  100,
					  150, 200, 250, 299, 300, 1000};

	(void)state;
	for (unsigned int seed = 0; seed < 3 * SHAPES; seed++) {
		struct mrc_point points[POINTS];
		struct mrc_totals totals;
		struct accesses a;

		make(&a, seed % SHAPES, seed, SMALL, SHORT);
		for (int i = 0; i < POINTS; i++)
			points[i].limit = limits[i];
		assert_int_equal(
			mrc_exact(&a.trace, points, POINTS, &totals, NULL), 0);
		assert_int_equal(totals.accesses, SHORT);
		for (int i = 0; i < POINTS; i++) {
			struct bound_result lru;

			assert_int_equal(
				bound_find("lru")->ops->run(&a.trace, limits[i],
							    NULL, &lru, NULL),
				0);
			assert_true(points[i].refaults == (double)lru.refaults);
			assert_true(points[i].low == points[i].refaults);
			assert_true(points[i].high == points[i].refaults);
			assert_int_equal(totals.footprint,
					 lru.faults - lru.refaults);
		}
		free(a.page);
	}
}

/* So many that times have levels of sums above them, and run out. */
static void long_curve_is_the_bound_lru_too(void **state)
{
	struct mrc_point points[POINTS];
	struct mrc_totals totals;
	struct bound_result lru;
	struct accesses a;

	(void)state;
	make(&a, 1, 3, PAGES, LENGTH);
	set_limits(points, PAGES);
	assert_int_equal(mrc_exact(&a.trace, points, POINTS, &totals, NULL), 0);
	assert_true(totals.accesses > UINT64_C(5) * PAGES);
	for (int i = 1; i < POINTS; i += 4) {
		assert_int_equal(bound_find("lru")->ops->run(&a.trace,
							     points[i].limit,
							     NULL, &lru, NULL),
				 0);
		assert_true(points[i].refaults == (double)lru.refaults);
	}
	free(a.page);
}

static bool has_risen(const struct mrc_point *points)
{
	for (int i = 1; i < POINTS; i++)
		if (points[i].refaults > points[i - 1].refaults)
			return true;
	return false;
}

struct coverage {
	int inside, points;
	double error, width; /* sums, in accesses */
};

static void compare(struct coverage *c, const struct mrc_point *exact,
		    const struct mrc_point *sampled)
{
	for (int i = 0; i < POINTS; i++) {
		const struct mrc_point *s = &sampled[i];

		assert_true(s->low <= s->refaults && s->refaults <= s->high);
		c->inside += exact[i].refaults >= s->low - 0.5 &&
			     exact[i].refaults <= s->high + 0.5;
		c->points++;
		c->error += fabs(s->refaults - exact[i].refaults);
		c->width += (s->high - s->low) / 2;
	}
}

/* At 95 %, and not because the interval holds everything. */
static void sampled_curves_are_inside_their_own_interval(void **state)
{
	struct coverage c = {0};

	(void)state;
	for (unsigned int seed = 0; seed < 4 * SHAPES; seed++) {
		struct mrc_point exact[POINTS], sampled[POINTS];
		struct mrc_totals totals, of_sample;
		struct accesses a;

		make(&a, seed % SHAPES, seed, PAGES, LENGTH);
		set_limits(exact, PAGES);
		set_limits(sampled, PAGES);
		assert_int_equal(
			mrc_exact(&a.trace, exact, POINTS, &totals, NULL), 0);
		assert_int_equal(mrc_sampled(&a.trace, 0.3, seed, sampled,
					     POINTS, &of_sample, NULL),
				 0);
		assert_int_equal(of_sample.accesses, totals.accesses);
		assert_int_equal(of_sample.footprint, totals.footprint);
		assert_true(of_sample.sampled_blocks < of_sample.blocks / 2);
		assert_false(has_risen(exact));
		assert_false(has_risen(sampled));
		compare(&c, exact, sampled);
		free(a.page);
	}
	assert_true(c.inside * 100 >= c.points * 95);
	assert_true(c.error / c.points < 0.02 * LENGTH);
	assert_true(c.width / c.points < 0.04 * LENGTH);
}

static void sample_of_everything_is_exact(void **state)
{
	struct mrc_point exact[POINTS], sampled[POINTS];
	struct mrc_totals totals;
	struct accesses a;

	(void)state;
	make(&a, 2, 5, PAGES, LENGTH);
	set_limits(exact, PAGES);
	set_limits(sampled, PAGES);
	assert_int_equal(mrc_exact(&a.trace, exact, POINTS, &totals, NULL), 0);
	assert_int_equal(
		mrc_sampled(&a.trace, 1, 9, sampled, POINTS, &totals, NULL), 0);
	assert_int_equal(totals.sampled_pages, totals.footprint);
	for (int i = 0; i < POINTS; i++) {
		assert_true(sampled[i].refaults == exact[i].refaults);
		assert_true(sampled[i].low == exact[i].refaults);
		assert_true(sampled[i].high == exact[i].refaults);
	}
	free(a.page);
}

static void same_seed_takes_the_same_blocks(void **state)
{
	struct mrc_point one[POINTS], two[POINTS], three[POINTS];
	struct mrc_totals totals;
	struct accesses a;

	(void)state;
	make(&a, 0, 6, PAGES, LENGTH);
	set_limits(one, PAGES);
	set_limits(two, PAGES);
	set_limits(three, PAGES);
	mrc_sampled(&a.trace, 0.4, 1, one, POINTS, &totals, NULL);
	mrc_sampled(&a.trace, 0.4, 1, two, POINTS, &totals, NULL);
	mrc_sampled(&a.trace, 0.4, 2, three, POINTS, &totals, NULL);
	for (int i = 0; i < POINTS; i++)
		assert_true(one[i].refaults == two[i].refaults);
	assert_true(one[3].refaults != three[3].refaults);
	free(a.page);
}

static void samples_of_too_little_are_refused(void **state)
{
	struct mrc_point points[POINTS];
	struct mrc_totals totals;
	struct status st = {""};
	struct accesses a;

	(void)state;
	make(&a, 0, 6, PAGES, 10000);
	set_limits(points, PAGES);
	assert_int_equal(mrc_sampled(&a.trace, 0.1, 1, points, POINTS, &totals,
				     &st),
			 -EINVAL);
	assert_non_null(strstr(st.message, "says too little"));
	a.trace.n = 0;
	assert_int_equal(mrc_sampled(&a.trace, 1, 1, points, POINTS, &totals,
				     &st),
			 -EINVAL);
	assert_int_equal(mrc_exact(&a.trace, points, POINTS, &totals, &st), 0);
	assert_true(points[0].refaults == 0);
	free(a.page);
}

static int run_both(const struct accesses *a, struct status *st)
{
	struct mrc_point points[POINTS];
	struct mrc_totals totals;
	int ret;

	set_limits(points, PAGES);
	ret = mrc_exact(&a->trace, points, POINTS, &totals, st);
	return ret ? ret
		   : mrc_sampled(&a->trace, 0.9, 1, points, POINTS, &totals,
				 st);
}

static void curves_fail_cleanly_without_memory(void **state)
{
	struct accesses a;
	unsigned long nth = 1;
	int ret;

	(void)state;
	make(&a, 4, 6, PAGES, 20000);
	do {
		struct status st = {""};

		kage_alloc_fail_at(nth++);
		ret = run_both(&a, &st);
		assert_true(ret == 0 || ret == -ENOMEM);
		assert_int_equal(ret != 0, kage_alloc_failed());
		assert_int_equal(ret != 0,
				 strstr(st.message, "memory") != NULL);
	} while (ret);
	kage_alloc_fail_at(0);
	assert_true(nth > 10);
	free(a.page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distances_are_those_counted_by_hand),
		cmocka_unit_test(exact_curve_is_the_bound_lru_at_every_limit),
		cmocka_unit_test(long_curve_is_the_bound_lru_too),
		cmocka_unit_test(sampled_curves_are_inside_their_own_interval),
		cmocka_unit_test(sample_of_everything_is_exact),
		cmocka_unit_test(same_seed_takes_the_same_blocks),
		cmocka_unit_test(samples_of_too_little_are_refused),
		cmocka_unit_test(curves_fail_cleanly_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

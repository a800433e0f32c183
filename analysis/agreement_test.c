/* SPDX-License-Identifier: MIT */
/* Measures of agreement against naive ones, and by hand where they have an edge. */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "analysis/agreement.h"
#include "base/alloc.h"
#include "base/rng.h"
#include "base/test.h"

enum {
	MOST = 60,
	ROUNDS = 3000,
	GENERATIONS = 5
};

static void assert_near(double value, double expected)
{
	if (!(fabs(value - expected) < 1e-12))
		fail_msg("%g instead of %g", value, expected);
}

static struct agreement compare(const gfn_t *a, size_t nr_a, const gfn_t *b,
				size_t nr_b)
{
	struct agreement agreement;

	assert_int_equal(agreement_of(&agreement, a, nr_a, b, nr_b, NULL), 0);
	return agreement;
}

/* Take from @b one page after the other, the first that is left. */
static size_t naive_partners(const gfn_t *a, size_t nr_a, const gfn_t *b,
			     size_t nr_b, size_t partner[MOST])
{
	bool is_taken[MOST] = {false};
	size_t common = 0;

	for (size_t i = 0; i < nr_a; i++) {
		size_t k = 0;

		while (k < nr_b && (is_taken[k] || b[k] != a[i]))
			k++;
		if (k < nr_b) {
			is_taken[k] = true;
			partner[common++] = k;
		}
	}
	return common;
}

static double naive_tau(const size_t *partner, size_t n)
{
	int64_t sum = 0, pairs = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++, pairs++)
			sum += partner[i] < partner[k] ? 1 : -1;
	return (double)sum / (double)pairs;
}

static void check_against_naive(const gfn_t *a, size_t nr_a, const gfn_t *b,
				size_t nr_b)
{
	struct agreement agreement = compare(a, nr_a, b, nr_b);
	size_t partner[MOST];
	size_t common = naive_partners(a, nr_a, b, nr_b, partner);
	size_t all = nr_a + nr_b - common;

	assert_int_equal(agreement.common, common);
	assert_int_equal(agreement.a, nr_a);
	assert_int_equal(agreement.b, nr_b);
	if (all)
		assert_near(agreement_jaccard(&agreement),
			    (double)common / (double)all);
	else
		assert_true(isnan(agreement_jaccard(&agreement)));
	if (common >= 2)
		assert_near(agreement_tau(&agreement),
			    naive_tau(partner, common));
	else
		assert_true(isnan(agreement_tau(&agreement)));
}

static size_t random_pages(struct rng *rng, gfn_t *gfns, uint64_t distinct)
{
	size_t n = rng_below(rng, MOST + 1);

	for (size_t i = 0; i < n; i++)
		gfns[i] = rng_below(rng, distinct);
	return n;
}

/* From lists full of repeats to lists with hardly a page in common. */
static void lists_agree_as_naive_ones(void **state)
{
	struct rng rng = {1};

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t distinct = 1 + rng_below(&rng, 3 * MOST);
		gfn_t a[MOST], b[MOST];
		size_t nr_a = random_pages(&rng, a, distinct);
		size_t nr_b = random_pages(&rng, b, distinct);

		check_against_naive(a, nr_a, b, nr_b);
		check_against_naive(a, nr_a, a, nr_a);
	}
}

/* Nearly sorted ones, as kernel and model are. */
static void disturbed_lists_agree_as_naive_ones(void **state)
{
	struct rng rng = {2};

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		gfn_t a[MOST], b[MOST];
		size_t n = 2 + rng_below(&rng, MOST - 1);

		for (size_t k = 0; k < n; k++)
			a[k] = b[k] = 1000 + k;
		for (uint64_t k = rng_below(&rng, 6); k; k--) {
			size_t x = rng_below(&rng, n), y = rng_below(&rng, n);
			gfn_t other = b[x];

			b[x] = b[y];
			b[y] = other;
		}
		check_against_naive(a, n, b, n);
	}
}

static void few_pages_have_no_order(void **state)
{
	static const gfn_t one[] = {7}, other[] = {8}, twice[] = {7, 7};
	struct agreement agreement = compare(NULL, 0, NULL, 0);

	(void)state;
	assert_true(isnan(agreement_jaccard(&agreement)));
	assert_true(isnan(agreement_tau(&agreement)));
	agreement = compare(one, 1, NULL, 0);
	assert_near(agreement_jaccard(&agreement), 0);
	agreement = compare(one, 1, one, 1);
	assert_near(agreement_jaccard(&agreement), 1);
	assert_true(isnan(agreement_tau(&agreement)));
	agreement = compare(one, 1, other, 1);
	assert_near(agreement_jaccard(&agreement), 0);
	agreement = compare(twice, 2, one, 1);
	assert_near(agreement_jaccard(&agreement), 0.5);
	agreement = compare(twice, 2, twice, 2);
	assert_near(agreement_tau(&agreement), 1);
}

static void order_goes_from_the_same_to_the_opposite(void **state)
{
	enum {
		N = 100000
	};
	gfn_t *up = calloc(N, sizeof(*up)), *down = calloc(N, sizeof(*down));
	struct agreement agreement;

	(void)state;
	assert_non_null(up);
	assert_non_null(down);
	for (size_t i = 0; i < N; i++) {
		up[i] = i;
		down[i] = N - 1 - i;
	}
	agreement = compare(up, N, up, N);
	assert_near(agreement_tau(&agreement), 1);
	agreement = compare(up, N, down, N);
	assert_int_equal(agreement.inversions, (uint64_t)N * (N - 1) / 2);
	assert_near(agreement_tau(&agreement), -1);
	assert_near(agreement_jaccard(&agreement), 1);
	free(up);
	free(down);
}

/* Page by page: each of @a takes one of @b in its generation, if one is left. */
static double naive_misplaced(const uint64_t *a, size_t nr_a, const uint64_t *b,
			      size_t nr_b)
{
	uint64_t left[2 * GENERATIONS] = {0};
	uint64_t pages_a = 0, pages_b = 0, placed = 0;

	for (size_t k = 0; k < nr_b; k++) {
		left[nr_b - 1 - k] = b[k];
		pages_b += b[k];
	}
	for (size_t i = 0; i < nr_a; i++)
		for (uint64_t page = 0; page < a[i]; page++, pages_a++)
			if (left[nr_a - 1 - i]) {
				left[nr_a - 1 - i]--;
				placed++;
			}
	pages_a = pages_a > pages_b ? pages_a : pages_b;
	return pages_a ? (double)(pages_a - placed) / (double)pages_a : NAN;
}

static size_t random_generations(struct rng *rng, uint64_t *pages)
{
	size_t n = rng_below(rng, GENERATIONS + 1);

	for (size_t i = 0; i < n; i++)
		pages[i] = rng_below(rng, 2) ? rng_below(rng, 20) : 0;
	return n;
}

static void generations_differ_as_naive_ones(void **state)
{
	struct rng rng = {3};

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t a[GENERATIONS], b[GENERATIONS];
		size_t nr_a = random_generations(&rng, a);
		size_t nr_b = random_generations(&rng, b);
		double naive = naive_misplaced(a, nr_a, b, nr_b);
		double misplaced = agreement_misplaced(a, nr_a, b, nr_b);

		if (isnan(naive))
			assert_true(isnan(misplaced));
		else
			assert_near(misplaced, naive);
		misplaced = agreement_misplaced(b, nr_b, a, nr_a);
		assert_true(isnan(naive) || fabs(misplaced - naive) < 1e-12);
	}
}

static void the_youngest_generations_are_compared(void **state)
{
	static const uint64_t two[] = {30, 10}, four[] = {0, 0, 30, 10},
			      moved[] = {30, 0, 0, 10}, more[] = {30, 50};

	(void)state;
	assert_near(agreement_misplaced(two, 2, four, 4), 0);
	assert_near(agreement_misplaced(two, 2, moved, 4), 0.75);
	assert_near(agreement_misplaced(two, 2, more, 2), 0.5);
	assert_near(agreement_misplaced(two, 2, NULL, 0), 1);
	assert_true(isnan(agreement_misplaced(NULL, 0, four, 2)));
}

static void failed_allocations_are_reported(void **state)
{
	static const gfn_t pages[] = {3, 1, 2};
	struct agreement agreement;
	unsigned long nth = 0;
	int ret;

	(void)state;
	do {
		kage_alloc_fail_at(++nth);
		ret = agreement_of(&agreement, pages, 3, pages, 3, NULL);
		assert_int_equal(ret, kage_alloc_failed() ? -ENOMEM : 0);
	} while (ret);
	kage_alloc_fail_at(0);
	assert_int_equal(nth, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_agree_as_naive_ones),
		cmocka_unit_test(disturbed_lists_agree_as_naive_ones),
		cmocka_unit_test(few_pages_have_no_order),
		cmocka_unit_test(order_goes_from_the_same_to_the_opposite),
		cmocka_unit_test(generations_differ_as_naive_ones),
		cmocka_unit_test(the_youngest_generations_are_compared),
		cmocka_unit_test(failed_allocations_are_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Buckets cover all values once, and quantiles are within the error that hist.h states. */
#include "models/hist.h"

#include <stdlib.h>

#include "base/rng.h"
#include "base/test.h"

enum {
	VALUES = 20000
};

static void every_value_has_its_bucket(void **state)
{
	struct rng rng = {1};

	(void)state;
	for (size_t b = 0; b + 1 < HIST_BUCKETS; b++) {
		uint64_t low = hist_low(b), next = hist_low(b + 1);

		assert_true(low < next);
		assert_int_equal(hist_bucket(low), b);
		assert_int_equal(hist_bucket(next - 1), b);
		assert_true((next - 1 - low) * 64 <= low);
	}
	assert_int_equal(hist_bucket(UINT64_MAX), HIST_BUCKETS - 1);
	for (int i = 0; i < VALUES; i++) {
		uint64_t v = rng_next(&rng) >> rng_below(&rng, 64);

		assert_true(hist_low(hist_bucket(v)) <= v);
	}
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void quantiles_are_of_the_sorted_values(void **state)
{
	static const double shares[] = {0.001, 0.5, 0.99, 0.999, 1};
	struct hist *h = calloc(1, sizeof(*h));
	uint64_t *sorted = calloc(VALUES, sizeof(*sorted));
	struct rng rng = {2};
	uint64_t sum = 0;

	(void)state;
	assert_int_equal(hist_quantile(h, 0.5), 0);
	for (int i = 0; i < VALUES; i++) {
		sorted[i] = rng_next(&rng) >> (20 + rng_below(&rng, 40));
		sum += sorted[i];
		hist_add(h, sorted[i]);
	}
	qsort(sorted, VALUES, sizeof(*sorted), compare);
	assert_int_equal(h->n, VALUES);
	assert_int_equal(h->sum, sum);
	assert_int_equal(h->max, sorted[VALUES - 1]);
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		double rank = shares[i] * VALUES;
		uint64_t exact = sorted[(size_t)(rank + 0.5) - 1];
		uint64_t q = hist_quantile(h, shares[i]);

		assert_true(q <= exact && (exact - q) * 64 <= exact);
	}
	free(h);
	free(sorted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_has_its_bucket),
		cmocka_unit_test(quantiles_are_of_the_sorted_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Distances and working sets against the obvious way to compute them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/test.h"
#include "replay/age_error.h"

enum {
	ROUNDS = 2000,
	PAGES_MAX = 300,
	GROUPS_MAX = 4
};

static void assert_near(double a, double b, double difference)
{
	if (fabs(a - b) > difference)
		fail_msg("%.17g is not %.17g", a, b);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Both sorted, paired one by one. */
static double naive_distance(const uint64_t *age_ns, size_t n,
			     const struct age_group *groups, size_t nr_groups)
{
	uint64_t truth[PAGES_MAX], assigned[PAGES_MAX];
	size_t filled = 0;
	double sum = 0;

	memcpy(truth, age_ns, n * sizeof(*truth));
	for (size_t g = 0; g < nr_groups; g++)
		for (uint64_t i = 0; i < groups[g].pages; i++)
			assigned[filled++] = groups[g].age_ns;
	qsort(truth, n, sizeof(*truth), by_value);
	qsort(assigned, n, sizeof(*assigned), by_value);
	for (size_t i = 0; i < n; i++)
		sum += truth[i] > assigned[i]
			       ? (double)(truth[i] - assigned[i])
			       : (double)(assigned[i] - truth[i]);
	return n ? sum / (double)n : 0;
}

/* Return: the number of pages, in groups of rising age, some of them empty. */
static size_t random_groups(struct rng *rng, struct age_group *groups)
{
	uint64_t age_ns = rng_below(rng, 3), pages = 0;

	for (size_t g = 0; g < GROUPS_MAX; g++) {
		groups[g].age_ns = age_ns;
		groups[g].pages = rng_below(rng, 4) ? rng_below(rng, 70) : 0;
		age_ns += rng_below(rng, 1000);
		pages += groups[g].pages;
	}
	return pages;
}

static void distance_is_that_of_sorted_pairs(void **state)
{
	struct rng rng = {11};

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct age_group groups[GROUPS_MAX];
		size_t n = random_groups(&rng, groups);
		uint64_t age_ns[PAGES_MAX], few = 1 + rng_below(&rng, 3000);
		double expected;

		for (size_t i = 0; i < n; i++)
			age_ns[i] = rng_below(&rng, few); /* often the same */
		expected = naive_distance(age_ns, n, groups, GROUPS_MAX);
		assert_near(age_distance(age_ns, n, groups, GROUPS_MAX),
			    expected, 1e-6);
	}
}

static void distance_in_one_group_is_the_mean_error(void **state)
{
	const struct age_group one = {.age_ns = 10, .pages = 4};
	uint64_t age_ns[] = {7, 10, 13, 30};

	(void)state;
	assert_near(age_distance(age_ns, 4, &one, 1), 26.0 / 4, 1e-9);
	assert_near(age_distance(NULL, 0, NULL, 0), 0, 1e-9);
}

static void partition_parts_every_order(void **state)
{
	struct rng rng = {5};

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		size_t n = (size_t)rng_below(&rng, 40);
		size_t k = (size_t)rng_below(&rng, n + 1);
		uint64_t value[40], sum = 0, largest = 0;

		for (size_t i = 0; i < n; i++) {
			value[i] = rng_below(&rng, 1 + rng_below(&rng, 50));
			sum += value[i];
		}
		age_partition(value, n, k);
		for (size_t i = 0; i < n; i++) {
			sum -= value[i];
			if (i < k && value[i] > largest)
				largest = value[i];
			if (i >= k && k)
				assert_true(value[i] >= largest);
		}
		assert_int_equal(sum, 0);
	}
}

static void working_set_is_that_of_young_groups(void **state)
{
	const struct age_group groups[] = {{5, 10}, {20, 3}, {90, 7}};

	(void)state;
	assert_int_equal(age_working_set(groups, 3, 4), UINT64_MAX);
	assert_int_equal(age_working_set(groups, 3, 5), 10);
	assert_int_equal(age_working_set(groups, 3, 89), 13);
	assert_int_equal(age_working_set(groups, 3, 1000), 20);
	assert_int_equal(age_working_set(groups, 0, 1000), UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distance_is_that_of_sorted_pairs),
		cmocka_unit_test(distance_in_one_group_is_the_mean_error),
		cmocka_unit_test(partition_parts_every_order),
		cmocka_unit_test(working_set_is_that_of_young_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

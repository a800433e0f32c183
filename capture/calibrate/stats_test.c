/* SPDX-License-Identifier: MIT */
/* Statistics on data whose answer is known, by hand or by making it. */
#include "capture/calibrate/stats.h"

#include <math.h>

#include "base/rng.h"
#include "base/test.h"

static void expect_near(double is, double wanted)
{
	if (!(fabs(is - wanted) <= 1e-9 * (1 + fabs(wanted))))
		fail_msg("%.15g is not %.15g", is, wanted);
}

/* Ranks from tables of the sign test: 15 rounds, 4th and 12th; 20, 6th and 15th. */
static void medians_have_the_interval_of_the_sign_test(void **state)
{
	static const struct {
		size_t n, low, high; /* counted from 1; 0: no interval */
		double median;
	} known[] = {
		{1, 0, 0, 1},	{5, 0, 0, 3},	   {6, 1, 6, 3.5},
		{15, 4, 12, 8}, {20, 6, 15, 10.5}, {30, 10, 21, 15.5},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		double values[30];
		struct stats_median m;

		for (size_t k = 0; k < known[i].n; k++)
			values[k] = (double)(known[i].n - k);
		m = stats_median(values, known[i].n);
		expect_near(m.value, known[i].median);
		assert_int_equal(m.has_interval, known[i].low > 0);
		if (!known[i].low)
			continue;
		expect_near(m.low, (double)known[i].low);
		expect_near(m.high, (double)known[i].high);
	}
}

/* Skewed as times are: never less than 100, sometimes very much more. */
static double disturbed(struct rng *rng)
{
	double u = (double)(1 + rng_below(rng, 1 << 20)) / (1 << 20);

	return 100 + 10 * pow(u, -0.7);
}

static void the_interval_holds_the_median_as_often_as_it_says(void **state)
{
	const double truth = 100 + 10 * pow(0.5, -0.7);
	struct rng rng = {11};
	int inside = 0;
	enum {
		TRIES = 4000
	};

	(void)state;
	for (int i = 0; i < TRIES; i++) {
		double values[15];
		struct stats_median m;

		for (int k = 0; k < 15; k++)
			values[k] = disturbed(&rng);
		m = stats_median(values, 15);
		inside += m.low <= truth && truth <= m.high;
	}
	/* 96.5 % are due, give or take four deviations of 0.3 % */
	assert_in_range(inside, TRIES * 953 / 1000, TRIES * 977 / 1000);
}

static void lines_are_found(void **state)
{
	static const double x[] = {1, 2, 4, 8}, exact[] = {5, 7, 11, 19};
	/* by hand: means 2 and 10/3, slope 3/2, intercept 1/3 */
	static const double a[] = {1, 2, 3}, b[] = {2, 3, 5};
	struct stats_line line = stats_line(x, exact, 4);

	(void)state;
	expect_near(line.slope, 2);
	expect_near(line.intercept, 3);
	line = stats_line(a, b, 3);
	expect_near(line.slope, 1.5);
	expect_near(line.intercept, 1.0 / 3);
}

static void slopes_of_disturbed_rounds_have_the_right_median(void **state)
{
	static const double x[] = {256, 512, 768, 1024};
	struct rng rng = {12};
	double slopes[101];
	struct stats_median m;

	(void)state;
	for (int round = 0; round < 101; round++) {
		double y[4];

		for (int i = 0; i < 4; i++)
			y[i] = 700 * x[i] + 40000 + 100 * disturbed(&rng);
		slopes[round] = stats_line(x, y, 4).slope;
	}
	m = stats_median(slopes, 101);
	assert_true(m.low <= 700 && 700 <= m.high);
	assert_true(m.high - m.low < 10);
}

static void quantiles_are_of_the_values(void **state)
{
	double values[] = {5, 3, 1, 4, 2};

	(void)state;
	expect_near(stats_quantile(values, 5, 0), 1);
	expect_near(stats_quantile(values, 5, 0.5), 3);
	expect_near(stats_quantile(values, 5, 1), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(medians_have_the_interval_of_the_sign_test),
		cmocka_unit_test(
			the_interval_holds_the_median_as_often_as_it_says),
		cmocka_unit_test(lines_are_found),
		cmocka_unit_test(
			slopes_of_disturbed_rounds_have_the_right_median),
		cmocka_unit_test(quantiles_are_of_the_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

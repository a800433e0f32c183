/* SPDX-License-Identifier: MIT */
/* Break-even points: one worked by hand, and random ones against a scan of values. */
#include "analysis/sensitivity.h"

#include <math.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/test.h"

enum {
	POLICIES = 5,
	COSTS = 4,
};

/* Calls and locks: batched makes 10 calls with lock, fast-only 640 without. */
static const struct sensitivity_cost hand_costs[] = {
	{.name = "calls", .is_known = true, .ns = 70},
	{.name = "locks", .is_known = true, .ns = 3},
	{.name = "zaps"},
};
static const double hand_counts[] = {
	10, 10, 5, 640, 0, 5, 100, 100, 9,
};
static const struct sensitivity hand = {3, 3, hand_costs, hand_counts};

static void expect_near(double is, double wanted)
{
	if (!(fabs(is - wanted) <= 1e-9 * (1 + fabs(wanted))))
		fail_msg("%.15g is not %.15g", is, wanted);
}

static void the_break_even_of_a_lock(void **state)
{
	struct sensitivity_range range = sensitivity_edges(&hand, 1, SIZE_MAX);
	size_t order[3];

	(void)state;
	expect_near(sensitivity_total(&hand, 0, SENSITIVITY_NONE, 0), 730);
	sensitivity_rank(&hand, order);
	assert_int_equal(order[0], 0);
	assert_int_equal(order[1], 2);
	assert_int_equal(order[2], 1);
	/* 100 * 70 + 100 x = 640 * 70 */
	assert_false(range.low.exists);
	assert_true(range.high.exists);
	expect_near(range.high.ns, 378);
	assert_int_equal(range.high.winner, 1);
	assert_int_equal(range.high.loser, 2);
	/* the best one later: 10 * 70 + 10 x = 640 * 70 */
	range = sensitivity_edges(&hand, 1, 0);
	expect_near(range.high.ns, 4410);
	assert_true(sensitivity_holds(&hand, 1, 6));
	assert_true(sensitivity_holds(&hand, 1, 377));
	assert_false(sensitivity_holds(&hand, 1, 379));
	/* calls: fast-only is the dearest down to 3 * 100 / 540 ns */
	range = sensitivity_edges(&hand, 0, SIZE_MAX);
	assert_false(range.high.exists);
	expect_near(range.low.ns, 300.0 / 540);
	assert_int_equal(range.low.winner, 1);
	assert_int_equal(range.low.loser, 2);
}

static void what_is_missing_may_be_anything(void **state)
{
	struct sensitivity_range range = sensitivity_edges(&hand, 2, SIZE_MAX);

	(void)state;
	assert_false(range.low.exists);
	expect_near(range.high.ns, (44800.0 - 7300) / 4);
	assert_int_equal(range.high.winner, 1);
	assert_false(sensitivity_edges(&hand, 2, 0).high.exists);
	assert_true(sensitivity_dominates(&hand, 0, 1));
	assert_true(sensitivity_dominates(&hand, 0, 2));
	assert_false(sensitivity_dominates(&hand, 2, 1));
	assert_false(sensitivity_dominates(&hand, 1, 2));
}

static void equals_stay_equal_or_part_at_once(void **state)
{
	static const struct sensitivity_cost costs[] = {
		{.name = "a", .is_known = true, .ns = 2},
		{.name = "b", .is_known = true, .ns = 1},
		{.name = "c", .is_known = true, .ns = 5}};
	static const double counts[] = {1, 2, 7, 2, 0, 7};
	const struct sensitivity s = {2, 3, costs, counts};
	struct sensitivity_range range = sensitivity_edges(&s, 0, SIZE_MAX);

	(void)state;
	assert_int_equal(sensitivity_compare(&s, 0, 1, SENSITIVITY_NONE, 0), 0);
	expect_near(range.low.ns, 2);
	expect_near(range.high.ns, 2);
	assert_int_equal(range.high.winner, 0);
	assert_int_equal(range.low.winner, 1);
	assert_false(sensitivity_holds(&s, 0, 1));
	assert_true(sensitivity_holds(&s, 2, 50));
	range = sensitivity_edges(&s, 2, SIZE_MAX);
	assert_false(range.low.exists || range.high.exists);
}

struct random_case {
	struct sensitivity_cost costs[COSTS];
	double counts[POLICIES * COSTS];
	struct sensitivity s;
};

static void make_random(struct random_case *c, struct rng *rng)
{
	for (size_t i = 0; i < COSTS; i++)
		c->costs[i] = (struct sensitivity_cost){
			.name = "x",
			.is_known = rng_below(rng, 4) > 0,
			.ns = (double)rng_below(rng, 500)};
	for (size_t i = 0; i < POLICIES * COSTS; i++)
		c->counts[i] = (double)rng_below(rng, 1000);
	c->s = (struct sensitivity){POLICIES, COSTS, c->costs, c->counts};
}

/* Inside the edges nothing changes, just beyond them something does. */
static void edges_are_where_the_ranking_changes(void **state)
{
	struct rng rng = {3};
	size_t edges = 0;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct random_case c;
		struct sensitivity_range range;
		double low, high;

		make_random(&c, &rng);
		range = sensitivity_edges(&c.s, 0, SIZE_MAX);
		low = range.low.exists ? range.low.ns : 0;
		high = range.high.exists ? range.high.ns : 1e6;
		for (int i = 1; i < 20; i++)
			assert_true(sensitivity_holds(
				&c.s, 0,
				low + (high - low) * (0.001 + 0.0499 * i)));
		if (range.low.exists)
			assert_false(sensitivity_holds(&c.s, 0, low * 0.9999));
		if (!range.high.exists)
			continue;
		edges++;
		assert_false(sensitivity_holds(&c.s, 0, high * 1.0001 + 1e-9));
		assert_int_equal(sensitivity_compare(&c.s, range.high.winner,
						     range.high.loser, 0,
						     high * 1.0001 + 1e-9),
				 -1);
	}
	assert_true(edges > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_break_even_of_a_lock),
		cmocka_unit_test(what_is_missing_may_be_anything),
		cmocka_unit_test(equals_stay_equal_or_part_at_once),
		cmocka_unit_test(edges_are_where_the_ranking_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

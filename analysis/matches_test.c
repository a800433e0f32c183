/* SPDX-License-Identifier: MIT */
/* Which difference is the worst, and how it is shown. */
#include "analysis/matches.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/format.h"
#include "base/test.h"

/* Which of the two counters a (model, kernel) and b is worse? */
static const char *worse(uint64_t a_model, uint64_t a_kernel, uint64_t b_model,
			 uint64_t b_kernel)
{
	struct match_worst ab, ba;

	match_worst_init(&ab, 16);
	match_worst_counter(&ab, "s", "a", a_model, a_kernel);
	match_worst_counter(&ab, "s", "b", b_model, b_kernel);
	match_worst_init(&ba, 16);
	match_worst_counter(&ba, "s", "b", b_model, b_kernel);
	match_worst_counter(&ba, "s", "a", a_model, a_kernel);
	assert_string_equal(ab.counter, ba.counter);
	return ab.counter[0] == 'a' ? "a" : "b";
}

static void the_worst_is_relative_but_no_trifle(void **state)
{
	(void)state;
	assert_string_equal(worse(110, 100, 1, 1), "a");
	assert_string_equal(worse(120, 100, 70, 100), "b"); /* either way */
	assert_string_equal(worse(1050, 1000, 3, 1), "a");  /* 5 %, but 50 */
	assert_string_equal(worse(1016, 1000, 3, 1), "b");  /* 16 are not */
	assert_string_equal(worse(17, 0, 9000, 1),
			    "a"); /* something for none */
	assert_string_equal(worse(16, 0, 40, 20), "b");
	assert_string_equal(worse(50, 0, 100, 0), "b");
	assert_string_equal(worse(220, 200, 110, 100), "a");
	assert_string_equal(worse(7, 7, 5, 5), "a"); /* by name */
}

static void what_is_not_known_is_no_figure(void **state)
{
	struct match_worst worst;

	(void)state;
	match_worst_init(&worst, MATCH_PAGES);
	assert_true(isnan(match_worst_error(&worst)));
	assert_true(isnan(worst.jaccard) && isnan(worst.tau));
	assert_true(isnan(worst.misplaced));
	match_worst_step(&worst, 0.5, NAN);
	match_worst_step(&worst, NAN, NAN);
	match_worst_step(&worst, 0.75, -0.25);
	match_worst_snapshot(&worst, NAN);
	match_worst_snapshot(&worst, 0.125);
	match_worst_snapshot(&worst, 0.0625);
	assert_float_equal(worst.jaccard, 0.5, 1e-12);
	assert_float_equal(worst.tau, -0.25, 1e-12);
	assert_float_equal(worst.misplaced, 0.125, 1e-12);
	match_worst_counter(&worst, "s", "a", 75, 100);
	assert_float_equal(match_worst_error(&worst), -0.25, 1e-12);
	match_worst_counter(&worst, "s", "b", 75, 0);
	assert_true(isnan(match_worst_error(&worst)));
}

static void a_table_has_more_tolerances_than_footnotes(void **state)
{
	char limits[64][24];
	struct match matches[64];
	struct table *table;
	struct outbuf out = {0};

	(void)state;
	for (int i = 0; i < 64; i++) {
		snprintf(limits[i], sizeof(limits[i]), "tau 0.%d", i);
		matches[i] = (struct match){
			.release = "6.12.1",
			.kernel = "6.12",
			.policy = "",
			.scenario = "a.scn",
			.limits = limits[i],
			.passed = i % 2,
		};
		match_worst_init(&matches[i].worst, MATCH_PAGES);
	}
	table = matches_table(matches, 64, NULL);
	assert_non_null(table);
	assert_int_equal(table_rows(table), 64);
	assert_int_equal(format_find("text", NULL)->render(&out, table, NULL),
			 0);
	assert_non_null(strstr(out.data, "model: MGLRU of 6.12, policy not "
					 "known\n"));
	assert_non_null(strstr(out.data, "\na         fail[a] "));
	assert_non_null(strstr(out.data, "held to what column limits"));
	outbuf_fini(&out);
	table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_worst_is_relative_but_no_trifle),
		cmocka_unit_test(what_is_not_known_is_no_figure),
		cmocka_unit_test(a_table_has_more_tolerances_than_footnotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

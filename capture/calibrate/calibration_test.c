/* SPDX-License-Identifier: MIT */
/* Rows from rounds: medians, what is not told from zero, what may not be in a file. */
#include "capture/calibrate/calibration.h"

#include <string.h>

#include "base/test.h"

static void start(struct calibration *c, enum cost_kind kind)
{
	*c = (struct calibration){
		.rounds = 15, .source = "a test", .kind = kind};
	c->file.profile = "p";
	c->file.host = "h";
}

static void figures_have_a_median_and_its_interval(void **state)
{
	double ns[15];
	struct calibration c;
	const struct cost_row *row;

	(void)state;
	for (int i = 0; i < 15; i++)
		ns[i] = 100 + i;
	start(&c, COST_MEASURED);
	calibration_put(&c, "zap", ns, "by %s", "hand");
	row = cost_file_row(&c.file, "zap");
	assert_int_equal(row->kind, COST_MEASURED);
	assert_true(row->value_ns == 107 && row->has_range);
	assert_true(row->low_ns == 103 && row->high_ns == 111);
	assert_non_null(strstr(row->how, "15 rounds: by hand"));
	assert_string_equal(row->source, "a test");
	calibration_fini(&c);
}

static void forced_rows_are_not_for_citing(void **state)
{
	double ns[15] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
	struct calibration c;

	(void)state;
	start(&c, COST_NOT_FOR_CITING);
	calibration_put(&c, "zap", ns, "x");
	calibration_miss(&c, "faults", "no\tluck\n");
	assert_int_equal(c.file.rows[0].kind, COST_NOT_FOR_CITING);
	assert_int_equal(c.file.rows[1].kind, COST_MISSING);
	assert_string_equal(c.file.rows[1].how, "no?luck?");
	calibration_fini(&c);
}

static void what_may_be_zero_is_missing_and_says_so(void **state)
{
	double ns[15];
	struct calibration c;

	(void)state;
	for (int i = 0; i < 15; i++)
		ns[i] = i - 3;
	start(&c, COST_MEASURED);
	calibration_put(&c, "zap", ns, "by hand");
	assert_int_equal(c.file.rows[0].kind, COST_MISSING);
	assert_non_null(strstr(c.file.rows[0].how,
			       "not told from zero: median 4 ns, 95 % "
			       "interval 0 to 8 ns, 15 rounds: by hand"));
	calibration_fini(&c);
}

static void parts_of_a_whole_are_nothing_more(void **state)
{
	double ns[15] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
	struct calibration c;

	(void)state;
	start(&c, COST_MEASURED);
	calibration_put(&c, "calls_unmap", ns, "x");
	calibration_miss(&c, "faults", "no luck");
	calibration_include(&c, "lock_write_unmap", "calls_unmap");
	calibration_include(&c, "lock_read_fault", "faults");
	calibration_include(&c, "lock_write_fault", "absent");
	assert_int_equal(c.file.rows[2].kind, COST_DERIVED);
	assert_true(c.file.rows[2].value_ns == 0 && !c.file.rows[2].has_range);
	assert_int_equal(c.file.rows[3].kind, COST_MISSING);
	assert_int_equal(c.file.rows[4].kind, COST_MISSING);
	calibration_fini(&c);
}

/* What is measured has to be in each bench's list of names, once in all. */
static void benches_name_their_rows(void **state)
{
	(void)state;
	for (const struct calibration_entry *e = calibration_benches; e->name;
	     e++) {
		assert_non_null(e->bench->names[0]);
		for (const char *const *n = e->bench->names; *n; n++)
			for (const struct calibration_entry *o =
				     calibration_benches;
			     o->name; o++)
				for (const char *const *m = o->bench->names; *m;
				     m++)
					assert_true(m == n || strcmp(*m, *n));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_have_a_median_and_its_interval),
		cmocka_unit_test(forced_rows_are_not_for_citing),
		cmocka_unit_test(what_may_be_zero_is_missing_and_says_so),
		cmocka_unit_test(parts_of_a_whole_are_nothing_more),
		cmocka_unit_test(benches_name_their_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

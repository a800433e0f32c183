/* SPDX-License-Identifier: MIT */
/* The profiles that kage has: sound, with the same names, a source for each figure. */
#include "replay/cost_profile.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "replay/costs.h"

static struct cost_file read_profile(const struct cost_profile *profile)
{
	struct cost_file file;
	struct status st = {""};

	if (cost_profile_read(&file, profile, &st))
		fail_msg("%s", st.message);
	return file;
}

static void names_are_those_of_the_list(void **state)
{
	(void)state;
	for (const struct cost_profile *p = cost_profiles; p->name; p++) {
		struct cost_file file = read_profile(p);

		assert_string_equal(file.profile, p->name);
		assert_ptr_equal(cost_profile_find(p->name), p);
		cost_file_fini(&file);
	}
	assert_null(cost_profile_find("mine"));
}

/* Else one profile would hide what another one says is missing. */
static void all_have_the_same_rows(void **state)
{
	struct cost_file first = read_profile(&cost_profiles[0]);

	(void)state;
	for (const struct cost_profile *p = cost_profiles; p->name; p++) {
		struct cost_file file = read_profile(p);

		assert_int_equal(file.nr_rows, first.nr_rows);
		for (size_t i = 0; i < file.nr_rows; i++)
			if (!cost_file_row(&first, file.rows[i].name))
				fail_msg("%s: only here: %s", p->name,
					 file.rows[i].name);
		cost_file_fini(&file);
	}
	for (const struct cost_info *c = cost_infos; c->name; c++)
		if (!cost_file_row(&first, c->name))
			fail_msg("no profile has %s", c->name);
	cost_file_fini(&first);
}

static void nothing_shipped_is_for_tests_only(void **state)
{
	(void)state;
	for (const struct cost_profile *p = cost_profiles; p->name; p++) {
		struct cost_file file = read_profile(p);

		for (size_t i = 0; i < file.nr_rows; i++) {
			assert_int_not_equal(file.rows[i].kind,
					     COST_NOT_FOR_CITING);
			assert_non_null(cost_unit(file.rows[i].name));
			assert_non_null(cost_meaning(file.rows[i].name));
		}
		cost_file_fini(&file);
	}
	assert_null(cost_unit("nosuch"));
	assert_null(cost_meaning("nosuch"));
}

static double value(const char *profile, const char *name)
{
	struct cost_file file = read_profile(cost_profile_find(profile));
	const struct cost_row *row = cost_file_row(&file, name);
	double ns = row && row->kind != COST_MISSING ? row->value_ns : -1;

	cost_file_fini(&file);
	return ns;
}

static void expect_near(double is, double wanted, double by)
{
	if (!(fabs(is - wanted) <= by))
		fail_msg("%g is not %g by %g", is, wanted, by);
}

/* From the published seconds, as HOW says. */
static void derived_figures_follow_from_their_source(void **state)
{
	static const struct {
		const char *profile;
		double vcpus, idle_s, locked_s, lockless_s;
	} tables[] = {
		{"x86-tdp-1vcpu", 1, 0.879, 0.0082, 0.0073},
		{"x86-tdp-32vcpu", 32, 3.316, 4.347, 0.2509},
		{"x86-tdp-112vcpu", 112, 8.498, 13.474, 2.292},
		{"x86-shadow", 64, -1, 15.95, 0.527},
	};
	const double pages = 262144, rounding = 0.01;

	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		const char *p = tables[i].profile;
		double all = tables[i].vcpus * pages / 1e9;
		double lockless = tables[i].lockless_s / all;
		double lock = tables[i].locked_s / all - lockless;

		expect_near(value(p, "aging_ptes"), lockless,
			    lockless * rounding);
		expect_near(value(p, "lock_write_young"), lock,
			    lock * rounding + 0.1);
		expect_near(value(p, "faults"),
			    tables[i].idle_s < 0
				    ? -1
				    : tables[i].idle_s / pages * 1e9,
			    40);
	}
	expect_near(value("arm64", "lock_write_young"),
		    (1.661 - 0.307) / (32 * pages) * 1e9, 1);
	expect_near(value("x86-tdp", "retouch"),
		    (0.0597 - 0.0173) / pages * 1e9, 1);
}

/* doc/costs.md says what each row is, and names each profile. */
static void every_row_is_documented(void **state)
{
	FILE *in = fopen("doc/costs.md", "r");
	char *text = calloc(1, 1 << 16), wanted[80];
	struct cost_file file = read_profile(&cost_profiles[0]);

	(void)state;
	assert_non_null(in);
	assert_true(fread(text, 1, (1 << 16) - 1, in) > 1000);
	fclose(in);
	for (size_t i = 0; i < file.nr_rows; i++) {
		snprintf(wanted, sizeof(wanted), "`%s`", file.rows[i].name);
		if (!strstr(text, wanted))
			fail_msg("doc/costs.md has no %s", wanted);
	}
	for (const struct cost_profile *p = cost_profiles; p->name; p++) {
		snprintf(wanted, sizeof(wanted), "`%s`", p->name);
		if (!strstr(text, wanted))
			fail_msg("doc/costs.md has no %s", wanted);
	}
	cost_file_fini(&file);
	free(text);
}

static void own_profiles_have_names_of_their_own(void **state)
{
	static const char text[] =
		"kage-costs\t1\nprofile\tx86-tdp\nhost\th\n"
		"name\tvalue\tlow\thigh\tunit\tkind\tsource\thow\n"
		"zap\t1\t-\t-\tns\tmeasured\ts\th\n";
	char path[] = "/tmp/kage-costs-XXXXXX";
	struct cost_file file;
	struct status st = {""};
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(cost_profile_load(&file, path, &st), -EBADMSG);
	assert_non_null(strstr(st.message, "'x86-tdp' is one that kage has"));
	cost_file_fini(&file);
	unlink(path);
}

static void the_digest_follows_the_rows(void **state)
{
	struct cost_file file = read_profile(&cost_profiles[0]);
	uint64_t before = cost_profile_digest(&file);

	(void)state;
	assert_true(before == cost_profile_digest(&file));
	file.rows[0].value_ns += 1;
	assert_true(before != cost_profile_digest(&file));
	cost_file_fini(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_those_of_the_list),
		cmocka_unit_test(all_have_the_same_rows),
		cmocka_unit_test(nothing_shipped_is_for_tests_only),
		cmocka_unit_test(derived_figures_follow_from_their_source),
		cmocka_unit_test(every_row_is_documented),
		cmocka_unit_test(own_profiles_have_names_of_their_own),
		cmocka_unit_test(the_digest_follows_the_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

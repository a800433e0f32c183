/* SPDX-License-Identifier: MIT */
/* Lines of memory.stat, as 6.12 prints them and as no kernel does. */
#include "capture/live/memory_stat.h"

#include <errno.h>
#include <string.h>

#include "base/test.h"

static const char text[] = "anon 32038912\n"
			   "kernel 270336\n"
			   "pagetables 65536\n"
			   "pgscan 18446744073709551615\n"
			   "workingset_refault_anon 0\n"
			   "thp_swpout_fallback 3\n";

static void each_line_has_a_key_and_a_value(void **state)
{
	struct memory_stat stat;
	struct status st = {""};

	(void)state;
	assert_int_equal(memory_stat_parse(&stat, text, &st), 0);
	assert_int_equal(stat.n, 6);
	assert_int_equal(memory_stat_value(&stat, "kernel"), 270336);
	assert_int_equal(memory_stat_value(&stat, "workingset_refault_anon"),
			 0);
	assert_true(memory_stat_value(&stat, "pgscan") == UINT64_MAX);
}

static void what_is_absent_is_not_zero(void **state)
{
	struct memory_stat stat;

	(void)state;
	assert_int_equal(memory_stat_parse(&stat, text, NULL), 0);
	assert_true(memory_stat_value(&stat, "pswpin") == UINT64_MAX);
	assert_true(memory_stat_value(&stat, "pg") == UINT64_MAX);
	assert_int_equal(memory_stat_parse(&stat, "", NULL), 0);
	assert_int_equal(stat.n, 0);
}

static void odd_lines_are_refused_with_their_number(void **state)
{
	static const char *const odd[] = {
		"anon 1\nfile\n", "anon 1\nfile x\n", "anon 1\nfile 2",
		"anon 1\n\n",	  "anon 1\n 7\n",     "anon 1\nfile 2 3\n"};
	struct memory_stat stat;

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct status st = {""};

		assert_int_equal(memory_stat_parse(&stat, odd[i], &st),
				 -EPROTO);
		assert_non_null(strstr(st.message, "line 2"));
	}
}

static void too_many_lines_are_refused(void **state)
{
	char many[4 * (MEMORY_STAT_MAX + 1) + 1] = "";
	struct memory_stat stat;

	(void)state;
	for (size_t i = 0; i <= MEMORY_STAT_MAX; i++)
		strcat(many, "a 1\n");
	assert_int_equal(memory_stat_parse(&stat, many, NULL), -EPROTO);
	many[4 * MEMORY_STAT_MAX] = '\0';
	assert_int_equal(memory_stat_parse(&stat, many, NULL), 0);
}

static void events_are_told_from_amounts(void **state)
{
	static const char *const events[] = {
		"pgscan",     "pgscan_direct", "pgsteal_kswapd",
		"pgrefill",   "pgactivate",    "pswpin",
		"pswpout",    "pgfault",       "zswpwb",
		"swpin_zero", "thp_swpout",    "workingset_restore_anon"};
	static const char *const amounts[] = {
		"anon",	    "pagetables",  "sec_pagetables", "anon_thp",
		"shmem",    "swapcached",  "inactive_anon",  "zswap",
		"zswapped", "unevictable", "percpu",	     "file_mapped"};

	(void)state;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		assert_true(memory_stat_is_event(events[i]));
	for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++)
		assert_false(memory_stat_is_event(amounts[i]));
}

static void what_began_unknown_stays_unknown(void **state)
{
	(void)state;
	assert_int_equal(counted_since(12, 5), 7);
	assert_int_equal(counted_since(5, 5), 0);
	assert_true(counted_since(12, UINT64_MAX) == UINT64_MAX);
	assert_true(counted_since(UINT64_MAX, 5) == UINT64_MAX);
	assert_true(counted_since(4, 5) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_has_a_key_and_a_value),
		cmocka_unit_test(what_is_absent_is_not_zero),
		cmocka_unit_test(odd_lines_are_refused_with_their_number),
		cmocka_unit_test(too_many_lines_are_refused),
		cmocka_unit_test(events_are_told_from_amounts),
		cmocka_unit_test(what_began_unknown_stays_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

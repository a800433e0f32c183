/* SPDX-License-Identifier: MIT */
/* Settings of a host, in a tree of files that stands for it. */
#include "capture/live/host.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "capture/host/test_tree.h"
#include "capture/live/cgroup.h"

static size_t disturbers_of(const struct test_file *files, char *text,
			    size_t size)
{
	char name[TEST_TREE_NAME];
	int root = test_tree_make(files, name);
	json_t *list = live_host_disturbers(root), *one;
	size_t i, n = json_array_size(list);

	text[0] = '\0';
	json_array_foreach(list, i, one)
		strncat(text, json_string_value(one), size - strlen(text) - 1);
	json_decref(list);
	test_tree_remove(root, name);
	return n;
}

#define THP "sys/kernel/mm/transparent_hugepage/"

static void a_calm_host_has_no_disturbers(void **state)
{
	const struct test_file calm[] = {
		{"proc/sys/vm/page-cluster", "0\n"},
		{"sys/module/damon_stat/parameters/enabled", "N\n"},
		{"sys/module/damon_reclaim/parameters/enabled", "N\n"},
		{"sys/module/damon_lru_sort/parameters/enabled", "N\n"},
		{"sys/kernel/mm/ksm/run", "0\n"},
		{"proc/sys/kernel/numa_balancing", "0\n"},
		{"proc/sys/vm/compaction_proactiveness", "0\n"},
		{THP "enabled", "[always] madvise never\n"},
		{THP "khugepaged/scan_sleep_millisecs", "4294967295\n"},
		{NULL, NULL}};
	const struct test_file bare[] = {{"proc/empty", ""}, {NULL, NULL}};
	char text[1024];

	(void)state;
	assert_int_equal(disturbers_of(calm, text, sizeof(text)), 0);
	assert_int_equal(disturbers_of(bare, text, sizeof(text)), 0);
}

static void each_disturber_is_named_with_its_fix(void **state)
{
	const struct test_file busy[] = {
		{"proc/sys/vm/page-cluster", "3\n"},
		{"sys/module/damon_stat/parameters/enabled", "Y\n"},
		{"sys/module/damon_reclaim/parameters/enabled", "Y\n"},
		{"sys/module/damon_lru_sort/parameters/enabled", "Y\n"},
		{"sys/kernel/mm/ksm/run", "1\n"},
		{"proc/sys/kernel/numa_balancing", "1\n"},
		{"proc/sys/vm/compaction_proactiveness", "20\n"},
		{THP "enabled", "always [madvise] never\n"},
		{THP "khugepaged/scan_sleep_millisecs", "10000\n"},
		{NULL, NULL}};
	char text[2048];

	(void)state;
	assert_int_equal(disturbers_of(busy, text, sizeof(text)), 8);
	assert_non_null(strstr(text, "sysctl vm.page-cluster=0"));
	assert_non_null(strstr(text, "damon_stat"));
	assert_non_null(strstr(text, "damon_reclaim"));
	assert_non_null(strstr(text, "damon_lru_sort"));
	assert_non_null(strstr(text, "KSM"));
	assert_non_null(strstr(text, "kernel.numa_balancing=0"));
	assert_non_null(strstr(text, "compaction_proactiveness=0"));
	assert_non_null(strstr(text, "khugepaged"));
}

static void khugepaged_without_huge_pages_is_no_disturber(void **state)
{
	const struct test_file never[] = {
		{THP "enabled", "always madvise [never]\n"},
		{THP "khugepaged/scan_sleep_millisecs", "10000\n"},
		{NULL, NULL}};
	char text[1024];

	(void)state;
	assert_int_equal(disturbers_of(never, text, sizeof(text)), 0);
}

static void settings_that_are_absent_are_left_out(void **state)
{
	const struct test_file files[] = {{"proc/sys/vm/swappiness", "60\n"},
					  {"sys/kernel/mm/lru_gen/enabled",
					   "0x0007\n"},
					  {NULL, NULL}};
	char name[TEST_TREE_NAME];
	int root = test_tree_make(files, name);
	json_t *settings = live_host_settings(root);

	(void)state;
	assert_int_equal(json_object_size(settings), 2);
	assert_string_equal(json_string_value(json_object_get(
				    settings, "proc/sys/vm/swappiness")),
			    "60");
	json_decref(settings);
	test_tree_remove(root, name);
}

static void expect_parent(const char *root, const char *own, const char *wanted)
{
	char parent[PATH_MAX];
	struct status st = {""};

	assert_int_equal(live_cgroup_parent(root, own, parent, &st),
			 wanted ? 0 : -ENODEV);
	if (wanted)
		assert_string_equal(parent, wanted);
	else
		assert_non_null(strstr(st.message, "+memory"));
}

static void the_cgroup_is_made_where_there_is_a_controller(void **state)
{
	const struct test_file cgroups[] = {
		{"cgroup.subtree_control", "cpu memory pids\n"},
		{"user.slice/cgroup.subtree_control", "cpu memory\n"},
		{"user.slice/session/cgroup.subtree_control", "\n"},
		{"odd/cgroup.subtree_control", "memory_recursiveprot cpu\n"},
		{NULL, NULL}};
	const struct test_file none[] = {{"cgroup.subtree_control", "cpu\n"},
					 {NULL, NULL}};
	char name[TEST_TREE_NAME];
	int root = test_tree_make(cgroups, name);

	(void)state;
	expect_parent(name, "/", "/");
	expect_parent(name, "/user.slice", "/user.slice");
	expect_parent(name, "/user.slice/session", "/user.slice");
	expect_parent(name, "/user.slice/session/gone/too", "/user.slice");
	expect_parent(name, "/odd", "/");
	test_tree_remove(root, name);
	root = test_tree_make(none, name);
	expect_parent(name, "/", NULL);
	expect_parent(name, "/a/b", NULL);
	test_tree_remove(root, name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_calm_host_has_no_disturbers),
		cmocka_unit_test(each_disturber_is_named_with_its_fix),
		cmocka_unit_test(khugepaged_without_huge_pages_is_no_disturber),
		cmocka_unit_test(settings_that_are_absent_are_left_out),
		cmocka_unit_test(
			the_cgroup_is_made_where_there_is_a_controller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

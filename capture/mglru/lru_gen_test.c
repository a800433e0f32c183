/* SPDX-License-Identifier: MIT */
/* The text of debugfs lru_gen, as 6.1, 6.12 and 7.2 print it and as they do not. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "capture/mglru/lru_gen.h"

/* Two nodes; widths of 6.12; a path with a blank; a child without children. */
static const char two_nodes[] =
	"memcg     1 /\n"
	" node     0\n"
	"          0     107472       2112        5328 \n"
	"          1      93500          0           0 \n"
	" node     1\n"
	"          0     107472          0           0 \n"
	"          1     107472          7           1 \n"
	"memcg    64 /machine.slice/my vm\n"
	" node     0\n"
	"         16      30000      10000           0 \n"
	"         17      20000          0           5 \n"
	"         18      10000          0           0 \n"
	"         19       1000      30020          11 \n"
	" node     1\n"
	"          2      30000          1           0 \n"
	"          3      30000          0           0 \n"
	"memcg    65 /machine.slice/my vm/libvirt\n"
	" node     0\n"
	"          0       1000          0           0 \n"
	"          1       1000          1           0 \n"
	" node     1\n"
	"          0       1000          0           0 \n"
	"          1       1000          0           0 \n";

/* 7.2 prints ids without padding and of 64 bits. */
static const char wide_id[] =
	"memcg 18446744073709551610 /vm\n"
	" node     0\n"
	"          0       1000          0           0 \n"
	"          1       1000          1           0 \n";

/* No CONFIG_MEMCG, or cgroup_disable=memory. */
static const char no_memcg[] =
	"memcg     0 \n"
	" node     0\n"
	"          4       1000          0           0 \n"
	"          5       1000          1           0 \n";

static void a_cgroup_of_several_has_its_nodes_and_generations(void **state)
{
	struct lru_gen_memcg memcg;
	struct status st = {""};

	(void)state;
	assert_int_equal(lru_gen_find(two_nodes, "/machine.slice/my vm", &memcg,
				      &st),
			 0);
	assert_int_equal(memcg.id, 64);
	assert_string_equal(memcg.path, "/machine.slice/my vm");
	assert_int_equal(memcg.nr_nodes, 2);
	assert_int_equal(memcg.nodes[0].node, 0);
	assert_int_equal(memcg.nodes[0].min_seq, 16);
	assert_int_equal(memcg.nodes[0].max_seq, 19);
	assert_int_equal(memcg.nodes[0].pages, 40036);
	assert_int_equal(memcg.nodes[0].nr_generations, 4);
	assert_int_equal(memcg.nodes[0].generations[0].seq, 16);
	assert_int_equal(memcg.nodes[0].generations[3].seq, 19);
	assert_int_equal(memcg.nodes[0].generations[3].age_ms, 1000);
	assert_int_equal(memcg.nodes[0].generations[3].anon, 30020);
	assert_int_equal(memcg.nodes[0].generations[3].file, 11);
	assert_int_equal(memcg.nodes[1].node, 1);
	assert_int_equal(memcg.nodes[1].max_seq, 3);
	assert_int_equal(memcg.nodes[1].pages, 1);
}

static void the_root_is_a_cgroup_too(void **state)
{
	struct lru_gen_memcg memcg;

	(void)state;
	assert_int_equal(lru_gen_find(two_nodes, "/", &memcg, NULL), 0);
	assert_int_equal(memcg.id, 1);
	assert_int_equal(memcg.nr_nodes, 2);
	assert_int_equal(memcg.nodes[1].pages, 8);
}

static void ids_have_64_bits(void **state)
{
	struct lru_gen_memcg memcg;

	(void)state;
	assert_int_equal(lru_gen_find(wide_id, "/vm", &memcg, NULL), 0);
	assert_true(memcg.id == UINT64_C(18446744073709551610));
}

static void without_memory_cgroups_every_path_is_the_whole_host(void **state)
{
	struct lru_gen_memcg memcg;

	(void)state;
	assert_int_equal(lru_gen_find(no_memcg, "/any", &memcg, NULL), 0);
	assert_int_equal(memcg.id, 0);
	assert_int_equal(memcg.nodes[0].max_seq, 5);
}

static void an_absent_cgroup_is_named(void **state)
{
	struct lru_gen_memcg memcg;
	struct status st = {""};

	(void)state;
	assert_int_equal(lru_gen_find(two_nodes, "/machine.slice", &memcg, &st),
			 -ENOENT);
	assert_non_null(strstr(st.message, "/machine.slice"));
	assert_int_equal(lru_gen_find("", "/", &memcg, NULL), -ENOENT);
	assert_int_equal(lru_gen_find("memcg     1 /\n", "/", &memcg, NULL),
			 -ENOENT);
	assert_int_equal(lru_gen_find("memcg 1 /\n node 0\n", "/", &memcg,
				      NULL),
			 -ENOENT);
}

static void the_nearest_ancestor_stands_in(void **state)
{
	static const struct {
		const char *path;
		uint64_t id;
	} cases[] = {
		{"/machine.slice/my vm/libvirt/vcpu0", 65},
		{"/machine.slice/my vm/libvirt", 65},
		{"/machine.slice/my vm/other", 64},
		{"/machine.slice", 1},
		{"/a", 1},
		{"/", 1},
	};
	struct lru_gen_memcg memcg;
	struct status st = {""};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(lru_gen_find_near(two_nodes, cases[i].path,
						   &memcg, &st),
				 0);
		assert_int_equal(memcg.id, cases[i].id);
	}
	assert_int_equal(lru_gen_find_near(wide_id, "/x/y", &memcg, &st),
			 -ENOENT);
	assert_non_null(strstr(st.message, "/x/y"));
	assert_int_equal(lru_gen_find_near(wide_id, "odd", &memcg, &st),
			 -ENOENT);
}

static void odd_text_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text, *line;
	} cases[] = {
		{"memcg x /\n", "line 1"},
		{"memcg 1 /\n 0 1000 0 0 \n", "line 2"},
		{"memcg 1 /\n node 0\n 0 1000 0 \n", "line 3"},
		{"memcg 1 /\n node 0\n 0 1000 0 0x\n", "line 3"},
		{"memcg 1 /\n node 0 1\n", "line 2"},
		{"memcg 1 /\n node 4294967296\n", "line 2"},
		{"memcg 1 /\n\n", "line 2"},
		{"lru_gen\n", "line 1"},
	};
	struct lru_gen_memcg memcg;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct status st = {""};

		assert_int_equal(lru_gen_find(cases[i].text, "/", &memcg, &st),
				 -EBADMSG);
		assert_non_null(strstr(st.message, cases[i].line));
	}
}

static void too_many_nodes_are_refused(void **state)
{
	size_t bytes = 64 * (LRU_GEN_NODES_MAX + 2), used;
	char *text = malloc(bytes);
	struct lru_gen_memcg memcg;

	(void)state;
	assert_non_null(text);
	used = (size_t)snprintf(text, bytes, "memcg 1 /\n");
	for (int i = 0; i <= LRU_GEN_NODES_MAX; i++)
		used += (size_t)snprintf(text + used, bytes - used,
					 " node %d\n 0 1 0 0 \n", i);
	assert_int_equal(lru_gen_find(text, "/", &memcg, NULL), -ENOSPC);
	free(text);
}

static void a_command_forces_the_scan_of_guest_memory(void **state)
{
	char command[LRU_GEN_COMMAND_MAX];

	(void)state;
	lru_gen_command(command, 64, 1, 19);
	assert_string_equal(command, "+ 64 1 19 1 1");
	lru_gen_command(command, UINT64_MAX, UINT32_MAX, UINT64_MAX);
	assert_string_equal(command, "+ 18446744073709551615 4294967295 "
				     "18446744073709551615 1 1");
}

static void more_generations_than_any_kernel_has_are_refused(void **state)
{
	char text[1024] = "memcg 1 /\n node 0\n";
	struct lru_gen_memcg memcg;
	struct status st = {""};

	(void)state;
	for (unsigned int i = 0; i <= LRU_GEN_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 " %u 1 1 1\n", i);
	assert_int_equal(lru_gen_find(text, "/", &memcg, &st), -ENOSPC);
	assert_non_null(strstr(st.message, "generations"));
}

static void other_commands_say_what_they_are(void **state)
{
	const struct lru_gen_node node = {.node = 1, .max_seq = 7};
	char command[LRU_GEN_COMMAND_MAX];

	(void)state;
	lru_gen_age_command(command, 64, &node, false);
	assert_string_equal(command, "+ 64 1 7 1 0");
	lru_gen_age_command(command, 64, &node, true);
	assert_string_equal(command, "+ 64 1 7 1 1");
	lru_gen_evict_command(command, 64, 1, 5);
	assert_string_equal(command, "- 64 1 5");
}

static void the_mask_is_read(void **state)
{
	struct status st = {""};

	(void)state;
	assert_int_equal(lru_gen_enabled("0x0007\n", &st), 7);
	assert_int_equal(lru_gen_enabled("0x0000\n", &st), 0);
	assert_int_equal(lru_gen_enabled("yes\n", &st), -EBADMSG);
	assert_int_equal(lru_gen_enabled("0x7 more\n", &st), -EBADMSG);
	assert_int_equal(lru_gen_enabled("", &st), -EBADMSG);
}

/* A plain file stands for the kernel's: it takes what is written. */
static void reading_and_writing_go_through_one_descriptor(void **state)
{
	const struct lru_gen_node node = {.node = 0, .max_seq = 19};
	char path[] = "/tmp/kage-lru-gen-XXXXXX";
	struct status st = {""};
	int fd = mkstemp(path);
	char *text;

	(void)state;
	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(lru_gen_age(fd, 64, &node, &st), 0);
	assert_int_equal(lru_gen_read(fd, &text, &st), 0);
	assert_string_equal(text, "+ 64 0 19 1 1");
	free(text);
	close(fd);
	assert_int_equal(lru_gen_age(fd, 64, &node, &st), -EBADF);
	assert_non_null(strstr(st.message, "'+ 64 0 19 1 1'"));
	assert_int_equal(lru_gen_read(fd, &text, &st), -EBADF);
	assert_null(text);
}

static void a_new_generation_on_any_node_is_an_advance(void **state)
{
	struct lru_gen_memcg before, after;

	(void)state;
	assert_int_equal(lru_gen_find(two_nodes, "/machine.slice/my vm",
				      &before, NULL),
			 0);
	after = before;
	assert_false(lru_gen_has_advanced(&before, &after));
	after.nodes[1].max_seq++;
	assert_true(lru_gen_has_advanced(&before, &after));
	assert_false(lru_gen_has_advanced(&after, &before));
	after.nr_nodes = 1;
	assert_false(lru_gen_has_advanced(&before, &after));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_cgroup_of_several_has_its_nodes_and_generations),
		cmocka_unit_test(the_root_is_a_cgroup_too),
		cmocka_unit_test(ids_have_64_bits),
		cmocka_unit_test(
			without_memory_cgroups_every_path_is_the_whole_host),
		cmocka_unit_test(an_absent_cgroup_is_named),
		cmocka_unit_test(the_nearest_ancestor_stands_in),
		cmocka_unit_test(odd_text_is_refused_with_its_line),
		cmocka_unit_test(too_many_nodes_are_refused),
		cmocka_unit_test(a_command_forces_the_scan_of_guest_memory),
		cmocka_unit_test(
			more_generations_than_any_kernel_has_are_refused),
		cmocka_unit_test(other_commands_say_what_they_are),
		cmocka_unit_test(the_mask_is_read),
		cmocka_unit_test(reading_and_writing_go_through_one_descriptor),
		cmocka_unit_test(a_new_generation_on_any_node_is_an_advance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

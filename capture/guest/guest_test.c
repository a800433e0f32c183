/* SPDX-License-Identifier: MIT */
/* Memory maps in words and files, addresses, and what is said of absent guests. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "capture/guest/guest.h"

static void slots_are_read_from_words(void **state)
{
	struct trace_slot *slots;
	struct status st = {""};
	size_t nr;

	(void)state;
	assert_int_equal(guest_slots_parse("4G-5G@0x7f0000200000,0-1M", 7,
					   &slots, &nr, &st),
			 0);
	assert_int_equal(nr, 2);
	assert_int_equal(slots[0].gfn, 0);
	assert_int_equal(slots[0].npages, 256);
	assert_int_equal(slots[0].hva, 0);
	assert_int_equal(slots[1].gfn, 1 << 20);
	assert_int_equal(slots[1].npages, 1 << 18);
	assert_int_equal(slots[1].hva, 0x7f0000200000);
	free(slots);
}

static void refuse(const char *text, int error, const char *why)
{
	struct trace_slot *slots;
	struct status st = {""};
	size_t nr;

	assert_int_equal(guest_slots_parse(text, 7, &slots, &nr, &st), -error);
	assert_null(slots);
	if (!strstr(st.message, why))
		fail_msg("'%s' said: %s", text, st.message);
}

static void bad_words_are_named(void **state)
{
	(void)state;
	refuse("", EINVAL, "none given");
	refuse("1G", EINVAL, "'1G' is no file and no GPA-GPA");
	refuse("1G-1G", EINVAL, "empty");
	refuse("2G-1G", EINVAL, "empty");
	refuse("0-4095", EINVAL, "multiple of 4096");
	refuse("0-1G@0x123", EINVAL, "multiple of 4096");
	refuse("0-1G@0xzz", EINVAL, "no address");
	refuse("0-2G,1G-3G", EINVAL, "is in two slots");
	refuse("x-1G", EINVAL, "x");
	refuse("0@4096-8192", EINVAL, "'0@4096'");
	refuse("0-8192T", EINVAL, "beyond the last guest frame");
	refuse("no-such/map.json", ENOENT, "no-such/map.json: No such file");
}

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void slots_are_read_from_a_file(void **state)
{
	struct trace_slot *slots;
	struct status st = {""};
	size_t nr;

	(void)state;
	put("slots.json",
	    "{\"pid\": 7, \"slots\": [{\"gfn\": 16, \"npages\": 8,"
	    " \"hva\": 8192, \"backing\": \"memfd\"}]}");
	assert_int_equal(guest_slots_parse("slots.json", 7, &slots, &nr, &st),
			 0);
	assert_int_equal(nr, 1);
	assert_int_equal(slots[0].gfn, 16);
	assert_int_equal(slots[0].hva, 8192);
	assert_string_equal(slots[0].backing, "memfd");
	free(slots);
	put("slots.json", "{\"pid\": 8, \"slots\": [{\"gfn\": 1,"
			  " \"npages\": 8}]}");
	refuse("slots.json", EBADMSG, "describes process 8, not 7");
	put("slots.json", "{\"slots\": [{\"gfn\": 16}]}");
	refuse("slots.json", EBADMSG, "slot 0");
	put("slots.json", "{\"slots\": [{\"gfn\": -1, \"npages\": 4}]}");
	refuse("slots.json", EBADMSG, "slot 0");
	put("slots.json", "{}");
	refuse("slots.json", EBADMSG, "no array");
	put("slots.json", "{");
	refuse("slots.json", EBADMSG, "line 1");
}

static void hostile_files_are_refused(void **state)
{
	static const char *const bad[] = {
		"{\"gfn\": 0, \"npages\": 9000000000000000000}",
		"{\"gfn\": 1099511627776, \"npages\": 1}",
		"{\"gfn\": 0, \"npages\": 1, \"hva\": 4097}",
		"{\"gfn\": 0, \"npages\": 1, \"page_bytes\": 4294971392}",
	};
	char text[200];
	FILE *file;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "{\"slots\": [%s]}", bad[i]);
		put("hostile.json", text);
		refuse("hostile.json", EBADMSG, "slot 0");
	}
	file = fopen("hostile.json", "we");
	assert_non_null(file);
	fputs("{\"slots\": [{\"gfn\": 0, \"npages\": 1}", file);
	for (int i = 1; i <= TRACE_SLOTS_MAX; i++)
		fprintf(file, ", {\"gfn\": %d, \"npages\": 1}", i);
	fputs("]}", file);
	assert_int_equal(fclose(file), 0);
	refuse("hostile.json", EBADMSG, "more than 512 slots");
	unlink("hostile.json");
}

static void addresses_find_their_gfn(void **state)
{
	struct trace_slot slots[] = {
		{.gfn = 0, .npages = 16, .hva = 0x100000},
		{.gfn = 64, .npages = 16, .hva = 0x110000},
	};
	const struct guest guest = {.nr_slots = 2, .slots = slots};
	uint64_t left;
	gfn_t gfn;

	(void)state;
	assert_true(guest_gfn(&guest, 0x10f123, &gfn, &left));
	assert_int_equal(gfn, 15);
	assert_int_equal(left, 1);
	assert_true(guest_gfn(&guest, 0x110000, &gfn, &left));
	assert_int_equal(gfn, 64);
	assert_int_equal(left, 16);
	assert_false(guest_gfn(&guest, 0xfffff, &gfn, &left));
	assert_false(guest_gfn(&guest, 0x120000, &gfn, &left));
	assert_true(guest_gfn_range(&guest, 0xff000, 0x102001, &gfn, &left));
	assert_int_equal(gfn, 0);
	assert_int_equal(left, 3);
	assert_false(guest_gfn_range(&guest, 0x120000, 0x200000, &gfn, &left));
	assert_false(guest_gfn_range(&guest, 0x101000, 0x101000, &gfn, &left));
}

static void expect_open(const struct guest_words *words, unsigned int needs,
			int error, const char *why)
{
	struct guest guest;
	struct status st = {""};

	assert_int_equal(guest_open(&guest, words, needs, &st), -error);
	guest_close(&guest);
	if (!strstr(st.message, why))
		fail_msg("said: %s", st.message);
}

static void what_is_missing_is_said(void **state)
{
	const struct guest_words nothing = {0};
	const struct guest_words us = {.pid = (uint64_t)getpid()};
	const struct guest_words bare = {.slots = "0-1M"};

	(void)state;
	expect_open(&nothing, 0, 0, "");
	expect_open(&nothing, GUEST_PID, EINVAL, "--pid");
	expect_open(&nothing, GUEST_QMP, EINVAL, "--qmp SOCKET");
	expect_open(&nothing, GUEST_CGROUP, EINVAL, "--cgroup");
	expect_open(&us, GUEST_PID | GUEST_SLOTS, EINVAL, "--slots");
	expect_open(&bare, GUEST_SLOTS | GUEST_HVAS, EINVAL, "@HVA");
	expect_open(&us, GUEST_VCPUS, ESRCH, "no vCPU thread");
	expect_open(&(struct guest_words){.pid = 1u << 31}, GUEST_PID, EINVAL,
		    "no pid");
	expect_open(&(struct guest_words){.pid = 4194304}, GUEST_PID, ESRCH,
		    "no process 4194304");
	expect_open(&(struct guest_words){.qmp = "no/socket"}, GUEST_QMP,
		    ENOENT, "no/socket");
}

static void own_process_has_a_cgroup(void **state)
{
	const struct guest_words us = {.pid = (uint64_t)getpid()};
	struct guest guest;
	struct status st = {""};

	(void)state;
	assert_int_equal(guest_open(&guest, &us, GUEST_PID | GUEST_CGROUP, &st),
			 0);
	assert_int_equal(guest.cgroup[0], '/');
	assert_true(guest.pidfd >= 0);
	guest_close(&guest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_are_read_from_words),
		cmocka_unit_test(bad_words_are_named),
		cmocka_unit_test(slots_are_read_from_a_file),
		cmocka_unit_test(hostile_files_are_refused),
		cmocka_unit_test(addresses_find_their_gfn),
		cmocka_unit_test(what_is_missing_is_said),
		cmocka_unit_test(own_process_has_a_cgroup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

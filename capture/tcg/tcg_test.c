/* SPDX-License-Identifier: MIT */
/* Folding, the instructions of interest and the guest map, without a QEMU. */
#include <string.h>

#include "base/test.h"
#include "capture/guest/guest_map.h"
#include "capture/tcg/fold.h"
#include "capture/tcg/insn.h"

enum {
	PAGES = 8,
	RECORDS_MAX = 32
};

struct sink {
	struct wire_record records[RECORDS_MAX];
	size_t n;
};

static void keep(void *arg, const struct wire_record *record)
{
	struct sink *sink = arg;

	assert_true(sink->n < RECORDS_MAX);
	sink->records[sink->n++] = *record;
}

static void touch(struct folder *folder, uint32_t page, uint64_t now,
		  enum fold_access access)
{
	if (!fold_add(&folder->folds[page], now, access))
		folder_open(folder, &folder->folds[page], now, access, 0);
}

static void expect(const struct sink *sink, size_t i, uint64_t time,
		   uint32_t page, uint32_t count, enum wire_kind kind)
{
	assert_true(i < sink->n);
	assert_int_equal(sink->records[i].time, time);
	assert_int_equal(sink->records[i].page, page);
	assert_int_equal(sink->records[i].count, count);
	assert_int_equal(sink->records[i].kind, kind);
}

static void late_write_makes_the_fold_a_write(void **state)
{
	struct sink sink = {.n = 0};
	struct folder folder;

	(void)state;
	assert_int_equal(folder_init(&folder, PAGES, 100, false, keep, &sink),
			 0);
	touch(&folder, 3, 1, FOLD_FETCH);
	touch(&folder, 3, 50, FOLD_READ);
	touch(&folder, 3, 100, FOLD_WRITE);
	touch(&folder, 3, 101, FOLD_READ); /* a new window */
	folder_drain(&folder);
	assert_int_equal(sink.n, 2);
	expect(&sink, 0, 1, 3, 3, WIRE_WRITE);
	expect(&sink, 1, 101, 3, 1, WIRE_READ);
	folder_fini(&folder);
}

static void records_leave_in_time_order(void **state)
{
	struct sink sink = {.n = 0};
	struct folder folder;

	(void)state;
	assert_int_equal(folder_init(&folder, PAGES, 10, false, keep, &sink),
			 0);
	for (uint64_t now = 1; now <= 2 * PAGES; now++)
		touch(&folder, (uint32_t)(now * 3 % PAGES), now, FOLD_FETCH);
	folder_drain(&folder);
	for (size_t i = 1; i < sink.n; i++)
		assert_true(sink.records[i].time > sink.records[i - 1].time);
	folder_fini(&folder);
}

static void aligned_windows_end_at_multiples(void **state)
{
	struct sink sink = {.n = 0};
	struct folder folder;

	(void)state;
	assert_int_equal(folder_init(&folder, PAGES, 100, true, keep, &sink),
			 0);
	touch(&folder, 0, 99, FOLD_READ);
	touch(&folder, 0, 100, FOLD_READ); /* the last tick of the window */
	touch(&folder, 0, 101, FOLD_READ);
	folder_drain(&folder);
	assert_int_equal(sink.n, 2);
	expect(&sink, 0, 99, 0, 2, WIRE_READ);
	expect(&sink, 1, 101, 0, 1, WIRE_READ);
	folder_fini(&folder);
}

static void instructions_are_told_apart(void **state)
{
	static const struct {
		uint8_t bytes[8];
		size_t size;
		enum insn_class class;
	} cases[] = {
		{{0x0f, 0x22, 0xd8}, 3, INSN_REMAPS},	    /* mov rax, cr3 */
		{{0x41, 0x0f, 0x22, 0xdf}, 4, INSN_REMAPS}, /* mov r15, cr3 */
		{{0x0f, 0x20, 0xd8}, 3, INSN_PLAIN},	    /* mov cr3, rax */
		{{0x0f, 0x01, 0x38}, 3, INSN_REMAPS},	    /* invlpg */
		{{0x0f, 0x01, 0xf8}, 3, INSN_PLAIN},	    /* swapgs */
		{{0x0f, 0x01, 0xd8}, 3, INSN_REMAPS},	    /* vmrun */
		{{0x66, 0x0f, 0x38, 0x82, 0x00}, 5, INSN_REMAPS}, /* invpcid */
		{{0x0f, 0x1f, 0x80, 0x31, 0x67, 0x61, 0x6b}, 7, INSN_MARK_START},
		{{0x0f, 0x1f, 0x80, 0x32, 0x67, 0x61, 0x6b}, 7, INSN_MARK_STOP},
		{{0x0f, 0x1f, 0x80, 0, 0, 0, 0}, 7, INSN_PLAIN},
		{{0x48}, 1, INSN_PLAIN},
		{{0x0f}, 1, INSN_PLAIN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(insn_classify(cases[i].bytes, cases[i].size),
				 cases[i].class);
}

#define HVA "Host virtual address for 0x0 (pc.ram) is 0x7f0000000000\n"
#define VIEW                                                                   \
	"FlatView #0\n AS \"I/O\", root: io\n Root memory region: io\n"        \
	"  0000000000000000-0000000000000007 (prio 0, i/o): dma-chan\n\n"      \
	"FlatView #1\n AS \"memory\", root: system\n"                          \
	" Root memory region: system\n"                                        \
	"  0000000000000000-000000000009ffff (prio 0, ram): pc.ram\n"          \
	"  00000000000c0000-00000000000dffff (prio 1, rom): pc.rom\n"          \
	"  0000000000100000-00000000bfffffff (prio 0, ram): pc.ram "           \
	"@0000000000100000\n"                                                  \
	"  0000000100000000-000000017fffffff (prio 0, ram): pc.ram "           \
	"@00000000c0000000\n\n"
#define BLOCKS                                                                 \
	"   Block Name    PSize   Offset   Used   Total\n"                     \
	"  not.pc.ram    4 KiB  0x0000000200000000 0x1000 0x1000\n"            \
	"       pc.rom    4 KiB  0x0000000140040000 0x20000 0x20000\n"         \
	"       pc.ram    4 KiB  0x0000000000040000 0x0000000140000000 "       \
	"0x0000000140000000\n"

static void guest_map_joins_equally_displaced_pieces(void **state)
{
	struct status st = {""};
	struct guest_map map;

	(void)state;
	assert_int_equal(guest_map_parse(&map, VIEW, BLOCKS, HVA, &st), 0);
	assert_int_equal(map.ram_offset, 0x40000);
	assert_int_equal(map.ram_host, 0x7f0000000000);
	assert_int_equal(map.ram_pages, 0x140000);
	assert_int_equal(map.nr_slots, 2);
	assert_int_equal(guest_map_gfn(&map, 0xa0), 0xa0);
	assert_int_equal(guest_map_gfn(&map, 0xbffff), 0xbffff);
	assert_int_equal(guest_map_gfn(&map, 0xc0000), 0x100000);
	assert_int_equal(guest_map_gfn(&map, 0x13ffff), 0x17ffff);
	assert_true(guest_map_gfn(&map, 0x140000) == TRACE_GFN_LIMIT);
}

static void unknown_monitor_answers_are_refused(void **state)
{
	static const struct {
		const char *view, *blocks, *hva, *names;
	} cases[] = {
		{VIEW, BLOCKS, "Memory at 0x0 is not RAM\n", "gpa2hva"},
		{"", BLOCKS, HVA, "info mtree"},
		{VIEW, "", HVA, "info ramblock"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct status st = {""};
		struct guest_map map;

		assert_true(guest_map_parse(&map, cases[i].view,
					    cases[i].blocks, cases[i].hva,
					    &st) < 0);
		assert_non_null(strstr(st.message, cases[i].names));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(late_write_makes_the_fold_a_write),
		cmocka_unit_test(records_leave_in_time_order),
		cmocka_unit_test(aligned_windows_end_at_multiples),
		cmocka_unit_test(instructions_are_told_apart),
		cmocka_unit_test(guest_map_joins_equally_displaced_pieces),
		cmocka_unit_test(unknown_monitor_answers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

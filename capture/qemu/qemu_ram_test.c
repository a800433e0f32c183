/* SPDX-License-Identifier: MIT */
/* Memory layouts of QEMU guests, as the monitor of 7.2 prints them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/test.h"
#include "capture/qemu/qemu_ram.h"

#define GIB UINT64_C(0x40000000)

/* A booted pc guest of 5 GiB; the monitor ends lines with \r\n. */
static const char pc[] =
	"FlatView #0\r\n"
	" AS \"I/O\", root: io\r\n"
	" Root memory region: io\r\n"
	"  0000000000000000-0000000000000007 (prio 0, i/o): dma-chan\r\n"
	"\r\n"
	"FlatView #1\r\n"
	" AS \"memory\", root: system\r\n"
	" AS \"cpu-memory-0\", root: system\r\n"
	" Root memory region: system\r\n"
	"  0000000000000000-000000000009ffff (prio 0, ram): pc.ram KVM\r\n"
	"  00000000000a0000-00000000000bffff (prio 1, i/o): vga-lowmem\r\n"
	"  00000000000c0000-00000000000c3fff (prio 0, rom): pc.ram @00000000000c0000 KVM\r\n"
	"  00000000000c4000-00000000bfffffff (prio 0, ram): pc.ram @00000000000c4000 KVM\r\n"
	"  00000000fd000000-00000000fdffffff (prio 1, ram): vga.vram KVM\r\n"
	"  00000000fffc0000-00000000ffffffff (prio 0, rom): pc.bios KVM\r\n"
	"  0000000100000000-000000017fffffff (prio 0, ram): pc.ram @00000000c0000000 KVM\r\n"
	"\r\n";

static const char numa[] =
	" AS \"memory\", root: system\r\n"
	" Root memory region: system\r\n"
	"  0000000000000000-000000003fffffff (prio 0, ram): m0 KVM\r\n"
	"  0000000040000000-00000000bfffffff (prio 0, ram): m1 KVM\r\n"
	"  0000000100000000-000000017fffffff (prio 0, ram): m1 @0000000080000000 KVM\r\n";

static const char numa_memdevs[] =
	"[{\"id\": \"m1\", \"host-nodes\": [1], \"policy\": \"bind\"},"
	" {\"id\": \"m0\", \"host-nodes\": [], \"policy\": \"default\"},"
	" {\"size\": 4096}]";

struct layout {
	struct qemu_view view;
	struct trace_slot *slots;
	size_t nr;
};

static int lay_out(struct layout *layout, const char *mtree,
		   const char *memdevs, uint64_t bytes, struct status *st)
{
	json_t *list = json_loads(memdevs, 0, NULL);
	int ret;

	assert_non_null(list);
	*layout = (struct layout){.slots = NULL};
	ret = qemu_view_parse(&layout->view, mtree, st);
	if (!ret)
		ret = qemu_ram_slots(&layout->view, list, bytes, &layout->slots,
				     &layout->nr, st);
	json_decref(list);
	return ret;
}

static void fini(struct layout *layout)
{
	free(layout->slots);
	qemu_view_fini(&layout->view);
}

static void view_tells_memslots_and_offsets(void **state)
{
	struct qemu_view view;

	(void)state;
	assert_int_equal(qemu_view_parse(&view, pc, NULL), 0);
	assert_int_equal(view.nr, 7);
	assert_int_equal(view.pieces[0].bytes, 0xa0000);
	assert_true(view.pieces[0].is_kvm);
	assert_false(view.pieces[1].is_kvm);
	assert_string_equal(view.pieces[2].kind, "rom");
	assert_int_equal(view.pieces[6].gpa, 4 * GIB);
	assert_int_equal(view.pieces[6].offset, 3 * GIB);
	assert_string_equal(view.pieces[6].block, "pc.ram");
	qemu_view_fini(&view);
}

static void windows_of_firmware_belong_to_ram(void **state)
{
	struct layout layout;

	(void)state;
	assert_int_equal(lay_out(&layout, pc, "[{\"id\": \"pc.ram\"}]", 5 * GIB,
				 NULL),
			 0);
	assert_int_equal(layout.nr, 2);
	assert_int_equal(layout.slots[0].gfn, 0);
	assert_int_equal(layout.slots[0].npages, 0xc0000);
	assert_int_equal(layout.slots[1].gfn, 0x100000);
	assert_int_equal(layout.slots[1].npages, 0x80000);
	assert_int_equal(layout.slots[1].node, -1);
	fini(&layout);
}

static void backend_per_node_gives_slots_per_node(void **state)
{
	struct layout layout;

	(void)state;
	assert_int_equal(lay_out(&layout, numa, numa_memdevs, 5 * GIB, NULL),
			 0);
	assert_int_equal(layout.nr, 3);
	assert_int_equal(layout.slots[0].npages, 0x40000);
	assert_int_equal(layout.slots[0].node, -1);
	assert_int_equal(layout.slots[1].gfn, 0x40000);
	assert_int_equal(layout.slots[1].npages, 0x80000);
	assert_int_equal(layout.slots[1].node, 1);
	assert_int_equal(layout.slots[2].gfn, 0x100000);
	fini(&layout);
}

static void memory_that_is_not_shown_is_refused(void **state)
{
	struct layout layout;
	struct status st = {""};

	(void)state;
	assert_int_equal(lay_out(&layout, pc, "[{\"id\": \"pc.ram\"}]", 6 * GIB,
				 &st),
			 -EPROTO);
	assert_non_null(strstr(st.message, "not supported"));
	assert_null(layout.slots);
	fini(&layout);
}

static void text_without_a_view_is_refused(void **state)
{
	struct qemu_view view;

	(void)state;
	assert_int_equal(qemu_view_parse(&view, "unknown command\r\n", NULL),
			 -EPROTO);
	qemu_view_fini(&view);
	assert_int_equal(qemu_view_parse(&view, "", NULL), -EPROTO);
	qemu_view_fini(&view);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(view_tells_memslots_and_offsets),
		cmocka_unit_test(windows_of_firmware_belong_to_ram),
		cmocka_unit_test(backend_per_node_gives_slots_per_node),
		cmocka_unit_test(memory_that_is_not_shown_is_refused),
		cmocka_unit_test(text_without_a_view_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

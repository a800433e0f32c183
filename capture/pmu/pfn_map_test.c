/* SPDX-License-Identifier: MIT */
/* Frames and guest pages: of a file that is laid out as pagemap, and of ourselves. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/test.h"
#include "capture/pmu/pfn_map.h"

#define PRESENT (UINT64_C(1) << 63)

enum {
	PAGES = 32,
};

static int pagemap_of(const uint64_t *pfns, size_t n)
{
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);

	assert_true(fd >= 0);
	for (size_t i = 0; i < n; i++) {
		uint64_t entry = pfns[i] ? PRESENT | pfns[i] : 0;

		/* the slot's memory begins at page 1 of the process */
		assert_int_equal(pwrite(fd, &entry, 8, (off_t)(i + 1) * 8), 8);
	}
	return fd;
}

static void expect(const struct pfn_map *map, uint64_t pfn, int64_t expected)
{
	gfn_t gfn;
	bool is_found = pfn_map_find(map, pfn, &gfn);

	if (is_found != (expected >= 0) || (is_found && gfn != (gfn_t)expected))
		fail_msg("frame %lu: found %d, page %lu instead of %ld",
			 (unsigned long)pfn, is_found,
			 is_found ? (unsigned long)gfn : 0UL, (long)expected);
}

static void frames_are_turned_around(void **state)
{
	/* a huge page's run, a hole, single pages, downwards */
	static const uint64_t pfns[] = {512, 513, 514, 515, 0, 90, 80, 70, 516};
	const struct trace_slot slots[] = {
		{.gfn = 100, .npages = 4, .hva = 4096},
		{.gfn = 1000, .npages = 5, .hva = 5 * 4096},
		{.gfn = 2000, .npages = 9}, /* its address is not known */
	};
	struct pfn_map map = {.nr = 0};
	int fd = pagemap_of(pfns, 9);

	(void)state;
	assert_int_equal(pfn_map_read(&map, fd, slots, 3, NULL), 0);
	assert_int_equal(map.npages, 8);
	for (int i = 0; i < 4; i++)
		expect(&map, 512 + (uint64_t)i, 100 + i);
	expect(&map, 90, 1001);
	expect(&map, 80, 1002);
	expect(&map, 70, 1003);
	expect(&map, 516, 1004); /* next frame, other slot */
	expect(&map, 511, -1);
	expect(&map, 517, -1);
	expect(&map, 0, -1);
	expect(&map, 69, -1);
	expect(&map, UINT64_MAX, -1);
	pfn_map_fini(&map);
	close(fd);
}

static void shared_frames_are_nobodys(void **state)
{
	/* the zero page three times, a page shared into the middle of a run */
	static const uint64_t pfns[] = {7, 7, 40, 41, 42, 43, 7, 41, 60};
	const struct trace_slot slot = {.gfn = 0, .npages = 9, .hva = 4096};
	struct pfn_map map = {.nr = 0};
	int fd = pagemap_of(pfns, 9);

	(void)state;
	assert_int_equal(pfn_map_read(&map, fd, &slot, 1, NULL), 0);
	expect(&map, 7, -1);
	expect(&map, 40, 2);
	expect(&map, 41, -1);
	expect(&map, 42, -1); /* could be told, is given up with the rest */
	expect(&map, 43, -1);
	expect(&map, 60, 8);
	pfn_map_fini(&map);
	close(fd);
}

static void a_process_that_ended_has_no_pages(void **state)
{
	const struct trace_slot slot = {.gfn = 0, .npages = 4, .hva = 4096};
	struct pfn_map map = {.nr = 0};
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);

	(void)state;
	assert_int_equal(pfn_map_read(&map, fd, &slot, 1, NULL), 0);
	assert_int_equal(map.npages, 0);
	expect(&map, 7, -1);
	pfn_map_fini(&map);
	close(fd);
}

static void hidden_frames_are_refused(void **state)
{
	const struct trace_slot slot = {.gfn = 0, .npages = 1, .hva = 0x1000};
	const uint64_t entry = PRESENT; /* as without CAP_SYS_ADMIN */
	struct pfn_map map = {.nr = 0};
	struct status st = {""};
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);

	(void)state;
	assert_int_equal(pwrite(fd, &entry, 8, 8), 8);
	assert_int_equal(pfn_map_read(&map, fd, &slot, 1, &st), -EPERM);
	assert_non_null(strstr(st.message, "CAP_SYS_ADMIN"));
	pfn_map_fini(&map);
	close(fd);
}

/* Our own pages, as the kernel tells them one by one. */
static void own_pages_are_found(void **state)
{
	char *memory = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
	const struct trace_slot slot = {.gfn = 5000,
					.npages = PAGES,
					.hva = (uint64_t)(uintptr_t)memory};
	int fd = open("/proc/self/pagemap", O_RDONLY);
	struct pfn_map map = {.nr = 0};
	struct status st = {""};
	int ret;

	(void)state;
	assert_true(memory != MAP_FAILED && fd >= 0);
	for (int i = 0; i < PAGES; i++)
		memory[i * 4096] = 1;
	ret = pfn_map_read(&map, fd, &slot, 1, &st);
	if (ret == -EPERM) {
		print_message("skip: %s\n", st.message);
		skip();
	}
	assert_int_equal(ret, 0);
	assert_int_equal(map.npages, PAGES);
	for (int i = 0; i < PAGES; i++) {
		uint64_t entry;

		assert_int_equal(
			pread(fd, &entry, 8,
			      (off_t)((slot.hva / 4096 + (uint64_t)i) * 8)),
			8);
		expect(&map, entry & ((UINT64_C(1) << 55) - 1), 5000 + i);
	}
	pfn_map_fini(&map);
	close(fd);
	munmap(memory, PAGES * 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_turned_around),
		cmocka_unit_test(shared_frames_are_nobodys),
		cmocka_unit_test(a_process_that_ended_has_no_pages),
		cmocka_unit_test(hidden_frames_are_refused),
		cmocka_unit_test(own_pages_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

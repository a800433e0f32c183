/* SPDX-License-Identifier: MIT */
/* The idle scan on files that are laid out as the kernel's are. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "capture/idle/idle_scan.h"

#define PRESENT (UINT64_C(1) << 63)
#define LRU	(UINT64_C(1) << 5)
#define HEAD	(UINT64_C(1) << 15)
#define TAIL	(UINT64_C(1) << 16)
#define HUGETLB (UINT64_C(1) << 17)

enum {
	FRAMES = 4096
};

struct machine {
	struct idle_source source;
	struct idle_found found;
};

static int scratch(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	unlink(name);
	return fd;
}

static void poke(int fd, uint64_t index, uint64_t value)
{
	assert_int_equal(pwrite(fd, &value, 8, (off_t)(index * 8)), 8);
}

static int set_up(void **state)
{
	struct machine *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	m->source = (struct idle_source){scratch("idle.pagemap"),
					 scratch("idle.flags"),
					 scratch("idle.bitmap")};
	for (uint64_t pfn = 0; pfn < FRAMES; pfn++)
		poke(m->source.kpageflags, pfn, LRU);
	for (uint64_t word = 0; word < FRAMES / 64; word++)
		poke(m->source.bitmap, word, 0);
	*state = m;
	return 0;
}

static int tear_down(void **state)
{
	struct machine *m = *state;

	close(m->source.pagemap);
	close(m->source.kpageflags);
	close(m->source.bitmap);
	idle_found_fini(&m->found);
	free(m);
	return 0;
}

static void map(struct machine *m, uint64_t page, uint64_t pfn)
{
	poke(m->source.pagemap, page, PRESENT | pfn);
}

static uint64_t bitmap_word(const struct machine *m, uint64_t word)
{
	uint64_t value;

	assert_int_equal(pread(m->source.bitmap, &value, 8, (off_t)(word * 8)),
			 8);
	return value;
}

/* What a kernel does when a page is accessed. */
static void access_frame(struct machine *m, uint64_t pfn)
{
	poke(m->source.bitmap, pfn / 64,
	     bitmap_word(m, pfn / 64) & ~(UINT64_C(1) << (pfn % 64)));
}

static void scan(struct machine *m, gfn_t gfn, uint64_t npages)
{
	struct status st = {""};

	assert_int_equal(idle_scan(&m->source, 0, gfn, npages, &m->found, &st),
			 0);
}

static void expect_run(const struct machine *m, size_t i, gfn_t gfn,
		       uint32_t npages, uint8_t level)
{
	assert_true(i < m->found.nr_runs);
	assert_int_equal(m->found.runs[i].gfn, gfn);
	assert_int_equal(m->found.runs[i].npages, npages);
	assert_int_equal(m->found.runs[i].flags, TRACE_RUN_ACCESSED | level);
}

static void only_accessed_pages_are_found(void **state)
{
	struct machine *m = *state;

	map(m, 0, 700);
	map(m, 1, 65);
	map(m, 3, 64); /* page 2 has no memory */
	scan(m, 1000, 8);
	expect_run(m, 0, 1000, 2, TRACE_4K);
	expect_run(m, 1, 1003, 1, TRACE_4K);
	assert_int_equal(m->found.present, 3);
	assert_int_equal(m->found.unmarked, 0);
	assert_int_equal(bitmap_word(m, 1), 3);
	scan(m, 1000, 8);
	assert_int_equal(m->found.nr_runs, 0);
	access_frame(m, 64);
	scan(m, 1000, 8);
	assert_int_equal(m->found.nr_runs, 1);
	expect_run(m, 0, 1003, 1, TRACE_4K);
	assert_int_equal(bitmap_word(m, 1), 1); /* what was written last */
}

static void a_huge_folio_is_one_leaf(void **state)
{
	struct machine *m = *state;

	for (uint64_t i = 0; i < 512; i++) {
		map(m, i, 1024 + i);
		poke(m->source.kpageflags, 1024 + i, LRU | (i ? TAIL : HEAD));
	}
	scan(m, 512, 512);
	assert_int_equal(m->found.nr_runs, 1);
	expect_run(m, 0, 512, 512, TRACE_2M);
	assert_int_equal(bitmap_word(m, 16), 1); /* the head alone is marked */
	assert_int_equal(bitmap_word(m, 17), 0);
	scan(m, 512, 512);
	assert_int_equal(m->found.nr_runs, 0);
	/* the guest sees it elsewhere than at a multiple of its size */
	access_frame(m, 1024);
	scan(m, 100, 512);
	assert_int_equal(m->found.nr_runs, 1);
	expect_run(m, 0, 100, 512, TRACE_4K);
}

/* The head need not be in the range that is scanned. */
static void a_large_folio_is_accessed_as_a_whole(void **state)
{
	struct machine *m = *state;

	for (uint64_t i = 0; i < 16; i++)
		poke(m->source.kpageflags, 160 + i, LRU | (i ? TAIL : HEAD));
	map(m, 0, 170);
	map(m, 1, 171);
	map(m, 2, 3000);
	scan(m, 0, 3);
	scan(m, 0, 3);
	assert_int_equal(m->found.nr_runs, 0);
	access_frame(m, 160);
	scan(m, 0, 3);
	assert_int_equal(m->found.nr_runs, 1);
	expect_run(m, 0, 0, 2, TRACE_4K);
}

static void pages_that_cannot_be_marked_are_counted(void **state)
{
	struct machine *m = *state;

	poke(m->source.kpageflags, 10, 0);
	poke(m->source.kpageflags, 11, LRU | HUGETLB | HEAD);
	map(m, 0, 10);
	map(m, 1, 11);
	map(m, 2, 12);
	scan(m, 0, 3);
	assert_int_equal(m->found.unmarked, 2);
	assert_int_equal(m->found.nr_runs, 1);
	expect_run(m, 0, 2, 1, TRACE_4K);
}

static void hidden_frames_are_an_error(void **state)
{
	struct machine *m = *state;
	struct status st = {""};

	poke(m->source.pagemap, 0, PRESENT);
	assert_int_equal(idle_scan(&m->source, 0, 0, 1, &m->found, &st),
			 -EPERM);
	assert_non_null(strstr(st.message, "CAP_SYS_ADMIN"));
}

/* The kernel answers for whole words only. */
static void the_word_in_which_memory_ends_is_unmarked(void **state)
{
	struct machine *m = *state;

	assert_int_equal(ftruncate(m->source.bitmap, (FRAMES / 64 - 1) * 8), 0);
	map(m, 0, FRAMES - 1);
	map(m, 1, 5);
	scan(m, 0, 2);
	assert_int_equal(m->found.unmarked, 1);
	assert_int_equal(m->found.nr_runs, 1);
	expect_run(m, 0, 1, 1, TRACE_4K);
}

static void a_frame_behind_the_last_one_is_unmarked(void **state)
{
	struct machine *m = *state;

	map(m, 0, FRAMES + 100);
	scan(m, 0, 1);
	assert_int_equal(m->found.unmarked, 1);
	assert_int_equal(m->found.nr_runs, 0);
}

/* Huge pages begin at multiples of 512 pages of the process, not of the guest. */
static void ranges_end_where_no_huge_page_crosses(void **state)
{
	const uint64_t page = TRACE_PAGE_BYTES;

	(void)state;
	assert_int_equal(idle_range_pages(0, 20000), IDLE_SCAN_PAGES);
	assert_int_equal(idle_range_pages(5 * page, 20000),
			 IDLE_SCAN_PAGES - 5);
	assert_int_equal(idle_range_pages((3 * IDLE_SCAN_PAGES - 1) * page, 9),
			 1);
	assert_int_equal(idle_range_pages(5 * page, 9), 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_accessed_pages_are_found,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_huge_folio_is_one_leaf,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_large_folio_is_accessed_as_a_whole, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			pages_that_cannot_be_marked_are_counted, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(hidden_frames_are_an_error,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_word_in_which_memory_ends_is_unmarked, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_frame_behind_the_last_one_is_unmarked, set_up,
			tear_down),
		cmocka_unit_test(ranges_end_where_no_huge_page_crosses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

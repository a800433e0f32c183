/* SPDX-License-Identifier: MIT */
/* Merged and appended traces, held against what they were made of. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "datasets/coarsen.h"
#include "datasets/reshape/reshape.h"
#include "datasets/reshape/test_pages.h"
#include "datasets/trace/fixture.h"

static int together(const char *a, const char *b, const char *to, bool appends,
		    struct trace_totals *totals)
{
	struct trace_reader *readers[2];
	int ret;

	assert_int_equal(trace_reader_open(&readers[0], a, 0, NULL), 0);
	assert_int_equal(trace_reader_open(&readers[1], b, 0, NULL), 0);
	ret = appends ? append_traces(readers, 2, to, totals, NULL)
		      : merge_traces(readers, 2, to, totals, NULL);
	trace_reader_close(readers[0]);
	trace_reader_close(readers[1]);
	return ret;
}

/* A part of the source: its events up to @to ticks, or what is behind them. */
static void cut_at(const char *from, const char *to, uint64_t first,
		   uint64_t last, uint64_t first_epoch, uint64_t last_epoch)
{
	const struct cut_job job = {first, last, first_epoch, last_epoch};
	struct trace_reader *reader;
	struct trace_writer *writer;

	assert_int_equal(trace_reader_open(&reader, from, 0, NULL), 0);
	assert_int_equal(trace_writer_open(&writer, to,
					   trace_reader_meta(reader), NULL),
			 0);
	assert_int_equal(cut(reader, writer, &job, NULL), 0);
	assert_int_equal(trace_writer_close(writer, NULL, NULL), 0);
	trace_reader_close(reader);
}

/* Epochs only: a cut by number leaves events alone. */
static void write_epochs(const char *path, uint64_t seed, uint64_t period)
{
	struct trace_writer *writer;
	struct trace_run runs[TEST_RUNS];
	struct rng rng = {seed};

	assert_int_equal(trace_writer_open(&writer, path, &fixture_meta, NULL),
			 0);
	for (uint64_t i = 0; i < TEST_EPOCHS; i++) {
		struct trace_epoch epoch;
		size_t n = fixture_epoch(&rng, &epoch, i, 0, runs, TEST_RUNS);

		epoch.start = i * period;
		epoch.end = epoch.scan_start = epoch.scan_end =
			(i + 1) * period;
		assert_int_equal(
			trace_writer_epoch(writer, &epoch, runs, n, NULL), 0);
	}
	assert_int_equal(trace_writer_close(writer, NULL, NULL), 0);
}

static void test_appended_parts_are_the_whole(void **unused)
{
	struct trace_totals whole, again;
	struct place p;

	(void)unused;
	test_begin(&p);
	write_epochs(p.in, 6, 100);
	test_totals(p.in, &whole);
	cut_at(p.in, p.out, 0, UINT64_MAX, 0, 3);
	cut_at(p.in, p.other, 0, UINT64_MAX, 4, UINT64_MAX);
	assert_int_equal(together(p.out, p.other, p.again, true, &again), 0);
	assert_true(test_same(&whole, &again));
	unlink(p.again);
	assert_int_equal(together(p.other, p.out, p.again, true, NULL),
			 -EINVAL);
	assert_int_not_equal(access(p.again, F_OK), 0);
	fixture_remove(p.folder);
}

/* The pages of each guest, taken out again, are those that it had. */
static void check_guest(const char *merged, const char *own, gfn_t base,
			gfn_t end, unsigned int vcpus)
{
	struct pages all = test_load(merged), one = test_load(own);
	size_t k = 0;

	for (size_t i = 0; i < all.n; i++) {
		struct page page = all.page[i];
		bool is_lost = page.place < 1 << 30 &&
			       page.what / 4096 == TRACE_LOST;

		if (is_lost || page.gfn < base || page.gfn >= end)
			continue;
		while (k < one.n && one.page[k].place < 1 << 30 &&
		       one.page[k].what / 4096 == TRACE_LOST)
			k++;
		assert_true(k < one.n);
		assert_int_equal(page.gfn - base, one.page[k].gfn);
		assert_int_equal(page.place, one.page[k].place);
		if (page.place < 1 << 30)
			page.what -= vcpus * 16;
		assert_int_equal(page.what, one.page[k].what);
		k++;
	}
	while (k < one.n && one.page[k].what / 4096 == TRACE_LOST)
		k++;
	assert_int_equal(k, one.n);
	free(all.page);
	free(one.page);
}

static void test_merged_guests_lie_beside_each_other(void **unused)
{
	struct trace_totals a, b, both;
	struct place p;

	(void)unused;
	test_begin(&p);
	test_source(p.in, 1, TRACE_4K);
	test_source(p.other, 2, TRACE_4K);
	/* their epochs differ, so without them */
	cut_at(p.in, p.out, 0, UINT64_MAX, 1, 0);
	cut_at(p.other, p.again, 0, UINT64_MAX, 1, 0);
	test_totals(p.out, &a);
	test_totals(p.again, &b);
	assert_int_equal(together(p.out, p.again, p.in, false, &both), 0);
	assert_int_equal(both.accesses, a.accesses + b.accesses);
	assert_int_equal(both.lost, a.lost + b.lost);
	check_guest(p.in, p.out, 0, 0x180000, 0);
	check_guest(p.in, p.again, 0x180000, 0x300000, 4);
	fixture_remove(p.folder);
}

static int by_place(const void *a, const void *b)
{
	const struct page *x = a, *y = b;

	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	return (x->gfn > y->gfn) - (x->gfn < y->gfn);
}

static void sort_pages(struct pages *p)
{
	qsort(p->page, p->n, sizeof(*p->page), by_place);
}

static void test_merged_epochs_are_joined(void **unused)
{
	struct pages a, b, both;
	struct place p;

	(void)unused;
	test_begin(&p);
	write_epochs(p.in, 6, 100);
	write_epochs(p.other, 7, 100);
	assert_int_equal(together(p.in, p.other, p.out, false, NULL), 0);
	a = test_load(p.in);
	b = test_load(p.other);
	both = test_load(p.out);
	for (size_t i = 0; i < b.n; i++)
		test_add(&a, b.page[i].place, b.page[i].gfn + 0x180000,
			 b.page[i].what);
	sort_pages(&a);
	sort_pages(&both);
	assert_int_equal(a.n, both.n);
	for (size_t i = 0; i < a.n; i++) {
		assert_int_equal(a.page[i].gfn, both.page[i].gfn);
		assert_int_equal(a.page[i].what, both.page[i].what);
	}
	write_epochs(p.other, 7, 70);
	unlink(p.out);
	assert_int_equal(together(p.in, p.other, p.out, false, NULL), -EINVAL);
	assert_int_not_equal(access(p.out, F_OK), 0);
	free(a.page);
	free(b.page);
	free(both.page);
	fixture_remove(p.folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_appended_parts_are_the_whole),
		cmocka_unit_test(test_merged_guests_lie_beside_each_other),
		cmocka_unit_test(test_merged_epochs_are_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

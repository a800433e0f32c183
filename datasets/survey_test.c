/* SPDX-License-Identifier: MIT */
/* Counted pages against naive counts, and windows against times put by hand. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/test.h"
#include "datasets/pageset.h"
#include "datasets/survey.h"
#include "datasets/trace/fixture.h"

struct place {
	char folder[64];
	char path[96];
	struct survey survey;
};

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	fixture_folder(p->folder);
	snprintf(p->path, sizeof(p->path), "%s/t.kgt", p->folder);
	*state = p;
	return 0;
}

static int remove_place(void **state)
{
	struct place *p = *state;

	survey_fini(&p->survey);
	fixture_remove(p->folder);
	free(p);
	return 0;
}

static int count_pages(struct place *p, uint64_t window, struct status *st)
{
	struct trace_reader *reader;
	int ret = trace_reader_open(&reader, p->path, 0, st);

	if (ret)
		return ret;
	survey_fini(&p->survey);
	ret = survey_trace(&p->survey, reader, window, st);
	trace_reader_close(reader);
	return ret;
}

/* Runs of any length against an array of bytes. */
static void a_pageset_counts_as_an_array_does(void **state)
{
	enum {
		PAGES = 3000
	};
	static uint8_t naive[PAGES];
	struct trace_slot slots[2] = {{.gfn = 5, .npages = 1000},
				      {.gfn = 2000, .npages = 1000}};
	struct trace_meta meta = {.nr_slots = 2, .slots = slots};
	struct rng rng = {3};
	struct pageset set;

	(void)state;
	assert_int_equal(pageset_init(&set, &meta, NULL), 0);
	for (size_t round = 0; round < 3000; round++) {
		size_t slot = rng_below(&rng, 2), found;
		uint64_t page = rng_below(&rng, 1000);
		uint64_t n = 1 + rng_below(&rng, 1 << rng_below(&rng, 10));
		gfn_t gfn = slots[slot].gfn + page;
		uint64_t added = 0;

		n = n < 1000 - page ? n : 1000 - page;
		for (uint64_t i = 0; i < n; i++) {
			added += !naive[gfn + i];
			naive[gfn + i] = 1;
		}
		assert_int_equal(pageset_add(&set, gfn, n, &found), added);
		assert_int_equal(found, slot);
		if (rng_below(&rng, 20))
			continue;
		pageset_clear(&set);
		memset(naive, 0, sizeof(naive));
	}
	pageset_fini(&set);
}

/* Write accesses (kind READ unless vcpu is set) at these times. */
static void write_stream(const struct place *p, const struct trace_event *e,
			 size_t n)
{
	struct trace_writer *writer;

	assert_int_equal(
		trace_writer_open(&writer, p->path, &fixture_meta, NULL), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(trace_writer_event(writer, &e[i], NULL), 0);
	assert_int_equal(trace_writer_close(writer, NULL, NULL), 0);
}

static void assert_sets(const struct survey_sets *sets, size_t n, uint64_t min,
			uint64_t median, uint64_t max)
{
	assert_int_equal(sets->n, n);
	assert_int_equal(sets->pages[0], min);
	assert_int_equal(survey_median(sets), median);
	assert_int_equal(sets->pages[n - 1], max);
}

/* Windows (10, 20], (20, 30], (30, 40], (40, 50]; what is behind is not whole. */
static void windows_are_whole_and_may_be_empty(void **state)
{
	static const struct trace_event events[] = {
		{.time = 3, .count = 1, .kind = TRACE_LOST},
		{.time = 10, .gfn = 1, .count = 1},
		{.time = 11, .gfn = 1, .count = 1},
		{.time = 20, .gfn = 2, .count = 9, .kind = TRACE_WRITE},
		{.time = 21, .gfn = 2, .count = 1, .kind = TRACE_FETCH},
		{.time = 22, .gfn = 0x100, .count = 1},
		{.time = 22, .gfn = 0x101, .count = 1},
		{.time = 23, .gfn = 9, .count = 1, .kind = TRACE_HOST_WRITE},
		{.time = 24, .gfn = 8, .count = 4, .kind = TRACE_INVALIDATE},
		{.time = 45, .gfn = 1, .count = 1},
		{.time = 51, .gfn = 7, .count = 1},
	};
	struct place *p = *state;

	write_stream(p, events, 11);
	assert_int_equal(count_pages(p, 10, NULL), 0);
	assert_sets(&p->survey.windows, 4, 0, 1, 3);
	assert_int_equal(p->survey.footprint, 5);
	assert_int_equal(p->survey.slot_pages[0], 3);
	assert_int_equal(p->survey.slot_pages[1], 2);
	assert_int_equal(p->survey.slot_pages[2], 0);
	assert_int_equal(p->survey.epochs.n, 0);
	assert_int_equal(count_pages(p, 41, NULL), 0);
	assert_sets(&p->survey.windows, 1, 5, 5, 5);
	assert_int_equal(count_pages(p, 1000, NULL), 0);
	assert_sets(&p->survey.windows, 1, 5, 5, 5);
	assert_int_equal(count_pages(p, UINT64_MAX, NULL), 0);
	assert_sets(&p->survey.windows, 1, 5, 5, 5);
}

static void too_many_windows_are_refused(void **state)
{
	static const struct trace_event events[] = {
		{.time = 0, .gfn = 1, .count = 1},
		{.time = 1 << 22, .gfn = 1, .count = 1},
		{.time = UINT64_MAX - 1, .gfn = 1, .count = 1},
	};
	struct place *p = *state;
	struct status st = {""};

	write_stream(p, events, 2);
	assert_int_equal(count_pages(p, 2, &st), -EINVAL);
	assert_non_null(strstr(st.message, "--window is too short"));
	assert_int_equal(count_pages(p, 8, &st), 0);
	assert_int_equal(p->survey.windows.n, (1 << 22) / 8);
	write_stream(p, events, 3);
	assert_int_equal(count_pages(p, 0, &st), 0);
	assert_int_equal(p->survey.windows.n, 64);
	assert_int_equal(count_pages(p, 1, &st), -EINVAL);
}

/* An epoch of reads, one of writes only, one with hits: 4, (2), 3 pages. */
static void epochs_count_what_they_observed(void **state)
{
	static const struct trace_epoch epochs[] = {
		{.end = 10, .channels = 3},
		{.index = 1, .start = 10, .end = 20, .channels = 2},
		{.index = 2,
		 .start = 30,
		 .end = 40,
		 .channels = 1,
		 .has_hits = true,
		 .samples = 2},
	};
	static const struct trace_run runs[][2] = {
		{{1, 2, TRACE_RUN_ACCESSED, 0},
		 {0x100, 2, TRACE_RUN_ACCESSED | TRACE_RUN_DIRTY, 0}},
		{{2, 1, TRACE_RUN_DIRTY, 0}, {0x200, 1, TRACE_RUN_DIRTY, 0}},
		{{1, 3, TRACE_RUN_ACCESSED, 2}, {0x300, 50, 0, 0}},
	};
	struct place *p = *state;
	struct trace_writer *writer;

	assert_int_equal(
		trace_writer_open(&writer, p->path, &fixture_meta, NULL), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(trace_writer_epoch(writer, &epochs[i], runs[i],
						    2, NULL),
				 0);
	assert_int_equal(trace_writer_close(writer, NULL, NULL), 0);
	assert_int_equal(count_pages(p, 0, NULL), 0);
	assert_sets(&p->survey.epochs, 2, 3, 3, 4);
	assert_int_equal(p->survey.windows.n, 0);
	assert_int_equal(p->survey.footprint, 6);
	assert_int_equal(p->survey.slot_pages[0], 3);
}

static void failed_allocations_are_survived(void **state)
{
	struct place *p = *state;
	unsigned long nth = 0;
	int ret;

	fixture_write(p->path, 3, 200, 3, 2, 10);
	do {
		kage_alloc_fail_at(++nth);
		ret = count_pages(p, 0, NULL);
		if (kage_alloc_failed())
			assert_int_equal(ret, -ENOMEM);
	} while (kage_alloc_failed());
	kage_alloc_fail_at(0);
	assert_int_equal(ret, 0);
}

static void a_guest_beyond_counting_is_refused(void **state)
{
	struct trace_slot slot = {.npages = UINT64_C(1) << 32};
	struct trace_meta meta = {.nr_slots = 1, .slots = &slot};
	struct pageset set;

	(void)state;
	assert_int_equal(pageset_init(&set, &meta, NULL), -E2BIG);
	pageset_fini(&set);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, make_place, remove_place)

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_pageset_counts_as_an_array_does),
	TEST(windows_are_whole_and_may_be_empty),
	TEST(too_many_windows_are_refused),
	TEST(epochs_count_what_they_observed),
	TEST(failed_allocations_are_survived),
	cmocka_unit_test(a_guest_beyond_counting_is_refused),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}

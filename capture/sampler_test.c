/* SPDX-License-Identifier: MIT */
/* What the recorder makes of a sampler's findings: repeats, leaves, borders. */
#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"
#include "capture/recorder.h"

#define FILE_NAME "sampler_test.kgt"

static struct trace_slot slots[] = {
	{.gfn = 0,
	 .npages = 1024,
	 .page_bytes = 4096,
	 .node = -1,
	 .backing = "x"},
	{.gfn = 4096,
	 .npages = 700,
	 .page_bytes = 4096,
	 .node = -1,
	 .backing = "x"},
};

static const struct trace_meta meta = {
	.clock = {TRACE_CLOCK_NS, 1000},
	.fidelity = TRACE_ACCESSED_BIT,
	.channels = TRACE_CHANNEL_ACCESSED,
	.nr_vcpus = 1,
	.nr_slots = 2,
	.slots = slots,
	.source = "test",
};

struct given {
	gfn_t gfn;
	uint32_t npages;
	uint8_t level;
};

struct found {
	struct recorder_stats stats;
	struct trace_epoch epoch;
	struct trace_run runs[16];
	size_t nr;
};

static void read_first_epoch(struct found *found)
{
	struct status st = {""};
	struct trace_reader *reader;
	struct trace_block block;

	assert_int_equal(trace_reader_open(&reader, FILE_NAME, 0, &st), 0);
	assert_int_equal(trace_reader_next(reader, &block, &st), 1);
	assert_int_equal(block.type, TRACE_BLOCK_EPOCH);
	found->epoch = block.epoch;
	found->nr = block.nr_runs;
	assert_true(block.nr_runs <= 16);
	for (size_t i = 0; i < block.nr_runs; i++)
		found->runs[i] = block.runs[i];
	trace_reader_close(reader);
	unlink(FILE_NAME);
}

/* One epoch of [@first, @last] out of these runs. */
static struct found sample(const struct given *given, size_t n, gfn_t first,
			   gfn_t last)
{
	const struct trace_epoch epoch = {
		.start = 10,
		.end = 20,
		.scan_start = 20,
		.scan_end = 25,
		.channels = TRACE_CHANNEL_ACCESSED,
	};
	struct recorder_setup setup = {.meta = &meta,
				       .is_sampler = true,
				       .first_gfn = first,
				       .last_gfn = last};
	struct status st = {""};
	struct recorder recorder;
	struct found found;

	assert_int_equal(
		trace_writer_open(&setup.writer, FILE_NAME, &meta, &st), 0);
	assert_int_equal(recorder_init(&recorder, &setup, &st), 0);
	for (size_t i = 0; i < n; i++) {
		const struct trace_run run = {.gfn = given[i].gfn,
					      .npages = given[i].npages,
					      .flags = given[i].level |
						       TRACE_RUN_ACCESSED};

		assert_int_equal(recorder_run(&recorder, &run, &st), 0);
	}
	assert_int_equal(recorder_sample(&recorder, &epoch, &st), 0);
	found.stats = recorder.stats;
	recorder_fini(&recorder);
	assert_int_equal(trace_writer_close(setup.writer, NULL, &st), 0);
	read_first_epoch(&found);
	return found;
}

static void expect_run(const struct trace_run *run, gfn_t gfn, uint32_t npages,
		       uint8_t level)
{
	assert_int_equal(run->gfn, gfn);
	assert_int_equal(run->npages, npages);
	assert_int_equal(run->flags, level | TRACE_RUN_ACCESSED);
}

static void repeats_count_once(void **state)
{
	static const struct given given[] = {
		{5, 3, TRACE_4K}, {6, 1, TRACE_4K}, {4, 6, TRACE_4K}};
	struct found found = sample(given, 3, 0, UINT32_MAX);

	(void)state;
	assert_int_equal(found.stats.pages, 6);
	assert_int_equal(found.nr, 3);
	expect_run(&found.runs[0], 4, 1, TRACE_4K);
	expect_run(&found.runs[1], 5, 3, TRACE_4K);
	expect_run(&found.runs[2], 8, 2, TRACE_4K);
	assert_int_equal(found.epoch.scan_end, 25);
}

static void large_leaves_stay_whole(void **state)
{
	static const struct given given[] = {{512, 512, TRACE_2M},
					     {512, 512, TRACE_2M}};
	struct found found = sample(given, 2, 0, UINT32_MAX);

	(void)state;
	assert_int_equal(found.nr, 1);
	expect_run(&found.runs[0], 512, 512, TRACE_2M);
	assert_int_equal(found.stats.huge_pages, 512);
}

static void leaves_that_were_split_become_pages(void **state)
{
	static const struct given given[] = {{600, 1, TRACE_4K},
					     {512, 512, TRACE_2M}};
	struct found found = sample(given, 2, 0, UINT32_MAX);

	(void)state;
	assert_int_equal(found.stats.pages, 512);
	assert_int_equal(found.stats.huge_pages, 0);
	for (size_t i = 0; i < found.nr; i++)
		assert_int_equal(found.runs[i].flags & TRACE_RUN_LEVEL_MASK, 0);
}

static void pages_outside_are_counted(void **state)
{
	static const struct given given[] = {
		{1000, 100, TRACE_4K},	/* 76 behind the first slot */
		{4608, 512, TRACE_2M},	/* 188 in the second slot */
		{1 << 20, 1, TRACE_4K}, /* nowhere */
	};
	struct found found = sample(given, 3, 0, UINT32_MAX);

	(void)state;
	assert_int_equal(found.stats.outside, 76 + 324 + 1);
	assert_int_equal(found.nr, 2);
	expect_run(&found.runs[0], 1000, 24, TRACE_4K);
	expect_run(&found.runs[1], 4608, 188, TRACE_4K);
}

static void a_run_may_meet_two_slots(void **state)
{
	static const struct given given[] = {{0, 8192, TRACE_4K}};
	struct found found = sample(given, 1, 0, UINT32_MAX);

	(void)state;
	assert_int_equal(found.nr, 2);
	assert_int_equal(found.stats.pages, 1724);
	assert_int_equal(found.stats.full_epochs, 1);
	assert_int_equal(found.stats.outside, 8192 - 1724);
}

static void unwanted_pages_are_left_out_silently(void **state)
{
	static const struct given given[] = {{0, 1024, TRACE_4K}};
	struct found found = sample(given, 1, 10, 19);

	(void)state;
	assert_int_equal(found.nr, 1);
	expect_run(&found.runs[0], 10, 10, TRACE_4K);
	assert_int_equal(found.stats.outside, 0);
	assert_int_equal(found.stats.full_epochs, 1);
}

static void an_idle_epoch_is_empty(void **state)
{
	struct found found = sample(NULL, 0, 0, UINT32_MAX);

	(void)state;
	assert_int_equal(found.nr, 0);
	assert_int_equal(found.stats.empty_epochs, 1);
	assert_int_equal(found.stats.full_epochs, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(repeats_count_once),
		cmocka_unit_test(large_leaves_stay_whole),
		cmocka_unit_test(leaves_that_were_split_become_pages),
		cmocka_unit_test(pages_outside_are_counted),
		cmocka_unit_test(a_run_may_meet_two_slots),
		cmocka_unit_test(unwanted_pages_are_left_out_silently),
		cmocka_unit_test(an_idle_epoch_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

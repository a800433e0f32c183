/* SPDX-License-Identifier: MIT */
/* Epochs out of accesses: borders, empty epochs, runs, the short last one. */
#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"
#include "capture/recorder.h"

enum {
	EPOCH_TICKS = 100,
	EPOCHS_MAX = 8
};

struct seen_epoch {
	uint64_t start, end, npages;
	size_t nr_runs;
	struct trace_run first;
};

static void record_accesses(const char *path, const struct trace_event *events,
			    size_t n, uint64_t end)
{
	struct trace_slot slot = {.npages = 64,
				  .page_bytes = 4096,
				  .node = -1,
				  .backing = "anon"};
	const struct trace_meta meta = {
		.clock = {TRACE_CLOCK_INSN, 500},
		.fidelity = TRACE_EXACT,
		.channels = TRACE_CHANNEL_ACCESSED | TRACE_CHANNEL_DIRTY,
		.nr_vcpus = 1,
		.nr_slots = 1,
		.slots = &slot,
		.source = "test",
	};
	struct status st = {""};
	struct trace_writer *writer;
	struct recorder recorder;
	struct recorder_setup setup = {.meta = &meta,
				       .epoch_ticks = EPOCH_TICKS,
				       .last_gfn = TRACE_GFN_LIMIT - 1};

	assert_int_equal(trace_writer_open(&writer, path, &meta, &st), 0);
	setup.writer = writer;
	assert_int_equal(recorder_init(&recorder, &setup, &st), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(recorder_access(&recorder, &events[i], &st),
				 0);
	assert_int_equal(recorder_end(&recorder, end, &st), 0);
	recorder_fini(&recorder);
	assert_int_equal(trace_writer_close(writer, NULL, &st), 0);
}

static size_t read_epochs(const char *path, struct seen_epoch *epochs)
{
	struct status st = {""};
	struct trace_reader *reader;
	struct trace_block block;
	size_t n = 0;

	assert_int_equal(trace_reader_open(&reader, path, 0, &st), 0);
	while (trace_reader_next(reader, &block, &st) > 0) {
		assert_int_equal(block.type, TRACE_BLOCK_EPOCH);
		assert_true(n < EPOCHS_MAX);
		epochs[n++] = (struct seen_epoch){
			.start = block.epoch.start,
			.end = block.epoch.end,
			.npages = block.epoch.npages,
			.nr_runs = block.nr_runs,
			.first = block.nr_runs ? block.runs[0]
					       : (struct trace_run){.gfn = 0},
		};
	}
	trace_reader_close(reader);
	return n;
}

static void expect(const struct seen_epoch *epoch, uint64_t start, uint64_t end,
		   uint64_t npages, size_t nr_runs)
{
	assert_int_equal(epoch->start, start);
	assert_int_equal(epoch->end, end);
	assert_int_equal(epoch->npages, npages);
	assert_int_equal(epoch->nr_runs, nr_runs);
}

static void accesses_fall_into_their_epochs(void **state)
{
	static const struct trace_event events[] = {
		{.time = 1, .gfn = 7, .count = 1, .kind = TRACE_READ},
		{.time = 2, .gfn = 8, .count = 9, .kind = TRACE_FETCH},
		{.time = 100, .gfn = 9, .count = 1, .kind = TRACE_WRITE},
		{.time = 101, .gfn = 9, .count = 1, .kind = TRACE_WRITE},
		{.time = 301, .gfn = 3, .count = 1, .kind = TRACE_READ},
		{.time = 302, .gfn = 2, .count = 1, .kind = TRACE_READ},
	};
	struct seen_epoch epochs[EPOCHS_MAX];

	(void)state;
	record_accesses("recorder_test.kgt", events,
			sizeof(events) / sizeof(events[0]), 350);
	assert_int_equal(read_epochs("recorder_test.kgt", epochs), 4);
	expect(&epochs[0], 0, 100, 3, 2); /* 7 and 8 share a run, 9 is dirty */
	assert_int_equal(epochs[0].first.npages, 2);
	expect(&epochs[1], 100, 200, 1, 1);
	assert_true(epochs[1].first.flags & TRACE_RUN_DIRTY);
	expect(&epochs[2], 200, 300, 0, 0);
	expect(&epochs[3], 300, 350, 2, 2); /* 3, 2: order is kept */
	unlink("recorder_test.kgt");
}

/* Times that go back and counts beyond 32 bits must not lose the capture. */
static void losses_are_counted_whole(void **state)
{
	static const struct trace_event last = {
		.time = 500, .gfn = 7, .count = 1, .kind = TRACE_READ};
	struct trace_slot slot = {.npages = 64,
				  .page_bytes = 4096,
				  .node = -1,
				  .backing = "anon"};
	const struct trace_meta meta = {
		.clock = {TRACE_CLOCK_NS, 1000},
		.fidelity = TRACE_EXACT,
		.channels = TRACE_CHANNEL_ACCESSED | TRACE_CHANNEL_DIRTY,
		.nr_vcpus = 1,
		.nr_slots = 1,
		.slots = &slot,
		.source = "test",
	};
	struct recorder_setup setup = {.meta = &meta,
				       .last_gfn = TRACE_GFN_LIMIT - 1};
	struct trace_totals totals;
	struct recorder recorder;
	struct status st = {""};

	(void)state;
	assert_int_equal(trace_writer_open(&setup.writer, "recorder_lost.kgt",
					   &meta, &st),
			 0);
	assert_int_equal(recorder_init(&recorder, &setup, &st), 0);
	assert_int_equal(recorder_event(&recorder, &last, &st), 0);
	assert_int_equal(
		recorder_lost(&recorder, 3, UINT64_C(10) << 30, true, &st), 0);
	assert_int_equal(recorder_lost(&recorder, 0, 0, true, &st), 0);
	assert_false(recorder.stats.is_lost_unknown);
	assert_int_equal(recorder_lost(&recorder, 600, 0, false, &st), 0);
	assert_true(recorder.stats.is_lost_unknown);
	assert_int_equal(recorder.stats.lost, (UINT64_C(10) << 30) + 1);
	recorder_fini(&recorder);
	assert_int_equal(trace_writer_close(setup.writer, &totals, &st), 0);
	assert_int_equal(totals.lost, (UINT64_C(10) << 30) + 1);
	unlink("recorder_lost.kgt");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accesses_fall_into_their_epochs),
		cmocka_unit_test(losses_are_counted_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

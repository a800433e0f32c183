/* SPDX-License-Identifier: MIT */
/* The writer refuses what trace.h forbids, and goes on with what it allows. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/test.h"
#include "datasets/trace/fixture.h"

static int open_writer(void **state)
{
	struct trace_writer *writer;

	assert_int_equal(trace_writer_open(&writer, "/dev/null", &fixture_meta,
					   NULL),
			 0);
	*state = writer;
	return 0;
}

static int close_writer(void **state)
{
	return trace_writer_close(*state, NULL, NULL);
}

static void broken_events_are_refused(void **state)
{
	static const struct trace_event good = {
		.time = 10, .gfn = 5, .count = 1};
	static const struct trace_event bad[] = {
		{.time = 9, .gfn = 5, .count = 1},
		{.time = 10, .gfn = 0xa0, .count = 1},
		{.time = 10, .gfn = UINT64_MAX, .count = 1},
		{.time = 10, .gfn = 5, .count = 0},
		{.time = 10, .gfn = 5, .count = 1, .vcpu = 4},
		{.time = 10, .gfn = 5, .count = 1, .kind = TRACE_NR_EVENT_KINDS},
		{.time = 10, .gfn = 5, .count = 1, .reason = TRACE_REASON_NUMA},
		{.time = 10, .gfn = 5, .count = 1, .kind = TRACE_LOST},
		{.time = 10,
		 .count = 1,
		 .kind = TRACE_LOST,
		 .reason = TRACE_REASON_NUMA},
		{.time = 10, .gfn = 5, .count = 0x9c, .kind = TRACE_UNMAP},
		{.time = 10,
		 .gfn = 5,
		 .count = 1,
		 .kind = TRACE_UNMAP,
		 .reason = TRACE_NR_REASONS},
	};
	struct status st;

	assert_int_equal(trace_writer_event(*state, &good, &st), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (trace_writer_event(*state, &bad[i], &st) != -EINVAL)
			fail_msg("event %zu was taken", i);
		assert_non_null(strstr(st.message, "event 1: "));
	}
	assert_int_equal(trace_writer_event(*state, &good, &st), 0);
}

static void broken_runs_are_refused(void **state)
{
	static const struct trace_run bad[] = {
		{.gfn = 5, .npages = 0, .flags = TRACE_RUN_ACCESSED},
		{.gfn = 5, .npages = 1, .flags = 0},
		{.gfn = 5, .npages = 1, .flags = TRACE_RUN_DIRTY},
		{.gfn = 5, .npages = 1, .flags = TRACE_RUN_ACCESSED | 3},
		{.gfn = 5, .npages = 1, .flags = TRACE_RUN_ACCESSED | 16},
		{.gfn = 5, .npages = 1, .flags = TRACE_RUN_ACCESSED, .hits = 1},
		{.gfn = 0x9f, .npages = 2, .flags = TRACE_RUN_ACCESSED},
		{.gfn = 0x201,
		 .npages = 512,
		 .flags = TRACE_RUN_ACCESSED | TRACE_2M},
		{.gfn = 0x200,
		 .npages = 511,
		 .flags = TRACE_RUN_ACCESSED | TRACE_2M},
		{.gfn = 0,
		 .npages = 512,
		 .flags = TRACE_RUN_ACCESSED | TRACE_2M},
	};
	struct trace_epoch epoch = {.end = 10,
				    .channels = TRACE_CHANNEL_ACCESSED};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (trace_writer_epoch(*state, &epoch, &bad[i], 1, NULL) !=
		    -EINVAL)
			fail_msg("run %zu was taken", i);
	assert_int_equal(trace_writer_epoch(*state, &epoch, NULL, 0, NULL), 0);
}

static void runs_with_broken_hits_are_refused(void **state)
{
	static const struct trace_run good[] = {
		{.gfn = 1, .npages = 1, .flags = 0, .hits = 0},
		{.gfn = 2, .npages = 1, .flags = TRACE_RUN_ACCESSED, .hits = 1},
		{.gfn = 3, .npages = 1, .flags = TRACE_RUN_ACCESSED, .hits = 20},
		{.gfn = 4, .npages = 1, .flags = TRACE_RUN_DIRTY, .hits = 0},
	};
	static const struct trace_run bad[] = {
		{.gfn = 5, .npages = 1, .flags = TRACE_RUN_ACCESSED},
		{.gfn = 5, .npages = 1, .flags = 0, .hits = 1},
		{.gfn = 5, .npages = 1, .flags = TRACE_RUN_DIRTY, .hits = 1},
		{.gfn = 5, .npages = 1, .flags = TRACE_RUN_ACCESSED, .hits = 21},
	};
	struct trace_epoch epoch = {
		.end = 10, .channels = 3, .has_hits = true, .samples = 20};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (trace_writer_epoch(*state, &epoch, &bad[i], 1, NULL) !=
		    -EINVAL)
			fail_msg("run %zu was taken", i);
	assert_int_equal(trace_writer_epoch(*state, &epoch, good, 4, NULL), 0);
}

static void epochs_with_broken_hits_are_refused(void **state)
{
	static const struct trace_epoch bad[] = {
		{.end = 10, .channels = 1, .has_hits = true},
		{.end = 10, .channels = 1, .samples = 20},
		{.end = 10, .channels = 2, .has_hits = true, .samples = 20},
		{.end = 10,
		 .channels = 1,
		 .has_hits = true,
		 .samples = 20,
		 .is_ordered = true},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (trace_writer_epoch(*state, &bad[i], NULL, 0, NULL) !=
		    -EINVAL)
			fail_msg("epoch %zu was taken", i);
}

static void a_page_may_not_occur_twice(void **state)
{
	struct trace_epoch epoch = {
		.end = 10, .channels = 1, .is_ordered = true};
	struct trace_run runs[] = {
		{.gfn = 8, .npages = 4, .flags = TRACE_RUN_ACCESSED},
		{.gfn = 5, .npages = 4, .flags = TRACE_RUN_ACCESSED}};

	assert_int_equal(trace_writer_epoch(*state, &epoch, runs, 2, NULL),
			 -EINVAL);
	runs[1].npages = 3;
	assert_int_equal(trace_writer_epoch(*state, &epoch, runs, 2, NULL), 0);
}

static void broken_epochs_are_refused(void **state)
{
	static const struct trace_epoch good = {.end = 10, .channels = 3};
	static const struct trace_epoch bad[] = {
		{.index = 0, .start = 10, .end = 20, .channels = 3},
		{.index = 2, .start = 10, .end = 20, .channels = 3},
		{.index = 1, .start = 9, .end = 20, .channels = 3},
		{.index = 1, .start = 10, .end = 10, .channels = 3},
		{.index = 1, .start = 10, .end = 20, .channels = 0},
		{.index = 1, .start = 10, .end = 20, .channels = 4},
		{.index = 1,
		 .start = 10,
		 .end = 20,
		 .channels = 3,
		 .scan_start = 2,
		 .scan_end = 1},
	};

	assert_int_equal(trace_writer_epoch(*state, &good, NULL, 0, NULL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (trace_writer_epoch(*state, &bad[i], NULL, 0, NULL) !=
		    -EINVAL)
			fail_msg("epoch %zu was taken", i);
}

static void broken_metas_are_refused(void **state)
{
	struct trace_slot slots[2] = {
		{.npages = 16, .page_bytes = 4096, .backing = "anon"},
		{.gfn = 15, .npages = 1, .page_bytes = 4096, .backing = "anon"}};
	struct trace_meta meta = fixture_meta;
	struct trace_writer *writer;

	(void)state;
	meta.slots = slots;
	meta.nr_slots = 2;
	assert_int_equal(trace_writer_open(&writer, "/dev/null", &meta, NULL),
			 -EINVAL);
	slots[1].gfn = TRACE_GFN_LIMIT;
	assert_int_equal(trace_writer_open(&writer, "/dev/null", &meta, NULL),
			 -EINVAL);
	meta.nr_slots = 0;
	assert_int_equal(trace_writer_open(&writer, "/dev/null", &meta, NULL),
			 -EINVAL);
	meta = fixture_meta;
	meta.details = slots[0].backing; /* no JSON */
	assert_int_equal(trace_writer_open(&writer, "/dev/null", &meta, NULL),
			 -EINVAL);
}

/* As many slots as there may be, one page each, with holes between. */
static void many_slots_are_searched(void **state)
{
	static struct trace_slot slots[TRACE_SLOTS_MAX];
	struct trace_meta meta = fixture_meta;
	struct trace_event event = {.count = 1};
	struct trace_totals totals;
	struct trace_writer *writer;
	char folder[64], path[96];

	(void)state;
	meta.slots = slots;
	meta.nr_slots = TRACE_SLOTS_MAX;
	for (size_t i = 0; i < TRACE_SLOTS_MAX; i++)
		slots[i] = (struct trace_slot){.gfn = 2 * i,
					       .npages = 1,
					       .page_bytes = 4096,
					       .backing = "anon"};
	fixture_folder(folder);
	snprintf(path, sizeof(path), "%s/m.kgt", folder);
	assert_int_equal(trace_writer_open(&writer, path, &meta, NULL), 0);
	for (gfn_t gfn = 0; gfn < 2 * TRACE_SLOTS_MAX; gfn++) {
		event.gfn = gfn * 7 % (2 * TRACE_SLOTS_MAX);
		assert_int_equal(trace_writer_event(writer, &event, NULL),
				 event.gfn % 2 ? -EINVAL : 0);
	}
	assert_int_equal(trace_writer_close(writer, NULL, NULL), 0);
	assert_int_equal(
		fixture_read(path, TRACE_OPEN_VERIFY, NULL, &totals, NULL), 0);
	assert_int_equal(totals.events, TRACE_SLOTS_MAX);
	fixture_remove(folder);
}

/* Exactly five, at least seven: END grows by what it has to say. */
static void losses_of_unknown_number_are_told_apart(void **state)
{
	static const struct trace_event lost[] = {
		{.count = 5, .kind = TRACE_LOST},
		{.time = 1,
		 .count = 7,
		 .kind = TRACE_LOST,
		 .reason = TRACE_REASON_UNKNOWN},
	};
	struct trace_totals written, read;
	struct trace_writer *writer;
	char folder[64], path[96];

	(void)state;
	fixture_folder(folder);
	snprintf(path, sizeof(path), "%s/l.kgt", folder);
	for (size_t n = 1; n <= 2; n++) {
		assert_int_equal(trace_writer_open(&writer, path, &fixture_meta,
						   NULL),
				 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(
				trace_writer_event(writer, &lost[i], NULL), 0);
		assert_int_equal(trace_writer_close(writer, &written, NULL), 0);
		assert_int_equal(fixture_read(path, TRACE_OPEN_VERIFY, NULL,
					      &read, NULL),
				 0);
		assert_memory_equal(&written, &read, sizeof(read));
		assert_int_equal(read.lost, n == 1 ? 5 : 12);
		assert_int_equal(read.lost_unknown, n - 1);
	}
	fixture_remove(folder);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, open_writer, close_writer)

static const struct CMUnitTest tests[] = {
	TEST(broken_events_are_refused),
	TEST(broken_runs_are_refused),
	TEST(runs_with_broken_hits_are_refused),
	TEST(epochs_with_broken_hits_are_refused),
	TEST(a_page_may_not_occur_twice),
	TEST(broken_epochs_are_refused),
	cmocka_unit_test(broken_metas_are_refused),
	cmocka_unit_test(many_slots_are_searched),
	cmocka_unit_test(losses_of_unknown_number_are_told_apart),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}

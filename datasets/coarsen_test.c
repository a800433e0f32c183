/* SPDX-License-Identifier: MIT */
/* Coarsening composes, keeps first-touch order, and folds streams. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "datasets/coarsen.h"
#include "datasets/trace/fixture.h"

struct place {
	char folder[64];
	char source[96];
};

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	fixture_folder(p->folder);
	snprintf(p->source, sizeof(p->source), "%s/source.kgt", p->folder);
	*state = p;
	return 0;
}

static int remove_place(void **state)
{
	struct place *p = *state;

	fixture_remove(p->folder);
	free(p);
	return 0;
}

/* Rewrite @from to @to; both are names in the place's folder. */
static struct trace_totals coarsened(const struct place *p, const char *from,
				     const char *to, struct coarsen_job job)
{
	char in[128], out[128];
	struct trace_totals totals;
	struct trace_reader *reader;
	struct trace_writer *writer;
	struct status st = {""};

	snprintf(in, sizeof(in), "%s/%s", p->folder, from);
	snprintf(out, sizeof(out), "%s/%s", p->folder, to);
	assert_int_equal(trace_reader_open(&reader, in, 0, &st), 0);
	assert_int_equal(trace_writer_open(&writer, out,
					   trace_reader_meta(reader), &st),
			 0);
	if (coarsen(reader, writer, &job, &st))
		fail_msg("%s", st.message);
	assert_int_equal(trace_writer_close(writer, &totals, &st), 0);
	trace_reader_close(reader);
	return totals;
}

static void by_two_twice_is_by_four(void **state)
{
	const struct place *p = *state;
	struct coarsen_job two = {.by = 2}, four = {.by = 4};
	struct trace_totals twice, once;

	for (uint64_t seed = 1; seed < 5; seed++) {
		unlink(p->source);
		fixture_write(p->source, seed, 0, seed % 2 ? 10 : 0,
			      seed % 2 ? 0 : 10, 40);
		coarsened(p, "source.kgt", "two.kgt", two);
		twice = coarsened(p, "two.kgt", "twice.kgt", two);
		once = coarsened(p, "source.kgt", "once.kgt", four);
		assert_int_equal(once.epochs, 3);
		assert_memory_equal(once.id, twice.id, TRACE_ID_BYTES);
	}
}

/* Pages 7, 5, 7 (written), 6 | 5 | 9 with a period of 10 ticks. */
static void a_stream_folds_in_first_touch_order(void **state)
{
	static const struct {
		uint64_t time;
		gfn_t gfn;
		uint8_t kind;
	} accesses[] = {{0, 7, TRACE_READ},  {3, 5, TRACE_READ},
			{4, 7, TRACE_WRITE}, {10, 6, TRACE_FETCH},
			{11, 5, TRACE_READ}, {31, 9, TRACE_WRITE}};
	const struct place *p = *state;
	struct trace_writer *writer;
	struct outbuf text = {0};
	char path[128];

	assert_int_equal(
		trace_writer_open(&writer, p->source, &fixture_meta, NULL), 0);
	for (size_t i = 0; i < 6; i++) {
		struct trace_event e = {.time = accesses[i].time,
					.gfn = accesses[i].gfn,
					.kind = accesses[i].kind,
					.count = 1};

		assert_int_equal(trace_writer_event(writer, &e, NULL), 0);
	}
	assert_int_equal(trace_writer_close(writer, NULL, NULL), 0);
	coarsened(p, "source.kgt", "folded.kgt",
		  (struct coarsen_job){.period = 10});
	snprintf(path, sizeof(path), "%s/folded.kgt", p->folder);
	assert_int_equal(
		fixture_read(path, TRACE_OPEN_VERIFY, &text, NULL, NULL), 0);
	assert_string_equal(text.data,
			    "epoch 0 0 10 10 10 3 3 1 0\n"
			    "run 7 1 12 0\nrun 5 2 4 0\n"
			    "epoch 1 10 20 20 20 1 3 1 0\nrun 5 1 4 0\n"
			    "epoch 2 20 30 30 30 0 3 1 0\n"
			    "epoch 3 30 40 40 40 1 3 1 0\nrun 9 1 12 0\n");
	outbuf_fini(&text);
}

static void write_epoch(struct trace_writer *writer, uint64_t index)
{
	const struct trace_run run = {5 + index, 1, TRACE_RUN_ACCESSED, 0};
	const struct trace_epoch epoch = {
		.index = index,
		.start = 10 * index,
		.end = 10 * index + 10,
		.scan_start = 10 * index + 10,
		.scan_end = 10 * index + 10,
		.channels = TRACE_CHANNEL_ACCESSED,
		.is_ordered = true,
	};

	assert_int_equal(trace_writer_epoch(writer, &epoch, &run, 1, NULL), 0);
}

/* Two epochs, an event behind them, one epoch more. */
static void events_stay_behind_the_epochs_before_them(void **state)
{
	const struct trace_event event = {
		.time = 20, .gfn = 7, .kind = TRACE_INVALIDATE, .count = 1};
	const struct place *p = *state;
	struct trace_writer *writer;
	struct trace_reader *reader;
	struct trace_block block;
	char path[128];

	assert_int_equal(
		trace_writer_open(&writer, p->source, &fixture_meta, NULL), 0);
	write_epoch(writer, 0);
	write_epoch(writer, 1);
	assert_int_equal(trace_writer_event(writer, &event, NULL), 0);
	write_epoch(writer, 2);
	assert_int_equal(trace_writer_close(writer, NULL, NULL), 0);
	coarsened(p, "source.kgt", "two.kgt", (struct coarsen_job){.by = 2});
	snprintf(path, sizeof(path), "%s/two.kgt", p->folder);
	assert_int_equal(trace_reader_open(&reader, path, 0, NULL), 0);
	assert_int_equal(trace_reader_next(reader, &block, NULL), 1);
	assert_int_equal(block.type, TRACE_BLOCK_EPOCH);
	assert_int_equal(block.epoch.npages, 2);
	assert_int_equal(block.epoch.end, 20);
	assert_int_equal(trace_reader_next(reader, &block, NULL), 1);
	assert_int_equal(block.type, TRACE_BLOCK_STREAM);
	assert_int_equal(trace_reader_next(reader, &block, NULL), 1);
	assert_int_equal(block.type, TRACE_BLOCK_EPOCH);
	assert_int_equal(block.epoch.npages, 1);
	assert_int_equal(block.epoch.index, 1);
	assert_int_equal(trace_reader_next(reader, &block, NULL), 0);
	trace_reader_close(reader);
}

static void cutting_keeps_what_is_inside(void **state)
{
	const struct place *p = *state;
	struct cut_job job = {
		.to = UINT64_MAX, .first_epoch = 3, .last_epoch = 5};
	struct trace_reader *reader;
	struct trace_writer *writer;
	struct trace_totals totals;

	fixture_write(p->source, 3, 100, 5, 5, 40);
	assert_int_equal(trace_reader_open(&reader, p->source, 0, NULL), 0);
	assert_int_equal(trace_writer_open(&writer, "/dev/null",
					   trace_reader_meta(reader), NULL),
			 0);
	assert_int_equal(cut(reader, writer, &job, NULL), 0);
	assert_int_equal(trace_writer_close(writer, &totals, NULL), 0);
	assert_int_equal(totals.epochs, 3);
	assert_int_equal(totals.events, 100);
	trace_reader_close(reader);
}

/* Three looks at four pages, then five at three of them. */
static void hits_and_samples_add_up(void **state)
{
	static const struct trace_run runs[2][3] = {
		{{0x10, 2, TRACE_RUN_ACCESSED, 3}, {0x12, 2, 0, 0}, {0}},
		{{0x10, 1, TRACE_RUN_ACCESSED, 1},
		 {0x11, 1, 0, 0},
		 {0x12, 1, TRACE_RUN_ACCESSED, 5}},
	};
	struct trace_epoch epoch = {.channels = 1, .has_hits = true};
	const struct place *p = *state;
	struct trace_writer *writer;
	struct outbuf text = {0};
	char path[128];

	assert_int_equal(
		trace_writer_open(&writer, p->source, &fixture_meta, NULL), 0);
	for (uint64_t k = 0; k < 2; k++) {
		epoch.index = k;
		epoch.start = epoch.end;
		epoch.end += 10;
		epoch.samples = k ? 5 : 3;
		assert_int_equal(trace_writer_epoch(writer, &epoch, runs[k],
						    k ? 3 : 2, NULL),
				 0);
	}
	assert_int_equal(trace_writer_close(writer, NULL, NULL), 0);
	coarsened(p, "source.kgt", "two.kgt", (struct coarsen_job){.by = 2});
	snprintf(path, sizeof(path), "%s/two.kgt", p->folder);
	assert_int_equal(
		fixture_read(path, TRACE_OPEN_VERIFY, &text, NULL, NULL), 0);
	assert_string_equal(text.data, "epoch 0 0 20 0 0 4 1 0 8\n"
				       "run 10 1 4 4\nrun 11 1 4 3\n"
				       "run 12 1 4 5\nrun 13 1 0 0\n");
	outbuf_fini(&text);
}

/* Return: what coarsening the two epochs by two says. */
static int join_two(const struct place *p, const struct trace_epoch *epochs,
		    struct status *st)
{
	const struct coarsen_job job = {.by = 2};
	struct trace_reader *reader;
	struct trace_writer *writer;
	int ret;

	assert_int_equal(
		trace_writer_open(&writer, p->source, &fixture_meta, NULL), 0);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(trace_writer_epoch(writer, &epochs[i], NULL, 0,
						    NULL),
				 0);
	assert_int_equal(trace_writer_close(writer, NULL, NULL), 0);
	assert_int_equal(trace_reader_open(&reader, p->source, 0, NULL), 0);
	assert_int_equal(trace_writer_open(&writer, "/dev/null", &fixture_meta,
					   NULL),
			 0);
	ret = coarsen(reader, writer, &job, st);
	trace_writer_discard(writer);
	trace_reader_close(reader);
	return ret;
}

static void epochs_that_cannot_become_one_are_refused(void **state)
{
	struct trace_epoch epochs[2] = {
		{.end = 1, .channels = 1, .has_hits = true, .samples = 9},
		{.index = 1, .start = 1, .end = 2, .channels = 1}};
	struct status st = {""};

	assert_int_equal(join_two(*state, epochs, &st), -EINVAL);
	assert_non_null(strstr(st.message, "epoch 1 has no hits"));
	epochs[1].has_hits = true;
	epochs[1].samples = UINT32_MAX;
	assert_int_equal(join_two(*state, epochs, &st), -EINVAL);
	assert_non_null(strstr(st.message, "2^32 samples"));
	epochs[1].samples -= 9;
	assert_int_equal(join_two(*state, epochs, &st), 0);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, make_place, remove_place)

static const struct CMUnitTest tests[] = {
	TEST(by_two_twice_is_by_four),
	TEST(a_stream_folds_in_first_touch_order),
	TEST(events_stay_behind_the_epochs_before_them),
	TEST(hits_and_samples_add_up),
	TEST(epochs_that_cannot_become_one_are_refused),
	TEST(cutting_keeps_what_is_inside),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}

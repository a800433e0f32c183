/* SPDX-License-Identifier: MIT */
/* Grids of small traces, against shares worked out by hand and by brute force. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/heat_text.h"
#include "base/alloc.h"
#include "base/test.h"
#include "datasets/trace/fixture.h"

struct place {
	char folder[64];
	char path[96];
	struct trace_slot slots[TRACE_SLOTS_MAX];
	struct trace_meta meta;
	struct trace_writer *writer;
	struct heat heat;
};

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	fixture_folder(p->folder);
	snprintf(p->path, sizeof(p->path), "%s/t.kgt", p->folder);
	p->slots[0] = (struct trace_slot){.gfn = 100,
					  .npages = 40,
					  .page_bytes = 4096,
					  .backing = "anon"};
	p->meta = fixture_meta;
	p->meta.slots = p->slots;
	p->meta.nr_slots = 1;
	*state = p;
	return 0;
}

static int remove_place(void **state)
{
	struct place *p = *state;

	heat_fini(&p->heat);
	fixture_remove(p->folder);
	free(p);
	return 0;
}

static void begin(struct place *p)
{
	assert_int_equal(trace_writer_open(&p->writer, p->path, &p->meta, NULL),
			 0);
}

static void put_epoch(struct place *p, struct trace_epoch epoch,
		      const struct trace_run *runs, size_t n)
{
	assert_int_equal(trace_writer_epoch(p->writer, &epoch, runs, n, NULL),
			 0);
}

/* Close the trace and read it back.  Return: as heat_trace(). */
static int grid(struct place *p, size_t rows, size_t columns, struct status *st)
{
	struct trace_reader *reader;
	int ret;

	if (p->writer)
		assert_int_equal(trace_writer_close(p->writer, NULL, NULL), 0);
	p->writer = NULL;
	heat_fini(&p->heat);
	ret = trace_reader_open(&reader, p->path, 0, st);
	if (ret)
		return ret;
	ret = heat_trace(&p->heat, reader, trace_reader_totals(reader), rows,
			 columns, st);
	trace_reader_close(reader);
	return ret;
}

static void assert_share(const struct place *p, size_t row, size_t column,
			 double share)
{
	double got = heat_share(&p->heat, row, column);

	if (isnan(share) ? !isnan(got) : !(fabs(got - share) < 1e-9))
		fail_msg("cell %zu, %zu: %g, not %g", row, column, got, share);
}

/* Epochs (0, 10], (10, 20] and, behind a pause, (35, 40] in columns of 10. */
static void an_epoch_counts_where_it_overlaps(void **state)
{
	static const struct trace_run first[] = {
		{100, 10, TRACE_RUN_ACCESSED, 0},
		{118, 4, TRACE_RUN_ACCESSED | TRACE_RUN_DIRTY, 0}};
	static const struct trace_run last = {138, 1, TRACE_RUN_ACCESSED, 0};
	struct place *p = *state;

	begin(p);
	put_epoch(p, (struct trace_epoch){.end = 10, .channels = 3}, first, 2);
	put_epoch(p,
		  (struct trace_epoch){
			  .index = 1, .start = 10, .end = 20, .channels = 3},
		  NULL, 0);
	put_epoch(p,
		  (struct trace_epoch){
			  .index = 2, .start = 35, .end = 40, .channels = 3},
		  &last, 1);
	assert_int_equal(grid(p, 2, 4, NULL), 0);
	assert_int_equal(p->heat.nr_rows, 2);
	assert_int_equal(p->heat.longest_epoch, 10);
	assert_share(p, 0, 0, 12.0 / 20);
	assert_share(p, 1, 0, 2.0 / 20);
	assert_share(p, 0, 1, 0);
	assert_share(p, 0, 2, NAN);
	assert_share(p, 1, 2, NAN);
	assert_share(p, 1, 3, 1.0 / 20);
	assert_int_equal(grid(p, 1, 1, NULL), 0);
	assert_share(p, 0, 0, (14.0 * 10 + 0 + 1 * 5) / (40 * 25));
	assert_int_equal(grid(p, 1, 5, NULL), 0);
	assert_share(p, 0, 1, 14.0 * 2 / (40 * 8));
	assert_share(p, 0, 3, NAN);
	assert_share(p, 0, 4, 1.0 / 40);
}

static void only_what_was_looked_at_is_observed(void **state)
{
	static const struct trace_run runs[] = {
		{100, 10, TRACE_RUN_ACCESSED, 5}, {110, 10, 0, 0}};
	struct place *p = *state;

	begin(p);
	put_epoch(p,
		  (struct trace_epoch){.end = 10,
				       .channels = 1,
				       .has_hits = true,
				       .samples = 20},
		  runs, 2);
	assert_int_equal(grid(p, 4, 1, NULL), 0);
	assert_true(p->heat.has_hits);
	assert_share(p, 0, 0, 0.25);
	assert_share(p, 1, 0, 0);
	assert_share(p, 2, 0, NAN);
	assert_int_equal(grid(p, 1, 1, NULL), 0);
	assert_share(p, 0, 0, 0.125);
}

/* Of a trace that saw accesses, an epoch of writes says nothing. */
static void a_channel_that_was_not_observed_is_missing(void **state)
{
	static const struct trace_run run = {100, 40, TRACE_RUN_DIRTY, 0};
	struct place *p = *state;

	for (unsigned int channels = 2; channels <= 3; channels++) {
		p->meta.channels = channels;
		remove(p->path);
		begin(p);
		put_epoch(p, (struct trace_epoch){.end = 10, .channels = 2},
			  &run, 1);
		assert_int_equal(grid(p, 1, 1, NULL), 0);
		assert_int_equal(p->heat.is_written, channels == 2);
		assert_share(p, 0, 0, channels == 2 ? 1 : NAN);
	}
}

/* Each column against a set of pages, made record by record. */
static void a_stream_is_what_brute_force_says(void **state)
{
	enum {
		EVENTS = 3000,
		COLUMNS = 7
	};
	static double seen[COLUMNS][TRACE_SLOTS_MAX];
	static bool has[COLUMNS][200];
	struct place *p = *state;
	struct rng rng = {5};
	uint64_t time = 50;

	p->slots[1] = p->slots[0];
	p->slots[1].gfn = 150;
	p->meta.nr_slots = 2;
	begin(p);
	for (size_t i = 0; i <= EVENTS; i++) {
		struct trace_event e = {.time = time, .count = 1};

		e.gfn = p->slots[rng_below(&rng, 2)].gfn + rng_below(&rng, 40);
		e.kind = (uint8_t)rng_below(&rng, TRACE_HOST_WRITE);
		if (e.kind <= TRACE_FETCH)
			has[(time - 50) * COLUMNS / (EVENTS + 1)][e.gfn] = true;
		assert_int_equal(trace_writer_event(p->writer, &e, NULL), 0);
		time = 50 + i + 1;
	}
	assert_int_equal(grid(p, 20, COLUMNS, NULL), 0);
	assert_int_equal(p->heat.nr_segments, 2);
	for (size_t s = 0; s < 2; s++) {
		const struct heat_segment *segment = &p->heat.segments[s];

		for (size_t r = 0; r < segment->nr_rows; r++) {
			gfn_t from = heat_row_gfn(segment, r);
			gfn_t to = heat_row_gfn(segment, r + 1);

			for (size_t c = 0; c < COLUMNS; c++) {
				for (gfn_t gfn = from; gfn < to; gfn++)
					seen[c][segment->row + r] +=
						has[c][gfn];
				assert_share(p, segment->row + r, c,
					     seen[c][segment->row + r] /
						     (double)(to - from));
			}
		}
	}
}

static void a_loss_marks_its_column(void **state)
{
	static const struct trace_event events[] = {
		{0, 100, 1, 0, TRACE_READ, 0},
		{5, 0, 3, 0, TRACE_LOST, TRACE_REASON_UNKNOWN},
		{9, 101, 1, 0, TRACE_WRITE, 0},
	};
	struct place *p = *state;

	begin(p);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(
			trace_writer_event(p->writer, &events[i], NULL), 0);
	assert_int_equal(grid(p, 1, 3, NULL), 0);
	assert_false(p->heat.has_lost[0]);
	assert_true(p->heat.has_lost[1]);
	assert_false(p->heat.has_lost[2]);
	assert_share(p, 0, 1, 0);
	assert_share(p, 0, 2, 1.0 / 40);
	/* no column is narrower than a tick */
	assert_int_equal(grid(p, 1, 4000, NULL), 0);
	assert_int_equal(p->heat.nr_columns, 9);
}

/* Every page has one row; many scattered slots do not take all of them. */
static void segments_cover_the_slots(void **state)
{
	struct place *p = *state;
	const size_t counts[] = {1, 2, 3, 24, 1000};

	for (size_t i = 0; i < TRACE_SLOTS_MAX; i++) {
		p->slots[i] = p->slots[0];
		p->slots[i].gfn = i * i * 100;
		p->slots[i].npages = 1 + i % 50;
	}
	p->meta.nr_slots = TRACE_SLOTS_MAX;
	begin(p);
	put_epoch(p, (struct trace_epoch){.end = 10, .channels = 1}, NULL, 0);
	for (size_t i = 0; i < 5; i++) {
		size_t row = 0;

		assert_int_equal(grid(p, counts[i], 1, NULL), 0);
		assert_true(p->heat.nr_segments <= counts[i] / 2 + 1);
		assert_true(p->heat.nr_rows <= 2 * counts[i]);
		for (size_t s = 0; s < p->heat.nr_segments; s++) {
			const struct heat_segment *g = &p->heat.segments[s];

			assert_int_equal(g->row, row);
			assert_int_equal(heat_row_gfn(g, 0), g->gfn);
			assert_int_equal(heat_row_gfn(g, g->nr_rows),
					 g->gfn + g->npages);
			row += g->nr_rows;
		}
		assert_int_equal(row, p->heat.nr_rows);
	}
}

/* What decides is the size of what is shown, not where it lies. */
static void a_small_guest_has_small_units(void **state)
{
	struct place *p = *state;

	for (size_t i = 0; i < 2; i++) {
		p->slots[0].gfn = 1 << 20;
		p->slots[0].npages = i ? 1 << 18 : 8192;
		remove(p->path);
		begin(p);
		put_epoch(p, (struct trace_epoch){.end = 10, .channels = 1},
			  NULL, 0);
		assert_int_equal(grid(p, 4, 1, NULL), 0);
		assert_string_equal(heat_scale_of(&p->heat, &p->meta, "").unit,
				    i ? "GiB" : "MiB");
	}
}

static void a_trace_of_no_time_is_refused(void **state)
{
	struct place *p = *state;
	struct status st = {""};

	begin(p);
	assert_int_equal(grid(p, 5, 5, &st), -EINVAL);
	assert_non_null(strstr(st.message, "no accesses over time"));
}

static void failed_allocations_are_survived(void **state)
{
	struct place *p = *state;
	unsigned long nth = 0;
	int ret;

	fixture_write(p->path, 3, 200, 3, 2, 10);
	do {
		kage_alloc_fail_at(++nth);
		ret = grid(p, 9, 9, NULL);
		if (kage_alloc_failed())
			assert_int_equal(ret, -ENOMEM);
	} while (kage_alloc_failed());
	kage_alloc_fail_at(0);
	assert_int_equal(ret, 0);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, make_place, remove_place)

static const struct CMUnitTest tests[] = {
	TEST(an_epoch_counts_where_it_overlaps),
	TEST(only_what_was_looked_at_is_observed),
	TEST(a_channel_that_was_not_observed_is_missing),
	TEST(a_stream_is_what_brute_force_says),
	TEST(a_loss_marks_its_column),
	TEST(segments_cover_the_slots),
	TEST(a_small_guest_has_small_units),
	TEST(a_trace_of_no_time_is_refused),
	TEST(failed_allocations_are_survived),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}

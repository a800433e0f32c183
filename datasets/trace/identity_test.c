/* SPDX-License-Identifier: MIT */
/* The content id changes with the records, and with nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/test.h"
#include "datasets/trace/fixture.h"

enum {
	EVENTS = 500,
	RUNS = 4000
};

/* What differs between two writings of the same records. */
struct manner {
	struct trace_meta meta;
	size_t flush_every; /* events to a frame; 0: as it comes */
	bool has_note;
	bool is_split;		/* runs of one page each */
	uint32_t changed_count; /* added to one event's count */
	uint32_t samples;	/* of the epoch; 0: no hits */
	uint32_t hits_of_last;	/* with samples, else all have one */
};

static size_t make_runs(struct trace_run *runs, bool is_split)
{
	size_t n = 0;

	for (uint32_t i = 0; i < RUNS; i += is_split ? 1 : 8)
		runs[n++] =
			(struct trace_run){.gfn = 0x1000 + i / 8 * 16 + i % 8,
					   .npages = is_split ? 1 : 8,
					   .flags = TRACE_RUN_ACCESSED};
	return n;
}

static void write_in(const struct manner *manner, uint8_t id[TRACE_ID_BYTES])
{
	struct trace_run *runs = calloc(RUNS, sizeof(*runs));
	size_t n = make_runs(runs, manner->is_split);
	struct trace_epoch epoch = {.end = 10,
				    .channels = 1,
				    .is_ordered = !manner->samples,
				    .has_hits = manner->samples,
				    .samples = manner->samples};
	struct trace_totals totals;
	struct trace_writer *writer;
	struct trace_event event = {0};
	struct rng rng = {5};

	assert_int_equal(trace_writer_open(&writer, "/dev/null", &manner->meta,
					   NULL),
			 0);
	for (size_t i = 0; i < EVENTS; i++) {
		event = fixture_event(&rng, event.time);
		event.count += i == 9 ? manner->changed_count : 0;
		assert_int_equal(trace_writer_event(writer, &event, NULL), 0);
		if (manner->flush_every && i % manner->flush_every == 0)
			assert_int_equal(trace_writer_flush(writer, NULL), 0);
	}
	if (manner->has_note)
		assert_int_equal(trace_writer_note(writer, "hello", NULL), 0);
	for (size_t i = 0; i < n && manner->samples; i++)
		runs[i].hits = i + 1 < n ? 1 : manner->hits_of_last;
	assert_int_equal(trace_writer_epoch(writer, &epoch, runs, n, NULL), 0);
	assert_int_equal(trace_writer_close(writer, &totals, NULL), 0);
	memcpy(id, totals.id, TRACE_ID_BYTES);
	free(runs);
}

static bool are_same_ids(const struct manner *one, const struct manner *other)
{
	uint8_t a[TRACE_ID_BYTES], b[TRACE_ID_BYTES];

	write_in(one, a);
	write_in(other, b);
	return !memcmp(a, b, TRACE_ID_BYTES);
}

static bool is_same_id(const struct manner *manner)
{
	return are_same_ids(&(struct manner){.meta = fixture_meta}, manner);
}

static void framing_and_splitting_keep_the_id(void **state)
{
	(void)state;
	assert_true(is_same_id(&(struct manner){.meta = fixture_meta}));
	assert_true(is_same_id(
		&(struct manner){.meta = fixture_meta, .flush_every = 7}));
	assert_true(is_same_id(
		&(struct manner){.meta = fixture_meta, .is_split = true}));
}

static void notes_and_details_keep_the_id(void **state)
{
	struct manner manner = {.meta = fixture_meta, .has_note = true};
	char details[] = "{\"host\": \"other\"}";

	(void)state;
	manner.meta.details = details;
	snprintf(manner.meta.source, sizeof(manner.meta.source), "other");
	assert_true(is_same_id(&manner));
}

static void clock_slots_and_records_change_the_id(void **state)
{
	struct manner clock = {.meta = fixture_meta};
	struct manner slots = {.meta = fixture_meta};
	struct manner record = {.meta = fixture_meta, .changed_count = 1};
	struct trace_slot moved[3];

	(void)state;
	clock.meta.clock.ps_per_tick++;
	memcpy(moved, fixture_meta.slots, sizeof(moved));
	moved[2].hva += TRACE_PAGE_BYTES;
	slots.meta.slots = moved;
	assert_false(is_same_id(&clock));
	assert_false(is_same_id(&slots));
	assert_false(is_same_id(&record));
}

static void hits_and_samples_change_the_id(void **state)
{
	struct manner a = {
		.meta = fixture_meta, .samples = 20, .hits_of_last = 1};
	struct manner split = a, hits = a, samples = a;

	(void)state;
	split.is_split = true;
	hits.hits_of_last = 2;
	samples.samples = 21;
	assert_false(is_same_id(&a));
	assert_true(are_same_ids(&a, &split));
	assert_false(are_same_ids(&a, &hits));
	assert_false(are_same_ids(&a, &samples));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(framing_and_splitting_keep_the_id),
	cmocka_unit_test(notes_and_details_keep_the_id),
	cmocka_unit_test(clock_slots_and_records_change_the_id),
	cmocka_unit_test(hits_and_samples_change_the_id),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}

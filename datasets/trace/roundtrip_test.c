/* SPDX-License-Identifier: MIT */
/* What is written is what is read, and the content id depends on nothing else. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "datasets/trace/fixture.h"

struct place {
	char folder[64];
	char path[96];
};

static int make_place(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	fixture_folder(place->folder);
	snprintf(place->path, sizeof(place->path), "%s/t.kgt", place->folder);
	*state = place;
	return 0;
}

static int remove_place(void **state)
{
	struct place *place = *state;

	fixture_remove(place->folder);
	free(place);
	return 0;
}

static void assert_ok(int ret, const struct status *st)
{
	if (ret)
		fail_msg("%d: %s", ret, st->message);
}

static void random_events_come_back(void **state)
{
	const char *path = ((struct place *)*state)->path;
	const size_t n = 70000;
	struct trace_event *events = calloc(n, sizeof(*events));
	struct rng rng = {1};
	struct trace_writer *writer;
	struct trace_reader *reader;
	struct trace_block b;
	struct status st = {""};
	size_t i;

	assert_ok(trace_writer_open(&writer, path, &fixture_meta, &st), &st);
	for (i = 0; i < n; i++) {
		events[i] = fixture_event(&rng, i ? events[i - 1].time : 0);
		assert_ok(trace_writer_event(writer, &events[i], &st), &st);
	}
	assert_ok(trace_writer_close(writer, NULL, &st), &st);
	assert_ok(trace_reader_open(&reader, path, TRACE_OPEN_VERIFY, &st),
		  &st);
	for (i = 0; trace_reader_next(reader, &b, &st) > 0; i += b.stream.n) {
		for (size_t k = 0; k < b.stream.n; k++) {
			const struct trace_event *e = &events[i + k];

			assert_int_equal(b.stream.time[k], e->time);
			assert_int_equal(b.stream.gfn[k], e->gfn);
			assert_int_equal(b.stream.count[k], e->count);
			assert_int_equal(b.stream.vcpu[k], e->vcpu);
			assert_int_equal(b.stream.kind[k], e->kind);
			assert_int_equal(b.stream.reason[k], e->reason);
		}
	}
	assert_string_equal(st.message, "");
	assert_int_equal(i, n);
	assert_int_equal(trace_reader_totals(reader)->events, n);
	trace_reader_close(reader);
	free(events);
}

static int by_gfn(const void *a, const void *b)
{
	const struct trace_run *x = a, *y = b;

	return x->gfn < y->gfn ? -1 : x->gfn > y->gfn;
}

static void assert_runs(const struct trace_block *b,
			const struct trace_run *runs)
{
	for (size_t k = 0; k < b->nr_runs; k++) {
		assert_int_equal(b->runs[k].gfn, runs[k].gfn);
		assert_int_equal(b->runs[k].npages, runs[k].npages);
		assert_int_equal(b->runs[k].flags, runs[k].flags);
		assert_int_equal(b->runs[k].hits, runs[k].hits);
	}
}

/* Unordered epochs come back by gfn, ordered ones as they were. */
static void random_epochs_come_back(void **state)
{
	enum {
		RUNS = 40000,
		EPOCHS = 5
	};
	const char *path = ((struct place *)*state)->path;
	struct trace_run *runs = calloc(RUNS * EPOCHS, sizeof(*runs));
	size_t n[EPOCHS], at = 0;
	struct trace_epoch epochs[EPOCHS] = {0};
	struct trace_writer *writer;
	struct trace_reader *reader;
	struct trace_block b;
	struct rng rng = {2};
	struct status st = {""};

	assert_ok(trace_writer_open(&writer, path, &fixture_meta, &st), &st);
	for (size_t i = 0; i < EPOCHS; i++) {
		struct trace_run *mine = runs + i * RUNS;

		n[i] = fixture_epoch(&rng, &epochs[i], i,
				     i ? epochs[i - 1].end : 0, mine, RUNS);
		if (i == EPOCHS - 1)
			fixture_add_hits(&rng, &epochs[i], mine, n[i]);
		assert_ok(trace_writer_epoch(writer, &epochs[i], mine, n[i],
					     &st),
			  &st);
		if (!epochs[i].is_ordered)
			qsort(mine, n[i], sizeof(*mine), by_gfn);
	}
	assert_ok(trace_writer_close(writer, NULL, &st), &st);
	assert_ok(trace_reader_open(&reader, path, TRACE_OPEN_VERIFY, &st),
		  &st);
	while (trace_reader_next(reader, &b, &st) > 0) {
		size_t e = b.epoch.index;

		assert_runs(&b, runs + e * RUNS + at);
		at += b.nr_runs;
		assert_int_equal(b.epoch.end, epochs[e].end);
		assert_int_equal(b.epoch.has_hits, epochs[e].has_hits);
		assert_int_equal(b.epoch.samples, epochs[e].samples);
		if (b.is_last_part)
			assert_int_equal(at, n[e]);
		at = b.is_last_part ? 0 : at;
	}
	assert_string_equal(st.message, "");
	trace_reader_close(reader);
	free(runs);
}

static void meta_comes_back(void **state)
{
	const char *path = ((struct place *)*state)->path;
	const struct trace_meta *meta;
	struct trace_reader *reader;
	struct status st = {""};

	fixture_write(path, 3, 0, 0, 0, 0);
	assert_ok(trace_reader_open(&reader, path, 0, &st), &st);
	meta = trace_reader_meta(reader);
	assert_int_equal(meta->clock.kind, fixture_meta.clock.kind);
	assert_int_equal(meta->clock.ps_per_tick, 500);
	assert_int_equal(meta->fidelity, TRACE_EXACT);
	assert_int_equal(meta->channels, 3);
	assert_int_equal(meta->nr_vcpus, 4);
	assert_string_equal(meta->source, "fixture");
	assert_int_equal(meta->nr_slots, 3);
	for (size_t i = 0; i < 3; i++)
		assert_memory_equal(&meta->slots[i], &fixture_meta.slots[i],
				    sizeof(meta->slots[i]));
	assert_string_equal(meta->details,
			    "{\"kernel\":\"6.12\",\"filter\":[64,true]}");
	assert_int_equal(trace_meta_pages(meta), 0xa0 + 0x7ff00 + 0x80000);
	trace_reader_close(reader);
}

static void rewind_reads_the_same_again(void **state)
{
	const char *path = ((struct place *)*state)->path;
	struct trace_reader *reader;
	struct trace_block block;
	struct status st = {""};
	size_t blocks[2] = {0};

	fixture_write(path, 4, 40000, 3, 0, 100);
	assert_ok(trace_reader_open(&reader, path, TRACE_OPEN_VERIFY, &st),
		  &st);
	for (size_t pass = 0; pass < 2; pass++) {
		while (trace_reader_next(reader, &block, &st) > 0)
			blocks[pass]++;
		assert_ok(trace_reader_rewind(reader, &st), &st);
	}
	assert_string_equal(st.message, "");
	assert_int_equal(blocks[0], 2 + 1 + 3);
	assert_int_equal(blocks[1], blocks[0]);
	trace_reader_close(reader);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test_setup_teardown(random_events_come_back, make_place,
					remove_place),
	cmocka_unit_test_setup_teardown(random_epochs_come_back, make_place,
					remove_place),
	cmocka_unit_test_setup_teardown(meta_comes_back, make_place,
					remove_place),
	cmocka_unit_test_setup_teardown(rewind_reads_the_same_again, make_place,
					remove_place),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Traces for tests, page by page; see test_pages.h. */
#include "datasets/reshape/test_pages.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/test.h"
#include "datasets/trace/fixture.h"
#include "datasets/trace/stream.h"

void test_begin(struct place *p)
{
	fixture_folder(p->folder);
	snprintf(p->in, sizeof(p->in), "%s/in.kgt", p->folder);
	snprintf(p->out, sizeof(p->out), "%s/out.kgt", p->folder);
	snprintf(p->other, sizeof(p->other), "%s/other.kgt", p->folder);
	snprintf(p->again, sizeof(p->again), "%s/again.kgt", p->folder);
	snprintf(p->key, sizeof(p->key), "%s/key", p->folder);
}

/* No leaf above @level_max, which is what the change can take. */
void test_source(const char *path, uint64_t seed, unsigned int level_max)
{
	struct trace_writer *writer;
	struct trace_run runs[TEST_RUNS + 1];
	struct trace_epoch epoch;
	struct rng rng = {seed};
	uint64_t time = 1, end = 0;

	assert_int_equal(trace_writer_open(&writer, path, &fixture_meta, NULL),
			 0);
	for (int i = 0; i < TEST_EVENTS; i++) {
		struct trace_event event = fixture_event(&rng, time);

		time = event.time;
		assert_int_equal(trace_writer_event(writer, &event, NULL), 0);
	}
	assert_int_equal(trace_writer_note(writer, "a note", NULL), 0);
	for (uint64_t i = 0; i < TEST_EPOCHS; i++) {
		size_t n = fixture_epoch(&rng, &epoch, i, end, runs, TEST_RUNS);

		end = epoch.end;
		for (size_t k = 0; k < n; k++)
			if ((runs[k].flags & TRACE_RUN_LEVEL_MASK) > level_max)
				runs[k].flags &= (uint8_t)~TRACE_RUN_LEVEL_MASK;
		if (level_max == TRACE_1G) /* behind all others */
			runs[n++] = (struct trace_run){
				.gfn = 1 << 20,
				.npages = 1 << 18,
				.flags = TRACE_1G | TRACE_RUN_ACCESSED};
		assert_int_equal(
			trace_writer_epoch(writer, &epoch, runs, n, NULL), 0);
	}
	assert_int_equal(trace_writer_close(writer, NULL, NULL), 0);
}

void test_add(struct pages *p, uint64_t place, gfn_t gfn, unsigned int what)
{
	assert_int_equal(kage_grow(&p->page, &p->capacity, p->n,
				   sizeof(*p->page), NULL),
			 0);
	p->page[p->n++] = (struct page){place, gfn, what};
}

static void add_event(struct pages *p, const struct trace_event *e)
{
	uint32_t n = e->kind >= TRACE_INVALIDATE && e->kind != TRACE_LOST
			     ? e->count
			     : 1;

	/* ranges are long: their ends and the middle have to do */
	for (uint32_t i = 0; i < n; i += n < 200 ? 1 : 61)
		test_add(p, e->time, e->gfn + i,
			 e->kind * 4096u + e->vcpu * 16u + e->reason);
}

/* All pages of all records, without splitting being seen. */
struct pages test_load(const char *path)
{
	struct trace_reader *reader;
	struct trace_block b;
	struct pages p = {0};

	assert_int_equal(
		trace_reader_open(&reader, path, TRACE_OPEN_VERIFY, NULL), 0);
	while (trace_reader_next(reader, &b, NULL) > 0) {
		for (size_t i = 0;
		     b.type == TRACE_BLOCK_STREAM && i < b.stream.n; i++) {
			struct trace_event event = stream_event(&b.stream, i);

			add_event(&p, &event);
		}
		for (size_t i = 0; b.type == TRACE_BLOCK_EPOCH && i < b.nr_runs;
		     i++)
			for (uint32_t k = 0; k < b.runs[i].npages; k++)
				test_add(&p, (1 << 30) + b.epoch.index,
					 b.runs[i].gfn + k, b.runs[i].flags);
	}
	trace_reader_close(reader);
	return p;
}

bool test_is_access(const struct page *p)
{
	return p->place >= 1 << 30 || p->what / 4096 < TRACE_INVALIDATE;
}

void test_totals(const char *path, struct trace_totals *totals)
{
	assert_int_equal(
		fixture_read(path, TRACE_OPEN_VERIFY, NULL, totals, NULL), 0);
}

bool test_same(const struct trace_totals *a, const struct trace_totals *b)
{
	return !memcmp(a->id, b->id, sizeof(a->id));
}

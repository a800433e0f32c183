/* SPDX-License-Identifier: MIT */
/* What a scenario's guest touches, against traces written by hand and kage's own
 * way of cutting streams into epochs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/test.h"
#include "datasets/coarsen.h"
#include "datasets/scenario/playback.h"
#include "datasets/synth/synth.h"
#include "datasets/trace/fixture.h"

struct place {
	char folder[64];
	char path[96], other[96];
	struct playback playback;
};

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	fixture_folder(p->folder);
	snprintf(p->path, sizeof(p->path), "%s/t.kgt", p->folder);
	snprintf(p->other, sizeof(p->other), "%s/u.kgt", p->folder);
	*state = p;
	return 0;
}

static int remove_place(void **state)
{
	struct place *p = *state;

	playback_fini(&p->playback);
	fixture_remove(p->folder);
	free(p);
	return 0;
}

static int load(struct playback *playback, const char *path, const char *text,
		uint64_t seed, struct status *st)
{
	struct scenario s;
	int ret = scenario_parse(&s, text, strlen(text), "x.scn", st);

	if (!ret)
		ret = playback_load(playback, path, &s, seed, st);
	scenario_fini(&s);
	return ret;
}

static void load_ok(struct playback *playback, const char *path,
		    const char *text, uint64_t seed)
{
	struct status st = {""};

	if (load(playback, path, text, seed, &st))
		fail_msg("%s", st.message);
}

static struct trace_slot slots[2] = {
	{.gfn = 16, .npages = 100, .page_bytes = 4096, .backing = "anon"},
	{.gfn = 1000, .npages = 1024, .page_bytes = 4096, .backing = "anon"},
};

static struct trace_writer *begin(const char *path, unsigned int channels)
{
	struct trace_meta meta = {
		.clock = {TRACE_CLOCK_NS, 1000},
		.fidelity = TRACE_SYNTHETIC,
		.channels = channels,
		.nr_vcpus = 1,
		.nr_slots = 2,
		.slots = slots,
		.source = "test",
		.details = (char[]){"{}"},
	};
	struct trace_writer *writer;
	struct status st = {""};

	if (trace_writer_open(&writer, path, &meta, &st))
		fail_msg("%s", st.message);
	return writer;
}

static void put_event(struct trace_writer *writer, uint64_t time, gfn_t gfn,
		      enum trace_event_kind kind)
{
	struct trace_event event = {
		.time = time, .gfn = gfn, .count = 1, .kind = (uint8_t)kind};

	if (kind == TRACE_INVALIDATE)
		event.reason = TRACE_REASON_NUMA;
	assert_int_equal(trace_writer_event(writer, &event, NULL), 0);
}

static void put_epoch(struct trace_writer *writer, uint64_t index,
		      bool is_ordered, const struct trace_run *runs, size_t n)
{
	struct trace_epoch epoch = {
		.index = index,
		.start = index * 100,
		.end = index * 100 + 100,
		.scan_start = index * 100 + 100,
		.scan_end = index * 100 + 100,
		.channels = TRACE_CHANNEL_ACCESSED | TRACE_CHANNEL_DIRTY,
		.is_ordered = is_ordered,
	};
	struct status st = {""};

	if (trace_writer_epoch(writer, &epoch, runs, n, &st))
		fail_msg("%s", st.message);
}

static void end(struct trace_writer *writer)
{
	assert_int_equal(trace_writer_close(writer, NULL, NULL), 0);
}

static void expect_epoch(const struct playback *p, size_t epoch, uint64_t start,
			 const char *text)
{
	char seen[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < p->epochs[epoch].n; i++) {
		const struct playback_touch *t =
			&p->touches[p->epochs[epoch].first + i];

		used += (size_t)snprintf(seen + used, sizeof(seen) - used,
					 " %llu%s", (unsigned long long)t->gfn,
					 t->is_write ? "w" : "");
	}
	assert_string_equal(seen, text);
	assert_int_equal(p->epochs[epoch].start, start);
}

static void streams_are_cut_and_folded(void **state)
{
	static const gfn_t footprint[] = {16, 17, 18, 115, 1000, 1001, 2023};
	struct place *p = *state;
	struct trace_writer *w = begin(p->path, 3);

	put_event(w, 95, 20, TRACE_HOST_WRITE); /* not the guest's */
	put_event(w, 101, 1000, TRACE_READ);
	put_event(w, 150, 18, TRACE_READ);
	put_event(w, 151, 1000, TRACE_WRITE); /* folded: a write by now */
	put_event(w, 160, 30, TRACE_INVALIDATE);
	put_event(w, 200, 17, TRACE_FETCH); /* the last tick of its epoch */
	put_event(w, 201, 2023, TRACE_WRITE);
	put_event(w, 450, 115, TRACE_READ); /* one epoch had nothing */
	put_event(w, 460, 16, TRACE_READ);
	put_event(w, 470, 1001, TRACE_READ);
	end(w);
	load_ok(&p->playback, p->path, "epoch 100ns\npopulate\nepochs all", 0);
	assert_int_equal(p->playback.nr_pages, 7);
	assert_memory_equal(p->playback.footprint, footprint,
			    sizeof(footprint));
	assert_int_equal(p->playback.nr_epochs, 4);
	expect_epoch(&p->playback, 0, 100, " 1000w 18 17");
	expect_epoch(&p->playback, 1, 200, " 2023w");
	expect_epoch(&p->playback, 2, 300, "");
	expect_epoch(&p->playback, 3, 400, " 115 16 1001");
}

static void a_trace_without_an_access_is_refused(void **state)
{
	struct place *p = *state;
	struct trace_writer *w = begin(p->path, 3);
	struct status st = {""};

	put_event(w, 95, 20, TRACE_HOST_WRITE);
	put_event(w, 160, 30, TRACE_INVALIDATE);
	end(w);
	assert_int_equal(load(&p->playback, p->path,
			      "epoch 100ns\npopulate\nepochs all", 0, &st),
			 -EBADMSG);
	assert_non_null(strstr(st.message, "t.kgt: has no page"));
}

static void a_seed_that_results_cannot_tell_is_refused(void **state)
{
	struct place *p = *state;
	struct trace_writer *w = begin(p->path, 3);
	struct status st = {""};

	put_event(w, 101, 1000, TRACE_READ);
	end(w);
	assert_int_equal(load(&p->playback, p->path, "epoch 1us\npopulate",
			      (uint64_t)INT64_MAX + 1, &st),
			 -EINVAL);
	assert_non_null(strstr(st.message, "seed"));
	load_ok(&p->playback, p->path, "epoch 1us\npopulate", INT64_MAX);
}

/* The slots share a page table of the host's; pages 1024 to 1535 have the next one,
 * of which nothing is touched. */
static void pages_keep_their_place_in_their_table(void **state)
{
	static const gfn_t gfn[] = {17, 115, 1000, 1023, 2023};
	static const uint32_t place[] = {17, 115, 488, 511, 512 + 487};
	struct place *p = *state;
	struct trace_writer *w = begin(p->path, 3);

	for (size_t i = 0; i < 5; i++)
		put_event(w, 10 + i, gfn[i], TRACE_READ);
	end(w);
	load_ok(&p->playback, p->path, "epoch 100ns\npopulate", 0);
	assert_int_equal(p->playback.nr_pages, 5);
	assert_memory_equal(p->playback.footprint, gfn, sizeof(gfn));
	assert_memory_equal(p->playback.place, place, sizeof(place));
	assert_int_equal(p->playback.guest_pages, 1024);
}

static void epochs_are_taken_as_they_are(void **state)
{
	static const struct trace_run first[] = {
		{.gfn = 1010, .npages = 2, .flags = TRACE_RUN_ACCESSED},
		{.gfn = 20, .npages = 1, .flags = 3 << 2},
	};
	static const struct trace_run second[] = {
		{.gfn = 1024,
		 .npages = 512,
		 .flags = TRACE_RUN_ACCESSED | TRACE_2M},
	};
	struct place *p = *state;
	struct trace_writer *w = begin(p->path, 3);

	put_epoch(w, 0, true, first, 2);
	put_epoch(w, 1, true, NULL, 0);
	put_epoch(w, 2, true, second, 1);
	end(w);
	load_ok(&p->playback, p->path, "epochs 2", 0);
	/* what is not played takes no memory, but is of the footprint */
	assert_int_equal(p->playback.nr_epochs, 2);
	assert_int_equal(p->playback.nr_touches, 3);
	assert_int_equal(p->playback.nr_pages, 3 + 512);
	expect_epoch(&p->playback, 0, 0, " 1010 1011 20w");
	expect_epoch(&p->playback, 1, 100, "");
	playback_fini(&p->playback);
	load_ok(&p->playback, p->path, "epochs 2\nepochs all", 0);
	assert_int_equal(p->playback.epochs[2].n, 512);
	assert_int_equal(p->playback.touches[3 + 511].gfn, 1535);
}

static int by_gfn(const void *a, const void *b)
{
	const struct playback_touch *x = a, *y = b;

	return (x->gfn > y->gfn) - (x->gfn < y->gfn);
}

static void an_unknown_order_is_that_of_the_seed(void **state)
{
	static const struct trace_run run = {
		.gfn = 1000, .npages = 64, .flags = TRACE_RUN_ACCESSED};
	struct place *p = *state;
	struct playback q, again;
	struct trace_writer *w = begin(p->path, 3);
	size_t size = 128 * sizeof(*q.touches);

	put_epoch(w, 0, false, &run, 1);
	put_epoch(w, 1, false, &run, 1);
	end(w);
	load_ok(&p->playback, p->path, "epochs all", 0);
	load_ok(&q, p->path, "epochs all", 1);
	load_ok(&again, p->path, "epochs all", 0);
	assert_memory_equal(p->playback.touches, again.touches, size);
	assert_memory_not_equal(p->playback.touches, q.touches, size);
	assert_memory_not_equal(q.touches, q.touches + 64, size / 2);
	qsort(q.touches, 64, sizeof(*q.touches), by_gfn);
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(q.touches[i].gfn, 1000 + i);
	playback_fini(&q);
	playback_fini(&again);
}

static void make_zipf(const char *path, uint64_t seed)
{
	const struct synth_job job = {.pages = 2000,
				      .accesses = 30000,
				      .tick_ns = 100,
				      .writes = 0.3,
				      .seed = seed};
	struct status st = {""};

	if (synth_run(synth_find("zipf", NULL), NULL, &job, path, NULL, &st))
		fail_msg("%s", st.message);
}

static void coarsen_to(const char *from, const char *to, uint64_t period)
{
	const struct coarsen_job job = {.period = period};
	struct trace_reader *reader;
	struct trace_writer *writer;

	assert_int_equal(trace_reader_open(&reader, from, 0, NULL), 0);
	assert_int_equal(trace_writer_open(&writer, to,
					   trace_reader_meta(reader), NULL),
			 0);
	assert_int_equal(coarsen(reader, writer, &job, NULL), 0);
	assert_int_equal(trace_writer_close(writer, NULL, NULL), 0);
	trace_reader_close(reader);
}

static void a_stream_plays_as_its_coarsened_self(void **state)
{
	struct place *p = *state;
	struct playback q;

	make_zipf(p->path, 3);
	coarsen_to(p->path, p->other, 70000);
	load_ok(&p->playback, p->path, "epoch 70us\nepochs all", 0);
	load_ok(&q, p->other, "epochs all", 0);
	assert_int_equal(q.nr_epochs, 43);
	assert_int_equal(p->playback.nr_epochs, q.nr_epochs);
	assert_int_equal(p->playback.nr_pages, q.nr_pages);
	assert_memory_equal(p->playback.epochs, q.epochs,
			    q.nr_epochs * sizeof(*q.epochs));
	assert_memory_equal(p->playback.footprint, q.footprint,
			    q.nr_pages * sizeof(*q.footprint));
	for (size_t i = 0; i < q.nr_touches; i++) {
		assert_int_equal(p->playback.touches[i].gfn, q.touches[i].gfn);
		assert_int_equal(p->playback.touches[i].is_write,
				 q.touches[i].is_write);
	}
	playback_fini(&q);
}

static void refuses(const char *path, const char *text, const char *message)
{
	struct status st = {""};
	struct playback p;

	assert_int_equal(load(&p, path, text, 0, &st), -EBADMSG);
	if (!strstr(st.message, message))
		fail_msg("'%s' without '%s'", st.message, message);
	assert_null(p.touches);
}

static void what_does_not_fit_is_refused(void **state)
{
	static const struct trace_run run = {
		.gfn = 1000, .npages = 64, .flags = TRACE_RUN_ACCESSED};
	struct place *p = *state;
	struct trace_writer *w = begin(p->path, 3);
	char part[128];

	put_epoch(w, 0, true, &run, 1);
	snprintf(part, sizeof(part), "%s.part", p->path);
	assert_int_equal(trace_writer_flush(w, NULL), 0);
	refuses(part, "epochs 1", "is not finished");
	end(w);
	refuses(p->path, "epochs 2", "x.scn:1: the trace has 1 epochs");
	refuses(p->path, "sweep 0-64", "has only 64 pages");
	refuses(p->path, "epoch 1ms\nepochs 1", "epochs of its own");
	w = begin(p->other, 3);
	put_event(w, 5, 1000, TRACE_READ);
	end(w);
	refuses(p->other, "populate", "say 'epoch TIME' first");
	refuses(p->other, "epoch 1ns\nepochs 2", "the trace has 1 epochs");
}

static void a_mixed_trace_is_refused(void **state)
{
	static const struct trace_run run = {
		.gfn = 1000, .npages = 64, .flags = TRACE_RUN_ACCESSED};
	struct place *p = *state;
	struct trace_writer *w = begin(p->path, 3);

	put_epoch(w, 0, true, &run, 1);
	put_event(w, 150, 1000, TRACE_READ);
	end(w);
	refuses(p->path, "epochs 1", "has epochs and accesses");
}

static void too_short_epochs_are_too_many(void **state)
{
	struct place *p = *state;
	struct trace_writer *w = begin(p->path, 3);
	struct status st = {""};

	put_event(w, 5, 1000, TRACE_READ);
	put_event(w, 5000000000, 1000, TRACE_READ);
	end(w);
	assert_int_equal(load(&p->playback, p->path, "epoch 1us\nepochs 1", 0,
			      &st),
			 -E2BIG);
	assert_non_null(strstr(st.message, "too many epochs"));
}

static void every_failed_allocation_is_reported(void **state)
{
	struct place *p = *state;
	unsigned long nth = 0;
	int ret;

	make_zipf(p->path, 4);
	do {
		struct playback q;
		struct status st = {""};

		kage_alloc_fail_at(++nth);
		ret = load(&q, p->path, "epoch 1ms\npopulate\nepochs all", 0,
			   &st);
		assert_int_equal(ret, kage_alloc_failed() ? -ENOMEM : 0);
		if (!ret)
			playback_fini(&q);
	} while (ret);
	kage_alloc_fail_at(0);
	assert_true(nth > 10);
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, make_place, remove_place)
	const struct CMUnitTest tests[] = {
		TEST(streams_are_cut_and_folded),
		TEST(a_trace_without_an_access_is_refused),
		TEST(a_seed_that_results_cannot_tell_is_refused),
		TEST(pages_keep_their_place_in_their_table),
		TEST(epochs_are_taken_as_they_are),
		TEST(an_unknown_order_is_that_of_the_seed),
		TEST(a_stream_plays_as_its_coarsened_self),
		TEST(what_does_not_fit_is_refused),
		TEST(a_mixed_trace_is_refused),
		TEST(too_short_epochs_are_too_many),
		TEST(every_failed_allocation_is_reported),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}

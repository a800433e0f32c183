/* SPDX-License-Identifier: MIT */
/* Samples and permuted traces, held against what they were made of. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "datasets/reshape/reshape.h"
#include "datasets/reshape/test_pages.h"
#include "datasets/trace/fixture.h"

static struct trace_totals sampled(const struct place *p, double share,
				   uint64_t seed, int want)
{
	const struct sample_job job = {share, seed};
	struct trace_totals totals = {0};
	struct trace_reader *reader;

	assert_int_equal(trace_reader_open(&reader, p->in, 0, NULL), 0);
	assert_int_equal(sample_trace(reader, p->out, &job, &totals, NULL),
			 want);
	trace_reader_close(reader);
	return totals;
}

static void test_all_of_a_trace_is_the_trace(void **unused)
{
	struct trace_totals in, out;
	struct place p;

	(void)unused;
	test_begin(&p);
	test_source(p.in, 1, TRACE_4K);
	test_totals(p.in, &in);
	out = sampled(&p, 1, 5, 0);
	/* ranges are cut at slots only, and there they were cut already */
	assert_true(test_same(&in, &out));
	fixture_remove(p.folder);
}

static bool is_same(const struct page *a, const struct page *b)
{
	return a->place == b->place && a->gfn == b->gfn && a->what == b->what;
}

static void test_blocks_are_kept_whole_or_not_at_all(void **unused)
{
	static char fate[1 << 16]; /* by block; 1 kept, 2 left out */
	struct pages in, out;
	struct place p;
	size_t kept = 0, left_out = 0, at = 0;

	(void)unused;
	test_begin(&p);
	test_source(p.in, 1, TRACE_4K);
	sampled(&p, 0.25, 5, 0);
	in = test_load(p.in);
	out = test_load(p.out);
	for (size_t i = 0; i < in.n; i++) {
		const struct page *page = &in.page[i];
		bool is_there;

		if (!test_is_access(page))
			continue;
		while (at < out.n && !test_is_access(&out.page[at]))
			at++;
		is_there = at < out.n && is_same(&out.page[at], page);
		at += is_there;
		kept += is_there;
		left_out += !is_there;
		assert_int_not_equal(fate[page->gfn / 64], is_there ? 2 : 1);
		fate[page->gfn / 64] = is_there ? 1 : 2;
	}
	while (at < out.n && !test_is_access(&out.page[at]))
		at++;
	assert_int_equal(at, out.n);
	assert_in_range(kept, (kept + left_out) / 6, (kept + left_out) / 3);
	free(in.page);
	free(out.page);
	fixture_remove(p.folder);
}

static void test_samples_differ_by_seed(void **unused)
{
	struct trace_totals a, b, c;
	struct place p;

	(void)unused;
	test_begin(&p);
	test_source(p.in, 1, TRACE_4K);
	a = sampled(&p, 0.5, 1, 0);
	b = sampled(&p, 0.5, 1, 0);
	c = sampled(&p, 0.5, 2, 0);
	assert_true(test_same(&a, &b));
	assert_false(test_same(&a, &c));
	unlink(p.out);
	sampled(&p, 0, 1, -EINVAL);
	test_source(p.in, 1, TRACE_2M);
	sampled(&p, 0.5, 1, -EINVAL);
	assert_int_not_equal(access(p.out, F_OK), 0);
	fixture_remove(p.folder);
}

static void save_key(const struct place *p, const char *key)
{
	FILE *file = fopen(p->key, "wb");

	assert_non_null(file);
	fputs(key, file);
	assert_int_equal(fclose(file), 0);
}

static struct trace_totals anonymized(const struct place *p, const char *from,
				      const char *to, int want)
{
	struct trace_totals totals = {0};
	struct trace_reader *reader;

	assert_int_equal(trace_reader_open(&reader, from, 0, NULL), 0);
	assert_int_equal(anonymize_trace(reader, to, p->key, &totals, NULL),
			 want);
	trace_reader_close(reader);
	return totals;
}

static const char key_1[] = "0123456789abcdef-first-key";
static const char key_2[] = "0123456789abcdef-other-key";

/* Each block of the source goes to one place, and to each goes one block. */
static void test_anonymize_permutes_blocks(void **unused)
{
	static uint32_t to[1 << 12], from[1 << 12];
	struct pages in, out;
	size_t moved = 0, seen = 0;
	struct place p;

	(void)unused;
	test_begin(&p);
	save_key(&p, key_1);
	test_source(p.in, 3, TRACE_2M);
	anonymized(&p, p.in, p.out, 0);
	in = test_load(p.in);
	out = test_load(p.out);
	for (size_t i = 0, k = 0; i < in.n && k < out.n; i++, k++) {
		uint32_t a, b;

		while (i < in.n && !test_is_access(&in.page[i]))
			i++;
		while (k < out.n && !test_is_access(&out.page[k]))
			k++;
		if (i == in.n || k == out.n || in.page[i].place >= 1 << 30)
			break;
		a = (uint32_t)(in.page[i].gfn / 512);
		b = (uint32_t)(out.page[k].gfn / 512);
		assert_int_equal(in.page[i].gfn % 512, out.page[k].gfn % 512);
		assert_int_equal(in.page[i].what, out.page[k].what);
		assert_true(!to[a] || to[a] == b + 1);
		assert_true(!from[b] || from[b] == a + 1);
		to[a] = b + 1;
		from[b] = a + 1;
		seen++;
		moved += a != b;
	}
	assert_true(seen > TEST_EVENTS / 3 && moved > seen / 3);
	free(in.page);
	free(out.page);
	fixture_remove(p.folder);
}

static void test_anonymize_hangs_on_the_key(void **unused)
{
	struct trace_totals a, b, c;
	struct trace_reader *reader;
	struct outbuf bytes;
	struct place p;

	(void)unused;
	test_begin(&p);
	test_source(p.in, 3, TRACE_2M);
	save_key(&p, key_1);
	a = anonymized(&p, p.in, p.out, 0);
	b = anonymized(&p, p.in, p.other, 0);
	save_key(&p, key_2);
	c = anonymized(&p, p.in, p.again, 0);
	assert_true(test_same(&a, &b));
	assert_false(test_same(&a, &c));
	assert_int_equal(a.accesses, c.accesses);
	assert_int_equal(a.epoch_pages, c.epoch_pages);
	assert_int_equal(trace_reader_open(&reader, p.out, 0, NULL), 0);
	assert_null(strstr(trace_reader_meta(reader)->details, "kernel"));
	assert_null(strstr(trace_reader_meta(reader)->details, "0123456789"));
	for (size_t i = 0; i < trace_reader_meta(reader)->nr_slots; i++)
		assert_int_equal(trace_reader_meta(reader)->slots[i].hva, 0);
	trace_reader_close(reader);
	bytes = fixture_load(p.out);
	assert_null(memmem(bytes.data, bytes.used, key_1, sizeof(key_1) - 1));
	outbuf_fini(&bytes);
	save_key(&p, "too short");
	anonymized(&p, p.in, p.out, -EBADMSG);
	fixture_remove(p.folder);
}

/* A range and a run of many blocks in a row. */
static void write_long_records(const char *path)
{
	const struct trace_slot *slot = &fixture_meta.slots[0];
	struct trace_event event = {.time = 1, .kind = TRACE_INVALIDATE};
	const struct trace_epoch epoch = {.start = 2,
					  .end = 3,
					  .scan_start = 3,
					  .scan_end = 3,
					  .channels = TRACE_CHANNEL_ACCESSED,
					  .is_ordered = true};
	struct trace_writer *writer;
	struct trace_run run = {.flags = TRACE_RUN_ACCESSED};

	for (size_t i = 1; i < fixture_meta.nr_slots; i++)
		if (fixture_meta.slots[i].npages > slot->npages)
			slot = &fixture_meta.slots[i];
	assert_true(slot->npages >= 16 * ANONYMIZE_BLOCK_PAGES);
	run.gfn = event.gfn = slot->gfn;
	run.npages = event.count = 16 * ANONYMIZE_BLOCK_PAGES;
	assert_int_equal(trace_writer_open(&writer, path, &fixture_meta, NULL),
			 0);
	assert_int_equal(trace_writer_event(writer, &event, NULL), 0);
	assert_int_equal(trace_writer_epoch(writer, &epoch, &run, 1, NULL), 0);
	assert_int_equal(trace_writer_close(writer, NULL, NULL), 0);
}

/* Which of a record's blocks came first in memory is not told by their order. */
static void test_anonymize_sorts_the_pieces(void **unused)
{
	unsigned long long gfn, last[2] = {0};
	struct outbuf text = {0};
	size_t n[2] = {0};
	struct place p;

	(void)unused;
	test_begin(&p);
	save_key(&p, key_1);
	write_long_records(p.in);
	anonymized(&p, p.in, p.out, 0);
	assert_int_equal(fixture_read(p.out, 0, &text, NULL, NULL), 0);
	for (char *rest, *line = strtok_r(text.data, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		bool is_run = !strncmp(line, "run ", 4);

		if (!is_run && strncmp(line, "event ", 6))
			continue;
		assert_int_equal(sscanf(line,
					is_run ? "run %llx" : "event %*s %llx",
					&gfn),
				 1);
		assert_true(!n[is_run]++ || gfn > last[is_run]);
		last[is_run] = gfn;
	}
	assert_true(n[0] > 2 && n[0] == n[1]);
	outbuf_fini(&text);
	fixture_remove(p.folder);
}

/* What a trace was made of is not told either, but for how many there were. */
static void test_anonymize_forgets_the_parts(void **unused)
{
	struct trace_reader *readers[2], *reader;
	struct trace_totals totals;
	struct trace_writer *writer;
	char id[TRACE_ID_TEXT];
	const char *details;
	struct place p;

	(void)unused;
	test_begin(&p);
	save_key(&p, key_1);
	assert_int_equal(trace_writer_open(&writer, p.in, &fixture_meta, NULL),
			 0);
	assert_int_equal(trace_writer_close(writer, &totals, NULL), 0);
	trace_id_text(id, totals.id);
	for (int appends = 0; appends < 2; appends++) {
		assert_int_equal(trace_reader_open(&readers[0], p.in, 0, NULL),
				 0);
		assert_int_equal(trace_reader_open(&readers[1], p.in, 0, NULL),
				 0);
		assert_int_equal((appends ? append_traces : merge_traces)(
					 readers, appends ? 1 : 2, p.out, NULL,
					 NULL),
				 0);
		trace_reader_close(readers[0]);
		trace_reader_close(readers[1]);
		assert_int_equal(trace_reader_open(&reader, p.out, 0, NULL), 0);
		details = trace_reader_meta(reader)->details;
		assert_non_null(strstr(details, "kernel"));
		assert_non_null(strstr(details, id));
		trace_reader_close(reader);
		anonymized(&p, p.out, p.other, 0);
		assert_int_equal(trace_reader_open(&reader, p.other, 0, NULL),
				 0);
		details = trace_reader_meta(reader)->details;
		assert_null(strstr(details, "kernel"));
		assert_null(strstr(details, id));
		assert_non_null(strstr(details,
				       appends ? "{\"append\":{\"inputs\":1}}"
					       : "{\"merge\":{\"inputs\":2}}"));
		trace_reader_close(reader);
	}
	fixture_remove(p.folder);
}

/* A leaf of 2M is still one; one of 1G would be taken apart. */
static void test_anonymize_keeps_leaves(void **unused)
{
	uint64_t before[4] = {0}, after[4] = {0};
	struct pages in, out;
	struct place p;

	(void)unused;
	test_begin(&p);
	save_key(&p, key_1);
	test_source(p.in, 4, TRACE_2M);
	anonymized(&p, p.in, p.out, 0);
	in = test_load(p.in);
	out = test_load(p.out);
	for (size_t i = 0; i < in.n; i++)
		if (in.page[i].place >= 1 << 30)
			before[in.page[i].what & 3]++;
	for (size_t i = 0; i < out.n; i++)
		if (out.page[i].place >= 1 << 30)
			after[out.page[i].what & 3]++;
	assert_memory_equal(before, after, sizeof(before));
	assert_true(before[TRACE_2M] > 512);
	free(in.page);
	free(out.page);
	test_source(p.in, 4, TRACE_1G);
	unlink(p.out);
	anonymized(&p, p.in, p.out, -EINVAL);
	assert_int_not_equal(access(p.out, F_OK), 0);
	fixture_remove(p.folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_a_trace_is_the_trace),
		cmocka_unit_test(test_blocks_are_kept_whole_or_not_at_all),
		cmocka_unit_test(test_samples_differ_by_seed),
		cmocka_unit_test(test_anonymize_permutes_blocks),
		cmocka_unit_test(test_anonymize_hangs_on_the_key),
		cmocka_unit_test(test_anonymize_sorts_the_pieces),
		cmocka_unit_test(test_anonymize_forgets_the_parts),
		cmocka_unit_test(test_anonymize_keeps_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

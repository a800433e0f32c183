/* SPDX-License-Identifier: MIT */
/*
 * A small but complete file, damaged in every place: each bit flipped, each
 * length cut.  No damage may pass for another trace, or crash the reader.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/test.h"
#include "datasets/trace/fixture.h"
#include "datasets/trace/format.h"
#include "datasets/trace/frame.h"
#include "datasets/trace/totals.h"

struct place {
	char folder[64];
	char path[96];
	struct outbuf file; /* the whole one */
	struct outbuf text; /* its records */
	struct trace_totals totals;
};

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	*state = p;
	fixture_folder(p->folder);
	snprintf(p->path, sizeof(p->path), "%s/t.kgt", p->folder);
	fixture_write(p->path, 7, 40, 3, 1, 5);
	p->file = fixture_load(p->path);
	return fixture_read(p->path, TRACE_OPEN_VERIFY, &p->text, &p->totals,
			    NULL);
}

static int remove_place(void **state)
{
	struct place *p = *state;

	outbuf_fini(&p->file);
	outbuf_fini(&p->text);
	fixture_remove(p->folder);
	free(p);
	return 0;
}

/* Read @bytes of @data as a file. */
static int read_bytes(const void *data, size_t bytes, unsigned int flags,
		      struct outbuf *text, struct trace_totals *totals,
		      struct status *st)
{
	char path[64];
	int fd, ret;

	fixture_memfd(path, &fd, data, bytes);
	ret = fixture_read(path, flags, text, totals, st);
	close(fd);
	return ret;
}

static void a_flipped_bit_is_noticed(void **state)
{
	struct place *p = *state;

	for (size_t bit = 0; bit < 8 * p->file.used; bit++) {
		struct trace_totals totals;
		struct status st = {""};
		int ret;

		p->file.data[bit / 8] ^= (char)(1 << bit % 8);
		ret = read_bytes(p->file.data, p->file.used, TRACE_OPEN_VERIFY,
				 NULL, &totals, &st);
		p->file.data[bit / 8] ^= (char)(1 << bit % 8);
		if (!ret)
			assert_memory_equal(totals.id, p->totals.id,
					    TRACE_ID_BYTES);
		else if (ret != -EBADMSG || !strstr(st.message, "offset "))
			fail_msg("bit %zu: %d: %s", bit, ret, st.message);
	}
}

static void a_flipped_byte_leaves_a_prefix(void **state)
{
	struct place *p = *state;

	for (size_t at = 0; at < p->file.used; at++) {
		struct outbuf text = {0};

		p->file.data[at] ^= 0x55;
		read_bytes(p->file.data, p->file.used, TRACE_OPEN_PARTIAL,
			   &text, NULL, NULL);
		p->file.data[at] ^= 0x55;
		if (text.used)
			assert_memory_equal(text.data, p->text.data, text.used);
		outbuf_fini(&text);
	}
}

/* Whatever END says: fewer records have another id, and counts of their own. */
static void totals_are_of_what_was_read(void **state)
{
	struct place *p = *state;

	for (size_t at = 0; at < p->file.used; at++) {
		struct trace_totals totals;
		struct outbuf text = {0};
		int ret;

		p->file.data[at] ^= 0x55;
		ret = read_bytes(p->file.data, p->file.used, TRACE_OPEN_PARTIAL,
				 &text, &totals, NULL);
		p->file.data[at] ^= 0x55;
		if (!ret && text.used < p->text.used)
			assert_true(totals.events + totals.epochs <
				    p->totals.events + p->totals.epochs);
		if (!ret)
			assert_int_equal(!memcmp(totals.id, p->totals.id,
						 TRACE_ID_BYTES),
					 totals.events + totals.epochs ==
						 p->totals.events +
							 p->totals.epochs);
		outbuf_fini(&text);
	}
}

static void a_cut_file_is_noticed(void **state)
{
	const struct place *p = *state;
	struct status st;

	for (size_t bytes = 0; bytes < p->file.used; bytes++) {
		assert_int_equal(read_bytes(p->file.data, bytes, 0, NULL, NULL,
					    &st),
				 -EBADMSG);
		assert_non_null(strstr(st.message, "offset "));
	}
}

static void a_cut_file_gives_a_prefix(void **state)
{
	const struct place *p = *state;
	size_t longest = 0;

	for (size_t bytes = 0; bytes < p->file.used; bytes++) {
		struct outbuf text = {0};
		int ret = read_bytes(p->file.data, bytes, TRACE_OPEN_PARTIAL,
				     &text, NULL, NULL);

		assert_true(!ret || (ret == -EBADMSG && !text.used));
		assert_true(text.used >= longest);
		longest = text.used;
		if (text.used)
			assert_memory_equal(text.data, p->text.data, text.used);
		outbuf_fini(&text);
	}
	assert_int_equal(longest, p->text.used);
}

static void bytes_behind_the_trailer_are_refused(void **state)
{
	struct place *p = *state;
	struct status st = {""};

	outbuf_put(&p->file, "", 1);
	assert_int_equal(read_bytes(p->file.data, p->file.used, 0, NULL, NULL,
				    &st),
			 -EBADMSG);
}

static void noise_is_refused(void **state)
{
	struct rng rng = {11};
	struct outbuf noise = {0};

	(void)state;
	for (size_t i = 0; i < 4096; i++) {
		uint64_t word = rng_next(&rng);

		outbuf_put(&noise, &word, sizeof(word));
	}
	assert_int_equal(read_bytes(noise.data, noise.used, TRACE_OPEN_PARTIAL,
				    NULL, NULL, NULL),
			 -EBADMSG);
	outbuf_fini(&noise);
}

/* @file with other times in END, and every checksum right. */
static struct outbuf forge_times(const struct outbuf *file, uint64_t first,
				 uint64_t last)
{
	const uint8_t *data = (const uint8_t *)file->data;
	uint8_t raw[END_BYTES_MAX], trailer[TRAILER_BYTES], *packed;
	ZSTD_DCtx *unzip = ZSTD_createDCtx();
	ZSTD_CCtx *zip = ZSTD_createCCtx();
	struct outbuf forged = {0};
	struct trace_end end;
	struct frame frame;
	uint64_t at;

	assert_true(trailer_decode(data + file->used - TRAILER_BYTES, &at));
	assert_null(frame_parse(&frame, data + at));
	assert_null(frame_unpack(&frame, raw, data + at + FRAME_HEADER_BYTES,
				 unzip));
	assert_true(end_decode(&end, raw, frame.raw_len));
	end.totals.first_time = first;
	end.totals.last_time = last;
	frame.raw_len = end_encode(raw, &end);
	packed = malloc(frame_bound(frame.raw_len));
	assert_int_equal(frame_pack(packed, &frame, raw, zip, NULL), 0);
	trailer_encode(trailer, at);
	outbuf_put(&forged, data, at);
	outbuf_put(&forged, packed, FRAME_HEADER_BYTES + frame.stored_len);
	outbuf_put(&forged, trailer, sizeof(trailer));
	free(packed);
	ZSTD_freeCCtx(zip);
	ZSTD_freeDCtx(unzip);
	return forged;
}

/* Whoever derived something from END must not be surprised by a record. */
static void no_record_is_more_than_end_says(void **state)
{
	const struct place *p = *state;
	const uint64_t first = p->totals.first_time, last = p->totals.last_time;
	const uint64_t times[][2] = {
		{first, last - 1}, {first + 1, last}, {last, first}};

	for (size_t i = 0; i < 3; i++) {
		struct outbuf forged =
			forge_times(&p->file, times[i][0], times[i][1]);
		struct status st = {""};

		assert_int_equal(read_bytes(forged.data, forged.used, 0, NULL,
					    NULL, &st),
				 -EBADMSG);
		assert_non_null(strstr(st.message, "more than END says"));
		outbuf_fini(&forged);
	}
}

/* Cut at every third length, recover, and what comes back is whole and a prefix. */
static void every_cut_recovers(void **state)
{
	const struct place *p = *state;
	char part[128], whole[96];

	snprintf(whole, sizeof(whole), "%s/r.kgt", p->folder);
	snprintf(part, sizeof(part), "%s.part", whole);
	for (size_t bytes = 0; bytes <= p->file.used; bytes += 3) {
		struct trace_totals recovered, totals;
		struct outbuf text = {0};
		struct status st = {""};
		uint64_t dropped;
		FILE *file = fopen(part, "wb");
		int ret;

		assert_int_equal(fwrite(p->file.data, 1, bytes, file), bytes);
		fclose(file);
		ret = trace_recover(part, &recovered, &dropped, &st);
		if (ret) {
			assert_int_equal(ret, -EBADMSG);
			continue;
		}
		ret = fixture_read(whole, TRACE_OPEN_VERIFY, &text, &totals,
				   &st);
		if (ret)
			fail_msg("cut at %zu: %s", bytes, st.message);
		assert_memory_equal(totals.id, recovered.id, TRACE_ID_BYTES);
		if (text.used)
			assert_memory_equal(text.data, p->text.data, text.used);
		outbuf_fini(&text);
		unlink(whole);
	}
}

static void every_failed_allocation_is_survived(void **state)
{
	const struct place *p = *state;
	struct trace_totals totals;
	unsigned long nth = 0;
	int ret;

	do {
		kage_alloc_fail_at(++nth);
		ret = fixture_read(p->path, TRACE_OPEN_VERIFY, NULL, &totals,
				   NULL);
		if (kage_alloc_failed())
			assert_int_equal(ret, -ENOMEM);
	} while (kage_alloc_failed());
	kage_alloc_fail_at(0);
	assert_int_equal(ret, 0);
	assert_true(nth > 10);
}

/* Return: the first error of a short writing session. */
static int write_session(const char *path)
{
	struct trace_event event = {.gfn = 5, .count = 1};
	struct trace_run run = {
		.gfn = 9, .npages = 1, .flags = TRACE_RUN_ACCESSED};
	struct trace_epoch epoch = {.end = 1, .channels = 1};
	struct trace_writer *writer;
	int ret = trace_writer_open(&writer, path, &fixture_meta, NULL);

	if (ret)
		return ret;
	ret = trace_writer_event(writer, &event, NULL);
	if (!ret)
		ret = trace_writer_epoch(writer, &epoch, &run, 1, NULL);
	if (!ret)
		return trace_writer_close(writer, NULL, NULL);
	trace_writer_discard(writer);
	return ret;
}

static void a_writer_survives_failed_allocations(void **state)
{
	const struct place *p = *state;
	char path[96], part[128];
	unsigned long nth = 0;
	int ret;

	snprintf(path, sizeof(path), "%s/w.kgt", p->folder);
	snprintf(part, sizeof(part), "%s.part", path);
	do {
		unlink(part);
		kage_alloc_fail_at(++nth);
		ret = write_session(path);
		if (kage_alloc_failed())
			assert_true(ret == -ENOMEM);
	} while (kage_alloc_failed());
	kage_alloc_fail_at(0);
	assert_int_equal(ret, 0);
	assert_true(nth > 10);
}

static void a_full_disk_is_an_error(void **state)
{
	const struct place *p = *state;
	struct rlimit before, small;
	char path[96];
	int ret;

	snprintf(path, sizeof(path), "%s/full.kgt", p->folder);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	for (rlim_t limit = 0; limit < 1500; limit += 37) {
		small.rlim_cur = limit;
		setrlimit(RLIMIT_FSIZE, &small);
		ret = write_session(path);
		setrlimit(RLIMIT_FSIZE, &before);
		if (!ret)
			break;
		assert_int_equal(ret, -EFBIG);
		assert_int_not_equal(access(path, F_OK), 0);
		strcat(path, ".part");
		unlink(path);
		path[strlen(path) - 5] = '\0';
	}
	assert_int_equal(ret, 0);
	assert_int_equal(write_session("/dev/full"), -ENOSPC);
}

/* The child: writes until it is killed. */
static void write_for_ever(const char *path)
{
	struct trace_writer *writer;
	struct trace_event event = {.gfn = 5, .count = 1};

	if (trace_writer_open(&writer, path, &fixture_meta, NULL))
		_exit(1);
	for (;; event.time++)
		if (trace_writer_event(writer, &event, NULL))
			_exit(1);
}

static void a_killed_writer_leaves_a_recoverable_file(void **state)
{
	const struct place *p = *state;
	char path[96], part[128];
	struct trace_totals totals, again;
	struct stat about = {0};
	struct status st = {""};
	uint64_t dropped;
	pid_t child;

	snprintf(path, sizeof(path), "%s/k.kgt", p->folder);
	snprintf(part, sizeof(part), "%s.part", path);
	child = fork();
	if (!child)
		write_for_ever(path);
	while (stat(part, &about) || about.st_size < 8192)
		usleep(1000);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	if (trace_recover(part, &totals, &dropped, &st))
		fail_msg("%s", st.message);
	assert_true(totals.events > 0);
	assert_int_equal(
		fixture_read(path, TRACE_OPEN_VERIFY, NULL, &again, &st), 0);
	assert_int_equal(again.events, totals.events);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, make_place, remove_place)

static const struct CMUnitTest tests[] = {
	TEST(a_flipped_bit_is_noticed),
	TEST(a_flipped_byte_leaves_a_prefix),
	TEST(totals_are_of_what_was_read),
	TEST(a_cut_file_is_noticed),
	TEST(a_cut_file_gives_a_prefix),
	TEST(bytes_behind_the_trailer_are_refused),
	TEST(noise_is_refused),
	TEST(no_record_is_more_than_end_says),
	TEST(every_cut_recovers),
	TEST(every_failed_allocation_is_survived),
	TEST(a_writer_survives_failed_allocations),
	TEST(a_full_disk_is_an_error),
	TEST(a_killed_writer_leaves_a_recoverable_file),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}

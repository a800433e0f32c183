/* SPDX-License-Identifier: MIT */
/*
 * What stands behind the checksums: payloads of epochs with hits, and of END, that
 * no writer makes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/test.h"
#include "datasets/trace/epoch.h"
#include "datasets/trace/fixture.h"
#include "datasets/trace/format.h"
#include "datasets/trace/totals.h"

struct place {
	struct epoch_buffer buffer;
	uint64_t scratch[2 * 8];
	uint8_t raw[1024];
	size_t bytes;
};

/* Two runs, 5 and 0 hits of 20 samples. */
static int make_place(void **state)
{
	static const struct trace_run runs[] = {{1, 1, TRACE_RUN_ACCESSED, 5},
						{2, 3, 0, 0}};
	const struct trace_block part = {
		.epoch = {.end = 10,
			  .channels = 1,
			  .npages = 4,
			  .has_hits = true,
			  .samples = 20},
		.is_last_part = true,
		.runs = runs,
		.nr_runs = 2,
	};
	struct place *p = calloc(1, sizeof(*p));

	*state = p;
	if (epoch_buffer_init(&p->buffer, NULL))
		return -1;
	p->bytes = epoch_encode(p->raw, &part, &p->buffer, p->scratch);
	return 0;
}

static int remove_place(void **state)
{
	struct place *p = *state;

	epoch_buffer_fini(&p->buffer);
	free(p);
	return 0;
}

static int decode(struct place *p, size_t bytes, struct trace_block *part,
		  struct status *st)
{
	struct epoch_cursor cursor = {0};

	return epoch_decode(part, &p->buffer, 2, p->raw, bytes, p->scratch,
			    &fixture_meta, &cursor, st);
}

static void hits_come_back(void **state)
{
	struct place *p = *state;
	struct trace_block part;

	assert_int_equal(decode(p, p->bytes, &part, NULL), 0);
	assert_true(part.epoch.has_hits);
	assert_int_equal(part.epoch.samples, 20);
	assert_int_equal(part.runs[0].hits, 5);
	assert_int_equal(part.runs[0].flags, TRACE_RUN_ACCESSED);
	assert_int_equal(part.runs[1].hits, 0);
	assert_int_equal(part.runs[1].flags, 0);
}

static void headers_that_lie_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		const char *flaw;
	} lies[] = {
		{57, 2 | 4 | 8, "epoch header has an unknown value"},
		{58, 1, "epoch header has an unknown value"},
		{59, 1, "epoch header has an unknown value"},
		{60, 0, "epoch has hits without samples"},
		{60, 4, "run has more hits than samples"},
		{57, 2, "samples without hits"},
		{57, 1 | 2 | 4, "epoch has both hits and an order"},
		{56, 2, "epoch has hits, but did not observe accesses"},
	};
	struct place *p = *state;

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		uint8_t before = p->raw[lies[i].at];
		struct trace_block part;
		struct status st = {""};

		p->raw[lies[i].at] = lies[i].value;
		assert_int_equal(decode(p, p->bytes, &part, &st), -EBADMSG);
		p->raw[lies[i].at] = before;
		if (!strstr(st.message, lies[i].flaw))
			fail_msg("lie %zu: %s", i, st.message);
	}
}

static void a_cut_column_of_hits_is_refused(void **state)
{
	struct place *p = *state;
	struct trace_block part;

	for (size_t bytes = 0; bytes < p->bytes; bytes++)
		assert_int_equal(decode(p, bytes, &part, NULL), -EBADMSG);
	assert_int_equal(decode(p, p->bytes + 1, &part, NULL), -EBADMSG);
}

/* The last field is there if it says something, and only then. */
static void an_end_has_one_of_two_lengths(void **state)
{
	struct trace_end end = {.totals = {.lost = 9}}, read;
	uint8_t raw[END_BYTES_MAX];

	(void)state;
	assert_int_equal(end_encode(raw, &end), END_BYTES);
	assert_true(end_decode(&read, raw, END_BYTES));
	assert_int_equal(read.totals.lost_unknown, 0);
	assert_false(end_decode(&read, raw, END_BYTES_MAX));
	end.totals.lost_unknown = 2;
	assert_int_equal(end_encode(raw, &end), END_BYTES_MAX);
	for (size_t bytes = END_BYTES + 1; bytes < END_BYTES_MAX; bytes++)
		assert_false(end_decode(&read, raw, bytes));
	assert_true(end_decode(&read, raw, END_BYTES_MAX));
	assert_int_equal(read.totals.lost_unknown, 2);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, make_place, remove_place)

static const struct CMUnitTest tests[] = {
	TEST(hits_come_back),
	TEST(headers_that_lie_are_refused),
	TEST(a_cut_column_of_hits_is_refused),
	cmocka_unit_test(an_end_has_one_of_two_lengths),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}

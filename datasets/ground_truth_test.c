/* SPDX-License-Identifier: MIT */
/* Scores of small traces whose mistakes are known. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "datasets/ground_truth.h"

#define TRACE "truth_test.kgt"
#define TRUTH "truth_test.json"

static struct trace_slot slots[] = {
	{.gfn = 0, .npages = 16, .page_bytes = 4096, .node = -1, .backing = "x"},
	{.gfn = 100,
	 .npages = 10,
	 .page_bytes = 4096,
	 .node = -1,
	 .backing = "x"},
};

static void put(const char *text)
{
	FILE *file = fopen(TRUTH, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* Round 1 reads 100 to 104 and writes 104 and 105; round 2 writes 100 alone. */
static void put_truth(bool is_steady)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "{\"is_steady\": %s, \"slots\": ["
		 "{\"use\": \"system\", \"gfn\": 0, \"npages\": 16},"
		 "{\"use\": \"data\", \"gfn\": 100, \"npages\": 10}],"
		 "\"truth\": [{\"read\": [], \"written\": [[100, 10]]},"
		 "{\"read\": [[100, 5]], \"written\": [[104, 2]]},"
		 "{\"read\": [], \"written\": [[100, 1]]}]}",
		 is_steady ? "true" : "false");
	put(text);
}

/* Two epochs: 3 (no data), 100 to 103 and a false 107; then 100, dirty. */
static void write_trace(unsigned int channels)
{
	static const struct trace_run first[] = {
		{.gfn = 3, .npages = 1, .flags = TRACE_RUN_ACCESSED},
		{.gfn = 100, .npages = 4, .flags = TRACE_RUN_ACCESSED},
		{.gfn = 107, .npages = 1, .flags = TRACE_RUN_ACCESSED},
	};
	static const struct trace_run second[] = {
		{.gfn = 100, .npages = 1, .flags = TRACE_RUN_DIRTY}};
	bool has_reads = channels & TRACE_CHANNEL_ACCESSED;
	const struct trace_meta meta = {
		.clock = {TRACE_CLOCK_NS, 1000},
		.channels = channels,
		.nr_vcpus = 1,
		.nr_slots = 2,
		.slots = slots,
		.source = "test",
	};
	struct trace_epoch epoch = {.end = 10, .channels = channels};
	struct trace_writer *writer;
	struct status st = {""};

	unlink(TRACE);
	assert_int_equal(trace_writer_open(&writer, TRACE, &meta, &st), 0);
	assert_int_equal(trace_writer_epoch(writer, &epoch, first,
					    has_reads ? 3 : 0, &st),
			 0);
	epoch = (struct trace_epoch){
		.index = 1, .start = 10, .end = 20, .channels = channels};
	assert_int_equal(trace_writer_epoch(writer, &epoch, second, 1, &st), 0);
	assert_int_equal(trace_writer_close(writer, NULL, &st), 0);
}

static int judge(bool by_round, struct truth_score *scores, struct status *st)
{
	struct trace_reader *reader;
	struct ground_truth truth;
	struct truth_score *found;
	size_t nr;
	int ret;

	assert_int_equal(ground_truth_load(&truth, TRUTH, st), 0);
	assert_int_equal(trace_reader_open(&reader, TRACE, 0, st), 0);
	ret = ground_truth_judge(&truth, reader, by_round, &found, &nr, st);
	if (!ret) {
		assert_int_equal(nr, 2);
		memcpy(scores, found, 2 * sizeof(*scores));
		free(found);
	}
	trace_reader_close(reader);
	ground_truth_fini(&truth);
	return ret;
}

static void rounds_are_judged_one_by_one(void **state)
{
	struct truth_score scores[2];
	struct status st = {""};

	(void)state;
	put_truth(false);
	write_trace(TRACE_CHANNEL_ACCESSED | TRACE_CHANNEL_DIRTY);
	assert_int_equal(judge(true, scores, &st), 0);
	assert_int_equal(scores[0].seen, 5);
	assert_int_equal(scores[0].expected, 6);
	assert_int_equal(scores[0].both, 4);
	assert_true(ground_truth_precision(&scores[0]) == 4.0 / 5);
	assert_true(ground_truth_recall(&scores[0]) == 4.0 / 6);
	assert_int_equal(scores[1].seen, 1);
	assert_int_equal(scores[1].both, 1);
	assert_int_equal(scores[1].false_dirty, 0);
}

static void steady_programs_have_one_truth(void **state)
{
	struct truth_score scores[2];
	struct status st = {""};

	(void)state;
	put_truth(true);
	write_trace(TRACE_CHANNEL_ACCESSED | TRACE_CHANNEL_DIRTY);
	assert_int_equal(judge(false, scores, &st), 0);
	assert_int_equal(scores[1].expected, 6);
	assert_int_equal(scores[1].false_dirty, 1); /* 100 is read only */
}

static void traces_of_writes_are_held_against_writes(void **state)
{
	struct truth_score scores[2];
	struct status st = {""};

	(void)state;
	put_truth(false);
	write_trace(TRACE_CHANNEL_DIRTY);
	assert_int_equal(judge(true, scores, &st), 0);
	assert_int_equal(scores[0].expected, 2);
	assert_int_equal(scores[0].seen, 0);
	assert_true(ground_truth_precision(&scores[0]) == 1);
	assert_true(ground_truth_recall(&scores[0]) == 0);
}

static void what_does_not_fit_is_refused(void **state)
{
	struct truth_score scores[2];
	struct status st = {""};

	(void)state;
	write_trace(TRACE_CHANNEL_DIRTY);
	put_truth(false);
	assert_int_equal(judge(false, scores, &st), -EINVAL);
	assert_non_null(strstr(st.message, "rounds differ"));
	put("{\"slots\": [{\"use\": \"data\", \"gfn\": 100, \"npages\": 10}],"
	    "\"truth\": [{\"read\": [], \"written\": []},"
	    "{\"read\": [], \"written\": []}]}");
	assert_int_equal(judge(true, scores, &st), -EINVAL);
	assert_non_null(strstr(st.message, "the truth has 2 rounds"));
}

static void bad_files_are_named(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"", "line 1"},
		{"{}", "no data slot"},
		{"{\"slots\": [{\"use\": \"data\", \"gfn\": 0, \"npages\": 4}]}",
		 "no truth"},
		{"{\"slots\": [{\"use\": \"data\", \"gfn\": 0, \"npages\": 4}],"
		 "\"truth\": [{\"read\": [], \"written\": [[3, 2]]}, {}]}",
		 "round 0"},
		{"{\"slots\": [{\"use\": \"data\", \"gfn\": 0, \"npages\": 4}],"
		 "\"truth\": [{\"read\": [], \"written\": []}, {}]}",
		 "round 1"},
	};
	struct ground_truth truth;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct status st = {""};

		put(cases[i].text);
		assert_int_equal(ground_truth_load(&truth, TRUTH, &st),
				 -EBADMSG);
		if (!strstr(st.message, cases[i].why))
			fail_msg("%s: %s", cases[i].text, st.message);
	}
	unlink(TRUTH);
	unlink(TRACE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rounds_are_judged_one_by_one),
		cmocka_unit_test(steady_programs_have_one_truth),
		cmocka_unit_test(traces_of_writes_are_held_against_writes),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(bad_files_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

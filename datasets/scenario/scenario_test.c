/* SPDX-License-Identifier: MIT */
/* Scenario files: what they come to, and what is refused in which line. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/test.h"
#include "datasets/scenario/scenario.h"

static int parse(struct scenario *s, const char *text, struct status *st)
{
	*st = (struct status){""};
	return scenario_parse(s, text, strlen(text), "x.scn", st);
}

static void parse_ok(struct scenario *s, const char *text)
{
	struct status st;

	if (parse(s, text, &st))
		fail_msg("%s", st.message);
}

static void refuses(const char *text, const char *message)
{
	struct scenario s;
	struct status st;

	assert_int_equal(parse(&s, text, &st), -EBADMSG);
	if (strncmp(st.message, message, strlen(message)))
		fail_msg("'%s' instead of '%s'", st.message, message);
	scenario_fini(&s);
}

static void a_share_is_rounded_down_once(void **state)
{
	(void)state;
	for (unsigned int percent = 1; percent <= 100; percent++) {
		struct scenario s;
		char text[32];

		snprintf(text, sizeof(text), "limit %u%%\n", percent);
		parse_ok(&s, text);
		for (uint64_t pages = 100; pages < 10000; pages += 33)
			assert_int_equal(scenario_limit_pages(&s.steps[0],
							      pages),
					 pages * percent / 100);
		scenario_fini(&s);
	}
}

static void every_word_becomes_a_step(void **state)
{
	struct scenario s;

	(void)state;
	parse_ok(&s, "epoch 10ms # of a stream\n"
		     "\n"
		     "\tpopulate\r\n"
		     "epochs 3\n"
		     "age\n"
		     "age force\n"
		     "reclaim 100 pages\n"
		     "reclaim 1M chunk 64 pages\n"
		     "sweep 0-1K\n"
		     "evict-gen 2\n"
		     "limit 64M\n"
		     "limit 12.5%\n"
		     "limit none\n"
		     "snapshot a_B-9\n"
		     "epochs all");
	assert_int_equal(s.nr_steps, 13);
	assert_int_equal(s.epoch_ticks, 10000000);
	assert_int_equal(s.steps[0].word, SCENARIO_POPULATE);
	assert_int_equal(s.steps[0].line, 3);
	assert_int_equal(s.steps[1].count, 3);
	assert_false(s.steps[2].is_forced);
	assert_true(s.steps[3].is_forced);
	assert_int_equal(s.steps[4].pages, 100);
	assert_int_equal(s.steps[4].chunk, 0);
	assert_int_equal(s.steps[5].pages, 256);
	assert_int_equal(s.steps[5].chunk, 64);
	assert_int_equal(s.steps[6].first, 0);
	assert_int_equal(s.steps[6].last, 1024);
	assert_int_equal(s.steps[7].count, 2);
	assert_int_equal(scenario_limit_pages(&s.steps[8], 1000), 16384);
	assert_int_equal(scenario_limit_pages(&s.steps[9], 1000), 125);
	assert_int_equal(scenario_limit_pages(&s.steps[10], 1000),
			 SCENARIO_NO_LIMIT);
	assert_string_equal(s.steps[11].name, "a_B-9");
	assert_int_equal(s.steps[12].count, SCENARIO_ALL);
	assert_int_equal(s.nr_epochs, 3 + 3);
	assert_true(s.all_epochs);
	scenario_fini(&s);
}

static void chunks_add_up_and_alternate(void **state)
{
	static const struct {
		const char *text;
		uint64_t requests, epochs, last;
	} cases[] = {
		{"reclaim 100 pages", 1, 0, 100},
		{"reclaim 100 pages chunk 100 pages", 1, 0, 100},
		{"reclaim 100 pages chunk 1M", 1, 0, 100},
		{"reclaim 100 pages chunk 25 pages", 4, 3, 25},
		{"reclaim 101 pages chunk 25 pages", 5, 4, 1},
		{"frozen\nreclaim 101 pages chunk 25 pages\nend", 5, 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct scenario_step *step;
		struct scenario s;
		uint64_t n, sum = 0;

		parse_ok(&s, cases[i].text);
		step = &s.steps[0];
		n = scenario_requests(step);
		assert_int_equal(n, cases[i].requests);
		assert_int_equal(scenario_step_epochs(step), cases[i].epochs);
		assert_int_equal(s.nr_epochs, cases[i].epochs);
		assert_int_equal(scenario_request_pages(step, n - 1),
				 cases[i].last);
		for (uint64_t k = 0; k < n; k++)
			sum += scenario_request_pages(step, k);
		assert_int_equal(sum, step->pages);
		scenario_fini(&s);
	}
}

static void repeats_are_written_out(void **state)
{
	static const char *const names[] = {"a.1.1", "a.1.2", "b.1",
					    "a.2.1", "a.2.2", "b.2"};
	struct scenario s;
	size_t named = 0;

	(void)state;
	parse_ok(&s, "repeat 2\n"
		     "  repeat 2\n"
		     "    epochs 1\n"
		     "    snapshot a\n"
		     "  end\n"
		     "  frozen\n"
		     "    repeat 3\n"
		     "      age\n"
		     "    end\n"
		     "    snapshot b\n"
		     "  end\n"
		     "end\n"
		     "snapshot b\n");
	assert_int_equal(s.nr_steps, 2 * (2 * 2 + 3 + 1) + 1);
	assert_int_equal(s.nr_epochs, 4);
	for (size_t i = 0; i < s.nr_steps - 1; i++) {
		const struct scenario_step *step = &s.steps[i];

		assert_int_equal(step->is_frozen, step->line > 6);
		if (step->word == SCENARIO_SNAPSHOT)
			assert_string_equal(step->name, names[named++]);
	}
	assert_int_equal(named, 6);
	assert_string_equal(s.steps[s.nr_steps - 1].name, "b");
	assert_false(s.steps[s.nr_steps - 1].is_frozen);
	scenario_fini(&s);
}

/* Text, and how the message about it begins. */
static const char *const wrong[][2] = {
	{"", "x.scn:1: the scenario has no step"},
	{"# nothing\n\n", "x.scn:2: the scenario has no step"},
	{"populate\ngo 3\n", "x.scn:2: unknown word 'go'; known: epoch "},
	{"Populate\n", "x.scn:1: unknown word 'Populate'"},
	{"populate now\n", "x.scn:1: 'now' is one word too many"},
	{"epochs\n", "x.scn:1: 'epochs' needs more words"},
	{"epochs 0\n", "x.scn:1: '0': it must be at least 1"},
	{"epochs -1\n", "x.scn:1: '-1' is not a whole number"},
	{"epochs 1.5\n", "x.scn:1: '1.5' is not a whole number"},
	{"epochs 99999999999999999999\n", "x.scn:1: '999999"},
	{"epochs all\nepochs 1\n",
	 "x.scn:2: no epoch is left behind 'epochs all'"},
	{"repeat 2\nepochs all\nend\n",
	 "x.scn:2: no epoch is left behind 'epochs all'"},
	{"epochs 1M\n", "x.scn:1: more than 1000000 epochs"},
	{"populate\nepoch 1ms\n",
	 "x.scn:2: 'epoch' must be the first statement"},
	{"epoch 1 ms\n", "x.scn:1: 'ms' is one word too many"},
	{"epoch 0\npopulate", "x.scn:1: an epoch cannot be 0 long"},
	{"epoch 1h\n", "x.scn:1: '1h' is not a time"},
	{"age hard\n", "x.scn:1: 'age hard' is unknown"},
	{"reclaim\n", "x.scn:1: 'reclaim' needs a size behind it"},
	{"reclaim 100\n", "x.scn:1: '100' of what?"},
	{"reclaim 0 pages\n", "x.scn:1: '0': it must be at least 1"},
	{"reclaim 6K\n", "x.scn:1: '6K' is not a whole number of pages"},
	{"reclaim 1M chunk\n", "x.scn:1: 'chunk' needs a size behind it"},
	{"reclaim 1M chunk 0K\n", "x.scn:1: '0K': it must be at least 1"},
	{"reclaim 1M lump 1M\n", "x.scn:1: 'lump' is one word too many"},
	{"reclaim 9000000T pages\n",
	 "x.scn:1: '9000000T' is more than a guest can have"},
	{"reclaim 1T chunk 4K\n", "x.scn:1: more than 65536 steps"},
	{"sweep 7\n", "x.scn:1: '7' is not FIRST-LAST"},
	{"sweep 7-6\n", "x.scn:1: '7-6' ends before it begins"},
	{"sweep 7-\n", "x.scn:1: '' is not a whole number"},
	{"sweep -7\n", "x.scn:1: '' is not a whole number"},
	{"evict-gen 1\n", "x.scn:1: 'evict-gen 1': only generations"},
	{"evict-gen 4\n", "x.scn:1: 'evict-gen 4': only generations"},
	{"limit\n", "x.scn:1: 'limit' needs a size behind it"},
	{"limit %\n", "x.scn:1: '' is not a number"},
	{"limit 0%\n", "x.scn:1: '0%' is no share"},
	{"limit 5% 6\n", "x.scn:1: '6' is one word too many"},
	{"snapshot a.1\n", "x.scn:1: 'a.1' is no name"},
	{"snapshot aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
	 "x.scn:1: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' is longer"},
	{"snapshot a\nsnapshot b\nsnapshot a\n",
	 "x.scn:3: snapshot 'a' is there already, in line 1"},
	{"populate\nend\n", "x.scn:2: 'end' without repeat or frozen"},
	{"repeat 2\nrepeat 2\nage\nend\n", "x.scn:1: its 'end' is missing"},
	{"repeat 2\nage\nfrozen\n", "x.scn:3: its 'end' is missing"},
	{"age\nrepeat 2\n# nothing\nend\n", "x.scn:2: nothing is inside"},
	{"frozen\nage\nfrozen\n", "x.scn:3: 'frozen' inside frozen"},
	{"frozen\nrepeat 2\nsweep 0-1\nend\nend\n",
	 "x.scn:3: 'sweep' inside frozen: the guest stands still"},
	{"repeat 2\nrepeat 2\nrepeat 2\nrepeat 2\nrepeat 2\n",
	 "x.scn:5: 'repeat' is nested deeper than 4"},
	{"repeat 1000T\nage\nend\n", "x.scn:2: more than 65536 steps"},
	{"repeat 1K\nrepeat 1K\nage\nend\nend\n",
	 "x.scn:3: more than 65536 steps"},
	{"age \x01\n", "x.scn:1: byte 0x01 does not belong here"},
	{"age \xc3\xa9\n", "x.scn:1: byte 0xc3 does not belong here"},
	{"a b c d e f g h i j k l m n o p q\n", "x.scn:1: more than 16 words"},
};

static void what_is_wrong_is_named_with_its_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		refuses(wrong[i][0], wrong[i][1]);
}

static void a_comment_may_hold_anything(void **state)
{
	struct scenario s;

	(void)state;
	parse_ok(&s, "age # \xc3\xa9 \x01\n");
	assert_int_equal(s.nr_steps, 1);
	scenario_fini(&s);
}

static void the_id_is_that_of_the_steps(void **state)
{
	static const char *const texts[] = {
		"populate\nreclaim 1M chunk 4K",
		"# the same\npopulate\n\nreclaim  256 pages chunk 1 pages # !",
		"populate\nreclaim 1M chunk 8K",
		"epoch 1ms\npopulate\nreclaim 1M chunk 4K",
		"populate\nfrozen\nreclaim 1M chunk 4K\nend",
	};
	uint64_t id[5];

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct scenario s;

		parse_ok(&s, texts[i]);
		id[i] = scenario_id(&s);
		scenario_fini(&s);
	}
	assert_int_equal(id[0], id[1]);
	for (size_t i = 2; i < 5; i++)
		for (size_t k = 0; k < i; k++)
			if (k + i > 1)
				assert_int_not_equal(id[i], id[k]);
}

static void misfits(const char *text, bool has_epochs, const char *message)
{
	struct status st = {""};
	struct scenario s;

	parse_ok(&s, text);
	if (!scenario_check_kind(&s, has_epochs, &st))
		assert_int_equal(scenario_check_trace(&s, 5, 100, &st),
				 -EBADMSG);
	if (strncmp(st.message, message, strlen(message)))
		fail_msg("'%s' instead of '%s'", st.message, message);
	scenario_fini(&s);
}

static void a_trace_must_suit_it(void **state)
{
	struct scenario s;

	(void)state;
	misfits("epoch 1ms\nage", true, "x.scn: 'epoch' is for streams");
	misfits("age", false, "x.scn: the trace is a stream");
	misfits("epochs 5\nage\nepochs 1", true,
		"x.scn:3: the trace has 5 epochs, and 6 are played");
	misfits("epochs 3\nreclaim 4 pages chunk 1 pages", true,
		"x.scn:2: the trace has 5 epochs, and 6 are played");
	misfits("age\nsweep 0-100", true,
		"x.scn:2: the footprint of the trace has only 100 pages");
	misfits("limit 0.5%", true, "x.scn:1: that is less than one page");
	parse_ok(&s, "epochs 5\nepochs all\nsweep 99-99\nlimit 1%");
	assert_int_equal(scenario_check_trace(&s, 5, 100, NULL), 0);
	scenario_fini(&s);
}

static void every_failed_allocation_is_reported(void **state)
{
	const char *text = "repeat 50\nage\nsnapshot a\nend\n";
	unsigned long nth = 0;
	int ret;

	(void)state;
	do {
		struct scenario s;

		kage_alloc_fail_at(++nth);
		ret = scenario_parse(&s, text, strlen(text), "x.scn", NULL);
		assert_int_equal(ret, kage_alloc_failed() ? -ENOMEM : 0);
		scenario_fini(&s);
	} while (ret);
	kage_alloc_fail_at(0);
	assert_true(nth > 4);
}

static void files_that_cannot_be_read_are_named(void **state)
{
	struct status st = {""};
	struct scenario s;

	(void)state;
	assert_int_equal(scenario_load(&s, "/absent.scn", &st), -ENOENT);
	assert_non_null(strstr(st.message, "/absent.scn"));
	scenario_fini(&s);
	assert_int_equal(scenario_load(&s, "/", &st), -EISDIR);
	scenario_fini(&s);
	assert_int_equal(scenario_load(&s, "/dev/zero", &st), -EBADMSG);
	assert_non_null(strstr(st.message, "at most 65536 bytes"));
	scenario_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_word_becomes_a_step),
		cmocka_unit_test(a_share_is_rounded_down_once),
		cmocka_unit_test(chunks_add_up_and_alternate),
		cmocka_unit_test(repeats_are_written_out),
		cmocka_unit_test(what_is_wrong_is_named_with_its_line),
		cmocka_unit_test(a_comment_may_hold_anything),
		cmocka_unit_test(the_id_is_that_of_the_steps),
		cmocka_unit_test(a_trace_must_suit_it),
		cmocka_unit_test(every_failed_allocation_is_reported),
		cmocka_unit_test(files_that_cannot_be_read_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * A guest that goes on beside the host's work: at the pace that it is given, and with
 * what that changes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/outbuf.h"
#include "base/test.h"
#include "datasets/scenario/scenario.h"
#include "replay/script.h"
#include "replay/test_replay.h"
#include "replay/test_trace.h"

enum {
	PAGES = 1500,
	ACCESSES = 30000,
	TICK_NS = 1000,
	EPOCH_NS = 1000000,
	TOUCHES = 3000, /* beside a step of the host */
};

static char trace_path[64], scenario_path[64];

static const char text[] = "populate\nepochs 3\nage force\nage force\n"
			   "reclaim 800 pages\n"
			   "frozen\nreclaim 100 pages\nend\nsnapshot a";

enum {
	RECLAIM = 4, /* indices of steps */
	FROZEN = 5,
};

/* Return: as script_replay(); @kernel: at whose pace, or NULL. */
static int play_on(const char *policy, bool is_thp,
		   const struct scenario_results *kernel,
		   struct scenario_results *results, struct status *st)
{
	const struct engine_options options = {.nr_samples = 16,
					       .beside = kernel};
	struct plan_request wanted = test_request(policy, NULL);
	char driver[80];

	snprintf(driver, sizeof(driver), "script:%s", scenario_path);
	wanted.driver = driver;
	wanted.kernel = "6.1";
	wanted.is_thp = is_thp;
	return script_replay(trace_path, &options, &wanted, results, st);
}

static int play(const char *policy, const struct scenario_results *kernel,
		struct scenario_results *results, struct status *st)
{
	return play_on(policy, false, kernel, results, st);
}

/* Results with a pace: what the model does while the guest stands still, and a guest
 * that made so many touches beside as many calls. */
static void make_kernel(struct scenario_results *r)
{
	assert_int_equal(play("rmap", NULL, r, NULL), 0);
	r->is_concurrent = true;
	for (size_t i = 0; i < r->nr_steps; i++) {
		struct scenario_beside *b = &r->steps[i].beside;

		if (r->steps[i].word != SCENARIO_AGE &&
		    r->steps[i].word != SCENARIO_RECLAIM)
			continue;
		b->touches = i == FROZEN ? 0 : TOUCHES;
		b->calls = i == RECLAIM ? 1500 : 0;
	}
}

static void a_running_guest_keeps_its_hot_set(void **state)
{
	struct scenario_results kernel, r;
	const struct scenario_beside *b;

	(void)state;
	make_kernel(&kernel);
	assert_int_equal(play("rmap", &kernel, &r, NULL), 0);
	b = &r.steps[RECLAIM].beside;
	assert_true(r.is_concurrent);
	assert_int_equal(b->hot, kernel.steps[RECLAIM].beside.hot);
	assert_true(b->kept > kernel.steps[RECLAIM].beside.kept + b->hot / 4);
	assert_true(b->present >= b->kept);
	scenario_results_fini(&r);
	/* who never asks cannot know */
	assert_int_equal(play("none", &kernel, &r, NULL), 0);
	b = &r.steps[RECLAIM].beside;
	assert_true(b->kept <= kernel.steps[RECLAIM].beside.kept + b->hot / 4);
	scenario_results_fini(&r);
	scenario_results_fini(&kernel);
}

/* A huge folio is resident with all of its pages. */
static void huge_folios_are_present(void **state)
{
	struct scenario_results kernel, r;
	const struct scenario_beside *b;

	(void)state;
	make_kernel(&kernel);
	assert_int_equal(play_on("rmap", true, &kernel, &r, NULL), 0);
	b = &r.steps[RECLAIM - 1].beside; /* nothing is evicted yet */
	assert_int_equal(b->kept, b->hot);
	assert_int_equal(b->present, b->hot);
	scenario_results_fini(&r);
	scenario_results_fini(&kernel);
}

static void the_pace_is_kept(void **state)
{
	struct scenario_results kernel, r;
	const struct scenario_beside *b;

	(void)state;
	make_kernel(&kernel);
	assert_int_equal(play("rmap", &kernel, &r, NULL), 0);
	for (size_t i = 2; i < RECLAIM; i++) { /* 6.1 ages without a call */
		b = &r.steps[i].beside;
		assert_int_equal(b->calls, 0);
		assert_in_range(b->touches, TOUCHES,
				TOUCHES + SCENARIO_BREATH - 1);
	}
	b = &r.steps[RECLAIM].beside;
	assert_in_range(b->touches, b->calls * 2,
			b->calls * 2 + SCENARIO_BREATH - 1);
	b = &r.steps[FROZEN].beside;
	assert_int_equal(b->touches, 0);
	scenario_results_fini(&r);
	scenario_results_fini(&kernel);
}

static void refuses(const struct scenario_results *kernel, const char *message)
{
	struct scenario_results r;
	struct status st = {""};

	assert_int_equal(play("rmap", kernel, &r, &st), -EINVAL);
	if (!strstr(st.message, message))
		fail_msg("'%s' without '%s'", st.message, message);
	scenario_results_fini(&r);
}

static void what_has_no_pace_is_refused(void **state)
{
	struct scenario_results kernel;

	(void)state;
	make_kernel(&kernel);
	kernel.scenario_id++;
	refuses(&kernel, "another scenario");
	kernel.scenario_id--;
	kernel.steps[RECLAIM].beside.calls = SCENARIO_UNKNOWN;
	refuses(&kernel, "step 4 does not say");
	kernel.is_concurrent = false;
	refuses(&kernel, "stood still");
	scenario_results_fini(&kernel);
}

static void every_failed_allocation_is_reported(void **state)
{
	struct scenario_results kernel, r;
	unsigned long nth = 0;
	int ret;

	(void)state;
	make_kernel(&kernel);
	do {
		kage_alloc_fail_at(++nth);
		ret = play("rmap", &kernel, &r, NULL);
		assert_int_equal(ret, kage_alloc_failed() ? -ENOMEM : 0);
		scenario_results_fini(&r);
	} while (ret);
	kage_alloc_fail_at(0);
	assert_true(nth > 30);
	scenario_results_fini(&kernel);
}

static int make_files(void **state)
{
	(void)state;
	snprintf(trace_path, 64, "/tmp/kage-beside-%d.kgt", getpid());
	snprintf(scenario_path, 64, "/tmp/kage-beside-%d.scn", getpid());
	test_trace_mixed_epochs(trace_path, PAGES, ACCESSES, TICK_NS, 6,
				EPOCH_NS, true);
	return outbuf_replace_file(scenario_path, text, strlen(text), NULL);
}

static int remove_files(void **state)
{
	(void)state;
	unlink(trace_path);
	unlink(scenario_path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_running_guest_keeps_its_hot_set),
		cmocka_unit_test(huge_folios_are_present),
		cmocka_unit_test(the_pace_is_kept),
		cmocka_unit_test(what_has_no_pace_is_refused),
		cmocka_unit_test(every_failed_allocation_is_reported),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}

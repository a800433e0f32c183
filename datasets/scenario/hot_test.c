/* SPDX-License-Identifier: MIT */
/* Who is hot in a step, and who of them it kept. */
#include <errno.h>

#include "base/alloc.h"
#include "base/test.h"
#include "datasets/scenario/hot.h"

/* Two epochs: pages 1, 2, 3 and pages 3, 4, 5, 6. */
static struct playback_touch touches[] = {{1, false}, {2, true},  {3, false},
					  {6, false}, {5, false}, {4, false},
					  {3, true}};
static struct playback_epoch epochs[] = {{0, 1, 0, 3}, {1, 2, 3, 4}};
static const struct playback playback = {
	.epochs = epochs, .nr_epochs = 2, .touches = touches, .nr_touches = 7};

/* A step that evicts @n pages. */
static int add(struct scenario_results *r, enum scenario_word word,
	       uint64_t nr_epochs, const gfn_t *evicted, size_t n)
{
	const struct scenario_step step = {.word = word};
	struct scenario_outcome *o = scenario_results_step(r, &step, NULL);
	int ret = o ? 0 : -1;

	if (o)
		o->epochs = nr_epochs;
	for (size_t i = 0; i < n && !ret; i++)
		ret = scenario_results_evict(r, evicted[i], NULL);
	return ret;
}

static int fill(struct scenario_results *r)
{
	static const gfn_t gone[] = {9, 2, 1, 9}, later[] = {5, 4, 5, 1};

	*r = (struct scenario_results){.has_evicted = true};
	return add(r, SCENARIO_LIMIT, 0, gone, 1) ||
	       add(r, SCENARIO_EPOCHS, 1, gone, 4) ||
	       add(r, SCENARIO_RECLAIM, 1, gone, 4) ||
	       add(r, SCENARIO_SNAPSHOT, 0, NULL, 0) ||
	       add(r, SCENARIO_EVICT_GEN, 0, later, 4) ||
	       add(r, SCENARIO_AGE, 0, NULL, 0);
}

static void hot_is_the_epoch_before_the_step(void **state)
{
	const uint64_t none = SCENARIO_UNKNOWN;
	const uint64_t expected[][2] = {{none, none}, {none, none}, {3, 1},
					{none, none}, {4, 2},	    {4, 4}};
	struct scenario_results r;

	(void)state;
	assert_int_equal(fill(&r), 0);
	assert_int_equal(scenario_count_hot(&r, &playback, NULL), 0);
	for (size_t i = 0; i < r.nr_steps; i++) {
		assert_int_equal(r.steps[i].beside.hot, expected[i][0]);
		assert_int_equal(r.steps[i].beside.kept, expected[i][1]);
	}
	scenario_results_fini(&r);
}

static void who_did_not_watch_cannot_say(void **state)
{
	struct scenario_results r;

	(void)state;
	assert_int_equal(fill(&r), 0);
	r.has_evicted = false;
	assert_int_equal(scenario_count_hot(&r, &playback, NULL), 0);
	assert_int_equal(r.steps[2].beside.hot, 3);
	assert_int_equal(r.steps[2].beside.kept, SCENARIO_UNKNOWN);
	scenario_results_fini(&r);
}

static void a_failed_allocation_is_reported(void **state)
{
	struct scenario_results r;

	(void)state;
	assert_int_equal(fill(&r), 0);
	for (unsigned long nth = 1; nth < 4; nth++) {
		kage_alloc_fail_at(nth);
		assert_int_equal(scenario_count_hot(&r, &playback, NULL),
				 -ENOMEM);
	}
	kage_alloc_fail_at(0);
	scenario_results_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hot_is_the_epoch_before_the_step),
		cmocka_unit_test(who_did_not_watch_cannot_say),
		cmocka_unit_test(a_failed_allocation_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

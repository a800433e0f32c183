/* SPDX-License-Identifier: MIT */
/* What a scenario's statements leave behind in a lane that no counter shows. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/outbuf.h"
#include "base/test.h"
#include "replay/test_replay.h"
#include "replay/test_trace.h"

enum {
	PAGES = 1500,
	ACCESSES = 30000,
	TICK_NS = 1000,
	EPOCH_NS = 1000000,
};

static char epoch_path[64], scenario_path[64];

static struct outcome *play(const char *text)
{
	static const struct engine_options options = {.nr_samples = 16};
	struct plan_request wanted = test_request("batched", NULL);
	char driver[80];

	assert_int_equal(outbuf_replace_file(scenario_path, text, strlen(text),
					     NULL),
			 0);
	snprintf(driver, sizeof(driver), "script:%s", scenario_path);
	wanted.driver = driver;
	return test_replay(epoch_path, &options, &wanted, PAGES, 0,
			   ENGINE_LANES_MAX);
}

/* Even if reclaim has walked it in its last turn: then it waited for the vCPU. */
static void a_guest_that_stands_still_has_run(void **state)
{
	(void)state;
	for (unsigned int pages = 400; pages < 432; pages++) {
		struct outcome *o;
		char text[64];

		snprintf(text, sizeof(text), "limit %u pages\npopulate", pages);
		o = play(text);
		assert_true(o->lanes[0].mglru.has_run);
		test_outcome_free(o);
	}
}

/* Look-around under a new limit activates pages, which wait in no batch afterwards. */
static void host_work_ends_with_a_drain(void **state)
{
	uint64_t promoted = 0;

	(void)state;
	for (unsigned int percent = 30; percent < 90; percent += 10) {
		struct outcome *o;
		char text[96];

		snprintf(text, sizeof(text),
			 "populate\nepochs 2\nage force\nage force\nage force\n"
			 "epochs 1\nlimit %u%%",
			 percent);
		o = play(text);
		assert_int_equal(o->lanes[0].mglru.nr_activating, 0);
		promoted += test_count(o, 0, COUNT_promoted);
		test_outcome_free(o);
	}
	assert_true(promoted > 0);
}

static int make_trace(void **state)
{
	(void)state;
	snprintf(epoch_path, 64, "/tmp/kage-state-%d.kgt", getpid());
	snprintf(scenario_path, 64, "/tmp/kage-state-%d.scn", getpid());
	test_trace_mixed_epochs(epoch_path, PAGES, ACCESSES, TICK_NS, 6,
				EPOCH_NS, true);
	return 0;
}

static int remove_trace(void **state)
{
	(void)state;
	unlink(epoch_path);
	unlink(scenario_path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_that_stands_still_has_run),
		cmocka_unit_test(host_work_ends_with_a_drain),
	};

	return cmocka_run_group_tests(tests, make_trace, remove_trace);
}

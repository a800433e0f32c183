/* SPDX-License-Identifier: MIT */
/*
 * After live_hold_still() the heap grows, threads run and the stack deepens without a
 * page fault.  Skipped with a sanitizer, which has a heap of its own, and where memory
 * cannot be locked.
 */
#include "capture/live/still.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/test.h"
#include "capture/live/worker.h"

enum {
	ROOM = 8 << 20,
	PART = 100000,
	SKIPPED = 77,
};

static uint64_t faults(void)
{
	struct rusage usage;

	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	return (uint64_t)usage.ru_minflt;
}

static int use_memory(void *arg, struct status *st)
{
	char *grown = NULL;
	volatile char deep[PART / 2];

	(void)arg;
	(void)st;
	for (size_t n = PART; n < ROOM / 4; n += PART) {
		grown = realloc(grown, n);
		if (!grown)
			return 1;
		memset(grown, 1, n);
	}
	for (size_t i = 0; i < sizeof(deep); i += 1024)
		deep[i] = 1;
	free(grown);
	return 0;
}

static void memory_is_there_before_it_is_used(void **state)
{
	struct worker worker;
	uint64_t before;

	(void)state;
	faults(); /* and what it needs */
	before = faults();
	assert_int_equal(use_memory(NULL, NULL), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(worker_begin(&worker, use_memory, NULL, NULL),
				 0);
		assert_int_equal(worker_end(&worker, NULL), 0);
	}
	assert_int_equal(faults() - before, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_there_before_it_is_used),
	};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	printf("skip: a sanitizer has a heap of its own\n");
	return SKIPPED;
#endif
	if (!live_hold_still(ROOM)) {
		printf("skip: memory cannot be locked here\n");
		return SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

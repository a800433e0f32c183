/* SPDX-License-Identifier: MIT */
/* Memory that is there before it is needed; see still.h. */
#include "capture/live/still.h"

#include <limits.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/status.h"
#include "capture/live/worker.h"

enum {
	STACK_BYTES = 128 << 10,
	PAGE_BYTES = 4096,
};

static void touch(volatile char *at, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += PAGE_BYTES)
		at[i] = 0;
}

/* One heap, that only grows. */
static void keep_heap(void)
{
#ifdef __GLIBC__
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
#endif
}

static bool grow_heap(size_t bytes)
{
	char *room = malloc(bytes);

	if (!room)
		return false;
	touch(room, bytes);
	free(room);
	return true;
}

static void grow_stack(void)
{
	char room[STACK_BYTES];

	touch(room, sizeof(room));
}

static int do_nothing(void *arg, struct status *st)
{
	(void)arg;
	(void)st;
	grow_stack();
	return 0;
}

/* The C library keeps the stack of a thread that has ended for the next one. */
static bool leave_stack(void)
{
	struct worker worker;

	if (worker_begin(&worker, do_nothing, NULL, NULL))
		return false;
	return !worker_end(&worker, NULL);
}

bool live_hold_still(size_t bytes)
{
	keep_heap();
	grow_stack();
	return grow_heap(bytes) && leave_stack() && !mlockall(MCL_CURRENT);
}

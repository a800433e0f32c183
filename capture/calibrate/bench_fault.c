/* SPDX-License-Identifier: MIT */
/*
 * What a guest's fault takes: of a page that was never there, of one that is there but
 * was unmapped from KVM, and of one that is swapped out.  The guest writes to n pages in
 * each of these states, and once more when they are mapped; the slope of the difference
 * over n is a fault, whatever starting and stopping the guest takes.
 *
 * What it cannot know: faults of several vCPUs at once, huge pages, what a fault on
 * another node takes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/calibrate/calibration.h"
#include "capture/calibrate/ordered.h"
#include "capture/calibrate/stats.h"
#include "capture/interrupts.h"
#include "capture/tracing/hostfs.h"

enum {
	PAGE = 4096,
	SIZES = 4,
	STEP = 256, /* pages */
};

enum state {
	STATE_NEW,
	STATE_UNMAPPED,
	STATE_SWAPPED,
	NR_STATES
};

struct fault_bench {
	struct calibration *c;
	struct ordered guest;
	int pagemap;
	bool has_swap;
	double slope[NR_STATES][CALIBRATE_ROUNDS_MAX];
};

/* Pages of the first @n that are swapped out (Documentation/admin-guide/mm/pagemap). */
static int count_swapped(const struct fault_bench *b, size_t n, double *swapped,
			 struct status *st)
{
	uint64_t entries[SIZES * STEP];
	off_t at = (off_t)((uintptr_t)b->guest.data / PAGE * sizeof(uint64_t));
	ssize_t bytes = (ssize_t)(n * sizeof(uint64_t));

	if (pread(b->pagemap, entries, (size_t)bytes, at) != bytes)
		return status_fail(st, EIO, "/proc/self/pagemap: too short");
	*swapped = 0;
	for (size_t i = 0; i < n; i++)
		*swapped += (double)(entries[i] >> 62 & 1);
	return 0;
}

/* Bring the first @n pages into @state; @changed: how many are. */
static int bring(struct fault_bench *b, enum state state, size_t n,
		 double *changed, struct status *st)
{
	double ns;

	*changed = (double)n;
	if (state == STATE_UNMAPPED)
		return ordered_protect(b->guest.data, n, &ns, st);
	if (madvise(b->guest.data, n * PAGE,
		    state == STATE_NEW ? MADV_DONTNEED : MADV_PAGEOUT))
		return status_fail(st, errno, "madvise: %s", strerror(errno));
	return state == STATE_SWAPPED ? count_swapped(b, n, changed, st) : 0;
}

static int measure(struct fault_bench *b, enum state state, unsigned int round,
		   struct status *st)
{
	struct ordered_time touch, fault;
	double x[SIZES], y[SIZES];
	int ret = 0;

	for (size_t i = 0; i < SIZES && !ret; i++) {
		size_t n = STEP * (i + 1);

		ret = ordered_touch(&b->guest, n, &touch, st);
		if (!ret) /* the first one may have had faults of its own */
			ret = ordered_touch(&b->guest, n, &touch, st);
		if (!ret)
			ret = bring(b, state, n, &x[i], st);
		if (!ret)
			ret = ordered_touch(&b->guest, n, &fault, st);
		/* swapping in may sleep */
		y[i] = state == STATE_SWAPPED ? fault.wall_ns - touch.wall_ns
					      : fault.cpu_ns - touch.cpu_ns;
	}
	if (!ret && x[SIZES - 1] < x[0] + STEP)
		ret = status_fail(st, ENODEV,
				  "madvise(MADV_PAGEOUT) swaps too little out "
				  "(is swap full?)");
	if (!ret)
		b->slope[state][round] = stats_line(x, y, SIZES).slope;
	return ret;
}

static bool has_swap(void)
{
	char text[4096];
	const char *line;

	if (hostfs_read(AT_FDCWD, "/proc/swaps", text, sizeof(text), NULL) < 0)
		return false;
	line = strchr(text, '\n');
	return line && line[1];
}

/* The kind of swap is what its price is of. */
static void put_swap(struct fault_bench *b)
{
	char text[4096] = "", cluster[32] = "?";
	const char *line;

	hostfs_read(AT_FDCWD, "/proc/swaps", text, sizeof(text), NULL);
	hostfs_read(AT_FDCWD, "/proc/sys/vm/page-cluster", cluster,
		    sizeof(cluster), NULL);
	line = strchr(text, '\n');
	line = line ? line + 1 : "";
	calibration_put(b->c, "refaults", b->slope[STATE_SWAPPED],
			"wall time of a write to a page that "
			"madvise(MADV_PAGEOUT) swapped out, 1 vCPU, in "
			"sequence, page-cluster %.*s, first swap %.*s; slope "
			"over the pages swapped",
			(int)strcspn(cluster, "\n"), cluster,
			(int)strcspn(line, " \t\n"), line);
}

static void put_rows(struct fault_bench *b)
{
	calibration_put(
		b->c, "faults", b->slope[STATE_NEW],
		"CPU time of the first write of 1 vCPU to anonymous pages in sequence, "
		"less a write to mapped ones; slope over %d to %d "
		"pages; allocation and zeroing included",
		STEP, SIZES * STEP);
	calibration_put(b->c, "stale_faults", b->slope[STATE_UNMAPPED],
			"the same for pages that mprotect() unmapped from KVM "
			"but that are present: at least what a fault that has "
			"to be tried again takes once more");
	calibration_include(b->c, "lock_read_fault", "faults");
	calibration_include(b->c, "lock_write_fault", "faults");
	if (b->has_swap)
		put_swap(b);
	else
		calibration_miss(b->c, "refaults",
				 "there is no swap (modprobe zram, mkswap, "
				 "swapon)");
}

static int run_rounds(struct fault_bench *b, struct status *st)
{
	int ret = 0;

	for (unsigned int round = 0; round < b->c->rounds && !ret; round++) {
		for (int state = 0; state < NR_STATES && !ret; state++)
			if (state != STATE_SWAPPED || b->has_swap)
				ret = measure(b, (enum state)state, round, st);
		if (!ret)
			ret = interrupts_check(st);
	}
	return ret;
}

static int fault_run(struct calibration *c, struct status *st)
{
	struct fault_bench b = {.c = c, .has_swap = has_swap()};
	int ret;

	b.pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (b.pagemap < 0)
		return status_fail(st, errno, "/proc/self/pagemap: %s",
				   strerror(errno));
	ret = ordered_start(&b.guest, 1, st);
	if (!ret) {
		ret = run_rounds(&b, st);
		ordered_stop(&b.guest);
	}
	close(b.pagemap);
	if (!ret)
		put_rows(&b);
	return ret;
}

static const char *const names[] = {"faults",	       "stale_faults",
				    "lock_read_fault", "lock_write_fault",
				    "refaults",	       NULL};

const struct calibration_bench bench_fault = {
	.summary = "faults of a guest: new pages, unmapped ones, swapped ones",
	.names = names,
	.run = fault_run,
};

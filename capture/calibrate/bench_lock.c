/* SPDX-License-Identifier: MIT */
/*
 * Passing a contended mmu_lock on: vCPUs fault while we unmap their memory, and the
 * tracepoints lock:contention_begin and contention_end say how long each of them waited.
 * Who comes just before the end of a hold waits for the handover only, so the shortest
 * waits are what it takes, and a little more.
 *
 * What it cannot know: which lock it was.  Spinning for a readers-writer lock is what is
 * looked at (LCB_F_SPIN with LCB_F_READ or LCB_F_WRITE): of these mmu_lock is the one that
 * faults and invalidations share.  Kernels before 5.19 have no such tracepoints.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "capture/calibrate/calibration.h"
#include "capture/calibrate/ordered.h"
#include "capture/calibrate/stats.h"
#include "capture/interrupts.h"
#include "capture/tracing/hostfs.h"
#include "capture/tracing/tracer.h"

/* include/trace/events/lock.h */
enum {
	LCB_SPIN = 1 << 0,
	LCB_READ = 1 << 1,
	LCB_WRITE = 1 << 2,
};

enum {
	VCPUS_MAX = 4,
	FAULTS = 1024, /* per vCPU and round */
	WAITS_MAX = 4096,
	WAITS_MIN = 20, /* per round: 5 % of them is one */
	TRIES = 100,	/* per round, to get so many */
	RING = 1 << 20,
	PAGE = 4096,
};

struct waiter {
	pid_t tid;
	uint64_t lock, since_ns; /* 0: does not wait */
};

struct lock_bench {
	struct calibration *c;
	struct ordered guest;
	struct tracer *tracer;
	struct waiter waiters[VCPUS_MAX + 1];
	size_t nr_waiters;
	double waits[WAITS_MAX]; /* of a round */
	size_t nr_waits, all_waits;
	double handover[CALIBRATE_ROUNDS_MAX];
};

static const struct tracer_point points[] = {
	{"lock", "contention_begin", {"lock_addr", "flags"}, NULL},
	{"lock", "contention_end", {"lock_addr"}, NULL},
};

static int take(void *arg, const struct tracer_event *event, struct status *st)
{
	struct lock_bench *b = arg;
	struct waiter *w = b->waiters;

	(void)st;
	while (w < b->waiters + b->nr_waiters && w->tid != event->tid)
		w++;
	if (w == b->waiters + b->nr_waiters)
		return 0;
	if (event->which == 0) {
		bool is_rwlock = event->field[1] & LCB_SPIN &&
				 event->field[1] & (LCB_READ | LCB_WRITE);

		w->lock = event->field[0];
		w->since_ns = is_rwlock ? event->time_ns : 0;
	} else if (w->since_ns && w->lock == event->field[0]) {
		if (b->nr_waits < WAITS_MAX)
			b->waits[b->nr_waits++] =
				(double)(event->time_ns - w->since_ns);
		w->since_ns = 0;
	}
	return 0;
}

/* Give pages of the guest back: its next write is a fault. */
static int give_back(char *at, size_t n, struct status *st)
{
	if (madvise(at, n * PAGE, MADV_DONTNEED))
		return status_fail(st, errno, "madvise: %s", strerror(errno));
	return 0;
}

/* While the vCPUs fault on all they have, take some of it from them again. */
static int contend(struct lock_bench *b, struct status *st)
{
	int event = 0, ret = ordered_begin(&b->guest, FAULTS, st);
	size_t i = 0;

	while (!ret && !(event = vmm_wait(b->guest.vmm, 0, st)))
		ret = give_back(b->guest.data + i++ % FAULTS * PAGE, 1, st);
	return ret ? ret : event < 0 ? event : 0;
}

static int unmap_all(struct lock_bench *b, struct status *st)
{
	const size_t share = (size_t)CALIBRATE_PAGES * PAGE;
	int ret = 0;

	for (unsigned int i = 0; i < b->guest.nr_vcpus && !ret; i++)
		ret = give_back(b->guest.data + i * share, FAULTS, st);
	return ret;
}

static int try_once(struct lock_bench *b, struct status *st)
{
	uint64_t lost;
	int ret = unmap_all(b, st);

	if (!ret)
		ret = tracer_enable(b->tracer, st);
	if (!ret)
		ret = contend(b, st);
	if (ret)
		return ret;
	ret = tracer_finish(b->tracer, take, b, &lost, st);
	return ret < 0 ? ret : interrupts_check(st);
}

static int measure(struct lock_bench *b, unsigned int round, struct status *st)
{
	int ret = 0;

	b->nr_waits = 0;
	for (int i = 0; i < TRIES && b->nr_waits < WAITS_MIN && !ret; i++)
		ret = try_once(b, st);
	b->all_waits += b->nr_waits;
	b->handover[round] =
		b->nr_waits < WAITS_MIN
			? -1
			: stats_quantile(b->waits, b->nr_waits, 0.05);
	return ret;
}

static int open_tracer(struct lock_bench *b, struct status *st)
{
	pid_t tids[VCPUS_MAX + 1];
	struct tracer_plan plan = {.points = points,
				   .nr_points = 2,
				   .tids = tids,
				   .ring_bytes = RING};
	int tracefs = hostfs_open("tracefs", st), ret;

	if (tracefs < 0)
		return tracefs;
	b->nr_waiters = b->guest.nr_vcpus + 1;
	for (unsigned int i = 0; i < b->guest.nr_vcpus; i++)
		b->waiters[i].tid = vmm_vcpu_tid(b->guest.vmm, i);
	b->waiters[b->nr_waiters - 1].tid = gettid();
	for (size_t i = 0; i < b->nr_waiters; i++)
		tids[i] = b->waiters[i].tid;
	plan.nr_tids = b->nr_waiters;
	ret = tracer_open(&b->tracer, tracefs, &plan, st);
	close(tracefs);
	return ret;
}

static void put_row(struct lock_bench *b)
{
	unsigned int bad = 0;

	for (unsigned int r = 0; r < b->c->rounds; r++)
		bad += b->handover[r] < 0;
	if (bad)
		calibration_miss(b->c, "lock_handover",
				 "%zu contended acquisitions of a spinning "
				 "readers-writer lock in %u rounds of up to "
				 "%d x %d faults by %u vCPUs beside "
				 "unmappings: fewer than %d in %u of the "
				 "rounds",
				 b->all_waits, b->c->rounds, TRIES, FAULTS,
				 b->guest.nr_vcpus, WAITS_MIN, bad);
	else
		calibration_put(b->c, "lock_handover", b->handover,
				"5 %% of %zu waits for mmu_lock were shorter "
				"(lock:contention_begin to contention_end), %u "
				"vCPUs that fault beside unmappings: at most "
				"this",
				b->all_waits, b->guest.nr_vcpus);
}

static int run_rounds(struct lock_bench *b, struct status *st)
{
	struct ordered_time first;
	int ret = ordered_touch(&b->guest, FAULTS, &first, st);

	if (!ret)
		ret = open_tracer(b, st);
	for (unsigned int r = 0; r < b->c->rounds && !ret; r++)
		ret = measure(b, r, st);
	if (!ret)
		put_row(b);
	tracer_close(b->tracer);
	return ret;
}

static int lock_run(struct calibration *c, struct status *st)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int vcpus = cpus > VCPUS_MAX ? VCPUS_MAX
					      : (unsigned int)(cpus - 1);
	struct lock_bench *b;
	int ret;

	if (!vcpus)
		return status_fail(st, ENODEV,
				   "needs 2 CPUs: a vCPU that faults, and us");
	b = kage_calloc(1, sizeof(*b), st);
	if (!b)
		return -ENOMEM;
	b->c = c;
	ret = ordered_start(&b->guest, vcpus, st);
	if (!ret) {
		ret = run_rounds(b, st);
		ordered_stop(&b->guest);
	}
	free(b);
	return ret;
}

static const char *const names[] = {"lock_handover", NULL};

const struct calibration_bench bench_lock = {
	.summary = "passing a contended mmu_lock on",
	.names = names,
	.run = lock_run,
};

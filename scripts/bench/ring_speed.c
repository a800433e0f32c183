/* SPDX-License-Identifier: MIT */
/*
 * How fast events are decoded from a perf buffer of this kernel: four fields per event,
 * as the backends qemu-dirty-ring and mglru take them, and then what each does with an
 * event first.  The events are system calls of this thread: what KVM's tracepoints cost
 * where they fire is not in it, nor is what becomes of a decoded event at an epoch's end.
 *
 * usage: ring_speed [ROUNDS]; ends with 77 where the kernel does not let us trace.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "capture/mglru/spte.h"
#include "capture/qemu/push_map.h"
#include "capture/tracing/hostfs.h"
#include "capture/tracing/tracer.h"

enum {
	EVENTS = 60000, /* what a buffer holds */
	FILLS = 5,	/* buffers per round */
	RING_BYTES = 16 << 20,
	ROUNDS_MAX = 99,
	SKIPPED = 77
};

struct sink {
	struct push_list pushes;
	uint64_t events, aged, pages;
};

static int take_push(void *arg, const struct tracer_event *event,
		     struct status *st)
{
	struct sink *sink = arg;
	const struct push push = {.time_ns = event->time_ns,
				  .slot = (uint32_t)event->field[2],
				  .offset = event->field[3]};

	sink->events++;
	return push_list_add(&sink->pushes, &push, st);
}

static int take_change(void *arg, const struct tracer_event *event,
		       struct status *st)
{
	struct sink *sink = arg;
	const struct spte_change change = {event->field[0],
					   event->field[1] | 1 << 11 | 1 << 5,
					   1 << 11, 1};

	(void)st;
	sink->events++;
	if (!spte_was_aged(SPTE_NPT, &change))
		return 0;
	sink->aged++;
	sink->pages += spte_run(&change).npages;
	return 0;
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* Return: the CPU time of decoding FILLS buffers, or a negative number. */
static double round_of(struct tracer *tracer, tracer_handler handler,
		       struct sink *sink, struct status *st)
{
	double took = 0;
	uint64_t lost;

	sink->events = 0;
	for (int i = 0; i < FILLS; i++) {
		double start;

		push_list_clear(&sink->pushes);
		if (tracer_enable(tracer, st))
			return -1;
		for (int k = 0; k < EVENTS; k++)
			syscall(SYS_getppid);
		if (tracer_disable(tracer, st))
			return -1;
		start = seconds();
		if (tracer_finish(tracer, handler, sink, &lost, st) < 0)
			return -1;
		took += seconds() - start;
		if (lost)
			return status_fail(st, EIO, "%" PRIu64 " events lost",
					   lost);
	}
	if (sink->events != (uint64_t)FILLS * EVENTS)
		return status_fail(st, EIO, "%" PRIu64 " events of %d",
				   sink->events, FILLS * EVENTS);
	return took;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int measure(struct tracer *tracer, const char *name,
		   tracer_handler handler, int rounds, struct status *st)
{
	struct sink sink = {.events = 0};
	double took[ROUNDS_MAX];

	for (int i = 0; i < rounds; i++) {
		took[i] = round_of(tracer, handler, &sink, st);
		if (took[i] < 0)
			return -1;
	}
	push_list_fini(&sink.pushes);
	qsort(took, (size_t)rounds, sizeof(*took), by_size);
	printf("%s %.2f M/s, none of %d lost\n", name,
	       (double)FILLS * EVENTS / took[rounds / 2] * 1e-6,
	       rounds * FILLS * EVENTS);
	return 0;
}

int main(int argc, char **argv)
{
	char filter[64];
	const struct tracer_point point = {"raw_syscalls",
					   "sys_enter",
					   {"id", "common_pid", "common_flags",
					    "common_type"},
					   filter};
	const pid_t self = (pid_t)syscall(SYS_gettid);
	const struct tracer_plan plan = {&point, 1, &self, 1, RING_BYTES, 0};
	int rounds = argc > 1 ? atoi(argv[1]) : 5, tracefs;
	struct tracer *tracer = NULL;
	struct status st = {""};

	snprintf(filter, sizeof(filter), "id == %d", (int)SYS_getppid);
	tracefs = hostfs_open("tracefs", &st);
	if (rounds < 1 || rounds > ROUNDS_MAX || tracefs < 0 ||
	    tracer_open(&tracer, tracefs, &plan, &st)) {
		printf("skip: %s\n", st.message);
		return SKIPPED;
	}
	if (measure(tracer, "qemu-dirty-ring", take_push, rounds, &st) ||
	    measure(tracer, "mglru", take_change, rounds, &st)) {
		fprintf(stderr, "ring_speed: %s\n", st.message);
		return 2;
	}
	tracer_close(tracer);
	return 0;
}

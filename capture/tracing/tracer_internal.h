/* SPDX-License-Identifier: MIT */
/* What tracer.c sets up and tracer_drain.c reads; for these two only. */
#ifndef CAPTURE_TRACER_INTERNAL_H
#define CAPTURE_TRACER_INTERNAL_H

#include <stdbool.h>

#include "capture/tracing/perf_ring.h"
#include "capture/tracing/tracer.h"

struct member {
	int fd;	     /* -1: the lane does not watch this point */
	uint64_t id; /* what its samples carry */
};

struct lane {
	struct perf_ring ring;
	struct member *members; /* one per point */
	int fd;			/* of the event that brought the buffer */
	pid_t tid;		/* -1: a CPU's */
	int cpu;		/* -1: a thread's */
	uint64_t lost;		/* before the last event that was handed over */
	bool has_event;		/* @event was read and not handed over */
	struct tracer_event event;
	uint64_t values[TRACEPOINT_FIELDS];
};

struct tracer {
	struct tracepoint *points;
	size_t nr_points;
	struct lane *lanes;
	size_t nr_lanes;
	struct member *members; /* of all lanes */
	struct lane **heap;	/* earliest first */
	size_t nr_heap;
	unsigned char *scratch;
	int epoll;
	size_t nr_threads; /* the first lanes */
	size_t nr_alive;   /* of these, where the thread may still run */
	uint64_t last_ns;  /* no event comes with an earlier time */
	uint64_t seen, late, reported;
};

#endif

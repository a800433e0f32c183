/* SPDX-License-Identifier: MIT */
/*
 * Several tracepoints at once, on some threads or on all CPUs, as one stream of
 * decoded events in time order.
 *
 * They are perf events of this process: nothing in the host's tracing changes,
 * and they end with the process, however it ends.
 *
 * What it cannot know: events that fire inside perf's own handling of another one
 * in the same context (kernel: perf_swevent_get_recursion_context()) are neither
 * delivered nor counted; CPUs that come online and threads that start later are
 * not watched.  Other losses are counted exactly.
 */
#ifndef CAPTURE_TRACER_H
#define CAPTURE_TRACER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"
#include "capture/tracing/tracepoint.h"

struct tracer;

struct tracer_event {
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	pid_t tid;	  /* in whose context it happened */
	unsigned int cpu;
	unsigned int which;    /* index of the point in the plan */
	const uint64_t *field; /* in the order of the point's names */
};

/* Field names after the last one are NULL.  @filter is in the kernel's language
 * (Documentation/trace/events.rst), NULL: everything. */
struct tracer_point {
	const char *system, *event;
	const char *fields[TRACEPOINT_FIELDS];
	const char *filter;
};

struct tracer_plan {
	const struct tracer_point *points;
	size_t nr_points;
	const pid_t *tids; /* none: every thread, on all CPUs */
	size_t nr_tids;
	size_t ring_bytes; /* per thread or CPU; rounded up to a power of two */
	/* Bit i: point i is watched on all CPUs although there are @tids. */
	uint64_t everywhere;
};

/* Returns 0, or a negative errno that ends the drain. */
typedef int (*tracer_handler)(void *arg, const struct tracer_event *event,
			      struct status *st);

/**
 * tracer_open - prepare; nothing is recorded until tracer_enable()
 * @tracefs: directory descriptor (hostfs_open()); not used after the call
 * @plan: likewise
 *
 * Privileges can be dropped afterwards.
 * Return: 0; -ENODEV (no such tracepoint, field or filter), -EPERM, -EMFILE,
 * -ESRCH (a thread has ended), -ENOMEM.
 */
int tracer_open(struct tracer **tracer, int tracefs,
		const struct tracer_plan *plan, struct status *st);

/*
 * Return: a descriptor that becomes readable when a buffer is a quarter full, or
 * a watched thread ends.  Between, events wait: who wants them sooner drains by
 * the clock.  After it was readable once, drain, or it may stay silent.
 */
int tracer_fd(const struct tracer *tracer);

int tracer_enable(struct tracer *tracer, struct status *st);
int tracer_disable(struct tracer *tracer, struct status *st);

/**
 * tracer_drain - hand over what has happened
 * @lost: gets the number of events found lost since the last drain
 *
 * Events come in time order: one is handed over only when no buffer can bring an
 * earlier one any more.  So what is younger than a millisecond waits for the next
 * drain, unless one thread is all that is watched.  An event that the kernel
 * publishes still later is given the time of the one before, and tracer_late()
 * counts it.
 *
 * Return: 1; 0 when all watched threads have ended (tracer_finish() brings the
 * rest); or an error.
 */
int tracer_drain(struct tracer *tracer, tracer_handler handler, void *arg,
		 uint64_t *lost, struct status *st);

/**
 * tracer_finish - disable, and hand over everything
 *
 * As tracer_drain(), but afterwards what was handed over since tracer_open() and
 * what was reported as lost add up to what the kernel counted.  tracer_enable()
 * may follow.
 */
int tracer_finish(struct tracer *tracer, tracer_handler handler, void *arg,
		  uint64_t *lost, struct status *st);

/* Return: the time (CLOCK_MONOTONIC) of the last event, or of the last
 * tracer_finish().  What was reported as lost was lost before, and no event comes
 * with an earlier time. */
uint64_t tracer_time_ns(const struct tracer *tracer);

/* Return: events with a corrected time so far. */
uint64_t tracer_late(const struct tracer *tracer);

/* NULL is fine. */
void tracer_close(struct tracer *tracer);

#endif

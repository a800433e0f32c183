/* SPDX-License-Identifier: MIT */
/*
 * How often KVM's tracepoints fire, on all CPUs, counted by perf events without a
 * buffer: nothing can be lost.
 *
 * They carry no VM: those of another VM on this host are counted too.
 */
#ifndef CAPTURE_LIVE_COUNTERS_H
#define CAPTURE_LIVE_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct live_counter {
	const char *name; /* in results */
	const char *system, *event;
};

extern const struct live_counter live_counters[]; /* ends with a NULL name */

struct live_counting {
	int *fds; /* nr_cpus per counter; -1: the kernel lacks the tracepoint */
	size_t nr_counters, nr_cpus;
};

/**
 * live_counting_open - count from now on
 * @tracefs: hostfs_open(); not used after the call
 *
 * Return: 0; what perf_event_open(2) said.  live_counting_close() is due then too.
 */
int live_counting_open(struct live_counting *counting, int tracefs,
		       struct status *st);
void live_counting_close(struct live_counting *counting);

/* Return: the count of live_counters[@i], or UINT64_MAX if it is not known. */
uint64_t live_counting_value(const struct live_counting *counting, size_t i);

#endif

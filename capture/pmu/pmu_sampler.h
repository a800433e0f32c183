/* SPDX-License-Identifier: MIT */
/*
 * Samples of one PMU event on some threads: opens the event for each, reads their
 * buffers, hands over what is in them.  What a sample means is the caller's.
 *
 * What it cannot know: threads that start later.  Samples of one thread come in
 * time order, those of several do not.
 */
#ifndef CAPTURE_PMU_SAMPLER_H
#define CAPTURE_PMU_SAMPLER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"
#include "capture/pmu/pmu_event.h"

struct pmu_sampler; /* opaque */

struct pmu_sample {
	uint64_t time_ns;  /* CLOCK_MONOTONIC */
	size_t thread;	   /* index into the plan's */
	unsigned int mode; /* PERF_RECORD_MISC_GUEST_USER ... */
	const unsigned char *raw;
	size_t raw_size;
};

struct pmu_sampler_plan {
	const struct pmu_event *event;
	uint64_t period;
	const pid_t *threads;
	size_t nr_threads;
	size_t ring_bytes; /* per thread; rounded up to a power of two */
};

/* Returns 0, or a negative errno that ends the drain. */
typedef int (*pmu_handler)(void *arg, const struct pmu_sample *sample,
			   struct status *st);

/* What the kernel said besides samples, since the opening. */
struct pmu_sampler_stats {
	uint64_t samples; /* of our threads */
	uint64_t lost; /* did not fit into a buffer; per-CPU: of all threads */
	uint64_t throttled; /* times the kernel paused an event for its rate */
};

/**
 * pmu_sampler_open - prepare; nothing is sampled until _enable()
 *
 * Kernels whose PMU samples CPUs only (IBS before Linux 6.2) get the event on all
 * CPUs, and the samples of other threads are passed over: that disturbs them.
 * Privileges can be dropped afterwards.
 * Return: 0, or an error of perf_event_open(2) in words.
 */
int pmu_sampler_open(struct pmu_sampler **sampler,
		     const struct pmu_sampler_plan *plan, struct status *st);

int pmu_sampler_enable(struct pmu_sampler *sampler, struct status *st);

/* Stop sampling; what is in the buffers stays. */
void pmu_sampler_disable(struct pmu_sampler *sampler);

/* Hand over what is in the buffers now. */
int pmu_sampler_drain(struct pmu_sampler *sampler, pmu_handler handler,
		      void *arg, struct status *st);

/* Losses that no record told yet are in after pmu_sampler_disable(). */
void pmu_sampler_stats(const struct pmu_sampler *sampler,
		       struct pmu_sampler_stats *stats);

/* NULL is fine. */
void pmu_sampler_close(struct pmu_sampler *sampler);

#endif

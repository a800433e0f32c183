/* SPDX-License-Identifier: MIT */
/*
 * Counting events around a piece of our own work, an aging pass for instance: what
 * the pass costs us, and what the guest does meanwhile.
 *
 * Spelling: events (pmu_event.h) with a + between them.  "EVENT" is counted in the
 * thread that opened it, outside of guest mode; "EVENT@guest" in the guest's vCPU
 * threads, in guest mode: "cycles+dTLB-load-misses+EPT:WALK_PENDING@guest".
 *
 * What it cannot know: what the pass costs later (walks of the guest that find
 * their entries gone from the TLB), and what IPIs cost other threads.  The calls
 * that start and stop are in our thread's counts, some microseconds.
 */
#ifndef CAPTURE_PMU_COUNTERS_H
#define CAPTURE_PMU_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"
#include "capture/pmu/pmu_event.h"

enum {
	PMU_COUNTERS_MAX = 8,
};

struct pmu_count {
	const char *name; /* as the user spelled it; lives with the counters */
	uint64_t value;	  /* or an estimate, see is_scaled */
	bool is_known;	  /* false: it was never on the PMU */
	bool is_scaled;	  /* shared the PMU with others: value for the whole
			      time from the part that was counted */
};

/* What read(2) of a counter gives. */
struct pmu_reading {
	uint64_t value, enabled_ns, running_ns;
};

struct pmu_counter {
	char name[PMU_NAME_MAX];
	size_t first, nr; /* its descriptors */
};

struct pmu_counters {
	size_t nr;
	struct pmu_counter counters[PMU_COUNTERS_MAX];
	size_t nr_fds, capacity, start_capacity;
	int *fds;
	struct pmu_reading *start; /* of each */
};

/**
 * pmu_counters_open - open the counters of @text, stopped
 * @text: NULL: none
 * @vcpus: the guest's threads, for EVENT@guest
 *
 * Privileges can be dropped afterwards.
 * Return: 0; errors of pmu_event_encode() and pmu_event_check(); -E2BIG for too
 * many; -EINVAL for EVENT@guest without vCPU threads; or what perf_event_open(2)
 * said.  pmu_counters_close() is due in all cases.
 */
int pmu_counters_open(struct pmu_counters *counters, const char *text,
		      const struct pmu_cpu *cpu, const pid_t *vcpus,
		      size_t nr_vcpus, struct status *st);
void pmu_counters_close(struct pmu_counters *counters);

/* Count from zero. */
int pmu_counters_start(struct pmu_counters *counters, struct status *st);

/* Stop; @counts gets one per event, in the order of the text. */
int pmu_counters_stop(struct pmu_counters *counters,
		      struct pmu_count counts[PMU_COUNTERS_MAX],
		      struct status *st);

/* The count between two readings of one descriptor.  Pure.  A thread that did not
 * run at all has a known count: zero. */
void pmu_count_between(const struct pmu_reading *start,
		       const struct pmu_reading *end, struct pmu_count *count);

/* "cycles 12345, dTLB-load-misses unknown, page-faults about 7": for a note in the
 * trace. */
void pmu_counters_text(const struct pmu_count *counts, size_t nr, char *buf,
		       size_t size);

#endif

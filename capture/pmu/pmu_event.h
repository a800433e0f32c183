/* SPDX-License-Identifier: MIT */
/*
 * Events of the performance monitoring unit: from what a user types to what
 * perf_event_open() takes, by libpfm4's tables; and what this machine has of it.
 *
 * What it cannot know: whether the kernel and the hypervisor below let an event
 * count (perf_event_open() says that), whether a raw code means anything.
 *
 * Spellings:
 *	cycles, page-faults, DTLB_LOAD_MISSES:WALK_COMPLETED:u
 *		libpfm4's, with its modifiers (except mg and mh, see pmu_side)
 *	r01c0	perf's: "r" and the hexadecimal event-select value
 *	raw:CONFIG[,CONFIG1[,CONFIG2]]
 *		as perf_event_attr has them, decimal or 0x...
 *	ibs_op, ibs_op:uops
 *		AMD's instruction-based sampling, which libpfm4 does not have: every
 *		n cycles, or every n dispatched micro-operations
 *
 * libpfm4 keeps its state in the process: not for several threads at once.
 */
#ifndef CAPTURE_PMU_EVENT_H
#define CAPTURE_PMU_EVENT_H

#include <linux/perf_event.h>
#include <stdbool.h>

#include "base/status.h"

enum {
	PMU_NAME_MAX = 128,
	PMU_FULL_MAX = 256,
};

/* What this machine has. */
struct pmu_cpu {
	bool has_pmu;	       /* the kernel drives a core PMU */
	bool is_virtual;       /* the CPU says that it is a hypervisor's */
	bool has_load_latency; /* PEBS: loads with address and latency */
	bool has_stores;       /* PEBS: stores with address */
	int ibs_op_type;       /* of perf's ibs_op PMU, -1: none */
	char model[32];	       /* libpfm4's name: "skx"; "": it knows none */
};

/* Whose execution counts: in guest mode, or outside of it (the kernel included). */
enum pmu_side {
	PMU_HOST,
	PMU_GUEST,
};

struct pmu_event {
	struct perf_event_attr attr; /* what to count; nothing of how to sample
					but for precise_ip and sample_period if
					the user named them */
	char name[PMU_NAME_MAX];     /* as typed */
	char full[PMU_FULL_MAX];     /* spelled out, or as typed */
};

/**
 * pmu_cpu_probe - look at sysfs and ask libpfm4
 * @root: a directory that holds "proc" and "sys": an open "/", or a test's tree;
 *	libpfm4 looks at the real machine in either case
 *
 * A core PMU is a "cpu" or "cpu_core" below /sys/bus/event_source/devices, where
 * the kernel registers it only if it found one (init_hw_perf_events()).  Load
 * latency and stores are its events mem-loads and mem-stores, which exist only
 * with PEBS (arch/x86/events/intel/core.c).
 */
void pmu_cpu_probe(int root, struct pmu_cpu *cpu);

/**
 * pmu_event_encode - make an event of its spelling
 * @cpu: from pmu_cpu_probe(), for ibs_op and for what a message says
 *
 * IBS counts on both sides, whatever @side is (its PMU takes no exclusion).
 * Return: 0; -ENOENT for an event that libpfm4 does not know here; -EINVAL for one
 * that is misspelt; -ENODEV if it could only be one of a PMU that is not there.
 */
int pmu_event_encode(struct pmu_event *event, const char *text,
		     enum pmu_side side, const struct pmu_cpu *cpu,
		     struct status *st);

/* Return: 0, or -ENODEV if @event needs a PMU that @cpu does not have. */
int pmu_event_check(const struct pmu_event *event, const struct pmu_cpu *cpu,
		    struct status *st);

#endif

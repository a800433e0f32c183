/* SPDX-License-Identifier: MIT */
/*
 * A closed loop beside the replay: vCPUs populate memory while one ager passes over
 * what is present, back to back, until they are through; the pass that is under way
 * then is finished.  It is what access_tracking_perf_test -p -l does
 * (tools/testing/selftests/kvm, as of v4 of "mm: multi-gen LRU: Walk secondary MMU page
 * tables while aging", 2024-05-29).
 *
 * Each vCPU touches the pages of its own region one by one.  A fault is time outside of
 * mmu_lock, then a hold; outside times are exponential.  The ager walks region
 * after region, page after page up to where the vCPU is: one notifier call each, of
 * which some time is a hold if calls lock.
 *
 * A run of 1/n of the pages is the same but for noise: nothing but ratios matters.
 *
 * It cannot know what else the vCPUs share: their fault time is an input, as a function
 * of how many they are.
 */
#ifndef REPLAY_POPULATE_H
#define REPLAY_POPULATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "models/mmu.h"

struct populate {
	uint32_t vcpus;
	uint64_t pages; /* of each vCPU */
	uint64_t seed;
	bool has_ager;
	enum mmu_lock young_lock; /* of the ager's calls; NONE: lockless */
	enum mmu_lock fault_lock;

	double fault_ns;      /* a fault by itself, its hold included */
	double fault_hold_ns; /* of it */
	double young_ns; /* the ager's time per present page, its hold included */
	double young_hold_ns; /* of it; does not matter to lockless calls */
	double handover_ns;
	double start_share; /* of the pages that are there before the ager starts */
};

struct populate_result {
	uint64_t vcpu_ns; /* until the last vCPU was through */
	uint64_t passes, aged_pages;
	double pass_ns;			     /* mean; 0 without any */
	double fault_wait_ns, young_wait_ns; /* mean, for mmu_lock */
};

/* Return: 0, -EINVAL for times that do not fit each other, or -ENOMEM. */
int populate_run(const struct populate *p, struct populate_result *result,
		 struct status *st);

#endif

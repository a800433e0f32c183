/* SPDX-License-Identifier: MIT */
/*
 * When it all happens: the work of one lane, priced by a cost profile, queues on locks
 * (models/sim.h) in the trace's virtual time.
 *
 * It watches, and never decides: it reads the lane's counters before and after each
 * thing that the engine does, and what it makes of them goes nowhere but into its
 * results.  The loop is open: a vCPU that is late begins its next fault when the last
 * one is done, and the trace does not wait; behind_ns says how late it all ended.  With
 * is_closed the engine asks when a vCPU is done, and lets the guest wait
 * (closed_loop.h).
 *
 *	thread		does
 *	vCPU		its faults; direct reclaim, where there are no reclaimers
 *	reclaimer	reclaim, dealt to whoever is free; at least one does what a
 *			driver asks for beside the guest
 *	ager		tables of aging passes, dealt to whoever is free; without agers
 *			a pass is walked by who reclaims
 *	host		invalidations and accesses by the VMM, scans of NUMA balancing
 *
 * Which locks an operation takes, and how often, are the counters' (calls_*, lock_*):
 *
 *	fault		PTE lock of its table; mmu_lock, for read or write by the kind
 *			(kvm_tdp_mmu_page_fault(), direct_page_fault()); rmap
 *	young call	as its policy and kind lock; the walk holds the PTE lock of its
 *			table around all calls (walk_pte_range()), an rmap walk that of
 *			its page (folio_referenced_one())
 *	invalidation	mmu_lock for write in start, where it zaps and flushes, and in
 *			end (kvm_mmu_notifier_invalidate_range_start(), _end());
 *			numa_protect() has one such hold
 *
 * A remote flush takes its sender flushes + flush_vcpu for each vCPU that runs, and each
 * of those flush_exit.  What swapping out takes is not in it.
 *
 * It cannot know that a fault meets an eviction under way and retries: the model unmaps a
 * page at one instant, and a fault behind it is a refault, which queues on the locks
 * that the eviction still holds.  Faults that meet a scan of NUMA balancing are counted by
 * the model (retried_faults) and priced here.
 *
 * Missing: what depends on a cost that the profile lacks is not known, and the cost is
 * named.  Without order and time (epochs, scenarios) waits, stalls, latencies and rates
 * are not known either; acquisitions, holds and processor time are.
 */
#ifndef REPLAY_TIMELINE_H
#define REPLAY_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "models/counters.h"
#include "models/hist.h"
#include "models/reclaim.h"
#include "replay/costs.h"

enum {
	TIMELINE_VCPUS_MAX = 1024,
	TIMELINE_RECLAIMERS_MAX = 64,
	TIMELINE_AGERS_MAX = 64,
	TIMELINE_SETUP = 64
};

struct timeline_options {
	const struct costs *costs; /* borrowed */
	uint32_t vcpus; /* 0: as recorded; else pages are dealt by a hash */
	uint32_t reclaimers; /* 0: direct reclaim by the vCPU that faults */
	uint32_t agers;	     /* 0: who reclaims walks */
	uint64_t seed;
	bool is_closed; /* stalls delay the guest, and so move decisions */
};

enum timeline_lock {
	TIMELINE_MMU_LOCK,
	TIMELINE_PTE_LOCK,
	TIMELINE_RMAP_LOCK,
	TIMELINE_LOCKS
};

enum timeline_class {
	TIMELINE_FAULT,
	TIMELINE_INVALIDATION,
	TIMELINE_AGER,
	TIMELINE_CLASSES
};

extern const char *const timeline_locks[], *const timeline_classes[];

struct timeline_use {
	struct hist hold, wait; /* ns; a yield ends a hold and begins a wait */
};

struct timeline_result {
	uint32_t vcpus, reclaimers, agers;
	bool has_time;	 /* the trace has order and time */
	bool knows_time; /* and no cost was lacking */
	bool knows_holds[TIMELINE_CLASSES];
	bool knows_ager_cpu;
	char lacking[1024]; /* names of costs, ", " between */

	struct timeline_use
		*uses[TIMELINE_LOCKS][TIMELINE_CLASSES]; /* NULL: none */
	uint64_t span_ns; /* of the trace, or until all was done if that is later */
	uint64_t behind_ns; /* that is later by so much; closed: the guest's part of it */

	/* Of a fault, from exit to resume; and of all, what of it was what. */
	struct hist stall;
	uint64_t stall_lock_ns, stall_reclaim_ns, stall_swap_ns, stall_flush_ns;

	/* A pass: while at least one of its tables is walked, whatever the pace.  An
	 * invalidation: from the start of start to the end of end. */
	struct hist pass, invalidation;
	uint64_t flushes, ipis;
	uint64_t ager_cpu_ns; /* of passes and young calls, without waiting */
	uint64_t evictions,
		reclaim_ns; /* reclaim_ns: elapsed, of all threads */
};

/* Which threads, as in "vcpus=recorded,reclaimers=0,agers=0", then ",closed-loop". */
void timeline_setup(const struct timeline_options *options,
		    char text[TIMELINE_SETUP]);

struct timeline; /* opaque */

/* What is counted, and whose locks these are. */
struct timeline_lane {
	const struct counters *counters;
	uint32_t npages;
	bool locks_rmaps;
	uint32_t recorded_vcpus;
	bool has_time;
};

/* Return: 0 with @timeline to timeline_free(), or -ENOMEM. */
int timeline_new(struct timeline **timeline,
		 const struct timeline_options *options,
		 const struct timeline_lane *lane, struct status *st);
void timeline_free(struct timeline *t);

/* Around an access that found its page not quiet: what comes between belongs to it. */
void timeline_access_begins(struct timeline *t, uint32_t page, uint32_t vcpu,
			    uint64_t now_ns);
void timeline_access_ends(struct timeline *t);

/* A step of @r has been made, in an access or beside the guest. */
void timeline_reclaimed(struct timeline *t, const struct reclaim *r,
			uint64_t now_ns);

/* The host has done something: an invalidation, an access. */
void timeline_host(struct timeline *t, uint64_t now_ns);

/*
 * In a closed loop: a vCPU with a job makes no access until that is done, and
 * everything is up to date before anything new happens.
 */

/* Return: whose access to @page it is, if @recorded made it. */
uint32_t timeline_vcpu(const struct timeline *t, uint32_t page,
		       uint32_t recorded);

/* Return: whether @vcpu has a job to wait for. */
bool timeline_is_busy(const struct timeline *t, uint32_t vcpu);

/* Let what is due happen up to and including @until_ns, or until a vCPU is done with
 * its job.  Return: whether one is: @vcpu, at @done_ns. */
bool timeline_until_done(struct timeline *t, uint64_t until_ns, uint32_t *vcpu,
			 uint64_t *done_ns);

/* Return: what flushes of others have taken so far of a vCPU that ran at each. */
uint64_t timeline_exits_ns(const struct timeline *t);

/* The guest was done at @now_ns, and nothing is to happen any more before that. */
void timeline_guest_done(struct timeline *t, uint64_t now_ns);

/* The trace has ended.  Return: 0, or -ENOMEM if anything was lost. */
int timeline_finish(struct timeline *t, uint64_t end_ns);

const struct timeline_result *timeline_result(const struct timeline *t);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A lane: one run of one policy.  It owns the model's state and everything that the
 * run will report; it shares with other lanes only the page words, of which it
 * touches its own two bits.
 */
#ifndef REPLAY_LANE_H
#define REPLAY_LANE_H

#include <stddef.h>
#include <stdint.h>

#include "datasets/scenario/results.h"
#include "models/mglru.h"
#include "models/numa.h"
#include "models/reclaim.h"
#include "replay/accuracy.h"
#include "replay/beside.h"
#include "replay/driver.h"
#include "replay/epoch_fit.h"
#include "replay/epoch_set.h"
#include "replay/life.h"
#include "replay/memory.h"
#include "replay/timeline.h"

enum {
	LANE_AGE_BUCKETS = 64,
	LANE_IDLE_BUCKETS = 32
};

/* What is to be run; all that decides the outcome besides the trace. */
struct lane_config {
	const struct policy_entry *policy;
	_Alignas(8) char policy_params[POLICY_PARAMS_MAX];
	const struct mglru_version *version;
	const struct mmu_entry *mmu;
	_Alignas(8) char mmu_params[MMU_PARAMS_MAX];
	const struct driver_entry *driver;
	_Alignas(8) char driver_params[DRIVER_PARAMS_MAX];
	/* Driver script: the same for all lanes of a pass; borrowed.  Else NULL. */
	const struct scenario *scenario;
	char scenario_text[128]; /* its file and id, for people and for keys */
	const struct memory *memory; /* of all lanes; borrowed.  NULL: defaults */
	const struct numa_mode_info *numa;
	_Alignas(8) char numa_params[NUMA_PARAMS_MAX];
	enum mmu_chunk chunk;
	uint64_t limit_pages; /* drivers that need one */
	char limit_text[24];  /* as asked for */
	uint64_t pace_ns;     /* virtual time per PTE and per candidate */
	uint64_t wrong_window_ns;
};

/* One sample interval; cumulative but for resident. */
struct lane_sample {
	uint64_t end_ns, resident;
	struct counters counters;
	uint32_t idle[LANE_IDLE_BUCKETS]; /* resident pages by true idle age */
};

/* One generation after one pass. */
struct lane_generation {
	uint64_t pass, end_ns, seq, age_ns;
	int64_t pages;
};

struct lane {
	const struct lane_config *config;
	struct counters counters;
	struct mmu mmu;
	struct mglru mglru;
	struct numa numa;
	bool knows_retries; /* of faults while something is being invalidated */

	struct reclaim reclaim; /* work under way beside the guest */
	uint64_t work_ns;	/* when its next step is due */
	uint64_t wake_ns;	/* when the driver wants to be called */
	uint64_t now_ns;	/* what is happening, happens now */
	unsigned int stage;	/* the driver's own */
	uint64_t limit_pages;	/* the limit in force; UINT64_MAX: none */
	/* Driver script: what came of it, with pages for gfns until the engine is
	 * through; owned.  Else NULL. */
	struct scenario_results *script;
	/* The guest goes on while the host works; borrowed.  NULL: it does not. */
	struct beside *beside;
	const uint64_t *footprint; /* of a script: a bit per page; borrowed */

	uint64_t refault_age[LANE_AGE_BUCKETS]; /* by log2 ns since eviction */
	struct lane_sample *samples;		/* owned */
	size_t nr_samples, samples_capacity;
	struct lane_generation *generations; /* owned */
	size_t nr_generations, generations_capacity;

	/* Epoch traces: the last one; borrowed.  Else NULL. */
	struct epoch_set *epoch;
	struct epoch_fit fit;	   /* set by whoever knows the whole pass */
	struct accuracy *accuracy; /* owned; NULL unless asked for */
	struct life *life;	   /* owned; NULL unless asked for */
	struct timeline *timeline; /* the same; only watches */
	uint32_t vcpu;		   /* whose access it is, as recorded */
	int error; /* first allocation failure, reported at the end */
};

/* By enum mmu_chunk; ends with NULL. */
extern const char *const lane_chunk_names[];

/* Return: whether the lane can know @counter; else it is missing, not zero. */
bool lane_has_counter(const struct lane *lane, enum counter counter);

/* Return: 0 or -ENOMEM; lane_fini() is safe in either case. */
int lane_init(struct lane *lane, const struct lane_config *config,
	      struct pages *pages, unsigned int bit, struct status *st);
void lane_fini(struct lane *lane);

/* Begin NUMA balancing of @vmas, which must stay, if the lane is to have it.  @is_alone:
 * the VM has one vCPU, and its thread scans.  Return: 0 or -ENOMEM. */
int lane_balance(struct lane *lane, const struct numa_vma *vmas, size_t nr_vmas,
		 bool is_alone, struct status *st);

/* What NUMA balancing does to a fault on @page: flags of mglru_fault(). */
unsigned int lane_numa_trouble(struct lane *lane, uint32_t page,
			       uint64_t now_ns);

/* An access found @page not quiet in this lane. */
void lane_access(struct lane *lane, uint32_t page, uint64_t now_ns,
		 bool is_write);

/* Let work and driver run up to and including @now_ns. */
void lane_advance(struct lane *lane, uint64_t now_ns);

/* Return: when lane_advance() has something to do next. */
static inline uint64_t lane_next_ns(const struct lane *lane)
{
	uint64_t ns = lane->reclaim.state != RECLAIM_IDLE ? lane->work_ns
							  : lane->wake_ns;

	return lane->numa.next_ns < ns ? lane->numa.next_ns : ns;
}

/* Run a request to its end in no virtual time: the guest stands still. */
void lane_reclaim_now(struct lane *lane, enum reclaim_kind kind,
		      uint64_t wanted, bool force_scan, uint64_t now_ns);

/* @page's folio is about to be charged: reclaim until it fits lane->limit_pages
 * (try_charge_memcg in mm/memcontrol.c), or make it a small one. */
void lane_charge(struct lane *lane, uint32_t page, uint64_t now_ns);

/* An access to @page may fault: what it swaps in is read, and all of it charged. */
void lane_bring_in(struct lane *lane, uint32_t page, uint64_t now_ns);

/* Begin a request that will advance with the guest. */
void lane_reclaim_begin(struct lane *lane, enum reclaim_kind kind,
			uint64_t wanted, bool force_scan, uint64_t now_ns);

/* End a sample interval.  @idle: per page, the interval of its last access. */
void lane_take_sample(struct lane *lane, uint64_t end_ns,
		      const uint32_t *last_seen, uint32_t sample);

#endif

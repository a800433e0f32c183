/* SPDX-License-Identifier: MIT */
/*
 * MGLRU of one memcg on one node, for the memory of one guest: generations, lists,
 * tiers, aging, eviction and look-around, as mm/vmscan.c has them.
 *
 * The guest's memory is anonymous (or shmem, which is swap-backed too), so only the
 * type LRU_GEN_ANON has folios.  The file type's min_seq follows the anonymous one
 * in try_to_inc_min_seq() as long as its lists are empty, so one min_seq suffices.
 * Folios are single pages.  Swap is synchronous (zram): a victim is gone when its
 * verdict falls, and every eviction writes.
 *
 * What it does not model yet: file pages and swappiness, large folios, memcg
 * protection, lock contention inside the walk (a trylock always succeeds), the per-CPU
 * batch of new pages, and the batching of size updates by the walk.
 *
 * Names are the kernel's.  "6.12" in a comment is Debian's linux-source-6.12.
 */
#ifndef MODELS_MGLRU_H
#define MODELS_MGLRU_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "models/counters.h"
#include "models/genlist.h"
#include "models/mmu.h"
#include "models/pages.h"
#include "models/policy.h"

/* include/linux/mmzone.h, mm/vmscan.c: the same in 6.1, 6.12 and 7.2. */
enum {
	MIN_NR_GENS = 2,
	MAX_NR_GENS = 4,
	MAX_NR_TIERS = 4,
	LRU_REFS_WIDTH = MAX_NR_TIERS - 2,
	MIN_LRU_BATCH = 64,
	MAX_LRU_BATCH = 64 * 64,
	NR_BLOOM_FILTERS = 2,
	BLOOM_FILTER_SHIFT = 15,
	DEF_PRIORITY = 12,
	SWAP_CLUSTER_MAX = 32,
	LRU_BATCH_MAX = 31, /* of the versions' lru_batch */
};

/* What differs between kernels. */
struct mglru_version {
	const char *name;
	unsigned int fault_gens_back; /* a faulted page enters max_seq - this */
	unsigned int rejected_gens_back; /* so does a victim found young */
	unsigned int tier_gain[2]; /* read_ctrl_pos: tier 0, other tiers */
	bool has_size_heuristic;   /* should_run_aging looks at sizes */
	unsigned int lru_batch;	   /* PAGEVEC_SIZE */
};

extern const struct mglru_version mglru_versions[]; /* ends with a NULL name */

/* Return: the version called @name ("6.12"), or NULL. */
const struct mglru_version *mglru_version_find(const char *name);

/*
 * Flags of a page in a lane: struct folio's flags, its PTE, and what is left of it
 * after eviction.  The generation is stored plus one; 0 is "not on a list".
 */
enum {
	PAGE_GEN_MASK = 7 << 0,
	PAGE_REFS_SHIFT = 3,
	PAGE_REFS_MASK = 3 << PAGE_REFS_SHIFT, /* LRU_REFS_MASK */
	PAGE_REFERENCED = 1 << 5,	       /* PG_referenced */
	PAGE_WORKINGSET = 1 << 6,	       /* PG_workingset */
	PAGE_PRIMARY_YOUNG = 1 << 7, /* accessed bit of the VMM's PTE */
	PAGE_RESIDENT = 1 << 8,
	PAGE_SHADOW = 1 << 9, /* not resident, evicted before */
	PAGE_LIST_SHIFT =
		10, /* whose list it is on: lags behind the generation */
	PAGE_LIST_MASK = 3 << PAGE_LIST_SHIFT,
	PAGE_UNMAPPED = 1 << 12, /* resident, but only in the swap cache */
	/* LRU_REFS_FLAGS and LRU_REFS_MASK: what a promotion clears */
	PAGE_REFS_ALL = PAGE_REFS_MASK | PAGE_REFERENCED | PAGE_WORKINGSET,
};

struct mglru_ctrl {
	uint64_t refaulted, evicted, protected; /* since min_seq moved */
	uint64_t avg_refaulted, avg_total;	/* moving averages */
};

/* Who looked whether pages are young. */
enum mglru_asker {
	MGLRU_ASKS_WALK,   /* the aging walk: walk_pte_range() */
	MGLRU_ASKS_VICTIM, /* about one eviction candidate: folio_referenced() */
	MGLRU_ASKS_WINDOW, /* about its neighbours: lru_gen_look_around() */
};

/* What gave a page its generation. */
enum mglru_move {
	MGLRU_ADDED,	 /* it came to the lists: new, or put back */
	MGLRU_PROMOTED,	 /* found young: folio_update_gen() */
	MGLRU_INCREASED, /* left the oldest generation: folio_inc_gen() */
};

/*
 * Hooks are told what was done, in order, and change nothing.  NULL: nobody listens,
 * and nothing is spent.
 */
struct mglru_listener {
	void (*evicted)(void *arg, uint32_t page, uint64_t now_ns);
	void (*refaulted)(void *arg, uint32_t page, uint64_t evicted_ns,
			  uint64_t now_ns);
	void (*new_generation)(void *arg, uint64_t now_ns);

	/* A pass has seen all that it will, and max_seq is still its own. */
	void (*aging_ends)(void *arg, uint64_t now_ns);

	/* Of the resident pages @want, bit i being @first + i, those of @young were
	 * found young, by either MMU.  What follows from it is not yet done. */
	void (*asked)(void *arg, enum mglru_asker who, uint32_t first,
		      uint64_t want, uint64_t young);

	/* @page is now in generation @gen (seq % MAX_NR_GENS). */
	void (*moved)(void *arg, uint32_t page, unsigned int gen,
		      enum mglru_move how);
	void *arg;
};

struct mglru {
	/* what it is made of; borrowed */
	const struct mglru_version *version;
	const struct policy_ops *policy;
	const void *policy_params;
	struct mmu *mmu;
	struct counters *counters;
	struct mglru_listener listener;

	/*
	 * Per page; owned.  where is the position on its list, or the shadow entry
	 * of an evicted page; evicted_at the time of its last eviction.
	 */
	uint32_t npages;
	uint32_t *where, *evicted_at;
	uint16_t *flags;
	uint8_t *table_exists; /* per leaf table: a page of it was ever mapped */

	/* struct lru_gen_folio; lists are indexed by seq % 4 */
	struct genlist list[MAX_NR_GENS];
	uint64_t max_seq, min_seq;
	uint64_t timestamps[MAX_NR_GENS]; /* ns */
	int64_t nr_pages[MAX_NR_GENS];
	struct mglru_ctrl ctrl[MAX_NR_TIERS];
	uint64_t resident; /* pages charged to the memcg */
	uint64_t unmapped; /* those of them with PAGE_UNMAPPED */

	/* cpu_fbatches.lru_activate (mm/swap.c): pages that wait to be activated.  The
	 * batch holds a reference on each, so none of them can be freed. */
	uint32_t activating[LRU_BATCH_MAX];
	unsigned int nr_activating;
	int error; /* -ENOMEM once a list could not grow: results are void */

	/*
	 * struct lru_gen_mm_state.  is_walked: head is past the only mm, somebody
	 * walks it.  filters[seq % 2]: NULL until first used.
	 */
	bool is_walked;
	/*
	 * mm->lru_gen.bitmap: aging without force_scan skips an mm that no CPU has
	 * switched to since it was walked last (get_next_mm()).  is_stepped: the VMM
	 * sleeps between its turns, and mglru_use_mm() tells when it runs again;
	 * else it is switched to all the time.
	 */
	bool is_stepped, is_mm_unused;
	uint64_t *filters[NR_BLOOM_FILTERS];
	uint64_t *filter_memory; /* both filters; owned */
};

/**
 * mglru_init - an empty lruvec for @mmu->pages->npages pages
 *
 * The pointers in @m->version ... @m->listener are set by the caller before.
 * Return: 0 or -ENOMEM; mglru_fini() is safe in either case.
 */
int mglru_init(struct mglru *m, struct status *st);
void mglru_fini(struct mglru *m);

/*
 * A vCPU fault of a page without an SPTE: instantiate, swap in or only map it.  The
 * caller has made room.  Counts faults, refaults and first touches.
 */
void mglru_fault(struct mglru *m, uint32_t page, uint64_t now_ns);

/*
 * The fault that is about to end had to evict first.  KVM notices that it was
 * invalidated meanwhile, lets the page go and the vCPU fault again
 * (RET_PF_RETRY in arch/x86/kvm/mmu/mmu.c); since 6.8 without taking mmu_lock
 * (mmu_invalidate_retry_gfn_unsafe()).
 */
void mglru_fault_stale(struct mglru *m);

/* Return: whether a fault on @page would charge a page. */
bool mglru_needs_charge(const struct mglru *m, uint32_t page);

/* The host touched @page through the VMM's mapping: its primary bit is set. */
void mglru_host_access(struct mglru *m, uint32_t page, uint64_t now_ns);

/* SPTEs of @range were zapped for a reason other than eviction. */
void mglru_invalidate(struct mglru *m, uint32_t first, uint64_t range);

/* The guest gave @page back: it leaves the lists, its contents are gone. */
void mglru_discard(struct mglru *m, uint32_t page);

/* lru_add_drain(): activate the pages that wait for it. */
void mglru_lru_add_drain(struct mglru *m);

/* Return: NULL, or which invariant is broken (lists, sizes, bounds of seqs). */
const char *mglru_check(const struct mglru *m);

/*
 * Aging: one pass is begin, one step per leaf table, end.  Guest accesses, faults,
 * evictions and other passes may come between steps; every begin needs its end.
 */
struct mglru_walk {
	uint64_t seq;	 /* max_seq when the pass began */
	bool force_scan; /* bypass the Bloom filter */
	bool has_mm;	 /* false: somebody else walks it, or it was not used */
	uint32_t table;	 /* next leaf table */
};

void mglru_walk_begin(struct mglru *m, struct mglru_walk *walk,
		      bool force_scan);

/* lru_gen_use_mm(): a CPU has switched to the VMM. */
static inline void mglru_use_mm(struct mglru *m)
{
	m->is_mm_unused = false;
}

/* Scan the next table that the filter lets through.
 * Return: PTEs visited, or 0 when there is no table left. */
uint32_t mglru_walk_step(struct mglru *m, struct mglru_walk *walk);

/* Make the new generation, unless somebody else did meanwhile. */
bool mglru_walk_end(struct mglru *m, const struct mglru_walk *walk,
		    uint64_t now_ns);

/* get_nr_to_scan(): how much to scan at @priority, or that it is time to age. */
struct mglru_budget {
	uint64_t nr_to_scan;
	bool must_age;
};
struct mglru_budget mglru_get_nr_to_scan(const struct mglru *m, int priority);

/* Pages between isolation and verdict: evict_folios() in three parts. */
struct mglru_batch {
	uint32_t page[MIN_LRU_BATCH];
	uint32_t n, at, nr_kept;
	uint64_t scanned;
	bool has_walk; /* current->reclaim_state->mm_walk is set */
};

/* Isolate up to 64 pages of the oldest generation.  Return: scan progress. */
uint64_t mglru_isolate(struct mglru *m, struct mglru_batch *batch);

/* Give the next page its verdict.  Return: whether it was evicted. */
bool mglru_shrink_one(struct mglru *m, struct mglru_batch *batch,
		      uint64_t now_ns);

/* Put the rejected pages back on the lists. */
void mglru_put_back(struct mglru *m, struct mglru_batch *batch);

#endif

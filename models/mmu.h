/* SPDX-License-Identifier: MIT */
/*
 * The secondary MMU of one lane: what the host can see of the guest's accesses.
 *
 * The operations carry the names of the kernel's mmu_notifier_ops and mean the
 * same.  A policy makes notifier calls through mmu_calls() and then asks about the
 * pages of that call; there is no other way to learn of an access.
 *
 * A kind (mmu_ops) says how such a system behaves: its traits, from its parameters
 * and the kernel's release.  How the bits of its SPTEs are kept is spte.h.
 *
 * Ranges are a first page and a mask of up to 64 pages from it, bit 0 the first;
 * they never cross a leaf table.
 */
#ifndef MODELS_MMU_H
#define MODELS_MMU_H

#include <stdbool.h>
#include <stdint.h>

#include "base/param.h"
#include "base/status.h"
#include "models/counters.h"
#include "models/pages.h"

enum {
	MMU_PARAMS_MAX = 64
};

/* In the order of how much they exclude. */
enum mmu_lock {
	MMU_LOCK_NONE,
	MMU_LOCK_READ,
	MMU_LOCK_WRITE
};

/* What an access did that found its page not quiet. */
enum mmu_touch {
	MMU_TOUCH_ABSENT, /* there is no SPTE: the access must fault */
	MMU_TOUCH_BIT,	  /* the accessed bit was set; MGLRU hears nothing */
	MMU_TOUCH_MARK,	  /* the exit also called mark_page_accessed() */
	MMU_TOUCH_FAULT	  /* the exit was a whole fault, GUP included */
};

/* How a page is mapped and what its exits do. */
struct mmu_side {
	bool has_rmap;	/* SPTEs are found through an rmap */
	uint64_t chain; /* has_rmap: SPTEs of a mapped page */
	bool has_ad; /* hardware sets the accessed bit; else aging takes rights */
	bool is_fast;  /* a fast-only call can make a young SPTE old */
	bool is_blind; /* a fast-only call does not look */
	enum mmu_lock fault_lock; /* of a fault that installs an SPTE */
	enum mmu_lock
		track_lock; /* !has_ad: of the exit that gives rights back */
	enum mmu_touch track_does; /* !has_ad: what else that exit does */
};

/* Why pages are invalidated, by who sends it. */
enum mmu_reason {
	MMU_EVICT, /* try_to_unmap(): the page leaves */
	MMU_NUMA,  /* change_prot_numa(): some of the pages become PROT_NONE */
	MMU_MIGRATE, /* migrate_misplaced_folio(): one page moves to another node */
	MMU_TRACE,   /* whatever the trace recorded */
	MMU_DISCARD, /* the guest gives pages back: zap_page_range_single() */
};

/* What a zap does with the age of a page that stays. */
enum mmu_zap {
	MMU_ZAP_KERNEL, /* as the release and the kind have it */
	MMU_ZAP_MARK,	/* mark_page_accessed() */
	MMU_ZAP_DROP,	/* nobody is told */
	MMU_ZAP_KEEP /* MMU_NUMA: young calls still find it; else as KERNEL */
};

/* What a young call says of an SPTE that changed meanwhile. */
enum mmu_raced {
	MMU_RACED_YOUNG, /* young, and it stays so */
	MMU_RACED_OLD	 /* old: its bit is lost */
};

/* What the Bloom filter of walks counts of a large folio that is young. */
enum mmu_counts {
	MMU_COUNTS_FOLIO, /* all of it */
	MMU_COUNTS_PTE	  /* the PTEs that are young */
};

/* How a range is cut into notifier calls: what the thread of 2008 argued about. */
enum mmu_chunk {
	MMU_CHUNK_RANGE, /* one call: every kernel since */
	MMU_CHUNK_TABLE, /* one per leaf table: "invalidate_pages", up to 512 */
	MMU_CHUNK_PAGE,	 /* one per page: "invalidate_page" */
};

struct mmu_traits {
	bool is_kvm;	/* else a device's driver, without mmu_lock */
	bool has_young; /* has young operations; else it never says anything */
	enum mmu_lock young_lock; /* the least that a young call must hold */
	bool locks_rmaps; /* young calls lock each rmap that they walk */
	bool walks_fast; /* a fast-only call needs no lock but those of rmaps */
	bool flushes_young; /* clear_flush_young flushes if it was young */
	unsigned int order; /* a leaf SPTE maps 2^order pages: 0, 9 or 18 */
	bool has_huge; /* of order 9 where the host's folio is that large, else 0 */
	uint64_t tlb; /* entries of the guest's TLB; 0: it hides nothing */
	uint64_t fault_marks; /* mark_page_accessed() calls of a fault, beside GUP */
	uint64_t nested_share; /* percent of the leaf tables that are side[1] */
	struct mmu_side side[2];

	bool zaps_silently; /* no release marks the pages of young SPTEs it zaps */
	bool retries_all; /* faults anywhere retry while anything is invalidated */

	uint64_t device_flushes; /* of the device's TLBs, per invalidation */
	uint64_t idle_share; /* percent of them that nobody uses: left out */
	uint64_t device_pages; /* that one of them flushes at most; 0: any number */
	bool sleeps;	       /* an invalidation has to sleep */
	bool is_refused; /* and eviction's caller may not: it gets -EAGAIN */

	enum mmu_zap zap;   /* KEEP: direct SPTEs only, as what follows */
	uint64_t race_ppm;  /* of young SPTEs that are asked about */
	uint64_t race_seed; /* of which ones */
	enum mmu_raced raced;
	unsigned int folio_order; /* of folios that PTEs map */
	enum mmu_counts counts;
};

struct spte_ops;
struct tlb;

struct mmu {
	const struct mmu_ops *ops;
	const struct spte_ops *sptes;
	struct mmu_traits traits;
	struct pages *pages;
	struct counters *counters;
	uint64_t quiet, accessed; /* this lane's bits in a page word */

	/* Per page, direct SPTEs: there, but read-only, and so not quiet.  Owned. */
	uint64_t *read_only;

	/* spte_trap.c; owned */
	uint64_t *present;
	bool *is_split;

	/* spte_huge.c: per leaf table, whether an SPTE of 2 MiB is in its place; owned */
	bool *is_huge;

	uint64_t nr_risked; /* young SPTEs that were asked about, if any may be raced */
	uint64_t *lost; /* per page: an invalidation took the SPTE; owned */
	enum mmu_chunk chunk;

	/* NULL: hides nothing.  flushed_at: as tlb_now() at the last flush. */
	const struct tlb *tlb;
	uint64_t flushed_at;
};

/* A kind of secondary MMU. */
struct mmu_ops {
	const char *summary;
	const struct param_spec *params; /* NULL: none */
	size_t params_size;		 /* at most MMU_PARAMS_MAX */

	/* What @params mean under the release @kernel: mmu_kernel(6, 12). */
	struct mmu_traits (*traits)(const void *params, unsigned int kernel);
};

struct mmu_entry {
	const char *name;
	const struct mmu_ops *ops;
};

extern const struct mmu_entry mmu_kinds[]; /* ends with a NULL name */

/* Return: the kind called @name, or NULL. */
const struct mmu_entry *mmu_find(const char *name);

/* Releases as numbers that compare. */
static inline unsigned int mmu_kernel(unsigned int major, unsigned int minor)
{
	return major * 1000 + minor;
}

/**
 * mmu_init - the secondary MMU of lane number @bit of @pages, without any SPTE
 * @params: of @ops, parsed
 * @kernel: release, "6.12"
 *
 * Return: 0 or -ENOMEM; mmu_fini() is safe in either case.
 */
int mmu_init(struct mmu *mmu, const struct mmu_ops *ops, const void *params,
	     const char *kernel, struct pages *pages, unsigned int bit,
	     struct counters *counters, struct status *st);
void mmu_fini(struct mmu *mmu);

/* Young calls need no mmu_lock. */
static inline bool mmu_is_lockless(const struct mmu *mmu)
{
	return mmu->traits.has_young && mmu->traits.young_lock == MMU_LOCK_NONE;
}

/* Fast-only ones need none: what has_fast_aging says in the series of 2024. */
static inline bool mmu_has_fast_aging(const struct mmu *mmu)
{
	return mmu_is_lockless(mmu) || mmu->traits.walks_fast;
}

/*
 * Count @n notifier young calls by @caller (COUNT_calls_*), each with its lock: the
 * one that the policy asks for, or what the kind needs if that is more.
 */
void mmu_calls(struct mmu *mmu, enum counter caller, enum mmu_lock lock,
	       uint64_t n);

/* Count @n fast-only calls, of a kind with mmu_has_fast_aging(): nobody is waited for. */
void mmu_calls_fast(struct mmu *mmu, enum counter caller, uint64_t n);

/* Within a call: walk over the SPTEs of @range and leave them as they are. */
void mmu_visit(struct mmu *mmu, uint32_t first, uint64_t range);

/* Within a call: clear and count the young SPTEs of @range. */
uint64_t mmu_clear_young(struct mmu *mmu, uint32_t first, uint64_t range);

/* The same in a fast-only call: an SPTE that it cannot make old is young, and stays
 * it. */
uint64_t mmu_clear_young_fast(struct mmu *mmu, uint32_t first, uint64_t range);

/* Within a call: test only. */
uint64_t mmu_test_young(struct mmu *mmu, uint32_t first, uint64_t range);

/* As mmu_clear_young() for one page; kinds that flush for it do if it was young. */
bool mmu_clear_flush_young(struct mmu *mmu, uint32_t page);

/* A fault has made @page resident and installs its SPTE; the access is done. */
void mmu_map(struct mmu *mmu, uint32_t page);

/* The same for the folio of 2 MiB that has @page, of a kind that has_huge. */
void mmu_map_huge(struct mmu *mmu, uint32_t page);

/*
 * Direct SPTEs only: that of @page refuses writes (@is_read_only) or takes them again.
 * One that refuses writes is not quiet; reads set its accessed bit.
 */
void mmu_protect(struct mmu *mmu, uint32_t page, bool is_read_only);

/*
 * An access found @page not quiet.  Unless it is absent the access is done, and any
 * exit counted.
 */
enum mmu_touch mmu_touch(struct mmu *mmu, uint32_t page);

/*
 * One notifier call that invalidates: range_start(), its windows, range_end().  KVM
 * holds mmu_lock for write in either, and flushes all vCPUs once if the first has
 * zapped anything (kvm_mmu_notifier_invalidate_range_* in virt/kvm/kvm_main.c).
 */
struct mmu_unmap {
	enum mmu_reason reason;
	uint64_t zapped; /* pages that lost their SPTE, so far */
};

/* @pages: what the range covers, present or not */
void mmu_unmap_begin(struct mmu *mmu, struct mmu_unmap *call,
		     enum mmu_reason reason, uint64_t pages);

/* Zap @range.  Return: the pages whose SPTE was young. */
uint64_t mmu_unmap_window(struct mmu *mmu, struct mmu_unmap *call,
			  uint32_t first, uint64_t range);
void mmu_unmap_end(struct mmu *mmu, const struct mmu_unmap *call);

/* The pages of @range are gone: when they come back no invalidation is to blame. */
void mmu_forget(struct mmu *mmu, uint32_t first, uint64_t range);

/*
 * numa_protect() of "Reduce NUMA balance caused TLB-shootdowns in a VM" (RFC v2,
 * 2023-08-10) between begin and end: it takes mmu_lock, zaps what became PROT_NONE,
 * and must flush before it lets go.
 */
void mmu_protect_end(struct mmu *mmu, const struct mmu_unmap *call);

/* The three for the eviction of the pages of one window. */
uint64_t mmu_invalidate(struct mmu *mmu, uint32_t first, uint64_t range);

/* How @page is mapped: the pages of a leaf table all are in one way. */
const struct mmu_side *mmu_side_of(const struct mmu *mmu, uint32_t page);

/* A remote flush: all vCPUs of the VM (kvm_flush_remote_tlbs()). */
void mmu_flush(struct mmu *mmu);

/*
 * Before eviction invalidates a page.  Return: false if the kind must sleep and
 * this caller may not (-EAGAIN, mmu_notifier_range_blockable); it is counted.
 */
bool mmu_may_evict(struct mmu *mmu);

#endif

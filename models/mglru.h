/* SPDX-License-Identifier: MIT */
/*
 * MGLRU of one memcg on one node, for the memory of one guest: generations, lists,
 * tiers, aging, eviction and look-around, as mm/vmscan.c has them.
 *
 * The guest's memory is anonymous (or shmem, which is swap-backed too): of the type
 * LRU_GEN_ANON.  The memcg may have file pages, too: those that an ordinary process
 * maps, reads and never writes (mglru_file.c).  No secondary MMU maps them, and their
 * eviction writes nothing.  Both types compete for the memcg's limit by swappiness.
 * Folios are single pages, or of 2 MiB if the MMU's traits have it (has_huge); those of
 * files are single.  Swap is synchronous (zram): a victim is gone when its verdict
 * falls, and every eviction of the guest's memory writes; but see mglru_swap.h.
 *
 * One CPU runs all vCPUs: there is one batch of new pages before the lists and one of
 * activations (mglru_activate.c), and what drains them is known but for other
 * processes.  Whoever makes the page that fills the first has it on its list before GUP
 * and KVM mark it, and in 7.2 while it is in the swap cache.
 *
 * No kernel's MGLRU has a cache_trim_mode: shrink_node() leaves prepare_scan_control()
 * out or its answer unused.  Nor does kswapd prefer files but for a watermark boost,
 * which is not modelled.
 *
 * What it does not model yet: pages read through file descriptors, dirty file pages and
 * their read-ahead, swap on a disk that rotates, folios of other sizes, lock contention
 * inside the walk (a trylock always succeeds), and the batching of size updates by the
 * walk.
 *
 * Names are the kernel's.  "6.12" in a comment is Debian's linux-source-6.12.
 */
#ifndef MODELS_MGLRU_H
#define MODELS_MGLRU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "models/counters.h"
#include "models/genlist.h"
#include "models/mglru_swap.h"
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
	PAGEVEC_SIZE_MAX = 31, /* of all versions */
	/* include/linux/swap.h, vm_swappiness */
	DEF_SWAPPINESS = 60,
	MAX_SWAPPINESS = 200,
	SWAPPINESS_ANON_ONLY = MAX_SWAPPINESS + 1, /* "max": 7.2 only */
};

/* Types of folios: each has lists, sizes and tiers of its own. */
enum mglru_type {
	LRU_GEN_ANON, /* swap-backed: anonymous, shmem */
	LRU_GEN_FILE,
	ANON_AND_FILE
};

struct mglru;
struct mglru_batch;
struct mglru_walk;

/* How much to scan at a priority, and whether it is time to age first. */
struct mglru_budget {
	uint64_t nr_to_scan;
	bool must_age;
};

/*
 * What differs between kernels, each under the name of the kernel's function or
 * field.  @flags are a page's (see below); functions of flags know no more.
 */
struct mglru_version {
	const char *name;

	/* folio_mark_accessed(): folio_inc_refs() or lru_gen_inc_refs() */
	void (*folio_mark_accessed)(uint16_t *flags);
	/* lru_tier_from_refs(folio_lru_refs()) */
	unsigned int (*folio_lru_tier)(uint16_t flags);
	/* sort_folio(): all of the counter is set: protected whatever the tiers are */
	bool (*is_saturated)(uint16_t flags);
	/* LRU_REFS_MASK and LRU_REFS_FLAGS: what folio_update_gen() and
	 * folio_inc_gen() clear */
	uint16_t lru_refs_flags;

	/* folio_add_lru() of a page that a fault brings */
	void (*folio_add_lru)(uint16_t *flags);
	/* lru_gen_folio_seq(), or what lru_gen_add_folio() had in its place */
	uint64_t (*lru_gen_folio_seq)(const struct mglru *m,
				      enum mglru_type type, uint16_t flags);
	uint16_t lru_gen_add_folio; /* the flags that it clears */
	unsigned int pagevec_size;  /* PAGEVEC_SIZE, FOLIO_BATCH_SIZE */
	/* do_swap_page(): swap-ins pass through the swap cache, and a write fault
	 * puts its page on the lists while it is there */
	bool do_swap_page_drains;
	/* do_swap_page(): a read fault maps its page read-only, though it is the
	 * only one to have it: the first write faults again */
	bool do_swap_page_read_only;

	/* lru_gen_eviction(): refs << 1 | workingset, for the shadow entry */
	unsigned int (*lru_gen_eviction)(uint16_t flags);
	/* lru_gen_test_recent(): an eviction when min_seq was @seq */
	bool (*lru_gen_test_recent)(const struct mglru *m, enum mglru_type type,
				    uint32_t seq);
	/* lru_gen_refault() of a recent one.  Return: the tier it counts for */
	unsigned int (*lru_gen_refault)(uint16_t *flags, unsigned int refs,
					bool workingset);
	/* workingset_refault_anon of memory.stat: a COUNT_ of refaults */
	enum counter workingset_refault;

	/* KVM: the zap of a young SPTE marks its page accessed (until 6.13) */
	bool kvm_zap_marks_accessed;
	/* change_pmd_range() calls the notifiers: up to 1 GiB at a time; else
	 * change_pud_range() does, up to 512 GiB */
	bool change_pmd_range_notifies;
	/* kvm_faultin_pfn(): looks for an invalidation under way before it gets the
	 * page, so a retry leaves no mark (6.8) */
	bool kvm_faultin_pfn_checks;
	/* KVM: so does the release of a page whose fault must be retried */
	bool kvm_retry_marks_accessed;
	/* __split_huge_pmd(): notifies by itself, within try_to_unmap_one()'s range */
	bool split_huge_pmd_notifies;

	/* folio_update_gen(): the first look only sets PG_referenced, unless that
	 * or PG_workingset is set; the second promotes and sets PG_workingset */
	bool folio_update_gen_looks_twice;
	/* get_pfn_folio(): pages of which walks ask have one of these flags */
	uint16_t get_pfn_folio;
	/* walk_pmd_range(): a table whose PMD entry is old is left out, VM or not,
	 * forced or not; else only of mms without notifiers, unless forced */
	bool walk_pmd_range_skips_old;
	/* iterate_mm_list(): the next mm for @walk, or the end of the iteration.
	 * Return: whether this walk is to make the generation */
	bool (*iterate_mm_list)(struct mglru *m, struct mglru_walk *walk);
	/* try_to_inc_min_seq() after it has found the oldest populated generations:
	 * one type is kept near the other */
	void (*try_to_inc_min_seq)(const struct mglru *m,
				   uint64_t min_seq[ANON_AND_FILE]);
	/* inc_min_seq(): drained pages count as protected */
	bool inc_min_seq_protects;
	bool run_aging_has_range; /* -ERANGE at four generations, unless forced */

	bool has_swappiness_anon_only; /* SWAPPINESS_ANON_ONLY */
	/* isolate_folios() with get_type_to_scan(): from which type, and up to
	 * which tier.  Return: as scan_folios() */
	uint64_t (*isolate_folios)(struct mglru *m, struct mglru_batch *batch,
				   uint64_t nr_to_scan);
	/* get_tier_idx(): gains of tier 0 and of the others */
	unsigned int tier_gain[2];
	/* sort_folio(): protected pages go to the head of the next generation, and
	 * saturated ones are not counted */
	bool sort_folio_to_head;
	void (*isolate_folio)(uint16_t *flags);
	/* scan_folios(): its caller says how much; it returns what it scanned even
	 * if it isolated nothing; evict_folios() flushes before and after it */
	bool scan_folios_to_order;
	/* shrink_folio_list(): a page with PG_referenced is kept unasked */
	bool shrink_folio_list_keeps;
	/* folio_check_references() of a page found young */
	void (*lru_gen_set_refs)(uint16_t *flags);
	/* evict_folios(): flags of a rejected page before it is put back */
	uint16_t (*evict_folios)(const struct mglru *m, enum mglru_type type,
				 uint16_t flags);
	/* lru_gen_look_around(): these of the window's pages were young.  @has_walk:
	 * current->reclaim_state->mm_walk is set */
	void (*lru_gen_look_around)(struct mglru *m, uint32_t first,
				    uint64_t young, bool has_walk);
	/* lru_gen_look_around() sees no page if the walk is debugfs lru_gen's own:
	 * its can_swap is 0 */
	bool look_around_needs_can_swap;

	struct mglru_budget (*get_nr_to_scan)(const struct mglru *m,
					      int priority);
	/* try_to_shrink_lruvec(), lru_gen_shrink_lruvec() */
	bool get_nr_to_scan_once;   /* not again for each batch */
	bool evicts_after_aging;    /* in the same call */
	bool should_abort_scan;	    /* once the target is reached */
	bool aborts_after_aging;    /* of the node, not of a memcg */
	bool need_swapping;	    /* only if anonymous pages were isolated */
	bool aborts_aged_twice;	    /* max_seq - seq > 1 */
	bool set_mm_walk_proactive; /* memory.reclaim has a walk to begin with */
	bool memcg_full_walk;	    /* do_try_to_free_pages() tries again */
	/* get_nr_to_scan(): protection takes its share of what is to be scanned */
	bool apply_proportional_protection;
	bool get_nr_to_scan_spares_low; /* memory.low, for each batch */
	bool below_min_spares_empty; /* 0 charged pages are within 0 protected */

	/* kswapd: lru_gen_age_node() ages, and eviction leaves that to it; else it
	 * only calls the OOM killer, and sets the priority to begin with */
	bool lru_gen_age_node;
	/* lruvec_is_reclaimable(), age_lruvec(): the generation for min_ttl_ms */
	uint64_t (*lruvec_is_reclaimable)(const struct mglru *m);
	unsigned int memory_reclaim; /* asks for the rest divided by this */
};

extern const struct mglru_version *const mglru_versions[]; /* ends with NULL */

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
	PAGE_ACTIVE = 1 << 12, /* PG_active: only off the lists */
	/* PG_swapcache: within a fault, or without a PTE */
	PAGE_SWAPCACHE = 1 << 13,
	PAGE_UNMAPPED = PAGE_SWAPCACHE,
	PAGE_READ_ONLY = 1 << 14, /* the VMM's PTE is not writable */
	PAGE_SPTE_READ_ONLY = 1
			      << 15, /* nor is the SPTE: not quiet, but there */
	PAGE_REFS_ALL = PAGE_REFS_MASK | PAGE_REFERENCED | PAGE_WORKINGSET,
};

/* Flags of a leaf table. */
enum {
	TABLE_EXISTS = 1 << 0,	  /* a page of it was ever mapped */
	TABLE_PMD_YOUNG = 1 << 1, /* accessed bit of its PMD entry */
	TABLE_PARTIAL = 1 << 2, /* not all of it is guest memory: never huge */
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
 * and nothing is spent.  A page that reclaim has unmapped may still escape its
 * eviction, and be unmapped again.
 */
struct mglru_listener {
	void (*unmapped)(void *arg, uint32_t page);
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
	unsigned int swappiness; /* mem_cgroup_swappiness() */
	/* memory.min and memory.low in pages.  Not against reclaim of the memcg for
	 * its own limit; is_nested: limits and requests are its parent's. */
	uint64_t memory_min, memory_low;
	bool is_nested;

	/*
	 * Per page; owned.  where is the position on its list, or the shadow entry
	 * of an evicted page; evicted_at the time of its last eviction.
	 */
	uint32_t npages;
	uint32_t *where, *evicted_at;
	uint16_t *flags;
	uint8_t *table;	     /* per leaf table: TABLE_ flags; owned */
	uint32_t file_first; /* the first page that is of a file */
	/* Per leaf table: its pages are one folio, which its first page stands for on
	 * lists and in flags; there is no table then.  NULL: folios are single pages;
	 * owned. */
	bool *is_huge;
	struct mglru_swap swap;

	/* struct lru_gen_folio; lists are indexed by seq % 4 */
	struct genlist list[ANON_AND_FILE][MAX_NR_GENS];
	uint64_t max_seq, min_seq[ANON_AND_FILE];
	uint64_t timestamps[MAX_NR_GENS]; /* ns */
	int64_t nr_pages[ANON_AND_FILE][MAX_NR_GENS];
	struct mglru_ctrl ctrl[ANON_AND_FILE][MAX_NR_TIERS];
	uint64_t resident; /* pages charged to the memcg */
	uint64_t unmapped; /* those of them with PAGE_UNMAPPED */

	/* cpu_fbatches.lru_activate (mm/swap.c): pages that wait to be activated.  The
	 * batch holds a reference on each, so none of them can be freed. */
	uint32_t activating[PAGEVEC_SIZE_MAX];
	unsigned int nr_activating;
	unsigned int lru_add; /* pages in the per-CPU batch before the lists */
	bool is_tail;	      /* lrugen.seg is MEMCG_LRU_TAIL */
	int error; /* -ENOMEM once a list could not grow: results are void */

	/*
	 * struct lru_gen_mm_state.  mm_head: mms that this iteration has dealt out;
	 * mm_tail: those that any has.  filters[seq % 2]: NULL until first used.
	 */
	uint64_t mm_seq;
	unsigned int mm_head, mm_tail, nr_walkers;
	/*
	 * The bitmap of struct mm_struct's lru_gen, which lru_gen_use_mm() sets when
	 * the VMM, or the process with the files, is scheduled.  A pass without force
	 * leaves out an mm that did not run since it was last walked.  Whoever moves
	 * the guest sets has_run, or once for all never_sleeps.
	 */
	bool has_run, has_file_run, never_sleeps;
	uint64_t *filters[NR_BLOOM_FILTERS];
	uint64_t *filter_memory; /* both filters; owned */
};

/**
 * mglru_init - an empty lruvec for the pages of @m->mmu->pages
 *
 * All from @m->version to @m->swappiness is set by the caller before.
 * Return: 0 or -ENOMEM; mglru_fini() is safe in either case.
 */
int mglru_init(struct mglru *m, struct status *st);
void mglru_fini(struct mglru *m);

/* Whether @page is one of a huge folio, or its first fault will bring one: it lies in
 * aligned 2 MiB of which nothing was mapped before. */
static inline bool mglru_is_huge(const struct mglru *m, uint32_t page)
{
	return __builtin_expect(m->is_huge != NULL, 0) &&
	       !m->table[page / PTRS_PER_PTE];
}

/* Return: the page that stands for @page's folio, or for the one that it comes with. */
static inline uint32_t mglru_folio(const struct mglru *m, uint32_t page)
{
	return mglru_is_huge(m, page) ? page / PTRS_PER_PTE * PTRS_PER_PTE
				      : page;
}

/* The flags of @page's folio. */
static inline uint16_t mglru_flags(const struct mglru *m, uint32_t page)
{
	return m->flags[mglru_folio(m, page)];
}

/*
 * A vCPU access to a page that is not quiet: a fault, unless the page is only read and
 * has a read-only SPTE.  Instantiates, swaps in or only maps it.  The caller has made
 * room; if that invalidated anything (COUNT_calls_unmap), the fault is MGLRU_STALE:
 * is_page_fault_stale(), the vCPU faults again at once.
 * Counts faults, stale faults, refaults and first touches.
 */
enum {
	MGLRU_WRITE = 1 << 0,
	MGLRU_STALE = 1 << 1,
	MGLRU_HINT = 1 << 2, /* its PTE is PROT_NONE: a NUMA hint fault */
};
void mglru_fault(struct mglru *m, uint32_t page, uint64_t now_ns,
		 unsigned int how);

/*
 * A process other than the VMM reads file page @page (from m->file_first on) through
 * its mapping: a major fault unless the page is there.  The caller has made room.
 */
void mglru_file_access(struct mglru *m, uint32_t page, uint64_t now_ns);

/* lru_add_drain(): the pages that wait in the per-CPU batch reach their lists. */
void mglru_lru_add_drain(struct mglru *m);

/* Return: pages that a fault on @page would charge. */
static inline uint32_t mglru_needs_charge(const struct mglru *m, uint32_t page)
{
	if (mglru_is_huge(m, page))
		return mglru_flags(m, page) & PAGE_RESIDENT ? 0 : PTRS_PER_PTE;
	return !(m->flags[page] & PAGE_RESIDENT);
}

/* There is no room for a huge folio: faults at @page bring single ones from now on. */
void mglru_fall_back(struct mglru *m, uint32_t page);

/* The host touched @page through the VMM's mapping: its primary bit is set. */
void mglru_host_access(struct mglru *m, uint32_t page, uint64_t now_ns);

/* The VMM has touched every leaf table and given the pages back. */
void mglru_make_tables(struct mglru *m);

/* The guest gave @page back: it leaves the lists, its contents are gone. */
void mglru_discard(struct mglru *m, uint32_t page);

/* Return: the oldest generation of either type. */
static inline uint64_t mglru_oldest_seq(const struct mglru *m)
{
	return m->min_seq[LRU_GEN_ANON] < m->min_seq[LRU_GEN_FILE]
		       ? m->min_seq[LRU_GEN_ANON]
		       : m->min_seq[LRU_GEN_FILE];
}

/* evictable_min_seq() of 7.2: the oldest generation of the types that swappiness lets
 * be evicted.  Up to 6.12 the anonymous type is never ahead of the other, and
 * min_seq[!can_swap] is the same. */
uint64_t mglru_evictable_min_seq(const struct mglru *m);

/* Return: NULL, or which invariant is broken (lists, sizes, bounds of seqs). */
const char *mglru_check(const struct mglru *m);

/*
 * Aging: one pass is begin, one step per leaf table, end.  Guest accesses, faults,
 * evictions and other passes may come between steps; every begin needs its end.
 */
enum {
	MGLRU_MM_VMM,
	MGLRU_MM_FILES,
	MGLRU_NR_MMS
};

struct mglru_walk {
	uint64_t seq;	 /* max_seq when the pass began */
	bool force_scan; /* bypass the Bloom filter */
	unsigned int mm; /* whom it walks; MGLRU_NR_MMS: nobody (any more) */
	bool is_last;	 /* of iterate_mm_list(): it makes the generation */
	uint32_t table, end; /* next leaf table, and behind the last one */
};

void mglru_walk_begin(struct mglru *m, struct mglru_walk *walk,
		      bool force_scan);

/* Scan the next table that the filter lets through.
 * Return: PTEs visited, or 0 when there is no table left. */
uint32_t mglru_walk_step(struct mglru *m, struct mglru_walk *walk);

/* After the step that returned 0: make the new generation, unless somebody else did
 * meanwhile, or (6.1) still walks. */
bool mglru_walk_end(struct mglru *m, const struct mglru_walk *walk,
		    uint64_t now_ns);

/* Pages between isolation and verdict: evict_folios() in three parts. */
struct mglru_batch {
	uint32_t page[MIN_LRU_BATCH];
	uint32_t n, at, nr_kept;
	uint32_t nr_pages;    /* of the folios that were isolated */
	enum mglru_type type; /* of all of them */
	uint64_t scanned;
	bool has_walk; /* current->reclaim_state->mm_walk is set */
	bool can_swap; /* of that walk, or there is none */
};

/* Isolate up to 64 pages of the oldest generation, scanning @nr_to_scan (which counts
 * where scan_folios_to_order).  Return: scan progress. */
uint64_t mglru_isolate(struct mglru *m, struct mglru_batch *batch,
		       uint64_t nr_to_scan);

/* Give the next folio its verdict.  Return: pages evicted. */
uint32_t mglru_shrink_one(struct mglru *m, struct mglru_batch *batch,
			  uint64_t now_ns);

/* Put the rejected pages back on the lists.  Return: those that could be evicted at a
 * second try. */
uint32_t mglru_put_back(struct mglru *m, struct mglru_batch *batch,
			uint64_t now_ns);

#endif

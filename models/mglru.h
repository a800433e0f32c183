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
 * One CPU runs all vCPUs: there is one batch of new pages before the lists and one of
 * activations (mglru_activate.c), and what drains them is known but for other
 * processes.  Whoever makes the page that fills the first has it on its list before GUP
 * and KVM mark it, and in 7.2 while it is in the swap cache.
 *
 * What it does not model yet: file pages and swappiness, large folios, memcg
 * protection, lock contention inside the walk (a trylock always succeeds), and the
 * batching of size updates by the walk.
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
	PAGEVEC_SIZE_MAX = 31, /* of all versions */
};

struct mglru;

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
	uint64_t (*lru_gen_folio_seq)(const struct mglru *m, uint16_t flags);
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
	bool (*lru_gen_test_recent)(const struct mglru *m, uint32_t seq);
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

	/* folio_update_gen(): the first look only sets PG_referenced, unless that
	 * or PG_workingset is set; the second promotes and sets PG_workingset */
	bool folio_update_gen_looks_twice;
	/* get_pfn_folio(): pages of which walks ask have one of these flags */
	uint16_t get_pfn_folio;
	/* walk_pmd_range(): a table whose PMD entry is old is left out, VM or not */
	bool walk_pmd_range_skips_old;
	/* iterate_mm_list(): who finds all mms taken makes no generation */
	bool iterate_mm_list_waits;
	/* inc_min_seq(): drained pages count as protected */
	bool inc_min_seq_protects;
	bool run_aging_has_range; /* -ERANGE at four generations, unless forced */

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
	uint16_t (*evict_folios)(const struct mglru *m, uint16_t flags);
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
	bool aborts_aged_twice;	    /* max_seq - seq > 1 */
	bool set_mm_walk_proactive; /* memory.reclaim has a walk to begin with */
	bool memcg_full_walk;	    /* do_try_to_free_pages() tries again */
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

	/*
	 * Per page; owned.  where is the position on its list, or the shadow entry
	 * of an evicted page; evicted_at the time of its last eviction.
	 */
	uint32_t npages;
	uint32_t *where, *evicted_at;
	uint16_t *flags;
	uint8_t *table; /* per leaf table: TABLE_ flags; owned */

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
	uint32_t activating[PAGEVEC_SIZE_MAX];
	unsigned int nr_activating;
	unsigned int lru_add; /* pages in the per-CPU batch before the lists */
	int error; /* -ENOMEM once a list could not grow: results are void */

	/*
	 * struct lru_gen_mm_state.  is_walked: head is past the only mm, somebody
	 * walks it.  filters[seq % 2]: NULL until first used.  has_run: the bitmap of
	 * struct mm_struct's lru_gen, which lru_gen_use_mm() sets when the VMM is
	 * scheduled.  A pass without force leaves out an mm that did not run since
	 * it was last walked.  Whoever moves the guest sets has_run, or once for all
	 * never_sleeps.
	 */
	bool is_walked, was_walked, has_run, never_sleeps;
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

/* lru_add_drain(): the pages that wait in the per-CPU batch reach their lists. */
void mglru_lru_add_drain(struct mglru *m);

/* Return: whether a fault on @page would charge a page. */
bool mglru_needs_charge(const struct mglru *m, uint32_t page);

/* The host touched @page through the VMM's mapping: its primary bit is set. */
void mglru_host_access(struct mglru *m, uint32_t page, uint64_t now_ns);

/*
 * Pages [first, end), which stay, are invalidated: in as many calls as m->mmu->chunk
 * makes of them (invalidate.c).  SPTEs go, and with them ages: up to 6.12 the release of a
 * young one marks its page accessed, except on arm64.
 * Return: the pages that lost their SPTE.
 */
uint64_t mglru_invalidate(struct mglru *m, uint32_t first, uint32_t end,
			  enum mmu_reason reason);

/* The same by numa_protect(): only those pages of [first, end) that @wants says. */
uint64_t mglru_protect(struct mglru *m, uint32_t first, uint32_t end,
		       uint64_t (*wants)(const void *arg, uint32_t first,
					 uint64_t range),
		       const void *arg);

/* Return: the pages of @range with an SPTE, read-only ones, too. */
uint64_t mglru_has_sptes(const struct mglru *m, uint32_t first, uint64_t range);

/* The VMM has touched every leaf table and given the pages back. */
void mglru_make_tables(struct mglru *m);

/* The guest gave @page back: it leaves the lists, its contents are gone. */
void mglru_discard(struct mglru *m, uint32_t page);

/* Return: NULL, or which invariant is broken (lists, sizes, bounds of seqs). */
const char *mglru_check(const struct mglru *m);

/*
 * Aging: one pass is begin, one step per leaf table, end.  Guest accesses, faults,
 * evictions and other passes may come between steps; every begin needs its end.
 */
struct mglru_walk {
	uint64_t seq;	 /* max_seq when the pass began */
	bool force_scan; /* bypass the Bloom filter */
	bool has_mm;	 /* false: there is nothing to walk */
	bool ends_here;	 /* mm_state->seq: this pass makes the generation */
	uint32_t table;	 /* next leaf table */
};

void mglru_walk_begin(struct mglru *m, struct mglru_walk *walk,
		      bool force_scan);

/* Scan the next table that the filter lets through.
 * Return: PTEs visited, or 0 when there is no table left. */
uint32_t mglru_walk_step(struct mglru *m, struct mglru_walk *walk);

/* Make the new generation, unless somebody else did meanwhile. */
bool mglru_walk_end(struct mglru *m, const struct mglru_walk *walk,
		    uint64_t now_ns);

/* Pages between isolation and verdict: evict_folios() in three parts. */
struct mglru_batch {
	uint32_t page[MIN_LRU_BATCH];
	uint32_t n, at, nr_kept;
	uint64_t scanned;
	bool has_walk; /* current->reclaim_state->mm_walk is set */
	bool can_swap; /* of that walk, or there is none */
};

/* Isolate up to 64 pages of the oldest generation, scanning @nr_to_scan (which counts
 * where scan_folios_to_order).  Return: scan progress. */
uint64_t mglru_isolate(struct mglru *m, struct mglru_batch *batch,
		       uint64_t nr_to_scan);

/* Give the next page its verdict.  Return: whether it was evicted. */
bool mglru_shrink_one(struct mglru *m, struct mglru_batch *batch,
		      uint64_t now_ns);

/* Put the rejected pages back on the lists. */
void mglru_put_back(struct mglru *m, struct mglru_batch *batch);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A second MGLRU, of each kernel that is modelled, written from their sources alone and
 * as plainly as can be, for the differential test: arrays shifted by memmove, sizes by full scans,
 * bools for bits, one function per kernel function.  It shares the counters' names
 * with the model and nothing else.
 *
 * A request runs from beginning to end in one call and hands over at its pauses,
 * which are where the model's reclaim_step() returns.
 */
#ifndef MODELS_NAIVE_MGLRU_H
#define MODELS_NAIVE_MGLRU_H

#include <stdbool.h>
#include <stdint.h>

#include "models/counters.h"

enum {
	NAIVE_GENS = 4,
	NAIVE_TIERS = 4,
	NAIVE_TABLE = 512, /* pages of a leaf table */
	NAIVE_TABLES_MAX = 4,
	NAIVE_PAGES_MAX = NAIVE_TABLES_MAX * NAIVE_TABLE,
	NAIVE_BATCH = 64,
	NAIVE_SWAPPINESS_MAX = 200,
};

enum naive_type {
	NAIVE_ANON,
	NAIVE_FILE,
	NAIVE_TYPES
};

enum naive_version {
	NAIVE_6_1,
	NAIVE_6_12,
	NAIVE_7_2
};

enum naive_policy {
	NAIVE_NONE,
	NAIVE_RMAP,
	NAIVE_BATCHED,
	NAIVE_FAST_ONLY
};

enum naive_lock {
	NAIVE_LOCK_WRITE,
	NAIVE_LOCK_READ,
	NAIVE_LOCK_NONE
};

/* What becomes of the age of a zapped SPTE, by the kernel's version if not said. */
enum naive_zap {
	NAIVE_ZAP_KERNEL,
	NAIVE_ZAP_MARK,
	NAIVE_ZAP_DROP,
	NAIVE_ZAP_KEEP
};

/* How pages are mapped: those of nested guests may be mapped otherwise. */
struct naive_side {
	uint32_t chain;	 /* SPTEs on a page's rmap; 0: there is none */
	bool is_tracked; /* no accessed bit: an old page's access exits */
	bool is_slow;	 /* fast-only calls see a young SPTE and leave it so */
	bool is_blind;	 /* fast-only calls do not look at it */
	enum naive_lock fault_lock, track_lock;
	bool is_marked;	 /* by the exit of an old page's access */
	bool is_faulted; /* and found by fast GUP */
};

/* A secondary MMU, as tests describe it. */
struct naive_kind {
	bool is_device;		    /* without young operations and mmu_lock */
	enum naive_lock young_lock; /* a young call's, at least */
	bool locks_rmaps, flushes_young;
	bool walks_fast; /* fast-only calls take no lock but those of rmaps */
	uint32_t leaf;	 /* pages of a leaf SPTE */
	bool is_thp; /* faults bring folios of a whole table, where there is none */
	uint32_t fault_marks;
	struct naive_side side, nested;
	bool is_nested[NAIVE_TABLES_MAX];
	uint32_t device_flushes, device_pages, idle_share;
	bool sleeps, is_refused;
	bool zaps_silently; /* kvm_set_pfn_accessed() is called by no zap */
	enum naive_zap zap;
	uint64_t race_ppm, race_seed;
	bool raced_is_old;
	uint32_t folio; /* pages of a folio that PTEs map; 0: one */
	bool counts_ptes;
};

/* Who invalidates; as the model's reasons. */
enum naive_reason {
	NAIVE_EVICT,
	NAIVE_PROTECT,
	NAIVE_MIGRATE,
	NAIVE_RECORDED,
	NAIVE_GIVEN_BACK
};

enum naive_chunk {
	NAIVE_CHUNK_RANGE,
	NAIVE_CHUNK_TABLE,
	NAIVE_CHUNK_PAGE
};

/* NUMA balancing, as tests describe it: sizes in pages. */
struct naive_numa {
	bool is_deferred, is_precise;
	uint64_t size, pinned, block, migratable, private, seed;
	uint64_t period_min, period_max, pace; /* ns */
	uint32_t vma_end[3], vma_start[3], nr_vmas;

	uint64_t next_scan, scan_period, scan_seq, placed_seq;
	uint64_t scan_offset, local, remote;
};

struct naive_page {
	bool is_resident, is_young; /* present primary PTE, its accessed bit */
	bool has_spte, is_spte_young;
	bool is_read_only, is_spte_read_only; /* the PTE; the SPTE */
	bool is_referenced, is_workingset, is_active, is_in_swapcache;
	int refs;
	int gen;	   /* -1: on no list */
	bool is_lost;	   /* an invalidation took its SPTE */
	bool is_prot_none; /* pte_protnone() */
	bool is_hinted;	   /* such a fault goes on */
	bool is_unmapped;  /* resident, but only in the swap cache */
	bool is_readahead; /* PG_readahead: clean, and nobody asked for it */
	bool is_asked;	   /* what a fault has read, but not yet mapped */
	bool has_shadow, shadow_workingset;
	int shadow_refs;
	uint64_t shadow_seq;
};

/* page[0] is the head, where folios are added; eviction takes the last. */
struct naive_list {
	uint32_t page[NAIVE_PAGES_MAX];
	uint32_t n;
};

struct naive_mm {
	bool is_dealt, is_known; /* in this iteration; ever */
	bool has_run;		 /* since it was last walked */
};

struct naive_tier {
	uint64_t refaulted, evicted, protected, avg_refaulted, avg_total;
};

struct naive_mglru {
	enum naive_version version;
	enum naive_policy policy;
	uint32_t batch;	      /* NAIVE_BATCHED: pages per call */
	enum naive_lock lock; /* NAIVE_BATCHED, as has_two_calls */
	bool has_two_calls;
	bool has_no_walk; /* NAIVE_BATCHED, NAIVE_FAST_ONLY: walk=0 */
	bool has_flush;	  /* NAIVE_BATCHED: flush=1 */
	bool must_flush, must_not_flush; /* NAIVE_RMAP: flush=on, flush=off */
	struct naive_kind kind;
	bool is_split[NAIVE_TABLES_MAX]; /* a huge leaf that began in this table */
	uint32_t npages;

	/* Called after each piece of work, with its size. */
	void (*pause)(void *arg, uint32_t work);
	void *arg;

	uint32_t nr_anon; /* pages; the others are of files, without SPTEs */
	int swappiness;
	bool has_disk; /* else swap is synchronous */
	unsigned int page_cluster;
	uint64_t swap_readahead_info; /* of the only VMA */
	struct naive_page page[NAIVE_PAGES_MAX];
	bool is_huge[NAIVE_TABLES_MAX]; /* the table's pages are one folio */
	bool has_huge_spte[NAIVE_TABLES_MAX];
	struct naive_list list[NAIVE_TYPES][NAIVE_GENS];
	struct naive_tier tier[NAIVE_TYPES][NAIVE_TIERS];
	uint64_t max_seq, min_seq[NAIVE_TYPES];
	struct naive_list activating; /* page[0] came first */
	bool has_table[NAIVE_TABLES_MAX], is_pmd_young[NAIVE_TABLES_MAX];
	bool has_filter[2], filter[2][NAIVE_TABLES_MAX];
	struct naive_mm mm[NAIVE_TYPES]; /* the VMM's; that of the files */
	uint64_t mm_seq; /* the last generation for which all mms were dealt out */
	int nr_walkers;	     /* of mms, right now */
	uint32_t nr_lru_add; /* folios in the per-CPU batch */
	uint64_t memory_min, memory_low;
	bool is_nested, is_at_tail;
	const uint64_t *now_ns;
	uint64_t born_ns[NAIVE_GENS];
	enum naive_chunk chunk;
	struct naive_numa numa;
	uint64_t evictions_digest;
	uint64_t nr_risked; /* young SPTEs that might have been raced */
	struct counters counters;
};

/* get_pfn_folio(): whether walks see the folio; in 7.2 it must be on a list */
static inline bool naive_is_seen(const struct naive_mglru *n,
				 const struct naive_page *p)
{
	if (p->is_unmapped)
		return false;
	return n->version == NAIVE_7_2 ? p->gen >= 0 : p->is_resident;
}

/* The caller has set @n->version to @n->arg; all else is zero. */
void naive_init(struct naive_mglru *n);

/* @is_stale: should it fault, something was invalidated while room was made */
void naive_guest_access(struct naive_mglru *n, uint32_t page, bool is_write,
			bool is_stale);
void naive_fault(struct naive_mglru *n, uint32_t page, bool is_write,
		 bool is_stale);
/* swapin_readahead() of one fault, a page at a time: each is charged, then read. */
struct naive_swapin {
	uint32_t target, at; /* at: the next page */
	bool has_window, is_within[NAIVE_PAGES_MAX], is_mine[NAIVE_PAGES_MAX];
};

void naive_swapin_begin(struct naive_mglru *n, uint32_t page,
			struct naive_swapin *s);
bool naive_swapin_next(const struct naive_mglru *n, struct naive_swapin *s);
void naive_swapin_read(struct naive_mglru *n, struct naive_swapin *s);
void naive_swapin_end(struct naive_mglru *n, const struct naive_swapin *s);
int64_t naive_ra_page(const struct naive_mglru *n);
uint64_t naive_ra_win(const struct naive_mglru *n);
uint64_t naive_ra_hits(const struct naive_mglru *n);

void naive_host_access(struct naive_mglru *n, uint32_t page);
void naive_invalidate(struct naive_mglru *n, uint32_t first, uint32_t count,
		      enum naive_reason reason);

/* task_numa_work(), a hint fault before its access. */
void naive_numa_work(struct naive_mglru *n);
void naive_do_numa_page(struct naive_mglru *n, uint32_t page, uint64_t now);
void naive_discard(struct naive_mglru *n, uint32_t page);

/* folio_activate() */
void naive_activate(struct naive_mglru *n, uint32_t page);

/* The page that has the state of @page's folio; the folio need not be there yet. */
uint32_t naive_folio(const struct naive_mglru *n, uint32_t page);
uint32_t naive_nr_pages(const struct naive_mglru *n, uint32_t page);

/* do_huge_pmd_anonymous_page() fails to charge its folio. */
void naive_fall_back(struct naive_mglru *n, uint32_t page);

uint32_t naive_resident(const struct naive_mglru *n);
uint32_t naive_size(const struct naive_mglru *n, enum naive_type type, int gen);
void naive_file_access(struct naive_mglru *n, uint32_t page);

void naive_age(struct naive_mglru *n, bool force_scan);
void naive_direct_reclaim(struct naive_mglru *n, uint64_t nr_pages);
void naive_memory_reclaim(struct naive_mglru *n, uint64_t nr_to_reclaim);
void naive_kswapd(struct naive_mglru *n, uint64_t node_pages, uint64_t high,
		  uint64_t min_ttl_ns);
void naive_evict_generations(struct naive_mglru *n, uint64_t back);

/* Return: whether any of @count pages from @first was young to the secondary MMU,
 * now old; which ones in @young.  As the policy asks in @caller's name. */
bool naive_ask(struct naive_mglru *n, enum counter caller, uint32_t first,
	       uint32_t count, bool *young);

/* As the policy asks about an eviction candidate. */
bool naive_ask_victim(struct naive_mglru *n, uint32_t page);

/* Whether the candidate's neighbours are looked at when only its SPTE was young. */
bool naive_looks_around(const struct naive_mglru *n);

/* SPTEs of 4 KiB with hardware bits and without rmaps: only these may be read-only. */
bool naive_has_plain_sptes(const struct naive_mglru *n);

/* The SPTE of a resident page is there, young. */
void naive_map(struct naive_mglru *n, uint32_t page);

/* The same for a huge folio, of which @page was accessed. */
void naive_map_huge(struct naive_mglru *n, uint32_t page);

/* Return: whether an access found an SPTE, which is young now. */
bool naive_touch(struct naive_mglru *n, uint32_t page);

/* One page is invalidated because it leaves. */
void naive_zap_leaving(struct naive_mglru *n, uint32_t page,
		       enum naive_reason reason);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A second MGLRU 6.12, written from the kernel source alone and as plainly as can
 * be, for the differential test: arrays shifted by memmove, sizes by full scans,
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

struct naive_page {
	bool is_resident, is_young; /* present primary PTE, its accessed bit */
	bool has_spte, is_spte_young;
	bool is_referenced, is_workingset;
	int refs;
	int gen;	       /* -1: on no list */
	bool is_in_swap_cache; /* resident, but unmapped */
	bool has_shadow, shadow_workingset;
	int shadow_refs;
	uint64_t shadow_seq;
};

/* Whether it has a PTE. */
static inline bool naive_is_mapped(const struct naive_page *p)
{
	return p->is_resident && !p->is_in_swap_cache;
}

/* page[0] is the head, where folios are added; eviction takes the last. */
struct naive_list {
	uint32_t page[NAIVE_PAGES_MAX];
	uint32_t n;
};

struct naive_tier {
	uint64_t refaulted, evicted, protected, avg_refaulted, avg_total;
};

struct naive_mglru {
	enum naive_policy policy;
	uint32_t batch;	      /* NAIVE_BATCHED: pages per call */
	enum naive_lock lock; /* NAIVE_BATCHED, as has_two_calls */
	bool has_two_calls;
	bool has_no_walk;    /* NAIVE_BATCHED, NAIVE_FAST_ONLY: walk=0 */
	bool is_kind_locked; /* this secondary MMU cannot answer without lock */
	uint32_t npages;

	/* Called after each piece of work, with its size. */
	void (*pause)(void *arg, uint32_t work);
	void *arg;

	struct naive_page page[NAIVE_PAGES_MAX];
	struct naive_list list[NAIVE_GENS];
	struct naive_tier tier[NAIVE_TIERS];
	uint64_t max_seq, min_seq;
	struct naive_list activating; /* page[0] came first */
	bool has_table[NAIVE_TABLES_MAX];
	bool has_filter[2], filter[2][NAIVE_TABLES_MAX];
	bool is_mm_taken;
	bool is_stepped, is_mm_unused; /* as in mglru.h */
	uint64_t evictions_digest;
	struct counters counters;
};

/* The caller has set @n->policy to @n->arg; all else is zero. */
void naive_init(struct naive_mglru *n);

void naive_guest_access(struct naive_mglru *n, uint32_t page);
void naive_fault(struct naive_mglru *n, uint32_t page);
void naive_host_access(struct naive_mglru *n, uint32_t page);
void naive_invalidate(struct naive_mglru *n, uint32_t first, uint32_t count);
void naive_discard(struct naive_mglru *n, uint32_t page);

/* folio_activate() */
void naive_activate(struct naive_mglru *n, uint32_t page);

uint32_t naive_resident(const struct naive_mglru *n);
uint32_t naive_size(const struct naive_mglru *n, int gen);

void naive_age(struct naive_mglru *n, bool force_scan);
void naive_direct_reclaim(struct naive_mglru *n);
void naive_memory_reclaim(struct naive_mglru *n, uint64_t nr_to_reclaim);

/* Return: whether any of @count pages from @first was young to the secondary MMU,
 * now old; which ones in @young.  As the policy asks in @caller's name. */
bool naive_ask(struct naive_mglru *n, enum counter caller, uint32_t first,
	       uint32_t count, bool *young);

/* As the policy asks about an eviction candidate. */
bool naive_ask_victim(struct naive_mglru *n, uint32_t page);

/* Whether the candidate's neighbours are looked at when only its SPTE was young. */
bool naive_looks_around(const struct naive_mglru *n);

/* SPTEs of @count pages are zapped.  @young, if not NULL: which were young. */
void naive_zap(struct naive_mglru *n, uint32_t first, uint32_t count,
	       bool *young);

#endif

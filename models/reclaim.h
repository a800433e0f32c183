/* SPDX-License-Identifier: MIT */
/*
 * One reclaim request, as a sequence of small steps so that guest accesses can come
 * between them: aging forced through debugfs, direct reclaim of a memcg at its
 * limit, a write to memory.reclaim, or eviction of generations through debugfs.
 *
 * Or kswapd's work for a node (reclaim_kswapd.c).
 *
 * Models do_try_to_free_pages, lru_gen_shrink_lruvec, try_to_shrink_lruvec,
 * try_to_free_mem_cgroup_pages (mm/vmscan.c), memory_reclaim (mm/memcontrol.c) and
 * run_aging and run_eviction (mm/vmscan.c) of the model's kernel.
 */
#ifndef MODELS_RECLAIM_H
#define MODELS_RECLAIM_H

#include "models/mglru.h"

enum reclaim_kind {
	RECLAIM_AGE,	     /* debugfs lru_gen "+": one pass */
	RECLAIM_DIRECT,	     /* try_charge_memcg(): 32 pages */
	RECLAIM_PROACTIVE,   /* memory.reclaim: as many pages as asked */
	RECLAIM_GENERATIONS, /* debugfs lru_gen "-": old generations */
	RECLAIM_KSWAPD, /* balance_pgdat(): until the node has free pages */
};

enum reclaim_state {
	RECLAIM_IDLE, /* nothing to do: finished, or never begun */
	RECLAIM_TRY,
	RECLAIM_SHRINK,
	RECLAIM_BUDGET,
	RECLAIM_WALK,
	RECLAIM_VERDICT,
	RECLAIM_NEXT_PRIORITY,
	RECLAIM_TRIED,
	RECLAIM_EVICT_OLD,
	RECLAIM_BALANCE,
};

/* A node of which the memcg is all that can be reclaimed, for kswapd. */
struct reclaim_node {
	uint64_t pages;	     /* free ones and those of the memcg */
	uint64_t high;	     /* high_wmark_pages() */
	uint64_t min_ttl_ns; /* lru_gen_min_ttl; 0: none */
};

struct reclaim {
	enum reclaim_kind kind;
	enum reclaim_state state;
	uint64_t wanted, reclaimed; /* pages, of the whole request */
	unsigned int retries;	    /* MAX_RECLAIM_RETRIES, memory.reclaim */

	/* struct scan_control of the current attempt */
	int priority;
	uint64_t nr_to_reclaim, nr_reclaimed;
	bool is_full_walk; /* memcg_full_walk: the second and last round */
	bool memcg_low_reclaim, memcg_low_skipped;
	uint64_t last_seq; /* RECLAIM_GENERATIONS: the youngest to evict */

	/* try_to_shrink_lruvec() */
	uint64_t nr_scanned, nr_to_scan;
	uint64_t first_seq;	  /* max_seq when it began */
	bool has_cold;		  /* it could evict before it aged */
	bool need_swapping;	  /* it isolated anonymous pages */
	struct reclaim_node node; /* RECLAIM_KSWAPD */
	uint64_t nr_isolated;	  /* sc->nr_scanned, of this priority */
	bool memcgs_need_aging, need_aging, should_age, need_rotate, has_shrunk;
	bool ages_node; /* the walk is that of lru_gen_age_node() */
	struct mglru_walk walk;
	struct mglru_batch batch;
};

/* Begin a request for @wanted pages (RECLAIM_AGE: 0; RECLAIM_DIRECT: 1 for a charge,
 * the excess for a write to memory.max).  RECLAIM_GENERATIONS: all generations up to
 * the one that is @wanted older than the youngest; refused if that is less than 2.
 * @force_scan matters to RECLAIM_AGE only: visit every table, and age even if there
 * are four generations, which is refused otherwise. */
void reclaim_begin(struct reclaim *r, struct mglru *m, enum reclaim_kind kind,
		   uint64_t wanted, bool force_scan);

/* Begin to balance @node: kswapd is awake.  One priority after the other until more
 * than @node->high pages are free, or nothing helps. */
void reclaim_begin_kswapd(struct reclaim *r, struct mglru *m,
			  const struct reclaim_node *node);

/**
 * reclaim_step - do the next piece of work
 * @now_ns: virtual time, for generations and evictions
 *
 * Return: its size in PTEs visited or candidates judged; 0 when the request is
 * finished, then @r->state is RECLAIM_IDLE.
 */
uint32_t reclaim_step(struct reclaim *r, struct mglru *m, uint64_t now_ns);

#endif

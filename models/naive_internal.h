/* SPDX-License-Identifier: MIT */
/* What the naive twin's files share. */
#ifndef MODELS_NAIVE_INTERNAL_H
#define MODELS_NAIVE_INTERNAL_H

#include "models/naive_mglru.h"

struct naive_scan_control {
	bool is_proactive;
	bool has_walk, walk_can_swap; /* current->reclaim_state->mm_walk */
	bool need_swapping;	      /* 6.1 */
	int priority;
	bool is_kswapd, memcg_low_reclaim, memcg_low_skipped;
	bool memcgs_need_aging, should_rotate;	/* kswapd */
	uint64_t node_pages, high, nr_isolated; /* kswapd */
	uint64_t nr_to_reclaim, nr_reclaimed;
};

static inline enum naive_type naive_type_of(const struct naive_mglru *n,
					    uint32_t page)
{
	return page < n->nr_anon ? NAIVE_ANON : NAIVE_FILE;
}

static inline uint64_t naive_nr_gens(const struct naive_mglru *n,
				     enum naive_type type)
{
	return n->max_seq - n->min_seq[type] + 1;
}

/* Whether swappiness lets folios of @type be evicted. */
static inline bool naive_is_evictable(const struct naive_mglru *n,
				      enum naive_type type)
{
	if (type == NAIVE_ANON)
		return n->swappiness > 0;
	return n->swappiness <= NAIVE_SWAPPINESS_MAX;
}

/* min_seq[!can_swap]; evictable_min_seq() in 7.2 */
static inline uint64_t naive_min_seq(const struct naive_mglru *n)
{
	if (!naive_is_evictable(n, NAIVE_ANON))
		return n->min_seq[NAIVE_FILE];
	if (n->version != NAIVE_7_2 || !naive_is_evictable(n, NAIVE_FILE))
		return n->min_seq[NAIVE_ANON];
	return n->min_seq[NAIVE_ANON] < n->min_seq[NAIVE_FILE]
		       ? n->min_seq[NAIVE_ANON]
		       : n->min_seq[NAIVE_FILE];
}

void naive_list_add(struct naive_list *l, uint32_t page);
void naive_list_add_tail(struct naive_list *l, uint32_t page);
void naive_list_del(struct naive_mglru *n, uint32_t page);

/* How @page is mapped; the pages that its SPTE maps: *count from the returned one. */
const struct naive_side *naive_side_of(const struct naive_mglru *n,
				       uint32_t page);
uint32_t naive_leaf(const struct naive_mglru *n, uint32_t page,
		    uint32_t *count);

/* Return: the pages that lost their SPTE.  @changed: which of them became PROT_NONE. */
uint32_t naive_invalidate_range(struct naive_mglru *n, uint32_t first,
				uint32_t end, enum naive_reason reason);
uint32_t naive_announce(struct naive_mglru *n, uint32_t first, uint32_t end,
			const bool *changed);

/* A folio's flags. */
int naive_refs(const struct naive_mglru *n, const struct naive_page *p);
int naive_tier(const struct naive_mglru *n, const struct naive_page *p);
bool naive_is_saturated(const struct naive_mglru *n,
			const struct naive_page *p);
void naive_mark_accessed(const struct naive_mglru *n, struct naive_page *p);
void naive_clear_refs(const struct naive_mglru *n, struct naive_page *p);

/* lru_gen_add_folio(), where it goes, lru_gen_del_folio() */
uint64_t naive_folio_seq(const struct naive_mglru *n, uint32_t page);
void naive_add(struct naive_mglru *n, uint32_t page);
void naive_del(struct naive_mglru *n, uint32_t page);
void naive_remove_mapping(struct naive_mglru *n, uint32_t page);

/* cpu_fbatches.lru_activate */
void naive_lru_add_drain(struct naive_mglru *n);
bool naive_has_extra_reference(const struct naive_mglru *n, uint32_t page);
void naive_forget_activation(struct naive_mglru *n, uint32_t page);

/* A fault has found @page in the swap cache. */
void naive_update_readahead(struct naive_mglru *n, uint32_t page);

/* Huge folios.  Return: whether a fault on @page has brought one. */
bool naive_make_huge(struct naive_mglru *n, uint32_t page);
void naive_split_huge(struct naive_mglru *n, uint32_t page);
void naive_evict_huge(struct naive_mglru *n, uint32_t head);

/* @young of @count pages: the folios of these that have one are young.  Return: how many
 * are young for the Bloom filter. */
uint32_t naive_count_young(struct naive_mglru *n, uint32_t first,
			   uint32_t count, bool *young);
uint32_t naive_walk_huge(struct naive_mglru *n, uint32_t table);

/* Aging. */
int naive_tier_idx(const struct naive_mglru *n, enum naive_type type);
bool naive_positive_ctrl_err(const struct naive_tier *sp, uint64_t sp_gain,
			     const struct naive_tier *pv, uint64_t pv_gain);
void naive_refault(struct naive_mglru *n, uint32_t page);
void naive_update_gen(struct naive_mglru *n, uint32_t page);
void naive_inc_gen(struct naive_mglru *n, uint32_t page);
bool naive_try_to_inc_min_seq(struct naive_mglru *n);
bool naive_try_to_inc_max_seq(struct naive_mglru *n, bool force_scan);
void naive_update_bloom_filter(struct naive_mglru *n, uint64_t seq,
			       uint32_t table);

bool naive_below_min(const struct naive_mglru *n,
		     const struct naive_scan_control *sc);
bool naive_below_low(const struct naive_mglru *n,
		     const struct naive_scan_control *sc);
void naive_shrink_lruvec(struct naive_mglru *n, struct naive_scan_control *sc);
bool naive_should_run_aging_6(const struct naive_mglru *n);
uint64_t naive_evictable_size(const struct naive_mglru *n);
/* kswapd has enough: should_abort_scan() */
bool naive_kswapd_aborts(const struct naive_mglru *n,
			 const struct naive_scan_control *sc);

/* evict_folios(); 7.2 scans @nr_to_scan folios at most. */
uint64_t naive_evict_folios(struct naive_mglru *n,
			    struct naive_scan_control *sc, uint64_t nr_to_scan);

#endif

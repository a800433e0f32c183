/* SPDX-License-Identifier: MIT */
/* What the naive twin's files share. */
#ifndef MODELS_NAIVE_INTERNAL_H
#define MODELS_NAIVE_INTERNAL_H

#include "models/naive_mglru.h"

struct naive_scan_control {
	bool is_proactive;
	bool has_walk, walk_can_swap; /* current->reclaim_state->mm_walk */
	int priority;
	uint64_t nr_to_reclaim, nr_reclaimed;
};

static inline uint64_t naive_nr_gens(const struct naive_mglru *n)
{
	return n->max_seq - n->min_seq + 1;
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
uint64_t naive_folio_seq(const struct naive_mglru *n,
			 const struct naive_page *p);
void naive_add(struct naive_mglru *n, uint32_t page);
void naive_del(struct naive_mglru *n, uint32_t page);
void naive_remove_mapping(struct naive_mglru *n, uint32_t page);

/* cpu_fbatches.lru_activate */
void naive_lru_add_drain(struct naive_mglru *n);
bool naive_has_extra_reference(const struct naive_mglru *n, uint32_t page);
void naive_forget_activation(struct naive_mglru *n, uint32_t page);
/* Aging. */
int naive_tier_idx(const struct naive_mglru *n);
void naive_update_gen(struct naive_mglru *n, uint32_t page);
void naive_inc_gen(struct naive_mglru *n, uint32_t page);
bool naive_try_to_inc_min_seq(struct naive_mglru *n);
bool naive_try_to_inc_max_seq(struct naive_mglru *n, bool force_scan);
void naive_update_bloom_filter(struct naive_mglru *n, uint64_t seq,
			       uint32_t table);

/* evict_folios(); 7.2 scans @nr_to_scan folios at most. */
uint64_t naive_evict_folios(struct naive_mglru *n,
			    struct naive_scan_control *sc, uint64_t nr_to_scan);

#endif

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

/* Huge folios.  Return: whether a fault on @page has brought one. */
bool naive_make_huge(struct naive_mglru *n, uint32_t page);
void naive_split_huge(struct naive_mglru *n, uint32_t page);
void naive_evict_huge(struct naive_mglru *n, uint32_t head);
uint32_t naive_walk_huge(struct naive_mglru *n, uint32_t table);

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

/* SPDX-License-Identifier: MIT */
/* What the parts of MGLRU share: lists, generations, tiers, Bloom filter. */
#ifndef MODELS_MGLRU_INTERNAL_H
#define MODELS_MGLRU_INTERNAL_H

#include "models/mglru.h"
#include "models/window.h"

static inline unsigned int gen_from_seq(uint64_t seq)
{
	return (unsigned int)(seq % MAX_NR_GENS);
}

static inline unsigned int nr_gens(const struct mglru *m)
{
	return (unsigned int)(m->max_seq - m->min_seq + 1);
}

/* Return: the page's generation, or -1 while it is on no list. */
static inline int page_gen(const struct mglru *m, uint32_t page)
{
	return (int)(m->flags[page] & PAGE_GEN_MASK) - 1;
}

void mglru_list_add(struct mglru *m, uint32_t page, unsigned int gen);
void mglru_list_add_tail(struct mglru *m, uint32_t page, unsigned int gen);
void mglru_list_del(struct mglru *m, uint32_t page);

/* lru_gen_add_folio() of a page that goes to generation @seq, at its head. */
void mglru_add(struct mglru *m, uint32_t page, uint64_t seq);

/* lru_gen_del_folio(): off its list and out of its generation. */
void mglru_del(struct mglru *m, uint32_t page);

/* folio_update_gen(): promote lazily, the list position stays. */
void mglru_update_gen(struct mglru *m, uint32_t page, unsigned int gen);

/* folio_inc_gen(): from the oldest generation to the next, unless promoted. */
unsigned int mglru_inc_gen(struct mglru *m, uint32_t page);

/* folio_inc_refs(), from folio_mark_accessed(). */
void mglru_mark_accessed(struct mglru *m, uint32_t page);

/* Evict an isolated, unmapped page: its shadow and the tier counts remain. */
void mglru_forget(struct mglru *m, uint32_t page, uint64_t now_ns);

/* try_to_inc_min_seq() and the drain of inc_min_seq(). */
bool mglru_try_to_inc_min_seq(struct mglru *m);
void mglru_drain_oldest(struct mglru *m);

/* Tiers: folio_lru_refs(), lru_tier_from_refs(), get_tier_idx(). */
unsigned int mglru_refs(uint16_t flags);
unsigned int mglru_tier_from_refs(unsigned int refs);
unsigned int mglru_tier_idx(const struct mglru *m);
void mglru_reset_ctrl(struct mglru *m); /* reset_ctrl_pos(carryover) */

/* The Bloom filter of leaf tables; @seq picks one of two. */
void mglru_bloom_reset(struct mglru *m, uint64_t seq);
void mglru_bloom_add(struct mglru *m, uint64_t seq, uint32_t table);
bool mglru_bloom_test(const struct mglru *m, uint64_t seq, uint32_t table);

/* Tell the listener who looked at which pages. */
static inline void mglru_tell_asked(const struct mglru *m, enum mglru_asker who,
				    uint32_t first, uint64_t want,
				    uint64_t young)
{
	if (m->listener.asked)
		m->listener.asked(m->listener.arg, who, first, want, young);
}

/* suitable_to_scan(): on average one young PTE per 64-byte cache line. */
static inline bool suitable_to_scan(uint32_t total, uint32_t young)
{
	return young * 8 >= total;
}

/* Bit i: whether page @first + i has any of @flags. */
static inline uint64_t flags_mask(const struct mglru *m, uint32_t first,
				  uint16_t flags)
{
	return window_of_flags(m->flags + first, flags);
}

/* Bit i: whether page @first + i has a PTE. */
static inline uint64_t mapped_mask(const struct mglru *m, uint32_t first)
{
	uint64_t mapped = flags_mask(m, first, PAGE_RESIDENT);

	return m->unmapped ? mapped & ~flags_mask(m, first, PAGE_UNMAPPED)
			   : mapped;
}

/* folio_activate(): to the youngest generation, once the batch is full or drained. */
void mglru_activate(struct mglru *m, uint32_t page);

/* Return: whether the batch holds a reference on @page. */
bool mglru_is_activating(const struct mglru *m, uint32_t page);

/* @page is no more: nor is its place in the batch. */
void mglru_activate_cancel(struct mglru *m, uint32_t page);

/* Take the primary accessed bits of @mask's pages.  Return: which were set. */
uint64_t mglru_clear_primary(struct mglru *m, uint32_t first, uint64_t mask);

#endif

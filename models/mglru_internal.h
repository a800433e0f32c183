/* SPDX-License-Identifier: MIT */
/* What the parts of MGLRU share: lists, generations, tiers, Bloom filter. */
#ifndef MODELS_MGLRU_INTERNAL_H
#define MODELS_MGLRU_INTERNAL_H

#include "models/mglru.h"
#include "models/window.h"

/* The part of a sequence number that a shadow entry keeps. */
#define MGLRU_SHADOW_SEQS (UINT32_MAX >> 3)

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

/* lru_gen_add_folio(): to the head of the generation that its flags say. */
void mglru_add(struct mglru *m, uint32_t page);

/* lru_gen_del_folio(): off its list and out of its generation. */
void mglru_del(struct mglru *m, uint32_t page);

/* folio_update_gen(): promote lazily, the list position stays. */
void mglru_update_gen(struct mglru *m, uint32_t page, unsigned int gen);

/* folio_inc_gen(): from the oldest generation to the next, unless promoted. */
unsigned int mglru_inc_gen(struct mglru *m, uint32_t page);

/* Unmap an isolated page, unless it is. */
void mglru_unmap(struct mglru *m, uint32_t page);

/* Within a call: zap the SPTEs of @range.  Return: which were young. */
uint64_t mglru_zap(struct mglru *m, struct mmu_unmap *call, uint32_t first,
		   uint64_t range);

/* Evict an isolated, unmapped page: its shadow and the tier counts remain. */
void mglru_forget(struct mglru *m, uint32_t page, uint64_t now_ns);

/* try_to_inc_min_seq() and the drain of inc_min_seq(). */
bool mglru_try_to_inc_min_seq(struct mglru *m);
void mglru_drain_oldest(struct mglru *m);

unsigned int mglru_tier_idx(const struct mglru *m); /* get_tier_idx() */
void mglru_reset_ctrl(struct mglru *m); /* reset_ctrl_pos(carryover) */

/* lruvec_evictable_size() and the size of one generation. */
uint64_t mglru_evictable_size(const struct mglru *m);
uint64_t mglru_gen_size(const struct mglru *m, uint64_t seq);

/* What versions share; see mglru_version.c. */
extern const struct mglru_version mglru_6_1, mglru_6_12, mglru_7_2;

static inline unsigned int page_refs(uint16_t flags)
{
	return (unsigned int)(flags & PAGE_REFS_MASK) >> PAGE_REFS_SHIFT;
}

static inline void change_flags(uint16_t *flags, unsigned int cleared,
				unsigned int set)
{
	*flags = (uint16_t)((*flags & ~cleared) | set);
}

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

/* Pages of the window from @first with a PTE, of which walks ask: get_pfn_folio(). */
static inline uint64_t mglru_want(const struct mglru *m, uint32_t first)
{
	uint64_t want = flags_mask(m, first, m->version->get_pfn_folio);

	return m->unmapped ? want & ~flags_mask(m, first, PAGE_UNMAPPED) : want;
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

/* SPDX-License-Identifier: MIT */
/* What the parts of MGLRU share: lists, generations, tiers, Bloom filter. */
#ifndef MODELS_MGLRU_INTERNAL_H
#define MODELS_MGLRU_INTERNAL_H

#include "models/mglru.h"
#include "models/window.h"

enum {
	MGLRU_FETCH_AHEAD = 16 /* pages of a list */
};

/* The part of a sequence number that a shadow entry keeps. */
#define MGLRU_SHADOW_SEQS (UINT32_MAX >> 3)

static inline unsigned int gen_from_seq(uint64_t seq)
{
	return (unsigned int)(seq % MAX_NR_GENS);
}

static inline unsigned int nr_gens(const struct mglru *m, enum mglru_type type)
{
	return (unsigned int)(m->max_seq - m->min_seq[type] + 1);
}

/* folio_is_file_lru() */
static inline enum mglru_type page_type(const struct mglru *m, uint32_t page)
{
	return page < m->file_first ? LRU_GEN_ANON : LRU_GEN_FILE;
}

/* min_type() and max_type() of 7.2; before, swappiness has no value for the second. */
static inline enum mglru_type min_type(const struct mglru *m)
{
	return m->swappiness ? LRU_GEN_ANON : LRU_GEN_FILE;
}

static inline enum mglru_type max_type(const struct mglru *m)
{
	return m->swappiness > MAX_SWAPPINESS ? LRU_GEN_ANON : LRU_GEN_FILE;
}

/* Return: the page's generation, or -1 while it is on no list. */
static inline int page_gen(const struct mglru *m, uint32_t page)
{
	return (int)(m->flags[page] & PAGE_GEN_MASK) - 1;
}

/* folio_nr_pages() */
static inline uint32_t mglru_weight(const struct mglru *m, uint32_t page)
{
	return __builtin_expect(m->is_huge != NULL, 0) &&
			       m->is_huge[page / PTRS_PER_PTE]
		       ? PTRS_PER_PTE
		       : 1;
}

/* The pages of a list are anywhere in memory: ask for them early. */
static inline __attribute__((always_inline)) void
mglru_prefetch(const struct mglru *m, uint32_t page)
{
	__builtin_prefetch(&m->flags[page], 1);
	__builtin_prefetch(&m->where[page], 1);
}

/* The same of the page that is so far from the tail of @l, if there is one. */
static inline __attribute__((always_inline)) void
mglru_prefetch_listed(const struct mglru *m, const struct genlist *l)
{
	uint32_t page = genlist_peek(l, MGLRU_FETCH_AHEAD);

	if (page != GENLIST_HOLE)
		mglru_prefetch(m, page);
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

/* One call for @page's folio, which leaves. */
void mglru_zap_leaving(struct mglru *m, uint32_t page, enum mmu_reason reason);

/* Evict an isolated, unmapped page: its shadow and the tier counts remain. */
void mglru_forget(struct mglru *m, uint32_t page, uint64_t now_ns);

/*
 * mglru_folio.c.  A folio of which a page of @young is young is young: add those of its
 * pages that are in the same windows and in @want.  Return: how many are young for the
 * Bloom filter.
 */
uint32_t mglru_spread_young(struct mglru *m, uint32_t first,
			    const uint64_t *want, uint64_t *young,
			    uint32_t windows);

/* mglru_huge.c.  do_huge_pmd_anonymous_page(): a huge folio waits in no per-CPU batch,
 * but drains it. */
void mglru_make_huge(struct mglru *m, uint32_t head);

/* An isolated huge folio, not young, is unmapped and swapped out. */
void mglru_evict_huge(struct mglru *m, uint32_t head, uint64_t now_ns);

/* @page's folio, if it is huge, becomes single pages in its generation. */
void mglru_split_huge(struct mglru *m, uint32_t page);

/* Return: PMDs visited, 0 or 1. */
uint32_t mglru_scan_huge(struct mglru *m, uint32_t table);

/* Tell the listener who looked at all of @page's folio, which it stands for. */
void mglru_tell_folio(const struct mglru *m, enum mglru_asker who,
		      uint32_t page, bool is_young);

/* try_to_inc_min_seq() and inc_min_seq(). */
bool mglru_try_to_inc_min_seq(struct mglru *m);
void mglru_inc_min_seq(struct mglru *m, enum mglru_type type);

/* get_tier_idx() */
unsigned int mglru_tier_idx(const struct mglru *m, enum mglru_type type);
/* get_type_to_scan() of two types that can both be evicted: compares the tiers from 0
 * to @last of either. */
enum mglru_type mglru_type_to_scan(const struct mglru *m, unsigned int last);
/* get_type_to_scan() up to 6.12: the last tier of @type to evict, by tier 0 of the
 * other type. */
unsigned int mglru_tier_beside(const struct mglru *m, enum mglru_type type);
/* reset_ctrl_pos(carryover) */
void mglru_reset_ctrl(struct mglru *m, enum mglru_type type);

/* scan_folios(): up to @nr_to_scan folios of the oldest generation of @type, until 64
 * pages are isolated.  Return: pages scanned; up to 6.12 none if that ended for lack of
 * pages and none was isolated. */
uint64_t mglru_scan_folios(struct mglru *m, struct mglru_batch *batch,
			   enum mglru_type type, unsigned int tier_idx,
			   uint64_t nr_to_scan);

/* lruvec_evictable_size() and the size of one generation. */
uint64_t mglru_evictable_size(const struct mglru *m);
uint64_t mglru_gen_size(const struct mglru *m, enum mglru_type type,
			uint64_t seq);

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

/* iterate_mm_list() since 6.2, and before */
bool mglru_iterate_mm_list(struct mglru *m, struct mglru_walk *walk);
bool mglru_iterate_mm_list_6_1(struct mglru *m, struct mglru_walk *walk);

/* lru_gen_refault() of a page that is back, now.  @is_asked: the listener is told; of
 * one that is read ahead it is when somebody touches it, mglru_tell_refault(). */
void mglru_refault(struct mglru *m, uint32_t page, uint64_t now_ns,
		   bool is_asked);
void mglru_tell_refault(const struct mglru *m, uint32_t page, uint64_t now_ns);

/* mglru_swap.c.  do_swap_page() has found @page in the swap cache and maps it. */
void mglru_found_in_swap_cache(struct mglru *m, uint32_t page, uint64_t now_ns);

/* Whether @page was read ahead and not touched since: it is clean. */
bool mglru_is_read_ahead(const struct mglru *m, uint32_t page);

/* @page leaves the swap cache unmapped: evicted, or given back. */
void mglru_swap_forget(struct mglru *m, uint32_t page);

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

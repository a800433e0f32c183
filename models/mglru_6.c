/* SPDX-License-Identifier: MIT */
/*
 * What MGLRU of 6.1 and 6.12 does in its own way (Debian's linux-source-6.1 and
 * linux-source-6.12); the functions have the kernel's names.  Guest memory is all
 * there is: anonymous, swap-ins synchronous and past the swap cache.
 */
#include "models/mglru_internal.h"

/* folio_inc_refs() */
static void folio_inc_refs(uint16_t *flags)
{
	if (!(*flags & PAGE_REFERENCED))
		*flags |= PAGE_REFERENCED;
	else if (!(*flags & PAGE_WORKINGSET))
		*flags |= PAGE_WORKINGSET;
	else if (page_refs(*flags) < 3)
		*flags = (uint16_t)(*flags + (1 << PAGE_REFS_SHIFT));
}

/* Accesses beyond the first, 0 to 4. */
static unsigned int folio_lru_refs(uint16_t flags)
{
	return page_refs(flags) + ((flags & PAGE_WORKINGSET) != 0);
}

/* order_base_2(refs + 1) */
static unsigned int lru_tier_from_refs(unsigned int refs)
{
	return refs == 0 ? 0 : refs == 1 ? 1 : refs <= 3 ? 2 : 3;
}

static unsigned int folio_lru_tier(uint16_t flags)
{
	return lru_tier_from_refs(folio_lru_refs(flags));
}

static bool is_saturated(uint16_t flags)
{
	return folio_lru_refs(flags) == 1 << LRU_REFS_WIDTH;
}

static void folio_add_lru(uint16_t *flags)
{
	*flags |= PAGE_ACTIVE;
}

/* lru_gen_add_folio() */
static uint64_t folio_seq(const struct mglru *m, enum mglru_type type,
			  uint16_t flags)
{
	uint64_t min_seq = m->min_seq[type];

	if (flags & PAGE_ACTIVE)
		return m->max_seq;
	if (type == LRU_GEN_ANON && !(flags & PAGE_SWAPCACHE))
		return m->max_seq - 1;
	return min_seq + (min_seq + MIN_NR_GENS < m->max_seq);
}

static unsigned int lru_gen_eviction(uint16_t flags)
{
	unsigned int refs = folio_lru_refs(flags);

	return refs ? (refs - 1) << 1 | 1 : 0;
}

static bool lru_gen_test_recent(const struct mglru *m, enum mglru_type type,
				uint32_t seq)
{
	return !((seq ^ m->min_seq[type]) & MGLRU_SHADOW_SEQS);
}

static unsigned int lru_gen_refault(uint16_t *flags, unsigned int refs,
				    bool workingset)
{
	*flags |= PAGE_REFS_MASK | PAGE_WORKINGSET;
	return lru_tier_from_refs(refs + workingset);
}

/* PG_referenced here is for shrink_folio_list(), from here on. */
static void isolate_folio(uint16_t *flags)
{
	if (!(*flags & PAGE_REFERENCED))
		*flags &= (uint16_t)~PAGE_REFS_ALL;
	*flags &= (uint16_t)~PAGE_REFERENCED;
}

/* folio_check_references() sets PG_referenced, which evict_folios() clears. */
static void lru_gen_set_refs(uint16_t *flags)
{
	(void)flags;
}

static uint16_t evict_folios(const struct mglru *m, enum mglru_type type,
			     uint16_t flags)
{
	(void)m;
	(void)type;
	change_flags(&flags, PAGE_REFS_ALL, PAGE_ACTIVE);
	return flags;
}

/* see the comment on lru_gen_folio: files may be ahead, but not behind */
static void try_to_inc_min_seq(const struct mglru *m,
			       uint64_t min_seq[ANON_AND_FILE])
{
	uint64_t file = m->min_seq[LRU_GEN_FILE];

	if (!m->swappiness)
		return;
	if (min_seq[LRU_GEN_ANON] > min_seq[LRU_GEN_FILE])
		min_seq[LRU_GEN_ANON] = min_seq[LRU_GEN_FILE];
	min_seq[LRU_GEN_FILE] =
		min_seq[LRU_GEN_ANON] > file ? min_seq[LRU_GEN_ANON] : file;
}

/* isolate_folios() before it looks at tiers */
static bool has_obvious_type(const struct mglru *m, enum mglru_type *type)
{
	if (!m->swappiness)
		*type = LRU_GEN_FILE;
	else if (m->min_seq[LRU_GEN_ANON] < m->min_seq[LRU_GEN_FILE])
		*type = LRU_GEN_ANON;
	else if (m->swappiness == 1)
		*type = LRU_GEN_FILE;
	else if (m->swappiness == MAX_SWAPPINESS)
		*type = LRU_GEN_ANON;
	else
		return false;
	return true;
}

/* The other type has its turn only if nothing came of the first. */
static uint64_t isolate_folios(struct mglru *m, struct mglru_batch *batch,
			       uint64_t nr_to_scan)
{
	enum mglru_type type;
	unsigned int tier;
	uint64_t scanned;

	if (has_obvious_type(m, &type)) {
		tier = mglru_tier_idx(m, type);
	} else {
		type = mglru_type_to_scan(m, 0);
		tier = mglru_tier_beside(m, type);
	}
	for (enum mglru_type i = min_type(m); i <= max_type(m); i++) {
		scanned = mglru_scan_folios(m, batch, type, tier, nr_to_scan);
		if (scanned)
			return scanned;
		type = !type;
		tier = mglru_tier_idx(m, type);
	}
	return 0;
}

static uint64_t oldest_file_seq(const struct mglru *m)
{
	return m->min_seq[LRU_GEN_FILE];
}

static bool is_in_youngest(const struct mglru *m, uint32_t page)
{
	return page_gen(m, page) == (int)gen_from_seq(m->max_seq);
}

/* 6.12: with a walk context, promotion is lazy. */
static void look_around_6_12(struct mglru *m, uint32_t first, uint64_t young,
			     bool has_walk)
{
	for (; young; young &= young - 1) {
		uint32_t page = first + (uint32_t)__builtin_ctzll(young);

		if (has_walk) {
			mglru_update_gen(m, page, gen_from_seq(m->max_seq));
		} else if (page_gen(m, page) < 0) {
			m->flags[page] |= PAGE_REFERENCED;
		} else if (!is_in_youngest(m, page)) {
			m->flags[page] &= (uint16_t)~PAGE_REFS_ALL;
			mglru_activate(m, page);
		}
	}
}

/* 6.1: few pages are activated, many promoted lazily, with or without a walk. */
static void look_around_6_1(struct mglru *m, uint32_t first, uint64_t young,
			    bool has_walk)
{
	enum {
		PAGEVEC_SIZE = 15
	};
	uint64_t bitmap = 0;
	bool is_lazy;

	for (; young; young &= young - 1) {
		uint32_t page = first + (uint32_t)__builtin_ctzll(young);

		if (page_gen(m, page) < 0)
			m->flags[page] |= PAGE_REFERENCED;
		else if (!is_in_youngest(m, page))
			bitmap |= young & -young;
	}
	is_lazy = has_walk || window_count(bitmap) >= PAGEVEC_SIZE;
	for (; bitmap; bitmap &= bitmap - 1) {
		uint32_t page = first + (uint32_t)__builtin_ctzll(bitmap);

		if (is_lazy)
			mglru_update_gen(m, page, gen_from_seq(m->max_seq));
		else
			mglru_activate(m, page);
	}
}

/* should_run_aging() */
static bool should_run_aging(const struct mglru *m, uint64_t total)
{
	uint64_t young = 0, old = 0;

	if (mglru_evictable_min_seq(m) + MIN_NR_GENS > m->max_seq)
		return true;
	if (mglru_evictable_min_seq(m) + MIN_NR_GENS < m->max_seq)
		return false;
	for (enum mglru_type type = min_type(m); type <= max_type(m); type++) {
		young += mglru_gen_size(m, type, m->max_seq);
		if (m->min_seq[type] + MIN_NR_GENS <= m->max_seq)
			old += mglru_gen_size(m, type,
					      m->max_seq - MIN_NR_GENS);
	}
	return young * MIN_NR_GENS > total || old * (MIN_NR_GENS + 2) < total;
}

/* Out of cold pages there is nothing to scan, and at the default priority no aging. */
static struct mglru_budget get_nr_to_scan(const struct mglru *m, int priority)
{
	uint64_t total = mglru_evictable_size(m);
	bool is_out = mglru_evictable_min_seq(m) + MIN_NR_GENS > m->max_seq;

	return (struct mglru_budget){
		.nr_to_scan = is_out ? 0 : total >> priority,
		.must_age = should_run_aging(m, total) &&
			    priority != DEF_PRIORITY,
	};
}

/* In 6.1 the pass counts on what was there before it. */
static struct mglru_budget get_nr_to_scan_6_1(const struct mglru *m,
					      int priority)
{
	struct mglru_budget budget = get_nr_to_scan(m, priority);

	if (budget.must_age)
		budget.nr_to_scan = mglru_evictable_size(m) >> priority;
	return budget;
}

#define BOTH                                                                   \
	.folio_mark_accessed = folio_inc_refs,                                 \
	.folio_lru_tier = folio_lru_tier, .is_saturated = is_saturated,        \
	.lru_refs_flags = PAGE_REFS_ALL, .folio_add_lru = folio_add_lru,       \
	.lru_gen_folio_seq = folio_seq, .lru_gen_eviction = lru_gen_eviction,  \
	.lru_gen_test_recent = lru_gen_test_recent,                            \
	.lru_gen_refault = lru_gen_refault, .kvm_zap_marks_accessed = true,    \
	.kvm_retry_marks_accessed = true, .get_pfn_folio = PAGE_RESIDENT,      \
	.try_to_inc_min_seq = try_to_inc_min_seq, .run_aging_has_range = true, \
	.lruvec_is_reclaimable = oldest_file_seq,                              \
	.isolate_folios = isolate_folios, .tier_gain = {1, 2},                 \
	.isolate_folio = isolate_folio, .shrink_folio_list_keeps = true,       \
	.lru_gen_set_refs = lru_gen_set_refs, .evict_folios = evict_folios

const struct mglru_version mglru_6_1 = {
	.name = "6.1",
	BOTH,
	.change_pmd_range_notifies = true,
	.workingset_refault = COUNT_recent_refaults,
	.pagevec_size = 15,
	.do_swap_page_read_only = true,
	.split_huge_pmd_notifies = true,
	.walk_pmd_range_skips_old = true,
	.iterate_mm_list = mglru_iterate_mm_list_6_1,
	.get_nr_to_scan_spares_low = true,
	.below_min_spares_empty = true,
	.lru_gen_age_node = true,
	.lru_gen_look_around = look_around_6_1,
	.look_around_needs_can_swap = true,
	.get_nr_to_scan = get_nr_to_scan_6_1,
	.evicts_after_aging = true,
	.should_abort_scan = true,
	.need_swapping = true,
	.aborts_aged_twice = true,
	.memory_reclaim = 1,
};

const struct mglru_version mglru_6_12 = {
	.name = "6.12",
	BOTH,
	.kvm_faultin_pfn_checks = true,
	.lru_gen_add_folio = PAGE_REFS_MASK | PAGE_REFERENCED,
	.pagevec_size = 31,
	.iterate_mm_list = mglru_iterate_mm_list,
	.workingset_refault = COUNT_refaults,
	.lru_gen_look_around = look_around_6_12,
	.get_nr_to_scan = get_nr_to_scan,
	.set_mm_walk_proactive = true,
	.memcg_full_walk = true,
	.memory_reclaim = 4,
};

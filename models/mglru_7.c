/* SPDX-License-Identifier: MIT */
/*
 * What MGLRU of 7.2 does in its own way (Debian's linux-source-7.2); the functions
 * have the kernel's names.  It cannot know folios of more than one page, nor file
 * pages: get_type_to_scan() comes to the anonymous ones in any case.
 */
#include "models/mglru_internal.h"

/* PG_referenced first, then the counter, then PG_workingset. */
static void lru_gen_inc_refs(uint16_t *flags)
{
	if (!(*flags & PAGE_REFERENCED))
		change_flags(flags, PAGE_REFS_MASK, PAGE_REFERENCED);
	else if (page_refs(*flags) == 3)
		*flags |= PAGE_WORKINGSET;
	else
		*flags = (uint16_t)(*flags + (1 << PAGE_REFS_SHIFT));
}

/* All accesses, 0 to 4. */
static unsigned int folio_lru_refs(uint16_t flags)
{
	return flags & PAGE_REFERENCED ? page_refs(flags) + 1 : 0;
}

/* order_base_2(refs), unless it is of the workingset */
static unsigned int lru_tier_from_refs(unsigned int refs, bool workingset)
{
	if (workingset)
		return MAX_NR_TIERS - 1;
	return refs <= 1 ? 0 : refs == 2 ? 1 : 2;
}

static unsigned int folio_lru_tier(uint16_t flags)
{
	return lru_tier_from_refs(folio_lru_refs(flags),
				  flags & PAGE_WORKINGSET);
}

static bool is_saturated(uint16_t flags)
{
	return (flags & PAGE_WORKINGSET) &&
	       folio_lru_refs(flags) == 1 << LRU_REFS_WIDTH;
}

/* in_lru_fault, and not PF_MEMALLOC */
static void folio_add_lru(uint16_t *flags)
{
	if (*flags & PAGE_WORKINGSET)
		*flags |= PAGE_ACTIVE;
	else if (!(*flags & PAGE_REFERENCED))
		lru_gen_inc_refs(flags);
}

/* Of a page that is not being reclaimed: generations counted from the youngest. */
static uint64_t lru_gen_folio_seq(const struct mglru *m, enum mglru_type type,
				  uint16_t flags)
{
	unsigned int gen = MIN_NR_GENS;
	bool workingset = flags & PAGE_WORKINGSET;
	uint64_t min_seq = m->min_seq[type];

	if (flags & PAGE_ACTIVE)
		gen = workingset ? 1 : MIN_NR_GENS;
	else if (type == LRU_GEN_FILE || (flags & PAGE_SWAPCACHE))
		gen = workingset || (flags & PAGE_REFERENCED) ? MAX_NR_GENS - 1
							      : MAX_NR_GENS;
	return m->max_seq - gen + 1 > min_seq ? m->max_seq - gen + 1 : min_seq;
}

static unsigned int lru_gen_eviction(uint16_t flags)
{
	unsigned int refs = folio_lru_refs(flags);

	return (refs ? refs - 1 : 0) << 1 | ((flags & PAGE_WORKINGSET) != 0);
}

/* abs_diff(max_seq, seq) < MAX_NR_GENS, modulo what a shadow entry holds */
static bool lru_gen_test_recent(const struct mglru *m, enum mglru_type type,
				uint32_t seq)
{
	uint32_t ahead = ((uint32_t)m->max_seq - seq) & MGLRU_SHADOW_SEQS;

	(void)type;
	return ahead < MAX_NR_GENS ||
	       (-ahead & MGLRU_SHADOW_SEQS) < MAX_NR_GENS;
}

static unsigned int lru_gen_refault(uint16_t *flags, unsigned int refs,
				    bool workingset)
{
	if (workingset)
		*flags |= PAGE_WORKINGSET;
	else
		change_flags(flags, PAGE_REFS_MASK, refs << PAGE_REFS_SHIFT);
	return lru_tier_from_refs(refs + 1, workingset);
}

static void isolate_folio(uint16_t *flags)
{
	if (!(*flags & PAGE_REFERENCED))
		*flags &= (uint16_t)~PAGE_REFS_MASK;
}

/* Return: false at the first look, true if the page is to be promoted. */
static bool set_refs(uint16_t *flags)
{
	if (!(*flags & (PAGE_REFERENCED | PAGE_WORKINGSET))) {
		change_flags(flags, PAGE_REFS_MASK, PAGE_REFERENCED);
		return false;
	}
	if (folio_lru_refs(*flags) > 1)
		change_flags(flags, PAGE_REFS_MASK | PAGE_REFERENCED,
			     PAGE_WORKINGSET);
	else
		lru_gen_inc_refs(flags);
	return true;
}

/* No type is more than a generation ahead of the one that must be kept. */
static void try_to_inc_min_seq(const struct mglru *m,
			       uint64_t min_seq[ANON_AND_FILE])
{
	uint64_t seq = m->max_seq - MIN_NR_GENS;

	if (!m->swappiness || m->swappiness > MAX_SWAPPINESS)
		return;
	if (min_seq[LRU_GEN_ANON] > seq && min_seq[LRU_GEN_FILE] < seq)
		min_seq[LRU_GEN_ANON] = seq;
	else if (min_seq[LRU_GEN_FILE] > seq && min_seq[LRU_GEN_ANON] < seq)
		min_seq[LRU_GEN_FILE] = seq;
}

static enum mglru_type get_type_to_scan(const struct mglru *m)
{
	if (m->swappiness <= 1)
		return LRU_GEN_FILE;
	if (m->swappiness >= MAX_SWAPPINESS)
		return LRU_GEN_ANON;
	return mglru_type_to_scan(m, MAX_NR_TIERS - 1);
}

/* A type that has pages to scan gets both turns, even if none is isolated. */
static uint64_t isolate_folios(struct mglru *m, struct mglru_batch *batch,
			       uint64_t nr_to_scan)
{
	enum mglru_type type = get_type_to_scan(m);
	uint64_t total = 0;

	for (enum mglru_type i = min_type(m); i <= max_type(m); i++) {
		uint64_t scanned = mglru_scan_folios(
			m, batch, type, mglru_tier_idx(m, type), nr_to_scan);

		total += scanned;
		if (batch->n)
			break;
		if (!scanned)
			type = !type;
	}
	return total;
}

/* FOLIOREF_ACTIVATE or FOLIOREF_KEEP */
static void lru_gen_set_refs(uint16_t *flags)
{
	if (set_refs(flags))
		*flags |= PAGE_ACTIVE;
}

/* Rejected pages do not go to the oldest generation. */
static uint16_t evict_folios(const struct mglru *m, enum mglru_type type,
			     uint16_t flags)
{
	if (lru_gen_folio_seq(m, type, flags) == m->min_seq[type])
		change_flags(&flags, PAGE_REFS_MASK | PAGE_REFERENCED,
			     PAGE_ACTIVE);
	return flags;
}

/* walk_update_folio() */
static void lru_gen_look_around(struct mglru *m, uint32_t first, uint64_t young,
				bool has_walk)
{
	unsigned int gen = gen_from_seq(m->max_seq);

	for (; young; young &= young - 1) {
		uint32_t page = first + (uint32_t)__builtin_ctzll(young);

		if (has_walk)
			mglru_update_gen(m, page, gen);
		else if (!set_refs(&m->flags[page]))
			m->counters->n[COUNT_first_looks]++;
		else if (page_gen(m, page) != (int)gen)
			mglru_activate(m, page);
	}
}

/* should_run_aging(); how much to scan does not depend on it. */
static struct mglru_budget get_nr_to_scan(const struct mglru *m, int priority)
{
	uint64_t min_seq = mglru_evictable_min_seq(m);
	struct mglru_budget budget = {.nr_to_scan = mglru_evictable_size(m) >>
						    priority};

	if (min_seq + MIN_NR_GENS > m->max_seq)
		budget.must_age = true;
	else if (priority != DEF_PRIORITY)
		budget.must_age = min_seq + MIN_NR_GENS == m->max_seq;
	return budget;
}

const struct mglru_version mglru_7_2 = {
	.name = "7.2",
	.folio_mark_accessed = lru_gen_inc_refs,
	.folio_lru_tier = folio_lru_tier,
	.is_saturated = is_saturated,
	.lru_refs_flags = PAGE_REFS_MASK | PAGE_REFERENCED,
	.folio_add_lru = folio_add_lru,
	.lru_gen_folio_seq = lru_gen_folio_seq,
	.pagevec_size = 31,
	.iterate_mm_list = mglru_iterate_mm_list,
	.do_swap_page_drains = true,
	.lru_gen_eviction = lru_gen_eviction,
	.lru_gen_test_recent = lru_gen_test_recent,
	.lru_gen_refault = lru_gen_refault,
	.workingset_refault = COUNT_refaults,
	.kvm_faultin_pfn_checks = true,
	.folio_update_gen_looks_twice = true,
	.get_pfn_folio = PAGE_GEN_MASK,
	.try_to_inc_min_seq = try_to_inc_min_seq,
	.inc_min_seq_protects = true,
	.has_swappiness_anon_only = true,
	.isolate_folios = isolate_folios,
	.tier_gain = {2, 3},
	.sort_folio_to_head = true,
	.isolate_folio = isolate_folio,
	.scan_folios_to_order = true,
	.lru_gen_set_refs = lru_gen_set_refs,
	.evict_folios = evict_folios,
	.lru_gen_look_around = lru_gen_look_around,
	.get_nr_to_scan = get_nr_to_scan,
	.lruvec_is_reclaimable = mglru_evictable_min_seq,
	.apply_proportional_protection = true,
	.get_nr_to_scan_once = true,
	.evicts_after_aging = true,
	.should_abort_scan = true,
	.aborts_after_aging = true,
	.set_mm_walk_proactive = true,
	.memcg_full_walk = true,
	.memory_reclaim = 4,
};

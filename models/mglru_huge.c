/* SPDX-License-Identifier: MIT */
/*
 * Folios of 2 MiB, which the VMM maps by one PMD and KVM by one SPTE: they come with
 * the first fault among their pages, have one accessed bit in either MMU and one place
 * on the lists, and are swapped out whole.  What comes back are single pages: the PMD
 * is a table then, and khugepaged, which could collapse it again, is not modelled.
 *
 * What it cannot know: whether the machine has a huge page to give, and whether swap
 * has a free cluster for one; it takes both for granted (folio_alloc_swap() and before
 * it add_to_swap() of shrink_folio_list()).  A huge folio that loses a page is split
 * at once, where deferred_split_scan() would come later.
 */
#include "models/mglru_internal.h"

static bool is_huge(const struct mglru *m, uint32_t page)
{
	return mglru_weight(m, page) != 1;
}

void mglru_make_huge(struct mglru *m, uint32_t head)
{
	const struct mglru_version *v = m->version;

	m->is_huge[head / PTRS_PER_PTE] = true;
	m->flags[head] = PAGE_RESIDENT | PAGE_PRIMARY_YOUNG;
	m->resident += PTRS_PER_PTE;
	m->counters->n[COUNT_first_touches]++;
	v->folio_add_lru(&m->flags[head]);
	mglru_add(m, head);
	m->lru_add = 0;
}

/* The pages of an isolated folio, or of one whose place on a list is given up. */
static void split(struct mglru *m, uint32_t head)
{
	m->is_huge[head / PTRS_PER_PTE] = false;
	m->table[head / PTRS_PER_PTE] = TABLE_EXISTS | TABLE_PMD_YOUNG;
	for (uint32_t i = 1; i < PTRS_PER_PTE; i++)
		m->flags[head + i] = m->flags[head];
}

void mglru_split_huge(struct mglru *m, uint32_t page)
{
	uint32_t head = mglru_folio(m, page);
	unsigned int list = (unsigned int)(m->flags[head] & PAGE_LIST_MASK) >>
			    PAGE_LIST_SHIFT;
	bool is_listed = page_gen(m, head) >= 0;

	if (!is_huge(m, head))
		return;
	mglru_zap_leaving(m, page, MMU_DISCARD);
	if (is_listed)
		mglru_list_del(m, head);
	split(m, head);
	for (uint32_t i = 0; i < PTRS_PER_PTE; i++) {
		if (is_listed)
			mglru_list_add(m, head + i, list);
		else
			mglru_add(m, head + i);
	}
}

/* try_to_unmap_one() splits the PMD; up to 6.1 __split_huge_pmd() tells it once more. */
void mglru_evict_huge(struct mglru *m, uint32_t head, uint64_t now_ns)
{
	mglru_zap_leaving(m, head, MMU_EVICT);
	if (m->version->split_huge_pmd_notifies)
		mglru_zap_leaving(m, head, MMU_EVICT);
	for (uint32_t i = 0; i < PTRS_PER_PTE; i += WINDOW)
		mmu_forget(m->mmu, head + i, UINT64_MAX);
	split(m, head);
	for (uint32_t i = 0; i < PTRS_PER_PTE && m->listener.unmapped; i++)
		m->listener.unmapped(m->listener.arg, head + i);
	for (uint32_t i = 0; i < PTRS_PER_PTE; i++)
		mglru_forget(m, head + i, now_ns);
}

void mglru_tell_folio(const struct mglru *m, enum mglru_asker who,
		      uint32_t page, bool is_young)
{
	uint64_t want = is_huge(m, page) ? UINT64_MAX : 1;

	for (uint32_t i = 0; i < mglru_weight(m, page); i += WINDOW)
		mglru_tell_asked(m, who, page + i, want, is_young ? want : 0);
}

/* walk_pmd_range_locked() of one PMD; no filter and no force matters to it. */
uint32_t mglru_scan_huge(struct mglru *m, uint32_t table)
{
	uint32_t head = table * PTRS_PER_PTE;
	uint64_t want[TABLE_WINDOWS] = {1}, young[TABLE_WINDOWS] = {0};
	bool is_young = m->flags[head] & PAGE_PRIMARY_YOUNG;

	if (!(m->flags[head] & m->version->get_pfn_folio))
		return 0;
	if (m->policy->age_table)
		m->policy->age_table(m->policy_params, m->mmu, head, want,
				     young);
	is_young |= young[0] & 1;
	m->flags[head] &= (uint16_t)~PAGE_PRIMARY_YOUNG;
	m->counters->n[COUNT_aging_ptes]++;
	mglru_tell_folio(m, MGLRU_ASKS_WALK, head, is_young);
	if (!is_young)
		return 1;
	m->counters->n[COUNT_aging_young] += PTRS_PER_PTE;
	mglru_update_gen(m, head, gen_from_seq(m->max_seq));
	return 1;
}

/* SPDX-License-Identifier: MIT */
/*
 * As spte_direct.c, with some SPTEs of 2 MiB: those of folios that the primary MMU
 * maps by a PMD (kvm_mmu_hugepage_adjust()).  Such an SPTE is young when any of its
 * words has the accessed bit; all of its pages are quiet while it is there.
 */
#include <string.h>

#include "models/spte.h"
#include "models/window.h"

static bool is_huge(const struct mmu *mmu, uint32_t page)
{
	return mmu->is_huge[page / PTRS_PER_PTE];
}

/* The words of @page's 2 MiB. */
static uint64_t *block(const struct mmu *mmu, uint32_t page)
{
	return mmu->pages->word + page / PTRS_PER_PTE * PTRS_PER_PTE;
}

static bool is_young(const struct mmu *mmu, uint32_t page)
{
	const uint64_t *word = block(mmu, page);

	for (int i = 0; i < PTRS_PER_PTE; i += WINDOW)
		if (window_of_accessed(word + i, mmu->accessed))
			return true;
	return false;
}

static void clear(struct mmu *mmu, uint32_t page, uint64_t bits)
{
	uint64_t *word = block(mmu, page);

	for (int i = 0; i < PTRS_PER_PTE; i++)
		word[i] &= ~bits;
}

static void huge_map(struct mmu *mmu, uint32_t page)
{
	spte_direct.map(mmu, page);
}

static void huge_map_huge(struct mmu *mmu, uint32_t page)
{
	uint64_t *word = block(mmu, page);

	mmu->is_huge[page / PTRS_PER_PTE] = true;
	for (int i = 0; i < PTRS_PER_PTE; i++)
		word[i] |= mmu->quiet;
	mmu->pages->word[page] |= mmu->accessed;
}

static void huge_unmap(struct mmu *mmu, uint32_t first, uint64_t range,
		       struct spte_zapped *zapped)
{
	uint64_t *lost = mmu->lost + first / PTRS_PER_PTE * TABLE_WINDOWS;

	if (!is_huge(mmu, first)) {
		spte_direct.unmap(mmu, first, range, zapped);
		return;
	}
	clear(mmu, first, mmu->quiet | mmu->accessed);
	mmu->is_huge[first / PTRS_PER_PTE] = false;
	memset(lost, 0xff, TABLE_WINDOWS * sizeof(*lost));
	zapped->sptes++;
	zapped->pages += PTRS_PER_PTE;
}

static uint64_t huge_present(const struct mmu *mmu, uint32_t first,
			     uint64_t range)
{
	return is_huge(mmu, first) ? range
				   : spte_direct.present(mmu, first, range);
}

static uint64_t huge_test_young(const struct mmu *mmu, uint32_t first,
				uint64_t range)
{
	if (!is_huge(mmu, first))
		return spte_direct.test_young(mmu, first, range);
	return is_young(mmu, first) ? range : 0;
}

static uint64_t huge_clear_young(struct mmu *mmu, uint32_t first,
				 uint64_t range)
{
	if (!is_huge(mmu, first))
		return spte_direct.clear_young(mmu, first, range);
	if (!is_young(mmu, first))
		return 0;
	clear(mmu, first, mmu->accessed);
	return range & -range;
}

/* A page that is not quiet has no SPTE. */
static bool huge_touch(struct mmu *mmu, uint32_t page)
{
	return spte_direct.touch(mmu, page);
}

const struct spte_ops spte_huge = {
	.is_direct = true,
	.map = huge_map,
	.map_huge = huge_map_huge,
	.unmap = huge_unmap,
	.present = huge_present,
	.test_young = huge_test_young,
	.clear_young = huge_clear_young,
	.touch = huge_touch,
};

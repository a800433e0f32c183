/* SPDX-License-Identifier: MIT */
/*
 * SPTEs whose accessed bit is not the page word's: a page is quiet while its SPTE is
 * present and young, so that the first access after aging is heard of.
 *
 * A huge SPTE is a group of pages, aligned by their index (true 2 MiB alignment; of
 * 1 GiB only as far as memslots are).  Its bit is young when any of them was
 * accessed, and the first page that is asked about takes it from all
 * (tdp_root_for_each_leaf_pte() visits the leaf that covers the range).  Pages that
 * come one by one (level=2M) join their group's SPTE when they fault; a huge folio
 * (level=thp) brings it.  Zapping one of them zaps the SPTE, since the primary mapping was split
 * (__split_huge_pmd()), and from then on the group is mapped by 4 KiB leaves;
 * khugepaged, which could collapse it again, is not modelled.
 */
#include "models/spte.h"

static bool is_quiet(const struct mmu *mmu, uint32_t page)
{
	return mmu->pages->word[page] & mmu->quiet;
}

static bool is_present(const struct mmu *mmu, uint32_t page)
{
	return mmu->present[page / 64] >> page % 64 & 1;
}

/* The pages of @page's SPTE: from the returned one up to *@end. */
static uint32_t leaf(const struct mmu *mmu, uint32_t page, uint32_t *end)
{
	uint32_t group = page >> mmu->traits.order;
	uint32_t size = UINT32_C(1) << mmu->traits.order;
	uint32_t first = group << mmu->traits.order;

	if (!mmu->traits.order || mmu->is_split[group]) {
		*end = page + 1;
		return page;
	}
	*end = mmu->pages->npages - first < size ? mmu->pages->npages
						 : first + size;
	return first;
}

static void make_old(struct mmu *mmu, uint32_t page)
{
	uint32_t end;

	for (uint32_t p = leaf(mmu, page, &end); p < end; p++)
		mmu->pages->word[p] &= ~mmu->quiet;
}

static void make_young(struct mmu *mmu, uint32_t page)
{
	uint32_t end;

	for (uint32_t p = leaf(mmu, page, &end); p < end; p++)
		if (is_present(mmu, p))
			mmu->pages->word[p] |= mmu->quiet;
}

static void trap_map(struct mmu *mmu, uint32_t page)
{
	mmu->present[page / 64] |= UINT64_C(1) << page % 64;
	make_young(mmu, page);
}

/* Return: the pages that its SPTE mapped. */
static uint64_t zap(struct mmu *mmu, uint32_t page)
{
	uint64_t n = 0;
	uint32_t end;

	for (uint32_t p = leaf(mmu, page, &end); p < end; p++) {
		uint64_t was_present = is_present(mmu, p);

		n += was_present;
		mmu->lost[p / 64] |= was_present << p % 64;
		mmu->present[p / 64] &= ~(UINT64_C(1) << p % 64);
		mmu->pages->word[p] &= ~(mmu->quiet | mmu->accessed);
	}
	if (mmu->traits.order)
		mmu->is_split[page >> mmu->traits.order] = true;
	return n;
}

/* khugepaged is not modelled, but a folio comes as a whole. */
static void trap_map_huge(struct mmu *mmu, uint32_t page)
{
	uint64_t *present = mmu->present + page / PTRS_PER_PTE * TABLE_WINDOWS;

	mmu->is_split[page >> mmu->traits.order] = false;
	for (int i = 0; i < TABLE_WINDOWS; i++)
		present[i] = UINT64_MAX;
	make_young(mmu, page);
}

static uint64_t trap_present(const struct mmu *mmu, uint32_t first,
			     uint64_t range)
{
	uint64_t present = 0;

	for (; range; range &= range - 1) {
		int i = __builtin_ctzll(range);

		present |= (uint64_t)is_present(mmu, first + (uint32_t)i) << i;
	}
	return present;
}

static void trap_unmap(struct mmu *mmu, uint32_t first, uint64_t range,
		       struct spte_zapped *zapped)
{
	for (; range; range &= range - 1) {
		uint32_t page = first + (uint32_t)__builtin_ctzll(range);

		if (!is_present(mmu, page))
			continue;
		zapped->sptes++;
		zapped->pages += zap(mmu, page);
	}
}

static uint64_t trap_test_young(const struct mmu *mmu, uint32_t first,
				uint64_t range)
{
	uint64_t young = 0;

	for (; range; range &= range - 1) {
		int i = __builtin_ctzll(range);

		young |= (uint64_t)is_quiet(mmu, first + (uint32_t)i) << i;
	}
	return young;
}

static uint64_t trap_clear_young(struct mmu *mmu, uint32_t first,
				 uint64_t range)
{
	uint64_t young = 0;

	for (; range; range &= range - 1) {
		int i = __builtin_ctzll(range);

		if (!is_quiet(mmu, first + (uint32_t)i))
			continue;
		young |= UINT64_C(1) << i;
		make_old(mmu, first + (uint32_t)i);
	}
	return young;
}

static bool trap_touch(struct mmu *mmu, uint32_t page)
{
	if (!is_present(mmu, page))
		return false;
	make_young(mmu, page);
	return true;
}

const struct spte_ops spte_trap = {
	.map = trap_map,
	.map_huge = trap_map_huge,
	.unmap = trap_unmap,
	.present = trap_present,
	.test_young = trap_test_young,
	.clear_young = trap_clear_young,
	.touch = trap_touch,
};

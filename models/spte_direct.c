/* SPDX-License-Identifier: MIT */
/* 4 KiB leaves whose accessed bit hardware sets: the bits of the page word itself. */
#include "models/spte.h"
#include "models/window.h"

static void direct_map(struct mmu *mmu, uint32_t page)
{
	mmu->pages->word[page] |= mmu->quiet | mmu->accessed;
}

static void direct_unmap(struct mmu *mmu, uint32_t first, uint64_t range,
			 struct spte_zapped *zapped)
{
	uint64_t *word = mmu->pages->word;

	for (; range; range &= range - 1) {
		uint32_t page = first + (uint32_t)__builtin_ctzll(range);
		uint64_t was_present = (word[page] & mmu->quiet) != 0;

		word[page] &= ~(mmu->quiet | mmu->accessed);
		mmu->lost[page / 64] |= was_present << page % 64;
		zapped->sptes += was_present;
		zapped->pages += was_present;
	}
}

/* Not quiet, but there. */
static bool is_read_only(const struct mmu *mmu, uint32_t page)
{
	return mmu->read_only && mmu->read_only[page / 64] >> page % 64 & 1;
}

static uint64_t direct_present(const struct mmu *mmu, uint32_t first,
			       uint64_t range)
{
	const uint64_t *word = mmu->pages->word + first;
	uint64_t present = 0;

	for (; range; range &= range - 1) {
		int i = __builtin_ctzll(range);

		present |= (uint64_t)((word[i] & mmu->quiet) ||
				      is_read_only(mmu, first + (uint32_t)i))
			   << i;
	}
	return present;
}

/* So many pages that reading all words of the window, which exist, costs less than
 * those of the pages alone: few of a window's eight cache lines would be left out. */
static bool is_vectorable(uint32_t first, uint64_t range)
{
	return window_count(range) > WINDOW / 8 &&
	       first % PTRS_PER_PTE <= PTRS_PER_PTE - WINDOW;
}

static uint64_t direct_test_young(const struct mmu *mmu, uint32_t first,
				  uint64_t range)
{
	const uint64_t *word = mmu->pages->word + first;
	uint64_t young = 0;

	if (is_vectorable(first, range))
		return window_of_accessed(word, mmu->accessed) & range;
	for (; range; range &= range - 1) {
		int i = __builtin_ctzll(range);

		young |= (uint64_t)((word[i] & mmu->accessed) != 0) << i;
	}
	return young;
}

static uint64_t direct_clear_young(struct mmu *mmu, uint32_t first,
				   uint64_t range)
{
	uint64_t *word = mmu->pages->word + first;
	uint64_t young = direct_test_young(mmu, first, range);

	for (uint64_t left = young; left; left &= left - 1)
		word[__builtin_ctzll(left)] &= ~mmu->accessed;
	return young;
}

/* A page that is not quiet has no SPTE. */
static bool direct_touch(struct mmu *mmu, uint32_t page)
{
	(void)mmu;
	(void)page;
	return false;
}

const struct spte_ops spte_direct = {
	.is_direct = true,
	.map = direct_map,
	.unmap = direct_unmap,
	.present = direct_present,
	.test_young = direct_test_young,
	.clear_young = direct_clear_young,
	.touch = direct_touch,
};

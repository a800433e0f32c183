/* SPDX-License-Identifier: MIT */
/*
 * KVM's TDP MMU on x86 with hardware accessed and dirty bits (EPT with A/D, NPT),
 * 4 KiB leaves (arch/x86/kvm/mmu/tdp_mmu.c, Linux 6.12 and, for the lockless
 * young operations, the KVM_MMU_LOCKLESS_AGING of 6.15).
 *
 * It cannot know what the TLB hides: an access through a cached translation sets
 * the bit here although hardware might not.
 */
#include "models/mmu.h"
#include "models/window.h"

static void tdp_map(struct mmu *mmu, uint32_t page)
{
	mmu->pages->word[page] |= mmu->quiet | mmu->accessed;
}

static uint64_t tdp_unmap(struct mmu *mmu, uint32_t first, uint64_t range)
{
	uint64_t *word = mmu->pages->word + first;
	uint64_t zapped = 0;

	for (; range; range &= range - 1) {
		int i = __builtin_ctzll(range);

		if (word[i] & mmu->quiet)
			zapped |= UINT64_C(1) << i;
		word[i] &= ~(mmu->quiet | mmu->accessed);
	}
	return zapped;
}

/* Many pages, and all words of the window exist: reading those outside is free. */
static bool is_vectorable(uint32_t first, uint64_t range)
{
	return (range & (range - 1)) &&
	       first % PTRS_PER_PTE <= PTRS_PER_PTE - WINDOW;
}

static uint64_t tdp_test_young(const struct mmu *mmu, uint32_t first,
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

static uint64_t tdp_clear_young(struct mmu *mmu, uint32_t first, uint64_t range)
{
	uint64_t *word = mmu->pages->word + first;
	uint64_t young = tdp_test_young(mmu, first, range);

	for (uint64_t left = young; left; left &= left - 1)
		word[__builtin_ctzll(left)] &= ~mmu->accessed;
	return young;
}

const struct mmu_ops mmu_tdp = {
	.summary = "KVM TDP MMU with accessed/dirty bits, 4 KiB leaves",
	.is_lockless = true,
	.map = tdp_map,
	.unmap = tdp_unmap,
	.test_young = tdp_test_young,
	.clear_young = tdp_clear_young,
};

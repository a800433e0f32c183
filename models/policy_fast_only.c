/* SPDX-License-Identifier: MIT */
/*
 * Lockless fast-only: aging and look-around ask page by page, only where the answer
 * comes without blocking; "cannot tell" counts as not young.  The eviction candidate
 * is asked accurately, which takes mmu_lock on kinds that are not lockless ("mm:
 * multi-gen LRU: Have secondary MMUs participate in aging", v7, 2024-09-26).
 */
#include "models/policy.h"
#include "models/window.h"

static uint64_t age_each(struct mmu *mmu, enum counter caller, uint32_t first,
			 uint64_t want)
{
	if (!mmu->ops->is_lockless)
		return 0;
	mmu_calls(mmu, caller, MMU_LOCK_NONE, window_count(want));
	return mmu_clear_young(mmu, first, want);
}

static void fast_only_age_table(const void *params, struct mmu *mmu,
				uint32_t first,
				const uint64_t want[TABLE_WINDOWS],
				uint64_t young[TABLE_WINDOWS])
{
	(void)params;
	for (uint32_t w = 0; w < TABLE_WINDOWS; w++)
		young[w] = age_each(mmu, COUNT_calls_aging, first + w * WINDOW,
				    want[w]);
}

static bool fast_only_age_victim(const void *params, struct mmu *mmu,
				 uint32_t page)
{
	(void)params;
	mmu_calls(mmu, COUNT_calls_victim,
		  mmu->ops->is_lockless ? MMU_LOCK_NONE : MMU_LOCK_WRITE, 1);
	return mmu_clear_young(mmu, page, 1);
}

static uint64_t fast_only_age_window(const void *params, struct mmu *mmu,
				     uint32_t first, uint64_t want)
{
	(void)params;
	return age_each(mmu, COUNT_calls_window, first, want);
}

const struct policy_ops policy_fast_only = {
	.summary = "lockless aging walk, page by page, only what answers fast",
	.age_table = fast_only_age_table,
	.age_victim = fast_only_age_victim,
	.age_window = fast_only_age_window,
};

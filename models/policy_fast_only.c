/* SPDX-License-Identifier: MIT */
/*
 * Lockless fast-only: aging and look-around ask page by page, only where the answer
 * comes without blocking.  The eviction candidate is asked accurately, which takes
 * mmu_lock on kinds that are not lockless ("mm: multi-gen LRU: Have secondary MMUs
 * participate in aging", v7, 2024-09-26).
 *
 * The series brings fast-only walks of its own for x86, whatever the kernel has: the
 * shadow MMU's lock each rmap, and report SPTEs without A/D bits as young while they
 * are, but leave them so (kvm_rmap_age_gfn_range_lockless() in
 * 20240926013506.860253-11-jthoughton@google.com, patch 15 for fast_only).
 *
 * A subscriber without has_fast_aging is skipped: aging and look-around make no call
 * at all.  With it, a candidate that was young in the secondary MMU only is reason to
 * look around, even with walk=0; the neighbours are then asked in the primary MMU
 * alone.
 */
#include "models/policy.h"
#include "models/window.h"

struct fast_only_params {
	uint64_t walk;
};

static const struct param_spec fast_only_specs[] = {
	{"walk", PARAM_UINT, offsetof(struct fast_only_params, walk), 1, 0, 1,
	 NULL, "", "LRU_GEN_SECONDARY_MMU_WALK; 0 asks candidates only",
	 "lru_gen_notifier_clear_young() in "
	 "20240926013506.860253-18-jthoughton@google.com"},
	{0},
};

/* lru_gen_notifier_clear_young(), for each page of @want */
static uint64_t age_each(const struct fast_only_params *p, struct mmu *mmu,
			 enum counter caller, uint32_t first, uint64_t want)
{
	if (!p->walk || !mmu_has_fast_aging(mmu))
		return 0;
	mmu_calls_fast(mmu, caller, window_count(want));
	return mmu_clear_young_fast(mmu, first, want);
}

static void fast_only_age_table(const void *params, struct mmu *mmu,
				uint32_t first,
				const uint64_t want[TABLE_WINDOWS],
				uint64_t young[TABLE_WINDOWS])
{
	for (uint32_t w = 0; w < TABLE_WINDOWS; w++)
		young[w] |= age_each(params, mmu, COUNT_calls_aging,
				     first + w * WINDOW, want[w]);
}

static bool fast_only_age_victim(const void *params, struct mmu *mmu,
				 uint32_t page)
{
	(void)params;
	mmu_calls(mmu, COUNT_calls_victim, MMU_LOCK_NONE, 1);
	return mmu_clear_young(mmu, page, 1);
}

static bool fast_only_looks_around(const void *params, const struct mmu *mmu)
{
	(void)params; /* mm_has_fast_young_notifiers() */
	return mmu_has_fast_aging(mmu);
}

static uint64_t fast_only_age_window(const void *params, struct mmu *mmu,
				     uint32_t first, uint64_t want)
{
	return age_each(params, mmu, COUNT_calls_window, first, want);
}

const struct policy_ops policy_fast_only = {
	.summary = "lockless aging walk, page by page, only what answers fast",
	.params = fast_only_specs,
	.params_size = sizeof(struct fast_only_params),
	.age_table = fast_only_age_table,
	.age_victim = fast_only_age_victim,
	.looks_around = fast_only_looks_around,
	.age_window = fast_only_age_window,
};

/* SPDX-License-Identifier: MIT */
/*
 * Rmap-only at eviction: aging walks the primary page tables; the secondary MMU is
 * asked about one eviction candidate at a time, under mmu_lock held for write, with
 * a remote flush when it was young (Linux 6.1: mm/rmap.c folio_referenced_one,
 * kvm_mmu_notifier_clear_flush_young).  Neighbours are not asked.
 */
#include "models/policy.h"

static bool rmap_age_victim(const void *params, struct mmu *mmu, uint32_t page)
{
	(void)params;
	mmu_calls(mmu, COUNT_calls_victim, MMU_LOCK_WRITE, 1);
	return mmu_clear_flush_young(mmu, page);
}

const struct policy_ops policy_rmap = {
	.summary = "asked at eviction only, one candidate per locked call",
	.age_victim = rmap_age_victim,
};

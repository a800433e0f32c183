/* SPDX-License-Identifier: MIT */
/*
 * Rmap-only at eviction: aging walks the primary page tables; the secondary MMU is
 * asked about one eviction candidate at a time, under mmu_lock held for write, with
 * a remote flush when it was young (Linux 6.1: mm/rmap.c folio_referenced_one,
 * kvm_mmu_notifier_clear_flush_young).  Neighbours are not asked.
 *
 * flush=off is clear_young() in its place, and what x86 has done since 6.13
 * (KVM_ELIDE_TLB_FLUSH_IF_YOUNG); flush=on makes any kernel and kind flush.
 */
#include "models/policy.h"

enum {
	FLUSH_KERNEL,
	FLUSH_ON,
	FLUSH_OFF
};

struct rmap_params {
	unsigned int flush;
};

static const char *const flush_names[] = {"kernel", "on", "off", NULL};

static const struct param_spec rmap_specs[] = {
	{"flush", PARAM_ENUM, offsetof(struct rmap_params, flush), FLUSH_KERNEL,
	 0, 0, flush_names, "",
	 "remote TLB flush for a candidate that was young",
	 "kvm_mmu_notifier_clear_flush_young(), as release and kind have it; "
	 "off: kvm_mmu_notifier_clear_young()"},
	{0},
};

static bool rmap_age_victim(const void *params, struct mmu *mmu, uint32_t page)
{
	const struct rmap_params *p = params;
	bool is_young;

	mmu_calls(mmu, COUNT_calls_victim, MMU_LOCK_WRITE, 1);
	if (p->flush == FLUSH_KERNEL)
		return mmu_clear_flush_young(mmu, page);
	is_young = mmu_clear_young(mmu, page, 1);
	if (is_young && p->flush == FLUSH_ON)
		mmu_flush(mmu);
	return is_young;
}

const struct policy_ops policy_rmap = {
	.summary = "asked at eviction only, one candidate per locked call",
	.params = rmap_specs,
	.params_size = sizeof(struct rmap_params),
	.age_victim = rmap_age_victim,
};

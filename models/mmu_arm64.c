/* SPDX-License-Identifier: MIT */
/*
 * KVM's stage 2 on arm64 (arch/arm64/kvm/mmu.c, hyp/pgtable.c).  Young calls hold
 * mmu_lock for write in every release up to 7.2; version 3 of "mm/kvm: Improve
 * parallelism for access bit harvesting" (2024-04-01) held it for read; RCU is what
 * its reviewers asked about.  clear_flush_young flushes in all releases.
 *
 * Without the hardware's access flag (VTCR_EL2.HA) the next access takes an
 * access-flag fault: handle_access_fault(), which in 6.1 holds mmu_lock for write and
 * up to 6.12 calls mark_page_accessed().  The stage 2 of nested guests is not aged at
 * all (a TODO in kvm_age_gfn()); it is not modelled.
 */
#include "models/spte.h"

struct arm64_params {
	struct spte_params spte;
	unsigned int lock, af;
};

enum {
	AF_HARDWARE,
	AF_FAULT
};

static const char *const lock_names[] = {"write", "read", "rcu", NULL};
static const char *const af_names[] = {"hw", "fault", NULL};

static const struct param_spec arm64_specs[] = {
	{"lock", PARAM_ENUM, offsetof(struct arm64_params, lock), 0, 0, 0,
	 lock_names, "", "what a young call must hold at least",
	 "kvm_handle_hva_range(); v3 and reviews of the series of 2024"},
	{"af", PARAM_ENUM, offsetof(struct arm64_params, af), 0, 0, 0, af_names,
	 "", "who sets the access flag: hardware, or a fault",
	 "kvm_get_vtcr(): VTCR_EL2_HA; handle_access_fault()"},
	SPTE_PARAM_LEVEL,
	SPTE_PARAM_TLB,
	{0},
};

static struct mmu_traits arm64_traits(const void *params, unsigned int kernel)
{
	static const enum mmu_lock locks[] = {MMU_LOCK_WRITE, MMU_LOCK_READ,
					      MMU_LOCK_NONE};
	const struct arm64_params *p = params;
	struct mmu_traits traits = spte_traits(&p->spte, kernel);
	struct mmu_side *side = &traits.side[0];

	traits.young_lock = locks[p->lock];
	traits.flushes_young = true;
	/* 6.1 user_mem_abort(): kvm_set_pfn_accessed() and kvm_release_pfn_clean() */
	traits.fault_marks = kernel < mmu_kernel(6, 2) ? 2 : 1;
	side->fault_lock = kernel < mmu_kernel(6, 2) ? MMU_LOCK_WRITE
						     : MMU_LOCK_READ;
	traits.zaps_silently = true; /* stage2_unmap_walker() */
	traits.retries_all =
		true; /* user_mem_abort(): mmu_invalidate_retry() */
	side->has_ad = p->af == AF_HARDWARE;
	side->track_lock = side->fault_lock;
	side->track_does = kernel < mmu_kernel(6, 13) ? MMU_TOUCH_MARK
						      : MMU_TOUCH_BIT;
	return traits;
}

const struct mmu_ops mmu_arm64 = {
	.summary =
		"KVM stage 2 on arm64: write lock today, read or RCU proposed",
	.params = arm64_specs,
	.params_size = sizeof(struct arm64_params),
	.traits = arm64_traits,
};

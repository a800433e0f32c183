/* SPDX-License-Identifier: MIT */
/*
 * KVM's shadow MMU on x86 (tdp_mmu=0, or no EPT and NPT at all): SPTEs are found
 * through the rmap of their page, one for each shadow page that maps it.  Up to 6.14
 * a young call holds mmu_lock for write whatever the policy wants; from 6.15 on it
 * locks one rmap at a time (kvm_rmap_lock_readonly(), KVM_MMU_LOCKLESS_AGING).
 * Faults hold mmu_lock for write (FNAME(page_fault), direct_page_fault()).
 *
 * It cannot know how many mappings a guest's pages have, or which of them an access
 * goes through: chain is the same for all pages, and one SPTE of it is ever young.
 */
#include "models/spte.h"

struct shadow_params {
	struct spte_params spte;
	uint64_t chain;
};

static const struct param_spec shadow_specs[] = {
	{"chain", PARAM_UINT, offsetof(struct shadow_params, chain), 1, 1, 1000,
	 NULL, "SPTEs", "length of the rmap of a mapped page",
	 "for_each_rmap_spte(); max_mmu_rmap_size in KVM's statistics"},
	SPTE_PARAM_LEVEL,
	SPTE_PARAM_TLB,
	{0},
};

static struct mmu_traits shadow_traits(const void *params, unsigned int kernel)
{
	const struct shadow_params *p = params;
	struct mmu_traits traits = spte_traits(&p->spte, kernel);

	traits.locks_rmaps = kernel >= mmu_kernel(6, 15);
	traits.walks_fast = true; /* what v7 of the series adds */
	traits.young_lock = traits.locks_rmaps ? MMU_LOCK_NONE : MMU_LOCK_WRITE;
	traits.side[0].has_rmap = true;
	traits.side[0].chain = p->chain;
	traits.side[0].fault_lock = MMU_LOCK_WRITE;
	return traits;
}

const struct mmu_ops mmu_shadow = {
	.summary =
		"KVM shadow MMU (x86): rmap walks, locked as the kernel does",
	.params = shadow_specs,
	.params_size = sizeof(struct shadow_params),
	.traits = shadow_traits,
};

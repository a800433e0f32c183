/* SPDX-License-Identifier: MIT */
/*
 * KVM's TDP MMU on x86 with hardware accessed and dirty bits (EPT with A/D, NPT;
 * arch/x86/kvm/mmu/tdp_mmu.c).  Its young operations need no lock: 6.15 made them so
 * (KVM_MMU_LOCKLESS_AGING), and so did the series that policies here come from; what
 * lock a call holds is therefore the policy's to say.
 */
#include "models/spte.h"

static struct mmu_traits tdp_traits(const void *params, unsigned int kernel)
{
	return spte_traits(params, kernel);
}

const struct mmu_ops mmu_tdp = {
	.summary = "KVM TDP MMU (x86) with accessed/dirty bits",
	.params = spte_param_specs,
	.params_size = sizeof(struct spte_params),
	.traits = tdp_traits,
};

/* SPDX-License-Identifier: MIT */
/* What KVM's kinds of MMU have in common; see spte.h. */
#include "models/spte.h"

const char *const spte_levels[] = {"4K", "2M", "1G", "thp", NULL};

const struct param_spec spte_param_specs[] = {
	SPTE_PARAM_LEVEL, SPTE_PARAM_TLB, {0}};

/*
 * Faults hold mmu_lock for read (kvm_tdp_mmu_page_fault(); 6.1:
 * direct_page_fault()) and mark their page when they let go of it
 * (kvm_release_pfn_clean(), 7.2: kvm_release_faultin_page()).  From 6.13 on x86
 * does not flush for clear_flush_young (KVM_ELIDE_TLB_FLUSH_IF_YOUNG).
 */
struct mmu_traits spte_traits(const struct spte_params *params,
			      unsigned int kernel)
{
	static const unsigned int orders[] = {0, 9, 18, 9};
	bool has_huge = params->level == SPTE_LEVEL_THP;

	return (struct mmu_traits){
		.is_kvm = true,
		.has_young = true,
		.young_lock = MMU_LOCK_NONE,
		.flushes_young = kernel < mmu_kernel(6, 13),
		.order = orders[params->level],
		.has_huge = has_huge,
		.tlb = params->tlb,
		.fault_marks = 1,
		.side[0] = {.has_ad = true,
			    .is_fast = true,
			    .fault_lock = MMU_LOCK_READ},
	};
}

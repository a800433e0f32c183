/* SPDX-License-Identifier: MIT */
/*
 * KVM's TDP MMU without accessed bits (EPT with eptad=0): making an SPTE old takes
 * its rights (mark_spte_for_access_track()), so that the next access exits and
 * fast_page_fault() gives them back, without mmu_lock (pf_fast in KVM's statistics).
 * Young calls are lockless in 6.15 and in the series of 2024: one compare and
 * exchange per SPTE, without a retry.
 */
#include "models/spte.h"

static struct mmu_traits noad_traits(const void *params, unsigned int kernel)
{
	struct mmu_traits traits = spte_traits(params, kernel);

	traits.side[0].has_ad = false;
	traits.side[0].track_lock = MMU_LOCK_NONE;
	traits.side[0].track_does = MMU_TOUCH_BIT;
	return traits;
}

const struct mmu_ops mmu_tdp_noad = {
	.summary =
		"KVM TDP MMU (x86) without: an exit for each access after aging",
	.params = spte_param_specs,
	.params_size = sizeof(struct spte_params),
	.traits = noad_traits,
};

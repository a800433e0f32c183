/* SPDX-License-Identifier: MIT */
/*
 * A guest that runs guests: KVM maps L1's own pages by the TDP MMU and those of L2
 * through indirect shadow pages, whose SPTEs are on rmaps.  Up to 6.14 every young
 * call holds mmu_lock for write; from 6.15 on it locks the rmaps that it walks.
 *
 * If L1 gave L2 no accessed bits (its EPTP without A/D), neither have the shadow
 * SPTEs.  Aging then takes their rights, and the next access is a whole fault under
 * mmu_lock for write: fast_page_fault() knows direct MMUs only
 * (page_fault_can_be_fast()).  Fast-only calls of the 2024 series leave such SPTEs
 * alone (v7), or see none of L2's (v6); its reviewers asked whether has_fast_aging, with
 * which mm asks at all, should be off while there are shadow pages.
 *
 * It cannot know which pages L2 has: share picks leaf tables by a hash.  L1 never
 * touches those itself, and they are mapped at L1's level.
 */
#include "models/spte.h"

struct nested_params {
	struct spte_params spte;
	uint64_t share, chain;
	unsigned int ad, fast;
};

enum {
	FAST_ALL,
	FAST_TDP,
	FAST_NONE
};

static const char *const ad_names[] = {"off", "on", NULL};
static const char *const fast_names[] = {"all", "tdp", "none", NULL};

static const struct param_spec nested_specs[] = {
	{"share", PARAM_UINT, offsetof(struct nested_params, share), 100, 1,
	 100, NULL, "percent", "leaf tables whose pages are L2's",
	 "indirect_shadow_pages in struct kvm_arch"},
	{"ad", PARAM_ENUM, offsetof(struct nested_params, ad), 0, 0, 0,
	 ad_names, "", "accessed bits in what L1 gives L2",
	 "kvm_init_shadow_ept_mmu(): ad_disabled of its role"},
	{"chain", PARAM_UINT, offsetof(struct nested_params, chain), 1, 1, 1000,
	 NULL, "SPTEs", "length of the rmap of L2's pages",
	 "for_each_rmap_spte(); max_mmu_rmap_size in KVM's statistics"},
	{"fast", PARAM_ENUM, offsetof(struct nested_params, fast), FAST_ALL, 0,
	 0, fast_names, "",
	 "up to 6.14: what fast-only calls see while there is an L2",
	 "all: v7 of the series; tdp: v6; none: has_fast_aging toggled in "
	 "account_shadowed(), July 2024"},
	SPTE_PARAM_LEVEL,
	SPTE_PARAM_TLB,
	{0},
};

static struct mmu_traits nested_traits(const void *params, unsigned int kernel)
{
	const struct nested_params *p = params;
	struct mmu_traits traits = spte_traits(&p->spte, kernel);

	traits.locks_rmaps = kernel >= mmu_kernel(6, 15);
	traits.walks_fast = p->fast != FAST_NONE;
	traits.young_lock = traits.locks_rmaps ? MMU_LOCK_NONE : MMU_LOCK_WRITE;
	traits.nested_share = p->share;
	traits.side[1] = (struct mmu_side){
		.has_rmap = true,
		.chain = p->chain,
		.has_ad = p->ad,
		.is_fast = p->ad,
		.is_blind = p->fast == FAST_TDP && !traits.locks_rmaps,
		.fault_lock = MMU_LOCK_WRITE,
		.track_lock = MMU_LOCK_WRITE,
		.track_does = MMU_TOUCH_FAULT,
	};
	return traits;
}

const struct mmu_ops mmu_shadow_nested = {
	.summary =
		"KVM TDP MMU plus indirect shadow pages of nested guests (x86)",
	.params = nested_specs,
	.params_size = sizeof(struct nested_params),
	.traits = nested_traits,
};

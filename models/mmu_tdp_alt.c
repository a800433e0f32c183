/* SPDX-License-Identifier: MIT */
/*
 * KVM's TDP MMU with accessed bits, and what reviewers asked about it: kernels that are
 * not, or bits that are lost now and then.  With its defaults it is the kind tdp.
 *
 * zap says what becomes of the age of an SPTE that is zapped on a page that stays.
 * Up to 6.12 the page was marked (kvm_set_pfn_accessed()), since then nobody is told;
 * "KVM: x86/mmu: Preserve Accessed bits on PROT changes" (RFC, 2024-08-01) would keep
 * the bit in the SPTE that is no longer present, where young calls find it, if the
 * change was of protection: NUMA balancing that protects pages.
 *
 * race is the share of young SPTEs that somebody else changes while a young call looks
 * at them.  raced=young: the call says young and its compare-and-exchange fails, so that
 * the bit stays (kvm_tdp_mmu_age_spte(), 7.2).  raced=old: another writer has clobbered
 * the bit (spte_needs_atomic_update(), 6.15), the call finds none.  It cannot know when
 * that happens: each young SPTE that is asked about is raced with the same probability,
 * however hot its page is.
 *
 * folio is the order of the host's folios: those whose PTEs walks and look-around of
 * 7.2 take together (test_and_clear_young_ptes_notify()), and promote as one.  It
 * cannot say how such folios are evicted: here they are evicted page by page, come
 * back so, and make a folio again.  Notifier calls stay one per page.
 */
#include "models/spte.h"

struct alt_params {
	unsigned int zap, raced;
	uint64_t race, seed, folio;
	unsigned int counts;
};

static const char *const zap_names[] = {"kernel", "mark", "drop", "keep", NULL};
static const char *const raced_names[] = {"young", "old", NULL};
static const char *const counts_names[] = {"folio", "pte", NULL};

static const struct param_spec alt_specs[] = {
	{"zap", PARAM_ENUM, offsetof(struct alt_params, zap), MMU_ZAP_KERNEL, 0,
	 0, zap_names, "", "what a zap does with the age of a page that stays",
	 "mark: up to 6.12; drop: 6.13; keep: RFC 20240801183453.57199-1"},
	{"race", PARAM_UINT, offsetof(struct alt_params, race), 0, 0, 1000000,
	 NULL, "ppm", "young SPTEs that change while a young call looks",
	 "kage's choice: nobody has measured it"},
	{"raced", PARAM_ENUM, offsetof(struct alt_params, raced),
	 MMU_RACED_YOUNG, 0, 0, raced_names, "",
	 "what such a call says: young, and leaves the bit; or old",
	 "kvm_tdp_mmu_age_spte(), spte_needs_atomic_update() of 7.2"},
	{"seed", PARAM_UINT, offsetof(struct alt_params, seed), 1, 0, 1e15,
	 NULL, "", "of who is raced", "kage's choice: any number"},
	{"folio", PARAM_UINT, offsetof(struct alt_params, folio), 0, 0, 9, NULL,
	 "log2(pages)", "order of the host's folios, mapped by PTEs",
	 "walk_pte_range() and lru_gen_look_around() of 7.2"},
	{"counts", PARAM_ENUM, offsetof(struct alt_params, counts),
	 MMU_COUNTS_FOLIO, 0, 0, counts_names, "",
	 "what a filter of walks counts: all of a young folio, or young PTEs",
	 "folio: walk_pte_range() of 7.2; pte: 6.12"},
	{0},
};

static struct mmu_traits alt_traits(const void *params, unsigned int kernel)
{
	const struct alt_params *p = params;
	struct mmu_traits traits =
		spte_traits(&(struct spte_params){0}, kernel);

	traits.zap = p->zap;
	traits.race_ppm = p->race;
	traits.race_seed = p->seed;
	traits.raced = p->raced;
	traits.folio_order = (unsigned int)p->folio;
	traits.counts = p->counts;
	return traits;
}

const struct mmu_ops mmu_tdp_alt = {
	.summary =
		"KVM TDP MMU (x86), changed: ages kept or lost, large folios",
	.params = alt_specs,
	.params_size = sizeof(struct alt_params),
	.traits = alt_traits,
};

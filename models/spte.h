/* SPDX-License-Identifier: MIT */
/*
 * How the SPTEs of a lane are kept in the page words: three ways, and what the kinds
 * of KVM's MMU have in common.
 *
 *	direct	4 KiB leaves, hardware A: the accessed bit of the word is the SPTE's
 *	trap	a page is quiet while its SPTE is present and young, so the first
 *		access after aging is heard of: huge leaves, whose one bit stands for
 *		many words, and SPTEs without A, whose re-access exits
 *	huge	as direct, with leaves of 2 MiB for huge folios (has_huge)
 */
#ifndef MODELS_SPTE_H
#define MODELS_SPTE_H

#include "models/mmu.h"

/* What a zap took: a huge SPTE is one, of many pages. */
struct spte_zapped {
	uint64_t sptes, pages;
};

/* All hooks run on the thread of their lane; none counts anything. */
struct spte_ops {
	bool is_direct; /* the accessed bits of its 4 KiB SPTEs are the words' */

	/* Install an SPTE for @page, young. */
	void (*map)(struct mmu *mmu, uint32_t page);

	/* The same of 2 MiB that has @page, which was accessed.  NULL: it has none. */
	void (*map_huge)(struct mmu *mmu, uint32_t page);

	/* Zap the SPTEs of @range, whole ones, note in mmu->lost whose pages they
	 * were, and add to @zapped. */
	void (*unmap)(struct mmu *mmu, uint32_t first, uint64_t range,
		      struct spte_zapped *zapped);

	/* Return: the pages of @range that have an SPTE. */
	uint64_t (*present)(const struct mmu *mmu, uint32_t first,
			    uint64_t range);

	/* Return: the pages of @range with a young SPTE. */
	uint64_t (*test_young)(const struct mmu *mmu, uint32_t first,
			       uint64_t range);

	/*
	 * Ask page after page and make old what was young: of the pages that one
	 * huge SPTE maps, the first to ask gets its bit.
	 */
	uint64_t (*clear_young)(struct mmu *mmu, uint32_t first,
				uint64_t range);

	/* @page is not quiet: make its SPTE young.  Return: false without one. */
	bool (*touch)(struct mmu *mmu, uint32_t page);
};

extern const struct spte_ops spte_direct, spte_huge, spte_trap;

/* Parameters of all kinds of KVM's MMU, the first member of theirs. */
struct spte_params {
	uint64_t tlb;
	unsigned int level;
};

extern const char *const spte_levels[];

enum {
	SPTE_LEVEL_THP = 3 /* of them */
};

/* Their rows in a table of parameters. */
#define SPTE_PARAM_LEVEL                                                       \
	{                                                                      \
		"level", PARAM_ENUM, offsetof(struct spte_params, level), 0,   \
			0, 0, spte_levels, "",                                 \
			"what a leaf SPTE maps until a part of it is zapped; " \
			"thp: its folio, huge or not",                         \
			"tdp_root_for_each_leaf_pte(): a bit for all; "        \
			"thp: kvm_mmu_hugepage_adjust()"                       \
	}
#define SPTE_PARAM_TLB                                                          \
	{                                                                       \
		"tlb", PARAM_UINT, offsetof(struct spte_params, tlb), 0, 0,     \
			1 << 20, NULL, "entries",                               \
			"guest TLB, which aging does not flush; 0: hides none", \
			"kvm_mmu_notifier_clear_young(): no flush"              \
	}

/* The table of a kind that has no others. */
extern const struct param_spec spte_param_specs[];

/* KVM's TDP MMU on x86 with A/D bits: where the other kinds begin. */
struct mmu_traits spte_traits(const struct spte_params *params,
			      unsigned int kernel);

#endif

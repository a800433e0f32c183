/* SPDX-License-Identifier: MIT */
/*
 * What a change of a page-table entry of KVM's two-dimensional paging on x86 says
 * (an SPTE; tracepoint kvmmmu:kvm_tdp_mmu_spte_changed): has aging just taken the
 * accessed bit from a page?
 *
 * The places of the bits are not part of any interface.  They are those of
 * arch/x86/kvm/mmu/spte.{h,c} and tdp_mmu.c in Linux 6.12 and 7.2; a kernel that
 * moves them makes every epoch empty, not wrong.
 */
#ifndef CAPTURE_SPTE_H
#define CAPTURE_SPTE_H

#include <stdbool.h>
#include <stdint.h>

#include "datasets/trace/trace.h"

enum spte_format {
	SPTE_NPT,	/* AMD; as any page table of x86 */
	SPTE_EPT,	/* Intel, kvm_intel.eptad=Y */
	SPTE_EPT_NO_AD, /* Intel without A/D bits: access tracking */
	SPTE_NR_FORMATS
};

extern const char *const spte_format_names[SPTE_NR_FORMATS];

struct spte_change {
	uint64_t gfn; /* the first of the leaf */
	uint64_t before, after;
	uint64_t level; /* 1: 4 KiB, 2: 2 MiB, 3: 1 GiB, above: no leaf */
};

/**
 * spte_was_aged - was the page accessed, and is that forgotten now?
 *
 * NPT: bit 5 was cleared (kvm_mmu_reset_all_pte_masks(): PT_ACCESSED_MASK).
 * EPT: bit 8 was cleared (kvm_mmu_set_ept_masks(): VMX_EPT_ACCESS_BIT).
 * Without A/D bits KVM takes the permissions away, bits 0 to 2, so that the next
 * access exits (mark_spte_for_access_track(), which saves them above bit 51), in
 * 7.2 bit 8 besides.  That can happen with A/D bits too, for single SPTEs of a VM
 * that runs nested ones: what type one is, is in bits 52 and 53 (6.12) or 60 and
 * 61 (7.2), but permissions are never taken for anything else from an SPTE that
 * stays, so the type does not matter.
 * In all of them an SPTE that maps something has bit 11 (SPTE_MMU_PRESENT_MASK):
 * without it the change is a zap.  A leaf is of level 1 or has bit 7
 * (is_last_spte()).
 */
bool spte_was_aged(enum spte_format format, const struct spte_change *change);

/* The pages behind a change of which spte_was_aged() is true: one run. */
struct trace_run spte_run(const struct spte_change *change);

#endif

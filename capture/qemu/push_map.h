/* SPDX-License-Identifier: MIT */
/*
 * The pushes of one epoch, and which pages they were.
 *
 * A push names a memslot by number.  The map of numbers is known at two moments,
 * before the epoch and after it.  Between, memslots can only change their meaning
 * through a deletion, and KVM zaps all page tables at each one (tracepoint
 * kvm_mmu_zap_all_fast; arch/x86/kvm: kvm_arch_flush_shadow_memslot(), as long as
 * QEMU leaves KVM_X86_QUIRK_SLOT_ZAP_ALL alone; not for VMs of SEV or TDX, whose
 * memslots must not change during a capture).  So up to the first zap the
 * earlier map holds, after the last zap the later one, and what was pushed between
 * two zaps is not known and never guessed.
 */
#ifndef CAPTURE_PUSH_MAP_H
#define CAPTURE_PUSH_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "capture/qemu/qemu_slots.h"

struct push {
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	uint64_t offset;  /* pages from the slot's start */
	uint32_t slot;	  /* address space << 16 | number */
};

struct push_list {
	size_t nr, capacity;
	struct push *pushes; /* in time order */
	uint64_t zaps, first_zap_ns, last_zap_ns;
};

/* Why a push has no page; PUSH_FOUND: it has one. */
enum push_fate {
	PUSH_FOUND,
	PUSH_CHANGING, /* memslots were deleted before and after it */
	PUSH_UNKNOWN,  /* no memslot of that number is known */
	PUSH_BEYOND,   /* the memslot is shorter */
	PUSH_SMM,      /* address space of system management mode */
	PUSH_NR_FATES
};

extern const char *const push_fate_texts[PUSH_NR_FATES];

int push_list_add(struct push_list *list, const struct push *push,
		  struct status *st);
void push_list_zap(struct push_list *list, uint64_t time_ns);
void push_list_clear(struct push_list *list);
void push_list_fini(struct push_list *list);

/* Return: whether the later map is needed: a zap, or a number that @before lacks. */
bool push_list_needs_later(const struct push_list *list,
			   const struct kvm_slots *before);

/* Which page was it?  @gfn is set with PUSH_FOUND. */
enum push_fate push_find(const struct push_list *list, const struct push *push,
			 const struct kvm_slots *before,
			 const struct kvm_slots *after, gfn_t *gfn);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The secondary MMU of one lane: what the host can see of the guest's accesses.
 *
 * The operations carry the names of the kernel's mmu_notifier_ops and mean the
 * same.  A policy makes notifier calls through mmu_calls() and then asks about the
 * pages of that call; there is no other way to learn of an access.
 *
 * Ranges are a first page and a mask of up to 64 pages from it, bit 0 the first;
 * they never cross a leaf table.
 */
#ifndef MODELS_MMU_H
#define MODELS_MMU_H

#include <stdbool.h>
#include <stdint.h>

#include "models/counters.h"
#include "models/pages.h"

enum mmu_lock {
	MMU_LOCK_NONE,
	MMU_LOCK_READ,
	MMU_LOCK_WRITE
};

struct mmu {
	const struct mmu_ops *ops;
	struct pages *pages;
	struct counters *counters;
	uint64_t quiet, accessed; /* this lane's bits in a page word */
};

/*
 * A kind of secondary MMU.  All hooks are required, run on the thread of their
 * lane and write only the page words of their range.
 */
struct mmu_ops {
	const char *summary;

	/*
	 * Young operations answer without mmu_lock and without waiting; only such
	 * kinds answer fast-only calls.
	 */
	bool is_lockless;

	/* A vCPU fault has installed an SPTE for @page and the access is done. */
	void (*map)(struct mmu *mmu, uint32_t page);

	/* Zap the SPTEs of @range.  Return: those that were present. */
	uint64_t (*unmap)(struct mmu *mmu, uint32_t first, uint64_t range);

	/* Return: the pages of @range with a young SPTE. */
	uint64_t (*test_young)(const struct mmu *mmu, uint32_t first,
			       uint64_t range);

	/* As test_young(), and make them old; the TLB may keep a stale entry. */
	uint64_t (*clear_young)(struct mmu *mmu, uint32_t first,
				uint64_t range);
};

struct mmu_entry {
	const char *name;
	const struct mmu_ops *ops;
};

extern const struct mmu_entry mmu_kinds[]; /* ends with a NULL name */

/* Return: the kind called @name, or NULL. */
const struct mmu_entry *mmu_find(const char *name);

/* Count @n notifier young calls by @caller (COUNT_calls_*), each with its lock. */
void mmu_calls(struct mmu *mmu, enum counter caller, enum mmu_lock lock,
	       uint64_t n);

/* Within a call: clear and count the young SPTEs of @range. */
uint64_t mmu_clear_young(struct mmu *mmu, uint32_t first, uint64_t range);

/* Within a call: test only. */
uint64_t mmu_test_young(struct mmu *mmu, uint32_t first, uint64_t range);

/* As mmu_clear_young() for one page, with a remote flush if it was young. */
bool mmu_clear_flush_young(struct mmu *mmu, uint32_t page);

/*
 * An invalidation of @range: two write holds of mmu_lock (range_start, range_end)
 * and one remote flush if anything was zapped (kvm_mmu_notifier_invalidate_range_*
 * in virt/kvm/kvm_main.c).  Return: the pages whose SPTE was young.
 */
uint64_t mmu_invalidate(struct mmu *mmu, uint32_t first, uint64_t range);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Batched walk: aging asks about every page of a walked table, `batch` pages per
 * call; eviction asks about the candidate and then about its 64-page window the same
 * way (the bitmap operation of "mm/kvm: locklessly clear the accessed bit", v2,
 * 2023-05-26, and with the lock that its reviewers asked for).  calls=2 tests first
 * and clears in a second call, as that version did.
 *
 * batch=1 is what Linux has: lock=write 6.12, and 7.2 where aging is not lockless;
 * lock=none 7.2 on x86 (mmu_notifier_clear_young, KVM_MMU_LOCKLESS_AGING).
 */
#include "models/policy.h"

struct batched_params {
	uint64_t batch;
	unsigned int lock;
	uint64_t calls;
};

enum {
	LOCK_WRITE,
	LOCK_READ,
	LOCK_NONE
};

static const char *const lock_names[] = {"write", "read", "none", NULL};

static const struct param_spec batched_specs[] = {
	{"batch", PARAM_UINT, offsetof(struct batched_params, batch), 64, 1,
	 512, NULL, "pages",
	 "pages per call (MIN_LRU_BATCH in the 2023 series)"},
	{"lock", PARAM_ENUM, offsetof(struct batched_params, lock), 0, 0, 0,
	 lock_names, "", "how a call holds mmu_lock"},
	{"calls", PARAM_UINT, offsetof(struct batched_params, calls), 1, 1, 2,
	 NULL, "calls", "1 test-and-clear, or 2: test, then clear"},
	{0},
};

/* Without lock where the kind can; else as kvm_handle_hva_range() does: for write. */
static enum mmu_lock held(const struct batched_params *p, const struct mmu *mmu)
{
	if (p->lock == LOCK_READ)
		return MMU_LOCK_READ;
	if (p->lock == LOCK_NONE && mmu->ops->is_lockless)
		return MMU_LOCK_NONE;
	return MMU_LOCK_WRITE;
}

/* A call that has a bitmap never falls back to the lock: it bails out with 0. */
static bool bails_out(const struct batched_params *p, const struct mmu *mmu)
{
	return p->lock == LOCK_NONE && p->batch > 1 && !mmu->ops->is_lockless;
}

/* The part of window @w that lies in pages [from, to) of its table. */
static uint64_t clip(uint64_t mask, unsigned int w, unsigned int from,
		     unsigned int to)
{
	unsigned int base = w * WINDOW;

	if (from > base)
		mask &= UINT64_MAX << (from - base);
	if (to < base + WINDOW)
		mask &= (UINT64_C(1) << (to - base)) - 1;
	return mask;
}

/* One batch: pages [from, to) of the windows @want, at most a table. */
static void age_batch(const struct batched_params *p, struct mmu *mmu,
		      enum counter caller, uint32_t first, unsigned int from,
		      unsigned int to, const uint64_t *want, uint64_t *young)
{
	unsigned int begin = from / WINDOW, end = (to + WINDOW - 1) / WINDOW;
	uint64_t any = 0;

	for (unsigned int w = begin; w < end; w++)
		any |= clip(want[w], w, from, to);
	if (!any)
		return;
	if (bails_out(p, mmu)) {
		mmu_calls(mmu, caller, MMU_LOCK_NONE, 1);
		return;
	}
	mmu_calls(mmu, caller, held(p, mmu), 1);
	any = 0;
	for (unsigned int w = begin; w < end; w++) {
		uint64_t range = clip(want[w], w, from, to);

		if (p->calls == 2)
			range = mmu_test_young(mmu, first + w * WINDOW, range);
		any |= range;
		if (p->calls == 1)
			young[w] |=
				mmu_clear_young(mmu, first + w * WINDOW, range);
		else
			young[w] |= range;
	}
	if (p->calls == 1 || !any)
		return;
	mmu_calls(mmu, caller, held(p, mmu), 1);
	for (unsigned int w = begin; w < end; w++)
		mmu_clear_young(mmu, first + w * WINDOW,
				clip(young[w], w, from, to));
}

static void batched_age_table(const void *params, struct mmu *mmu,
			      uint32_t first,
			      const uint64_t want[TABLE_WINDOWS],
			      uint64_t young[TABLE_WINDOWS])
{
	const struct batched_params *p = params;
	unsigned int batch = (unsigned int)p->batch;

	for (unsigned int from = 0; from < PTRS_PER_PTE; from += batch) {
		unsigned int to = from + batch;

		age_batch(p, mmu, COUNT_calls_aging, first, from,
			  to < PTRS_PER_PTE ? to : PTRS_PER_PTE, want, young);
	}
}

static bool batched_age_victim(const void *params, struct mmu *mmu,
			       uint32_t page)
{
	mmu_calls(mmu, COUNT_calls_victim, held(params, mmu), 1);
	return mmu_clear_young(mmu, page, 1);
}

static uint64_t batched_age_window(const void *params, struct mmu *mmu,
				   uint32_t first, uint64_t want)
{
	const struct batched_params *p = params;
	unsigned int batch = (unsigned int)p->batch;
	uint64_t young = 0;

	for (unsigned int from = 0; from < WINDOW; from += batch) {
		unsigned int to = from + batch;

		age_batch(p, mmu, COUNT_calls_window, first, from,
			  to < WINDOW ? to : WINDOW, &want, &young);
	}
	return young;
}

const struct policy_ops policy_batched = {
	.summary = "aging walk in locked batches, asked again at eviction",
	.params = batched_specs,
	.params_size = sizeof(struct batched_params),
	.age_table = batched_age_table,
	.age_victim = batched_age_victim,
	.age_window = batched_age_window,
};

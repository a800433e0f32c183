/* SPDX-License-Identifier: MIT */
/*
 * What an invalidation does to a secondary MMU: KVM zaps under mmu_lock and flushes
 * all vCPUs, a GRU flushes its own TLB, XPMEM sleeps.
 *
 * It cannot know what an SPTE costs to zap, nor whether a GRU was in use: which ones
 * are idle is a hash of the call.
 */
#include "base/rng.h"
#include "models/mmu.h"
#include "models/spte.h"
#include "models/window.h"

static void count(struct mmu *mmu, enum counter counter, uint64_t n)
{
	mmu->counters->n[counter] += n;
}

/* gru_flush_tlb_range(): a GRU without active contexts only loses its ASID. */
static void flush_devices(struct mmu *mmu, uint64_t pages)
{
	const struct mmu_traits *t = &mmu->traits;
	uint64_t call = mmu->counters->n[COUNT_calls_unmap], most;

	most = t->device_pages && pages > t->device_pages ? t->device_pages
							  : pages;
	for (uint64_t i = 0; i < t->device_flushes; i++) {
		if (rng_mix(call << 16 | i) % 100 < t->idle_share) {
			count(mmu, COUNT_device_idle, 1);
			continue;
		}
		count(mmu, COUNT_device_flushes, 1);
		count(mmu, COUNT_device_pages, most);
		count(mmu, COUNT_device_clipped, pages - most);
	}
}

void mmu_unmap_begin(struct mmu *mmu, struct mmu_unmap *call,
		     enum mmu_reason reason, uint64_t pages)
{
	static const enum counter calls[] = {
		[MMU_EVICT] = COUNT_calls_unmap_evict,
		[MMU_NUMA] = COUNT_calls_unmap_numa,
		[MMU_MIGRATE] = COUNT_calls_unmap_migrate,
		[MMU_TRACE] = COUNT_calls_unmap_trace,
		[MMU_DISCARD] = COUNT_calls_unmap_discard,
	};

	*call = (struct mmu_unmap){.reason = reason};
	count(mmu, COUNT_calls_unmap, 1);
	count(mmu, calls[reason], 1);
	count(mmu, COUNT_unmap_sleeps, mmu->traits.sleeps);
	flush_devices(mmu, pages);
}

void mmu_forget(struct mmu *mmu, uint32_t first, uint64_t range)
{
	for (; range; range &= range - 1) {
		uint32_t page = first + (uint32_t)__builtin_ctzll(range);

		mmu->lost[page / 64] &= ~(UINT64_C(1) << page % 64);
	}
}

/* Rmaps are looked up for each page, page tables walked leaf by leaf.  Of a huge folio
 * one page is asked for. */
static void count_walk(struct mmu *mmu, uint32_t first, uint64_t pages,
		       const struct spte_zapped *zapped)
{
	const struct mmu_side *side = mmu_side_of(mmu, first);
	uint64_t chain = side->has_rmap ? side->chain : 1;

	if (!mmu->traits.is_kvm)
		return;
	count(mmu, COUNT_unmap_visited,
	      mmu->traits.order && !mmu->traits.has_huge ? zapped->sptes
							 : pages);
	count(mmu, COUNT_unmap_sptes, zapped->sptes * chain);
	count(mmu, COUNT_unmap_zapped, zapped->pages);
}

/* The bits of @young stay where young calls look, without an SPTE. */
static void keep_ages(struct mmu *mmu, uint32_t first, uint64_t young)
{
	for (; young; young &= young - 1)
		mmu->pages->word[first + (uint32_t)__builtin_ctzll(young)] |=
			mmu->accessed;
}

uint64_t mmu_unmap_window(struct mmu *mmu, struct mmu_unmap *call,
			  uint32_t first, uint64_t range)
{
	bool keeps = mmu->traits.zap == MMU_ZAP_KEEP &&
		     call->reason == MMU_NUMA;
	struct spte_zapped zapped = {0};
	uint64_t young = 0, present;

	if (mmu->traits.has_young)
		young = mmu->sptes->test_young(mmu, first, range);
	/* the bit of an access under way is set before there is an SPTE again */
	present = mmu->sptes->present(mmu, first, range);
	if (keeps)
		count(mmu, COUNT_ages_kept, window_count(young & present));
	mmu->sptes->unmap(mmu, first, range, &zapped);
	if (keeps)
		keep_ages(mmu, first, young);
	young = keeps ? 0 : young & present;
	if (call->reason == MMU_EVICT || call->reason == MMU_DISCARD)
		mmu_forget(mmu, first, range);
	count_walk(mmu, first, window_count(range), &zapped);
	call->zapped += zapped.pages;
	return young;
}

static void unlock(struct mmu *mmu, const struct mmu_unmap *call,
		   uint64_t holds)
{
	bool has_zapped = call->zapped != 0;

	if (!mmu->traits.is_kvm)
		return;
	count(mmu, COUNT_lock_write_unmap, holds);
	count(mmu, COUNT_flushes_unmap, has_zapped);
	count(mmu, COUNT_flushes_numa, has_zapped && call->reason == MMU_NUMA);
	if (has_zapped)
		mmu_flush(mmu);
}

void mmu_unmap_end(struct mmu *mmu, const struct mmu_unmap *call)
{
	unlock(mmu, call, 2);
}

void mmu_protect_end(struct mmu *mmu, const struct mmu_unmap *call)
{
	count(mmu, COUNT_calls_protect, 1);
	unlock(mmu, call, 1);
}

uint64_t mmu_invalidate(struct mmu *mmu, uint32_t first, uint64_t range)
{
	struct mmu_unmap call;
	uint64_t young;

	mmu_unmap_begin(mmu, &call, MMU_EVICT, window_count(range));
	young = mmu_unmap_window(mmu, &call, first, range);
	mmu_unmap_end(mmu, &call);
	return young;
}

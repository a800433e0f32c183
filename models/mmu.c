/* SPDX-License-Identifier: MIT */
/* Notifier calls and their counts, by the traits of the kind. */
#include "models/mmu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "models/spte.h"
#include "models/tlb.h"
#include "models/window.h"

#define ENTRY(id, name) extern const struct mmu_ops mmu_##id;
#include "models/mmus.def"
#undef ENTRY

const struct mmu_entry mmu_kinds[] = {
#define ENTRY(id, name) {name, &mmu_##id},
#include "models/mmus.def"
#undef ENTRY
	{NULL, NULL},
};

const struct mmu_entry *mmu_find(const char *name)
{
	for (const struct mmu_entry *e = mmu_kinds; e->name; e++)
		if (!strcmp(e->name, name))
			return e;
	return NULL;
}

/* "6.12", "7.2-rc3" */
static unsigned int parse_kernel(const char *release)
{
	char *end;
	unsigned long major = strtoul(release, &end, 10);
	unsigned long minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;

	return mmu_kernel((unsigned int)major, (unsigned int)minor);
}

static bool has_hardware_bits(const struct mmu_traits *t)
{
	return t->side[0].has_ad && (!t->nested_share || t->side[1].has_ad);
}

static int init_trap(struct mmu *mmu, struct status *st)
{
	uint32_t groups = mmu->pages->npages >> mmu->traits.order;

	mmu->present =
		kage_calloc(mmu->pages->npages / 64, sizeof(*mmu->present), st);
	mmu->is_split = kage_calloc(groups + 1, sizeof(*mmu->is_split), st);
	if (!mmu->present || !mmu->is_split)
		return -ENOMEM;
	for (uint32_t i = 0; mmu->traits.has_huge && i < groups; i++)
		mmu->is_split[i] = true; /* until a folio comes */
	return 0;
}

static int init_read_only(struct mmu *mmu, struct status *st)
{
	mmu->read_only = kage_calloc(mmu->pages->npages / 64,
				     sizeof(*mmu->read_only), st);
	return mmu->read_only ? 0 : -ENOMEM;
}

static int init_huge(struct mmu *mmu, struct status *st)
{
	mmu->is_huge = kage_calloc(mmu->pages->npages / PTRS_PER_PTE,
				   sizeof(*mmu->is_huge), st);
	return mmu->is_huge ? init_read_only(mmu, st) : -ENOMEM;
}

int mmu_init(struct mmu *mmu, const struct mmu_ops *ops, const void *params,
	     const char *kernel, struct pages *pages, unsigned int bit,
	     struct counters *counters, struct status *st)
{
	*mmu = (struct mmu){
		.ops = ops,
		.sptes = &spte_direct,
		.traits = ops->traits(params, parse_kernel(kernel)),
		.pages = pages,
		.counters = counters,
		.quiet = pages_quiet_bit(bit),
		.accessed = pages_accessed_bit(bit),
	};
	mmu->lost = kage_calloc(pages->npages / 64, sizeof(*mmu->lost), st);
	if (!mmu->lost)
		return -ENOMEM;
	if (mmu->traits.has_huge && has_hardware_bits(&mmu->traits)) {
		mmu->sptes = &spte_huge;
		return init_huge(mmu, st);
	}
	if (!mmu->traits.has_young)
		return 0;
	if (!mmu->traits.order && has_hardware_bits(&mmu->traits))
		return init_read_only(mmu, st);
	mmu->sptes = &spte_trap;
	return init_trap(mmu, st);
}

void mmu_fini(struct mmu *mmu)
{
	free(mmu->read_only);
	free(mmu->is_huge);
	free(mmu->lost);
	free(mmu->present);
	free(mmu->is_split);
}

static void count(struct mmu *mmu, enum counter counter, uint64_t n)
{
	mmu->counters->n[counter] += n;
}

/* Nested guests have whole leaf tables; which ones is a hash. */
const struct mmu_side *mmu_side_of(const struct mmu *mmu, uint32_t page)
{
	const struct mmu_traits *t = &mmu->traits;

	if (!t->nested_share)
		return &t->side[0];
	return &t->side[rng_mix(page / PTRS_PER_PTE + 1) % 100 <
			t->nested_share];
}

void mmu_flush(struct mmu *mmu)
{
	count(mmu, COUNT_flushes, 1);
	if (mmu->tlb)
		mmu->flushed_at = tlb_now(mmu->tlb);
}

void mmu_calls(struct mmu *mmu, enum counter caller, enum mmu_lock lock,
	       uint64_t n)
{
	count(mmu, caller, n);
	if (!mmu->traits.has_young)
		return;
	if (lock < mmu->traits.young_lock)
		lock = mmu->traits.young_lock;
	if (lock == MMU_LOCK_WRITE)
		count(mmu, COUNT_lock_write_young, n);
	else if (lock == MMU_LOCK_READ)
		count(mmu, COUNT_lock_read_young, n);
}

void mmu_calls_fast(struct mmu *mmu, enum counter caller, uint64_t n)
{
	count(mmu, caller, n);
}

/* An rmap without SPTEs is neither locked nor walked. */
static void visit(struct mmu *mmu, uint32_t first, uint64_t range,
		  bool locks_rmaps)
{
	const struct mmu_side *side = mmu_side_of(mmu, first);
	uint64_t n;

	if (!mmu->traits.has_young)
		return;
	if (!side->has_rmap) {
		count(mmu, COUNT_sptes, window_count(range));
		return;
	}
	n = window_count(mmu->sptes->present(mmu, first, range));
	count(mmu, COUNT_sptes, n * side->chain);
	if (locks_rmaps)
		count(mmu, COUNT_lock_rmap, n);
}

void mmu_visit(struct mmu *mmu, uint32_t first, uint64_t range)
{
	visit(mmu, first, range, mmu->traits.locks_rmaps);
}

uint64_t mmu_test_young(struct mmu *mmu, uint32_t first, uint64_t range)
{
	mmu_visit(mmu, first, range);
	return mmu->traits.has_young ? mmu->sptes->test_young(mmu, first, range)
				     : 0;
}

/* Return: those of @young that somebody else changes just now. */
static uint64_t raced(struct mmu *mmu, uint64_t young)
{
	const struct mmu_traits *t = &mmu->traits;
	uint64_t hit = 0;

	for (; t->race_ppm && young; young &= young - 1) {
		uint64_t n = mmu->nr_risked++;

		if (rng_mix(rng_mix(t->race_seed) + n) % 1000000 < t->race_ppm)
			hit |= young & -young;
	}
	return hit;
}

static uint64_t clear_young(struct mmu *mmu, uint32_t first, uint64_t range)
{
	uint64_t young, hit;

	if (!mmu->traits.has_young)
		return 0;
	young = mmu->sptes->clear_young(mmu, first, range);
	hit = raced(mmu, young);
	count(mmu, COUNT_sptes_raced, window_count(hit));
	count(mmu, COUNT_sptes_young, window_count(young & ~hit));
	if (mmu->traits.raced == MMU_RACED_OLD)
		return young & ~hit;
	for (; hit; hit &= hit - 1)
		mmu->pages->word[first + (uint32_t)__builtin_ctzll(hit)] |=
			mmu->accessed;
	return young;
}

uint64_t mmu_clear_young(struct mmu *mmu, uint32_t first, uint64_t range)
{
	mmu_visit(mmu, first, range);
	return clear_young(mmu, first, range);
}

uint64_t mmu_clear_young_fast(struct mmu *mmu, uint32_t first, uint64_t range)
{
	if (mmu_side_of(mmu, first)->is_blind)
		return 0;
	visit(mmu, first, range,
	      mmu->traits.locks_rmaps || mmu->traits.walks_fast);
	if (mmu_side_of(mmu, first)->is_fast)
		return clear_young(mmu, first, range);
	return mmu->traits.has_young ? mmu->sptes->test_young(mmu, first, range)
				     : 0;
}

bool mmu_clear_flush_young(struct mmu *mmu, uint32_t page)
{
	bool is_young = mmu_clear_young(mmu, page, 1);

	if (is_young && mmu->traits.flushes_young)
		mmu_flush(mmu);
	return is_young;
}

static void count_fault_lock(struct mmu *mmu, enum mmu_lock lock)
{
	if (lock == MMU_LOCK_WRITE)
		count(mmu, COUNT_lock_write_fault, 1);
	else if (lock == MMU_LOCK_READ)
		count(mmu, COUNT_lock_read_fault, 1);
}

void mmu_map(struct mmu *mmu, uint32_t page)
{
	uint64_t bit = UINT64_C(1) << page % 64;

	count_fault_lock(mmu, mmu_side_of(mmu, page)->fault_lock);
	if (mmu->lost[page / 64] & bit) {
		count(mmu, COUNT_zap_faults, 1);
		mmu->lost[page / 64] &= ~bit;
	}
	mmu->sptes->map(mmu, page);
}

void mmu_map_huge(struct mmu *mmu, uint32_t page)
{
	uint64_t *lost = mmu->lost + page / PTRS_PER_PTE * TABLE_WINDOWS;

	count_fault_lock(mmu, mmu_side_of(mmu, page)->fault_lock);
	count(mmu, COUNT_zap_faults, mmu->lost[page / 64] >> page % 64 & 1);
	memset(lost, 0, TABLE_WINDOWS * sizeof(*lost));
	mmu->sptes->map_huge(mmu, page);
}

void mmu_protect(struct mmu *mmu, uint32_t page, bool is_read_only)
{
	uint64_t bit = UINT64_C(1) << page % 64;

	if (is_read_only)
		mmu->pages->word[page] &= ~mmu->quiet;
	else
		mmu->pages->word[page] |= mmu->quiet;
	if (!mmu->read_only)
		return;
	if (is_read_only)
		mmu->read_only[page / 64] |= bit;
	else
		mmu->read_only[page / 64] &= ~bit;
}

enum mmu_touch mmu_touch(struct mmu *mmu, uint32_t page)
{
	const struct mmu_side *side;

	if (!mmu->sptes->touch(mmu, page))
		return MMU_TOUCH_ABSENT;
	side = mmu_side_of(mmu, page);
	if (side->has_ad)
		return MMU_TOUCH_BIT;
	count(mmu, COUNT_track_exits, 1);
	count_fault_lock(mmu, side->track_lock);
	return side->track_does;
}

bool mmu_may_evict(struct mmu *mmu)
{
	count(mmu, COUNT_unmap_refused, mmu->traits.is_refused);
	return !mmu->traits.is_refused;
}

/* SPDX-License-Identifier: MIT */
/* Notifier calls and their counts, the same for every kind of secondary MMU. */
#include "models/mmu.h"

#include <string.h>

#include "models/window.h"

#define ENTRY(name) extern const struct mmu_ops mmu_##name;
#include "models/mmus.def"
#undef ENTRY

const struct mmu_entry mmu_kinds[] = {
#define ENTRY(name) {#name, &mmu_##name},
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

static void count(struct mmu *mmu, enum counter counter, uint64_t n)
{
	mmu->counters->n[counter] += n;
}

void mmu_calls(struct mmu *mmu, enum counter caller, enum mmu_lock lock,
	       uint64_t n)
{
	count(mmu, caller, n);
	if (lock == MMU_LOCK_WRITE)
		count(mmu, COUNT_lock_write_young, n);
	else if (lock == MMU_LOCK_READ)
		count(mmu, COUNT_lock_read_young, n);
}

uint64_t mmu_test_young(struct mmu *mmu, uint32_t first, uint64_t range)
{
	count(mmu, COUNT_sptes, window_count(range));
	return mmu->ops->test_young(mmu, first, range);
}

uint64_t mmu_clear_young(struct mmu *mmu, uint32_t first, uint64_t range)
{
	uint64_t young = mmu->ops->clear_young(mmu, first, range);

	count(mmu, COUNT_sptes, window_count(range));
	count(mmu, COUNT_sptes_young, window_count(young));
	return young;
}

bool mmu_clear_flush_young(struct mmu *mmu, uint32_t page)
{
	bool is_young = mmu_clear_young(mmu, page, 1);

	count(mmu, COUNT_flushes, is_young);
	return is_young;
}

uint64_t mmu_invalidate(struct mmu *mmu, uint32_t first, uint64_t range)
{
	uint64_t young = mmu->ops->test_young(mmu, first, range);
	uint64_t zapped = mmu->ops->unmap(mmu, first, range);

	count(mmu, COUNT_calls_unmap, 1);
	count(mmu, COUNT_lock_write_unmap, 2);
	count(mmu, COUNT_flushes, zapped != 0);
	return young;
}

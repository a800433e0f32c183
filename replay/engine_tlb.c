/* SPDX-License-Identifier: MIT */
/*
 * The loop over accesses where the guest's TLB hides some of them: while a page's
 * translation is cached, an access neither sets the accessed bit again nor misses the
 * rights that aging took (models/tlb.h).  It costs several times the plain loop.
 */
#include <errno.h>

#include "models/spte.h"
#include "replay/engine_internal.h"

int engine_init_tlb(struct engine *e, struct status *st)
{
	uint64_t size = 0;
	int ret;

	for (size_t i = 0; i < e->nr_lanes; i++) {
		uint64_t wanted = e->lanes[i].mmu.traits.tlb;

		if (wanted && size && wanted != size)
			return status_fail(
				st, EINVAL,
				"one pass has one TLB: tlb=%llu and tlb=%llu",
				(unsigned long long)size,
				(unsigned long long)wanted);
		size = wanted ? wanted : size;
	}
	if (!size)
		return 0;
	ret = tlb_init(&e->tlb, (uint32_t)size, e->pages.npages, st);
	e->has_tlb = !ret;
	for (size_t i = 0; i < e->nr_lanes && !ret; i++)
		if (e->lanes[i].mmu.traits.tlb)
			e->lanes[i].mmu.tlb = &e->tlb;
	return ret;
}

/* A write meets an SPTE that is read-only: those of direct kinds that are not quiet. */
static bool is_refused(const struct mmu *mmu, uint32_t page, bool is_write)
{
	return is_write && mmu->sptes->is_direct &&
	       !(mmu->pages->word[page] & mmu->quiet);
}

/* The quiet bits of the lanes whose TLB serves the access: no flush since @filled. */
static uint64_t hidden_in(const struct engine *e, uint64_t filled,
			  uint32_t page, bool is_write)
{
	uint64_t hidden = 0;

	for (size_t i = 0; i < e->nr_lanes; i++) {
		const struct mmu *mmu = &e->lanes[i].mmu;

		if (mmu->tlb && mmu->flushed_at < filled &&
		    !is_refused(mmu, page, is_write))
			hidden |= mmu->quiet;
	}
	return hidden;
}

void engine_access_tlb(struct engine *e, const uint32_t *index,
		       const uint64_t *tick, const uint8_t *is_write, size_t n)
{
	uint64_t *word = e->pages.word;

	for (size_t i = 0; i < n; i++) {
		uint32_t page = index[i];
		uint64_t filled = tlb_filled(&e->tlb, page);
		uint64_t hidden =
			filled ? hidden_in(e, filled, page, is_write[i]) : 0;
		uint64_t slow = ~word[page] & e->slow_mask & ~hidden;

		word[page] |= e->accessed_mask & ~(hidden << PAGES_LANES_MAX);
		if (slow)
			engine_access_slow(e, page, slow, engine_ns(e, tick[i]),
					   is_write[i]);
		tlb_fill(&e->tlb, page);
	}
}

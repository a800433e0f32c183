/* SPDX-License-Identifier: MIT */
/* The scanner of NUMA balancing; see numa.h. */
#include "models/numa.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "models/invalidate.h"
#include "models/numa_internal.h"
#include "models/window.h"

enum {
	PUD_PAGES = 1 << 18, /* change_pmd_range(): of one PUD entry */
	P4D_PAGES = 1 << 27, /* change_pud_range(): of one P4D entry */
	VIRTPAGES_FACTOR = 8,
};

struct piece {
	struct numa *n;
	struct mglru *m;
};

int numa_init(struct numa *n, enum numa_mode mode,
	      const struct numa_params *params, const struct mglru *m,
	      const struct numa_vma *vmas, size_t nr_vmas, uint64_t pace_ns,
	      struct status *st)
{
	*n = (struct numa){.mode = mode,
			   .params = params,
			   .vmas = vmas,
			   .nr_vmas = nr_vmas,
			   .pace_ns = pace_ns,
			   .next_ns = UINT64_MAX};
	if (mode == NUMA_OFF)
		return 0;
	n->next_ns = params->delay;
	n->prot_none = kage_calloc(m->npages / 64, sizeof(*n->prot_none), st);
	return n->prot_none ? 0 : -ENOMEM;
}

void numa_fini(struct numa *n)
{
	free(n->prot_none);
}

/* Pages that change_pte_range() leaves out: all of a block, or none. */
static bool is_pinned(const struct numa_params *p, uint32_t page)
{
	uint64_t block = page / p->block + 1;

	return rng_mix(rng_mix(p->seed) ^ block) % 100 < p->pinned;
}

/* Return: the pages of @range whose PTE would become PROT_NONE. */
static uint64_t will_change(const void *arg, uint32_t first, uint64_t range)
{
	const struct piece *at = arg;
	uint64_t will = 0;

	for (; range; range &= range - 1) {
		int i = __builtin_ctzll(range);
		uint32_t page = first + (uint32_t)i;
		unsigned int flags = at->m->flags[page];

		if (page < at->m->file_first && (flags & PAGE_RESIDENT) &&
		    !(flags & PAGE_UNMAPPED) &&
		    !numa_is_prot_none(at->n, page) &&
		    !is_pinned(at->n->params, page))
			will |= UINT64_C(1) << i;
	}
	return will;
}

static uint64_t window_of(uint32_t first, uint32_t end)
{
	uint32_t n = WINDOW - first % WINDOW;

	return UINT64_MAX >> (WINDOW - (n < end - first ? n : end - first));
}

/* Return: the first page from @first that will change, or @end. */
static uint32_t first_change(const struct piece *at, uint32_t first,
			     uint32_t end)
{
	for (uint64_t range; first < end; first += window_count(range)) {
		uint64_t will;

		range = window_of(first, end);
		will = at->m->table[first / PTRS_PER_PTE] & TABLE_EXISTS
			       ? will_change(at, first, range)
			       : 0;
		if (will)
			return first + (uint32_t)__builtin_ctzll(will);
	}
	return end;
}

/* Return: how many of the pages that will change have an SPTE. */
static uint64_t count_mapped(const struct piece *at, uint32_t first,
			     uint32_t end)
{
	uint64_t sum = 0;

	for (uint64_t range; first < end; first += window_count(range)) {
		range = window_of(first, end);
		sum += window_count(mglru_has_sptes(
			at->m, first, will_change(at, first, range)));
	}
	return sum;
}

/* change_pte_range().  Return: the PTEs that it made PROT_NONE. */
static uint64_t protect_ptes(const struct piece *at, uint32_t first,
			     uint32_t end)
{
	uint64_t sum = 0;

	for (uint64_t range; first < end; first += window_count(range)) {
		uint64_t will;

		range = window_of(first, end);
		will = will_change(at, first, range);
		at->n->prot_none[first / 64] |= will << first % 64;
		sum += window_count(will);
	}
	at->m->counters->n[COUNT_numa_updates] += sum;
	return sum;
}

/* PTEs of leaf tables that exist: what the walk looks at. */
static uint64_t count_ptes(const struct mglru *m, uint32_t first, uint32_t end)
{
	uint64_t sum = 0;

	for (uint32_t to; first < end; first = to) {
		to = first + PTRS_PER_PTE - first % PTRS_PER_PTE;
		to = to < end ? to : end;
		sum += m->table[first / PTRS_PER_PTE] & TABLE_EXISTS
			       ? to - first
			       : 0;
	}
	return sum;
}

/* The range is invalid from now on until the walk has come to its end. */
static void note_busy(struct numa *n, uint32_t first, uint32_t end,
		      uint64_t before, uint64_t ptes)
{
	uint64_t from_ns = n->began_ns + n->pace_ns * (n->visited + before);
	uint64_t until_ns = n->began_ns + n->pace_ns * (n->visited + ptes);
	struct numa_busy *last = &n->busy[NUMA_BUSY_MAX - 1];

	if (n->nr_busy < NUMA_BUSY_MAX) {
		n->busy[n->nr_busy++] =
			(struct numa_busy){first, end, from_ns, until_ns};
		return;
	}
	last->first = first < last->first ? first : last->first;
	last->end = end > last->end ? end : last->end;
	last->until_ns = until_ns;
}

/* Under the lock of the page table nobody may sleep: the mm must not be changed then
 * (J. Gunthorpe, 2023-08, on the deferred start). */
static bool is_refused(const struct piece *at, bool has_change)
{
	bool is_refused = at->n->mode != NUMA_RANGE && has_change &&
			  at->m->mmu->traits.sleeps;

	at->m->counters->n[COUNT_numa_refused] += is_refused;
	return is_refused;
}

/* One range_start() to range_end(), from a table that exists.  Return: PTEs changed. */
static uint64_t change_range(const struct piece *at, uint32_t first,
			     uint32_t end)
{
	uint32_t change = first_change(at, first, end);
	uint64_t ptes = count_ptes(at->m, first, end), before = 0, mapped;
	uint64_t *count = at->m->counters->n, zapped, changed = 0;
	uint32_t from = first;

	if (at->n->mode == NUMA_DEFERRED) {
		from = change;
		before = count_ptes(at->m, first, change);
	}
	if (from == end || is_refused(at, change < end))
		goto out;
	mapped = count_mapped(at, from, end);
	if (at->n->mode == NUMA_PRECISE)
		zapped = mglru_protect(at->m, from, end, will_change, at);
	else
		zapped = mglru_invalidate(at->m, from, end, MMU_NUMA);
	if (at->m->mmu->traits.is_kvm) {
		count[COUNT_unmap_unchanged] += zapped - mapped;
		count[COUNT_numa_zapped] += zapped;
	}
	note_busy(at->n, from, end, before, ptes);
	changed = protect_ptes(at, change, end);
out:
	at->n->visited += ptes;
	count[COUNT_numa_ptes] += ptes;
	return changed;
}

/*
 * From the first entry that leads anywhere: of PMDs in change_pmd_range(), of PUDs in
 * change_pud_range().  Return: @end if there is none.
 */
static uint32_t first_populated(const struct mglru *m, uint32_t first,
				uint32_t end)
{
	uint32_t unit = m->version->change_pmd_range_notifies ? PTRS_PER_PTE
							      : PUD_PAGES;
	uint32_t table = first / unit * (unit / PTRS_PER_PTE);

	while (table < m->file_first / PTRS_PER_PTE &&
	       !(m->table[table] & TABLE_EXISTS))
		table++;
	if (table == m->file_first / PTRS_PER_PTE)
		return end;
	table = table * PTRS_PER_PTE / unit * unit;
	if (table >= end)
		return end;
	return table > first ? table : first;
}

/* change_prot_numa() */
static uint64_t change_prot_numa(const struct piece *at, uint32_t first,
				 uint32_t end)
{
	uint32_t unit = at->m->version->change_pmd_range_notifies ? PUD_PAGES
								  : P4D_PAGES;
	uint64_t changed = 0;

	for (uint32_t to; first < end; first = to) {
		uint32_t left = unit - first % unit;

		to = left < end - first ? first + left : end;
		changed +=
			change_range(at, first_populated(at->m, first, to), to);
	}
	return changed;
}

struct budget {
	int64_t pages, virtpages;
};

/* The loop over one VMA, from @n->offset.  Return: whether it came to its end. */
static bool scan_vma(const struct piece *at, const struct numa_vma *vma,
		     struct budget *b)
{
	struct numa *n = at->n;
	uint64_t start = n->offset, end;

	do {
		start = start > vma->first ? start : vma->first;
		end = (start + (uint64_t)b->pages + PTRS_PER_PTE - 1) /
		      PTRS_PER_PTE * PTRS_PER_PTE;
		end = end < vma->end ? end : vma->end;
		if (change_prot_numa(at, (uint32_t)start, (uint32_t)end))
			b->pages -= (int64_t)(end - start);
		b->virtpages -= (int64_t)(end - start);
		start = end;
		n->offset = (uint32_t)start;
		if (b->pages <= 0 || b->virtpages <= 0)
			return false;
	} while (end != vma->end);
	return true;
}

/* Return: the index of the VMA that has or follows @page; nr_vmas if none does. */
static size_t find_vma(const struct numa *n, uint32_t page)
{
	size_t i = 0;

	while (i < n->nr_vmas && n->vmas[i].end <= page)
		i++;
	return i;
}

void numa_scan(struct numa *n, struct mglru *m)
{
	const struct piece at = {n, m};
	struct budget b;
	size_t i;

	n->began_ns = n->next_ns;
	n->visited = 0;
	n->nr_busy = 0;
	numa_set_next(n, m);
	b.pages = (int64_t)(n->params->size / 4096);
	b.virtpages = b.pages * VIRTPAGES_FACTOR;
	m->counters->n[COUNT_numa_scans]++;
	i = find_vma(n, n->offset);
	if (i == n->nr_vmas) { /* reset_ptenuma_scan() */
		n->seq++;
		n->offset = 0;
		i = 0;
	}
	while (i < n->nr_vmas && scan_vma(&at, &n->vmas[i], &b))
		i++;
	if (i == n->nr_vmas) {
		n->seq++;
		n->offset = 0;
	}
}

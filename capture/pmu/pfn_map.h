/* SPDX-License-Identifier: MIT */
/*
 * From host page frames back to guest pages, by /proc/PID/pagemap: for sources
 * that see the host's physical addresses.
 *
 * What it cannot know: what moved since it was read.  A page that was freed or
 * migrated since then may be another page's by now, of this guest even, and the
 * map tells the old one.  Frames that stand for several guest pages (the zero page,
 * KSM) are left out.
 */
#ifndef CAPTURE_PFN_MAP_H
#define CAPTURE_PFN_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "datasets/trace/trace.h"

/* Frames [pfn, pfn + npages) hold guest pages from @gfn on. */
struct pfn_run {
	uint64_t pfn;
	gfn_t gfn;
	uint64_t npages;
};

struct pfn_map {
	struct pfn_run *runs; /* by pfn, disjoint; some may be empty */
	size_t nr, capacity;
	uint64_t npages; /* guest pages with memory behind them */
};

/**
 * pfn_map_read - read it anew
 * @pagemap: of the process; opened with CAP_SYS_ADMIN, which need not be there any
 *	more (the kernel looks at the opener's: pagemap_read(), Linux 4.2)
 * @slots: those without a known hva are passed over
 *
 * Return: 0; -EPERM if page frame numbers are hidden; -EIO; -ENOMEM.
 */
int pfn_map_read(struct pfn_map *map, int pagemap,
		 const struct trace_slot *slots, size_t nr_slots,
		 struct status *st);

/* Return: whether @pfn holds one page of the guest, and then which. */
bool pfn_map_find(const struct pfn_map *map, uint64_t pfn, gfn_t *gfn);

void pfn_map_fini(struct pfn_map *map);

#endif

/* SPDX-License-Identifier: MIT */
/* Reading pagemap and turning it around; see pfn_map.h. */
#include "capture/pmu/pfn_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

enum {
	CHUNK = 4096, /* entries per read */
};

/* Documentation/admin-guide/mm/pagemap.rst */
#define PRESENT	 (UINT64_C(1) << 63)
#define PFN_MASK ((UINT64_C(1) << 55) - 1)

static int add_page(struct pfn_map *map, uint64_t pfn, gfn_t gfn,
		    struct status *st)
{
	struct pfn_run *last = map->nr ? &map->runs[map->nr - 1] : NULL;
	int ret;

	map->npages++;
	if (last && pfn == last->pfn + last->npages &&
	    gfn == last->gfn + last->npages) {
		last->npages++;
		return 0;
	}
	ret = kage_grow(&map->runs, &map->capacity, map->nr, sizeof(*map->runs),
			st);
	if (!ret)
		map->runs[map->nr++] = (struct pfn_run){pfn, gfn, 1};
	return ret;
}

static int add_entries(struct pfn_map *map, const uint64_t *entries, size_t n,
		       gfn_t gfn, struct status *st)
{
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++) {
		uint64_t pfn = entries[i] & PFN_MASK;

		if (!(entries[i] & PRESENT))
			continue;
		if (!pfn)
			return status_fail(st, EPERM,
					   "/proc/PID/pagemap hides page "
					   "frame numbers: needs "
					   "CAP_SYS_ADMIN");
		ret = add_page(map, pfn, gfn + i, st);
	}
	return ret;
}

static int read_slot(struct pfn_map *map, int pagemap,
		     const struct trace_slot *slot, struct status *st)
{
	uint64_t entries[CHUNK];
	int ret = 0;

	for (uint64_t done = 0; done < slot->npages && !ret;) {
		uint64_t page = slot->hva / TRACE_PAGE_BYTES + done;
		uint64_t left = slot->npages - done;
		size_t n = left < CHUNK ? (size_t)left : CHUNK;
		ssize_t got = pread(pagemap, entries, n * 8, (off_t)(page * 8));

		if (got < 0)
			return status_fail(st, errno, "/proc/PID/pagemap: %s",
					   strerror(errno));
		if (got < 8)
			break; /* the process has ended */
		n = (size_t)got / 8;
		ret = add_entries(map, entries, n, slot->gfn + done, st);
		done += n;
	}
	return ret;
}

static int by_pfn(const void *a, const void *b)
{
	const struct pfn_run *left = a, *right = b;

	return (left->pfn > right->pfn) - (left->pfn < right->pfn);
}

/* Make sorted runs disjoint: what begins inside of an earlier run goes, and with
 * it the rest of that run.  So some pages are not found that could be, but none is
 * taken for another. */
static void drop_shared(struct pfn_map *map)
{
	uint64_t end = 0; /* behind every frame so far */
	size_t kept = 0;

	for (size_t i = 0; i < map->nr; i++) {
		struct pfn_run run = map->runs[i];
		struct pfn_run *last = kept ? &map->runs[kept - 1] : NULL;

		if (run.pfn >= end)
			map->runs[kept++] = run;
		else if (last && last->pfn + last->npages > run.pfn)
			last->npages = run.pfn - last->pfn;
		if (run.pfn + run.npages > end)
			end = run.pfn + run.npages;
	}
	map->nr = kept;
}

int pfn_map_read(struct pfn_map *map, int pagemap,
		 const struct trace_slot *slots, size_t nr_slots,
		 struct status *st)
{
	int ret = 0;

	map->nr = 0;
	map->npages = 0;
	for (size_t i = 0; i < nr_slots && !ret; i++)
		if (slots[i].hva)
			ret = read_slot(map, pagemap, &slots[i], st);
	if (map->nr)
		qsort(map->runs, map->nr, sizeof(*map->runs), by_pfn);
	drop_shared(map);
	return ret;
}

bool pfn_map_find(const struct pfn_map *map, uint64_t pfn, gfn_t *gfn)
{
	size_t low = 0, high = map->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (map->runs[middle].pfn <= pfn)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || pfn - map->runs[low - 1].pfn >= map->runs[low - 1].npages)
		return false;
	*gfn = map->runs[low - 1].gfn + (pfn - map->runs[low - 1].pfn);
	return true;
}

void pfn_map_fini(struct pfn_map *map)
{
	free(map->runs);
	*map = (struct pfn_map){.nr = 0};
}

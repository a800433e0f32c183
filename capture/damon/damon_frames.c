/* SPDX-License-Identifier: MIT */
/* Frames behind addresses and back; see damon_frames.h. */
#include "capture/damon/damon_frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

#define PAGE ((uint64_t)TRACE_PAGE_BYTES)

/* An entry of pagemap (Documentation/admin-guide/mm/pagemap.rst). */
#define IS_PRESENT (UINT64_C(1) << 63)
#define PFN_MASK   ((UINT64_C(1) << 55) - 1)

enum {
	ENTRIES = 2048 /* read at once */
};

/* Return: entries read (fewer than @n only where the address space ends), or an
 * error. */
static int64_t read_entries(int pagemap, uint64_t hva, uint64_t *entries,
			    uint64_t n, struct status *st)
{
	ssize_t bytes = pread(pagemap, entries, n * sizeof(*entries),
			      (off_t)(hva / PAGE * sizeof(*entries)));

	if (bytes < 0)
		return status_fail(st, errno, "pagemap: %s", strerror(errno));
	return bytes / (ssize_t)sizeof(*entries);
}

static int add_frame(struct damon_frames *frames, uint64_t hva, uint64_t pfn,
		     struct status *st)
{
	struct damon_frame_run *last =
		frames->nr ? &frames->runs[frames->nr - 1] : NULL;
	int ret;

	if (last && last->pfn + last->npages == pfn &&
	    last->hva + last->npages * PAGE == hva) {
		last->npages++;
		return 0;
	}
	ret = kage_grow(&frames->runs, &frames->capacity, frames->nr,
			sizeof(*frames->runs), st);
	if (!ret)
		frames->runs[frames->nr++] =
			(struct damon_frame_run){pfn, hva, 1};
	return ret;
}

static int add_entry(struct damon_frames *frames, uint64_t hva, uint64_t entry,
		     struct status *st)
{
	if (!(entry & IS_PRESENT)) {
		frames->absent++;
		return 0;
	}
	if (!(entry & PFN_MASK))
		return status_fail(st, EPERM,
				   "pagemap hides frame numbers: "
				   "CAP_SYS_ADMIN is needed; run kage as root");
	return add_frame(frames, hva, entry & PFN_MASK, st);
}

static int read_range(struct damon_frames *frames,
		      const struct damon_range *range, struct status *st)
{
	uint64_t entries[ENTRIES];
	uint64_t hva = range->start;
	int ret = 0;

	while (!ret && hva < range->end) {
		uint64_t left = (range->end - hva) / PAGE;
		int64_t n = read_entries(frames->pagemap, hva, entries,
					 left < ENTRIES ? left : ENTRIES, st);

		if (n < 0)
			return (int)n;
		if (!n) {
			frames->absent += left;
			break;
		}
		for (int64_t i = 0; !ret && i < n; i++, hva += PAGE)
			ret = add_entry(frames, hva, entries[i], st);
	}
	return ret;
}

static int compare_runs(const void *a, const void *b)
{
	const struct damon_frame_run *x = a, *y = b;

	return (x->pfn > y->pfn) - (x->pfn < y->pfn);
}

static uint64_t end_of(const struct damon_frame_run *run)
{
	return run->pfn + run->npages;
}

/* Runs that overlap share frames: both are dropped, whole. */
static void drop_shared(struct damon_frames *frames)
{
	struct damon_frame_run *runs = frames->runs;
	uint64_t end = 0;
	size_t kept = 0;

	for (size_t i = 0; i < frames->nr; i++) {
		bool is_shared = runs[i].pfn < end ||
				 (i + 1 < frames->nr &&
				  runs[i + 1].pfn < end_of(&runs[i]));

		if (end_of(&runs[i]) > end)
			end = end_of(&runs[i]);
		if (is_shared)
			frames->shared += runs[i].npages;
		else
			runs[kept++] = runs[i];
	}
	frames->nr = kept;
}

int damon_frames_read(struct damon_frames *frames, int pagemap,
		      const struct damon_ranges *hvas, struct status *st)
{
	int ret = 0;

	*frames = (struct damon_frames){.pagemap = pagemap};
	for (size_t i = 0; !ret && i < hvas->nr; i++)
		ret = read_range(frames, &hvas->ranges[i], st);
	if (ret)
		return ret;
	if (frames->nr)
		qsort(frames->runs, frames->nr, sizeof(*frames->runs),
		      compare_runs);
	drop_shared(frames);
	if (!frames->nr)
		return status_fail(st, ENODATA,
				   "no page of the guest has a frame of its "
				   "own; is the memory map right?");
	return 0;
}

int damon_frames_ranges(const struct damon_frames *frames,
			struct damon_ranges *ranges, struct status *st)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < frames->nr; i++)
		ret = damon_ranges_add(ranges, frames->runs[i].pfn * PAGE,
				       end_of(&frames->runs[i]) * PAGE, st);
	damon_ranges_join(ranges);
	return ret;
}

/* Return: the first run that ends behind @pfn. */
static size_t find_run(const struct damon_frames *frames, uint64_t pfn)
{
	size_t low = 0, high = frames->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (end_of(&frames->runs[middle]) <= pfn)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int add_hva(struct damon_ranges *hvas, uint64_t hva, struct status *st)
{
	if (hvas->nr && hvas->ranges[hvas->nr - 1].end == hva) {
		hvas->ranges[hvas->nr - 1].end += PAGE;
		return 0;
	}
	return damon_ranges_add(hvas, hva, hva + PAGE, st);
}

/* Of @npages pages from @hva on that had the frames from @pfn on. */
static int64_t find_unmoved(const struct damon_frames *frames, uint64_t hva,
			    uint64_t pfn, uint64_t npages,
			    struct damon_ranges *hvas, struct status *st)
{
	uint64_t entries[ENTRIES];
	int64_t moved = 0;

	while (npages) {
		int64_t n = read_entries(frames->pagemap, hva, entries,
					 npages < ENTRIES ? npages : ENTRIES,
					 st);
		if (n <= 0)
			return n ? n : moved + (int64_t)npages;
		for (int64_t i = 0; i < n; i++, hva += PAGE, pfn++) {
			if (!(entries[i] & IS_PRESENT) ||
			    (entries[i] & PFN_MASK) != pfn)
				moved++;
			else if (add_hva(hvas, hva, st))
				return -ENOMEM;
		}
		npages -= (uint64_t)n;
	}
	return moved;
}

int64_t damon_frames_find(const struct damon_frames *frames, uint64_t start,
			  uint64_t end, struct damon_ranges *hvas,
			  struct status *st)
{
	uint64_t first = start / PAGE, last = end / PAGE;
	size_t i = find_run(frames, first);
	int64_t moved = 0;

	for (; i < frames->nr && frames->runs[i].pfn < last; i++) {
		const struct damon_frame_run *run = &frames->runs[i];
		uint64_t from = run->pfn > first ? run->pfn : first;
		uint64_t to = end_of(run) < last ? end_of(run) : last;
		uint64_t hva = run->hva + (from - run->pfn) * PAGE;
		int64_t n =
			find_unmoved(frames, hva, from, to - from, hvas, st);

		if (n < 0)
			return n;
		moved += n;
	}
	return moved;
}

void damon_frames_fini(struct damon_frames *frames)
{
	if (frames->pagemap >= 0)
		close(frames->pagemap);
	free(frames->runs);
	*frames = (struct damon_frames){.pagemap = -1};
}

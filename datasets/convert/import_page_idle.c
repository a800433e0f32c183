/* SPDX-License-Identifier: MIT */
/*
 * Copies of /sys/kernel/mm/page_idle/bitmap (Linux, Documentation/admin-guide/mm/
 * idle_page_tracking.rst): bit i of 64-bit words is set if the page of PFN i was marked
 * and not accessed since.  A list says what is what (bitmaps.h):
 *
 *	slot GFN NPAGES PAGEMAP	(or - : its PFNs are the gfns)
 *	epoch START_NS END_NS
 *	marked FILE		(the bitmap right behind the marking; optional)
 *	idle FILE		(the bitmap at the end of the epoch)
 *
 * PAGEMAP is the part of /proc/PID/pagemap that belongs to the slot: a 64-bit entry
 * per page (Documentation/admin-guide/mm/pagemap.rst).
 *
 * Pages that cannot be marked (not on an LRU list, tails of huge pages) read as not
 * idle for ever: only "marked" tells them from accessed ones.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/convert/bitmaps.h"

#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_PFN	((UINT64_C(1) << 55) - 1)

static const char *const idle_lost[] = {
	"writes: the bitmap does not tell them from reads",
	"the order of accesses, and all but one to a page in an epoch",
	"accesses through translations that a TLB kept: nothing is flushed",
	NULL,
};

struct idle_slot {
	struct bitmap pagemap;
	uint64_t gfn, npages;
};

struct idle {
	struct bitmaps_line line;
	struct idle_slot slot[TRACE_SLOTS_MAX];
	size_t nr_slots;
	struct trace_epoch epoch;
	bool has_epoch;
	struct bitmap marked, idle;
	struct bitmap_runs runs;
};

/* The kernel gives the PFNs to those with CAP_SYS_ADMIN only, and zeros to all others
 * (pagemap.rst): then no page would ever count as accessed. */
static bool hides_pfns(const struct bitmap *pagemap)
{
	bool has_page = false;

	for (uint64_t i = 0; i < pagemap->n; i++) {
		if (!(pagemap->words[i] & PAGEMAP_PRESENT))
			continue;
		if (pagemap->words[i] & PAGEMAP_PFN)
			return false;
		has_page = true;
	}
	return has_page;
}

static int add_slot(struct idle *d, struct status *st)
{
	struct bitmaps_line *l = &d->line;
	struct idle_slot *own = &d->slot[d->nr_slots];
	struct trace_slot slot = {.page_bytes = TRACE_PAGE_BYTES,
				  .node = -1,
				  .backing = "unknown"};
	int ret = bitmaps_number(l, 1, &slot.gfn, st);

	if (!ret)
		ret = bitmaps_number(l, 2, &slot.npages, st);
	if (!ret && (d->has_epoch || d->nr_slots == TRACE_SLOTS_MAX))
		ret = import_bad(l->lines.job, st,
				 "a slot behind an epoch, or too many");
	if (!ret)
		ret = import_slot(l->lines.job, &slot, st);
	if (ret)
		return ret;
	*own = (struct idle_slot){.gfn = slot.gfn, .npages = slot.npages};
	d->nr_slots++;
	if (!strcmp(l->word[3], "-"))
		return 0;
	ret = bitmap_open(&own->pagemap, l, 3, st);
	if (!ret && own->pagemap.n != slot.npages)
		ret = import_bad(l->lines.job, st,
				 "%.200s has %" PRIu64
				 " entries, the slot %" PRIu64 " pages",
				 l->word[3], own->pagemap.n, slot.npages);
	if (!ret && hides_pfns(&own->pagemap))
		ret = import_bad(l->lines.job, st,
				 "%.200s has pages, but no PFN: read pagemap "
				 "as root",
				 l->word[3]);
	return ret;
}

/* Return: whether the page has a PFN. */
static bool find_pfn(const struct idle_slot *slot, uint64_t i, uint64_t *pfn)
{
	uint64_t entry;

	*pfn = slot->gfn + i;
	if (!slot->pagemap.n)
		return true;
	entry = slot->pagemap.words[i];
	*pfn = entry & PAGEMAP_PFN;
	return entry & PAGEMAP_PRESENT && *pfn;
}

static int scan_slot(struct idle *d, const struct idle_slot *slot,
		     struct status *st)
{
	int ret = 0;

	for (uint64_t i = 0, pfn; i < slot->npages && !ret; i++) {
		if (!find_pfn(slot, i, &pfn))
			continue;
		if (pfn / 64 >= d->idle.n)
			return import_bad(d->line.lines.job, st,
					  "PFN %" PRIu64
					  " is behind the end of the bitmap",
					  pfn);
		if ((d->marked.n && !bitmap_has(&d->marked, pfn)) ||
		    bitmap_has(&d->idle, pfn))
			continue;
		ret = bitmap_runs_add(&d->runs, slot->gfn, slot->gfn + i,
				      TRACE_RUN_ACCESSED, st);
	}
	return ret;
}

static int emit(struct idle *d, struct status *st)
{
	struct import_job *job = d->line.lines.job;
	int ret = 0;

	if (!d->has_epoch)
		return 0;
	if (!d->idle.n)
		return import_bad(job, st, "the epoch above has no bitmap");
	if (!d->marked.n)
		import_lost(job, "which pages could be marked: those that "
				 "could not count as accessed");
	for (size_t i = 0; i < d->nr_slots && !ret; i++)
		ret = scan_slot(d, &d->slot[i], st);
	if (!ret)
		ret = import_epoch(job, &d->epoch, d->runs.runs, d->runs.n, st);
	d->runs.n = 0;
	bitmap_close(&d->marked);
	bitmap_close(&d->idle);
	return ret;
}

static int begin_epoch(struct idle *d, struct status *st)
{
	int ret = emit(d, st);

	d->epoch = (struct trace_epoch){.channels = TRACE_CHANNEL_ACCESSED};
	d->has_epoch = true;
	if (!ret && !d->nr_slots)
		ret = import_bad(d->line.lines.job, st,
				 "an epoch in front of all slots");
	if (!ret)
		ret = bitmaps_number(&d->line, 1, &d->epoch.start, st);
	if (!ret)
		ret = bitmaps_number(&d->line, 2, &d->epoch.end, st);
	d->epoch.scan_start = d->epoch.scan_end = d->epoch.end;
	return ret;
}

static int add_bitmap(struct idle *d, struct bitmap *map, struct status *st)
{
	if (!d->has_epoch || map->n)
		return import_bad(d->line.lines.job, st,
				  "no epoch here that wants this bitmap");
	return bitmap_open(map, &d->line, 1, st);
}

static int one_line(struct idle *d, struct status *st)
{
	const char *what = d->line.word[0];

	if (!strcmp(what, "slot") && d->line.n == 4)
		return add_slot(d, st);
	if (!strcmp(what, "epoch") && d->line.n == 3)
		return begin_epoch(d, st);
	if (!strcmp(what, "marked") && d->line.n == 2)
		return add_bitmap(d, &d->marked, st);
	if (!strcmp(what, "idle") && d->line.n == 2)
		return add_bitmap(d, &d->idle, st);
	return import_bad(d->line.lines.job, st,
			  "none of: slot GFN NPAGES PAGEMAP, epoch START_NS "
			  "END_NS, marked FILE, idle FILE");
}

static int read_idle(struct import_job *job, struct status *st)
{
	struct idle d = {.line = {.lines = {.job = job}}};
	int step, ret = 0;

	job->meta.fidelity = TRACE_ACCESSED_BIT;
	job->meta.channels = TRACE_CHANNEL_ACCESSED;
	while (!ret && (step = bitmaps_next(&d.line, st)))
		ret = step < 0 ? step : one_line(&d, st);
	if (!ret)
		ret = emit(&d, st);
	for (size_t i = 0; i < d.nr_slots; i++)
		bitmap_close(&d.slot[i].pagemap);
	bitmap_close(&d.marked);
	bitmap_close(&d.idle);
	free(d.runs.runs);
	return ret;
}

const struct importer importer_page_idle = {
	.name = "page-idle",
	.summary = "a list of copies of page_idle's bitmap",
	.lost = idle_lost,
	.needs_name = true,
	.read = read_idle,
};

/* SPDX-License-Identifier: MIT */
/*
 * Bitmaps as KVM_GET_DIRTY_LOG and KVM_CLEAR_DIRTY_LOG deal in them (Linux,
 * Documentation/virt/kvm/api.rst): a bit per page of a memslot, in 64-bit words.  A
 * list says what is what (bitmaps.h):
 *
 *	slot ID GFN NPAGES
 *	epoch START_NS END_NS
 *	bitmap ID FILE		(of the epoch above; any number)
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/convert/bitmaps.h"

static const char *const dirty_lost[] = {
	"reads: KVM logs writes only",
	"the order of writes, and all but the first to a page in an epoch",
	NULL,
};

struct dirty_slot {
	uint64_t id, gfn, npages;
	uint64_t in_epoch; /* number of the epoch that has its bitmap */
};

struct dirty {
	struct bitmaps_line line;
	struct dirty_slot slot[TRACE_SLOTS_MAX];
	size_t nr_slots;
	struct trace_epoch epoch;
	uint64_t nr_epochs; /* begun */
	struct bitmap_runs runs;
};

static int add_slot(struct dirty *d, struct status *st)
{
	struct bitmaps_line *l = &d->line;
	struct trace_slot slot = {.page_bytes = TRACE_PAGE_BYTES,
				  .node = -1,
				  .backing = "unknown"};
	uint64_t id;
	int ret = bitmaps_number(l, 1, &id, st);

	if (!ret)
		ret = bitmaps_number(l, 2, &slot.gfn, st);
	if (!ret)
		ret = bitmaps_number(l, 3, &slot.npages, st);
	if (!ret && d->nr_epochs)
		ret = import_bad(l->lines.job, st, "a slot behind an epoch");
	for (size_t i = 0; i < d->nr_slots && !ret; i++)
		if (d->slot[i].id == id)
			ret = import_bad(l->lines.job, st,
					 "slot %" PRIu64 " is there already",
					 id);
	if (!ret && d->nr_slots == TRACE_SLOTS_MAX)
		ret = import_bad(l->lines.job, st, "too many slots");
	if (!ret)
		ret = import_slot(l->lines.job, &slot, st);
	if (!ret)
		d->slot[d->nr_slots++] =
			(struct dirty_slot){id, slot.gfn, slot.npages, 0};
	return ret;
}

static int emit(struct dirty *d, struct status *st)
{
	int ret;

	if (!d->nr_epochs)
		return 0;
	ret = import_epoch(d->line.lines.job, &d->epoch, d->runs.runs,
			   d->runs.n, st);
	d->runs.n = 0;
	return ret;
}

static int begin_epoch(struct dirty *d, struct status *st)
{
	int ret = emit(d, st);

	d->epoch = (struct trace_epoch){.channels = TRACE_CHANNEL_DIRTY};
	if (!ret)
		ret = bitmaps_number(&d->line, 1, &d->epoch.start, st);
	if (!ret)
		ret = bitmaps_number(&d->line, 2, &d->epoch.end, st);
	d->epoch.scan_start = d->epoch.scan_end = d->epoch.end;
	d->nr_epochs++;
	return ret;
}

static int take_bits(struct dirty *d, const struct dirty_slot *slot,
		     const struct bitmap *map, struct status *st)
{
	uint64_t words = (slot->npages + 63) / 64;
	int ret = 0;

	if (map->n != words)
		return import_bad(d->line.lines.job, st,
				  "%.200s has %" PRIu64
				  " bytes, the slot's bitmap %" PRIu64,
				  d->line.word[2], map->n * 8, words * 8);
	if (slot->npages % 64 && map->words[words - 1] >> slot->npages % 64)
		return import_bad(d->line.lines.job, st,
				  "%.200s has bits behind the slot's end",
				  d->line.word[2]);
	for (uint64_t i = 0; i < slot->npages && !ret; i++) {
		if (!map->words[i / 64])
			i |= 63;
		else if (bitmap_has(map, i))
			ret = bitmap_runs_add(&d->runs, slot->gfn,
					      slot->gfn + i, TRACE_RUN_DIRTY,
					      st);
	}
	return ret;
}

static int add_bitmap(struct dirty *d, struct status *st)
{
	struct dirty_slot *slot = NULL;
	struct bitmap map;
	uint64_t id;
	int ret = bitmaps_number(&d->line, 1, &id, st);

	if (ret)
		return ret;
	for (size_t i = 0; i < d->nr_slots; i++)
		if (d->slot[i].id == id)
			slot = &d->slot[i];
	if (!slot || !d->nr_epochs || slot->in_epoch == d->nr_epochs)
		return import_bad(d->line.lines.job, st,
				  !slot ? "no slot of this number"
				  : !d->nr_epochs
					  ? "a bitmap in front of all epochs"
					  : "this epoch has a bitmap of this "
					    "slot");
	slot->in_epoch = d->nr_epochs;
	ret = bitmap_open(&map, &d->line, 2, st);
	if (!ret)
		ret = take_bits(d, slot, &map, st);
	bitmap_close(&map);
	return ret;
}

static int one_line(struct dirty *d, struct status *st)
{
	const char *what = d->line.word[0];

	if (!strcmp(what, "slot") && d->line.n == 4)
		return add_slot(d, st);
	if (!strcmp(what, "epoch") && d->line.n == 3)
		return begin_epoch(d, st);
	if (!strcmp(what, "bitmap") && d->line.n == 3)
		return add_bitmap(d, st);
	return import_bad(d->line.lines.job, st,
			  "none of: slot ID GFN NPAGES, epoch START_NS END_NS, "
			  "bitmap ID FILE");
}

static int read_dirty(struct import_job *job, struct status *st)
{
	struct dirty d = {.line = {.lines = {.job = job}}};
	int step, ret = 0;

	job->meta.fidelity = TRACE_FIRST_WRITE;
	job->meta.channels = TRACE_CHANNEL_DIRTY;
	while (!ret && (step = bitmaps_next(&d.line, st)))
		ret = step < 0 ? step : one_line(&d, st);
	if (!ret)
		ret = emit(&d, st);
	free(d.runs.runs);
	return ret;
}

const struct importer importer_dirty_log = {
	.name = "dirty-log",
	.summary = "a list of KVM_GET_DIRTY_LOG bitmaps",
	.lost = dirty_lost,
	.needs_name = true,
	.read = read_dirty,
};

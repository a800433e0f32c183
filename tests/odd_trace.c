/* SPDX-License-Identifier: MIT */
/*
 * odd_trace KIND FILE: traces that no generator makes, for the tests of the command
 * line.  KIND: "2m" (epochs of 2M records), "dirty" (epochs that saw writes only),
 * "both" (an epoch of writes in a trace that saw accesses), "regions" (samples of an
 * accessed and an idle region), "lost" (a stream that lost 5 events and an unknown
 * number), "huge" (a guest of 1 PiB), "holes" (four memslots, a pause and a
 * loss), "empty".
 */
#include <stdio.h>
#include <string.h>

#include "datasets/trace/trace.h"

enum {
	EPOCHS = 40,
	PERIOD_NS = 1000000
};

static bool is(const char *kind, const char *name)
{
	return !strcmp(kind, name);
}

/* What 20 looks found: one region accessed in 5 of them, one idle. */
static int write_regions(struct trace_writer *w, struct trace_epoch *epoch,
			 struct status *st)
{
	static const struct trace_run runs[] = {
		{512, 512, TRACE_RUN_ACCESSED, 5},
		{1024, 1024, 0, 0},
	};

	epoch->has_hits = true;
	epoch->samples = 20;
	return trace_writer_epoch(w, epoch, runs, 2, st);
}

/* Two of four 2M regions, another pair in each epoch. */
static int write_epoch(struct trace_writer *w, const char *kind, uint64_t k,
		       struct status *st)
{
	bool is_dirty = is(kind, "dirty") || (is(kind, "both") && k);
	struct trace_epoch epoch = {
		.index = k,
		.start = k * PERIOD_NS,
		.end = (k + 1) * PERIOD_NS,
		.scan_start = (k + 1) * PERIOD_NS,
		.scan_end = (k + 1) * PERIOD_NS,
		.channels = is_dirty ? TRACE_CHANNEL_DIRTY
				     : TRACE_CHANNEL_ACCESSED,
	};
	uint8_t flags =
		(uint8_t)((is_dirty ? TRACE_RUN_DIRTY : TRACE_RUN_ACCESSED) |
			  (is(kind, "2m") ? TRACE_2M : TRACE_4K));
	const struct trace_run runs[] = {
		{512 * (1 + k % 4), 512, flags, 0},
		{512 * (1 + (k + 1) % 4), 512, flags, 0},
	};

	return is(kind, "regions") ? write_regions(w, &epoch, st)
				   : trace_writer_epoch(w, &epoch, runs, 2, st);
}

/* An access, then 5 events lost, an unknown number lost, an access. */
static int write_lost(struct trace_writer *w, struct status *st)
{
	static const struct trace_event events[] = {
		{0, 512, 1, 0, TRACE_READ, 0},
		{1000, 0, 5, 0, TRACE_LOST, 0},
		{2000, 0, 1, 0, TRACE_LOST, TRACE_REASON_UNKNOWN},
		{3000, 513, 1, 0, TRACE_READ, 0},
	};
	int ret = 0;

	for (size_t i = 0; i < 4 && !ret; i++)
		ret = trace_writer_event(w, &events[i], st);
	return ret;
}

static unsigned int channels_of(const char *kind)
{
	if (is(kind, "dirty"))
		return TRACE_CHANNEL_DIRTY;
	return TRACE_CHANNEL_ACCESSED |
	       (is(kind, "both") ? TRACE_CHANNEL_DIRTY : 0);
}

/* Ten epochs, a pause of ten, ten more: a hot half of each slot, and one loss. */
static int write_holes(struct trace_writer *w, const struct trace_meta *meta,
		       struct status *st)
{
	const struct trace_event lost = {25 * PERIOD_NS, 0, 7, 0,
					 TRACE_LOST,	 0};
	struct trace_epoch epoch = {.channels = TRACE_CHANNEL_ACCESSED};
	struct trace_run runs[4];
	int ret = 0;

	for (size_t i = 0; i < meta->nr_slots; i++)
		runs[i] = (struct trace_run){
			meta->slots[i].gfn, (uint32_t)meta->slots[i].npages / 2,
			TRACE_RUN_ACCESSED, 0};
	for (uint64_t k = 0; k < 20 && !ret; k++) {
		epoch.index = k;
		epoch.start = (k < 10 ? k : k + 10) * PERIOD_NS;
		epoch.end = epoch.start + PERIOD_NS;
		ret = trace_writer_epoch(w, &epoch, runs, meta->nr_slots, st);
	}
	return ret ? ret : trace_writer_event(w, &lost, st);
}

static int write_trace(const char *kind, const char *path, struct status *st)
{
	struct trace_slot slots[] = {
		{0, 0xa0, 0, TRACE_PAGE_BYTES, -1, "anon"},
		{0x100, 0x20000, 0, TRACE_PAGE_BYTES, -1, "anon"},
		{0xfd000, 0x1000, 0, TRACE_PAGE_BYTES, -1, "vga"},
		{0x100000, 0x40000, 0, TRACE_PAGE_BYTES, -1, "anon"},
	};
	struct trace_slot slot = {.gfn = 512,
				  .npages = is(kind, "huge") ? UINT64_C(1) << 38
							     : 2048,
				  .page_bytes = TRACE_PAGE_BYTES,
				  .node = -1,
				  .backing = "anon"};
	struct trace_meta meta = {
		.clock = {TRACE_CLOCK_NS, 1000},
		.fidelity = is(kind, "regions") ? TRACE_REGION_SAMPLE
						: TRACE_SYNTHETIC,
		.channels = channels_of(kind),
		.nr_vcpus = 1,
		.nr_slots = is(kind, "holes") ? 4 : 1,
		.slots = is(kind, "holes") ? slots : &slot,
		.source = "test",
	};
	struct trace_writer *w;
	int ret = trace_writer_open(&w, path, &meta, st);

	if (ret)
		return ret;
	if (is(kind, "lost"))
		ret = write_lost(w, st);
	else if (is(kind, "holes"))
		ret = write_holes(w, &meta, st);
	else if (!is(kind, "empty"))
		for (uint64_t k = 0; k < EPOCHS && !ret; k++)
			ret = write_epoch(w, kind, k, st);
	if (!ret)
		return trace_writer_close(w, NULL, st);
	trace_writer_discard(w);
	return ret;
}

int main(int argc, char **argv)
{
	struct status st = {""};

	if (argc == 3 && !write_trace(argv[1], argv[2], &st))
		return 0;
	fprintf(stderr, "odd_trace: %s\n", st.message);
	return 1;
}

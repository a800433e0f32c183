/* SPDX-License-Identifier: MIT */
/*
 * odd_trace KIND FILE: traces that no generator makes, for the tests of the command
 * line.  KIND: "2m" (epochs of 2M records), "dirty" (epochs that saw writes only),
 * "both" (an epoch of writes in a trace that saw accesses), "empty".
 */
#include <stdio.h>
#include <string.h>

#include "datasets/trace/trace.h"

enum {
	EPOCHS = 40,
	PERIOD_NS = 1000000
};

/* Two of four 2M regions, another pair in each epoch. */
static int write_epoch(struct trace_writer *w, const char *kind, uint64_t k,
		       struct status *st)
{
	bool is_dirty = !strcmp(kind, "dirty") || (!strcmp(kind, "both") && k);
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
			  (strcmp(kind, "2m") ? TRACE_4K : TRACE_2M));
	const struct trace_run runs[] = {
		{512 * (1 + k % 4), 512, flags},
		{512 * (1 + (k + 1) % 4), 512, flags},
	};

	return trace_writer_epoch(w, &epoch, runs, 2, st);
}

static int write_trace(const char *kind, const char *path, struct status *st)
{
	struct trace_slot slot = {.gfn = 512,
				  .npages = 2048,
				  .page_bytes = TRACE_PAGE_BYTES,
				  .node = -1,
				  .backing = "anon"};
	struct trace_meta meta = {
		.clock = {TRACE_CLOCK_NS, 1000},
		.fidelity = TRACE_SYNTHETIC,
		.channels = !strcmp(kind, "dirty") ? TRACE_CHANNEL_DIRTY
			    : !strcmp(kind, "both")
				    ? TRACE_CHANNEL_ACCESSED |
					      TRACE_CHANNEL_DIRTY
				    : TRACE_CHANNEL_ACCESSED,
		.nr_vcpus = 1,
		.nr_slots = 1,
		.slots = &slot,
		.source = "test",
	};
	struct trace_writer *w;
	int ret = trace_writer_open(&w, path, &meta, st);

	if (ret)
		return ret;
	for (uint64_t k = 0; k < EPOCHS && strcmp(kind, "empty") && !ret; k++)
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

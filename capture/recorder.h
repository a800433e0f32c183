/* SPDX-License-Identifier: MIT */
/*
 * What a backend hands its findings to.
 *
 * A source of events calls recorder_access() and recorder_event(): they become
 * stream records, or, with epoch_ticks, epochs of a fixed length of the trace's
 * clock, in first-touch order.  For such epochs the backend must report a page at
 * most once per epoch.
 *
 * A sampler calls recorder_run() as often as it likes for one page; the session
 * then writes the epoch with recorder_sample().
 *
 * Pages that lie in no slot of the trace, or outside of what the user wants
 * (--pages), are left out; the former are counted.
 */
#ifndef CAPTURE_RECORDER_H
#define CAPTURE_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "datasets/trace/trace.h"

struct recorder_setup {
	struct trace_writer *writer;   /* borrowed */
	const struct trace_meta *meta; /* slots and channels; borrowed */
	uint64_t epoch_ticks;	       /* of a source of events; 0: a stream */
	bool is_sampler;
	gfn_t first_gfn, last_gfn; /* inclusive; what the user wants */
};

/* What came in, for the summary and its warnings. */
struct recorder_stats {
	uint64_t epochs;
	uint64_t empty_epochs, full_epochs; /* no page; every wanted page */
	uint64_t pages;			    /* of all epochs, 4 KiB */
	uint64_t huge_pages;  /* of these, seen through larger leaves */
	uint64_t least, most; /* pages of one epoch */
	uint64_t events;
	uint64_t outside; /* pages or events in no slot */
	uint64_t lost;	  /* events; at least so many if is_lost_unknown */
	bool is_lost_unknown;
};

struct recorder {
	struct recorder_setup setup;
	struct recorder_stats stats;
	bool has_data;
	bool is_ordered; /* sampler: this epoch's calls come in first-touch order */
	uint32_t samples; /* sampler of regions: looks at each, runs have hits */
	uint64_t zero_ns;   /* CLOCK_MONOTONIC of the trace's time 0 */
	uint64_t last_time; /* of the stream records */
	uint64_t index;	    /* of the epoch that is being gathered */
	struct trace_run *runs;
	size_t nr_runs, capacity;
	uint64_t wanted_pages;
	uint64_t *seen; /* sampler: a bit per page of the slots, this epoch */
	uint64_t *base; /* sampler: the first bit of each slot */
};

/* Return: 0 or -ENOMEM; recorder_fini() is due in both cases. */
int recorder_init(struct recorder *recorder, const struct recorder_setup *setup,
		  struct status *st);
void recorder_fini(struct recorder *recorder);

/* Return: the trace's time of a CLOCK_MONOTONIC value; 1 for what was before. */
uint64_t recorder_time(const struct recorder *recorder, uint64_t monotonic_ns);

/* One guest access (or fold); times >= 1 that never decrease. */
int recorder_access(struct recorder *recorder, const struct trace_event *event,
		    struct status *st);

/* An event that is no guest access: invalidation, host access ... */
int recorder_event(struct recorder *recorder, const struct trace_event *event,
		   struct status *st);

/* Events that the kernel or the source dropped before @time, which may be before
 * that of earlier records; @is_exact: no more than @count. */
int recorder_lost(struct recorder *recorder, uint64_t time, uint64_t count,
		  bool is_exact, struct status *st);

/* A sampler found these pages in the current epoch; what it found before in it is
 * left out.  Order of calls is first-touch order if the epoch says so. */
int recorder_run(struct recorder *recorder, const struct trace_run *run,
		 struct status *st);

/* The sampler's epoch is complete: @epoch's times, channels and flags count, index
 * and npages are filled in here. */
int recorder_sample(struct recorder *recorder, const struct trace_epoch *epoch,
		    struct status *st);

/* The clock's last value: writes the epochs of a source of events up to it; the
 * last may be shorter. */
int recorder_end(struct recorder *recorder, uint64_t time, struct status *st);

int recorder_note(struct recorder *recorder, const char *text,
		  struct status *st);

#endif

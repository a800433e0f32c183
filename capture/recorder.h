/* SPDX-License-Identifier: MIT */
/*
 * What a backend hands its findings to: writes them as stream records, or gathers
 * them into epochs of a fixed length of the trace's clock, in first-touch order.
 * For epochs the backend must report a page at most once per epoch.
 */
#ifndef CAPTURE_RECORDER_H
#define CAPTURE_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "datasets/trace/trace.h"

struct recorder {
	struct trace_writer *writer; /* borrowed */
	uint64_t epoch_ticks;	     /* 0: a stream */
	unsigned int channels;
	bool has_data;
	uint64_t index; /* of the epoch that is being gathered */
	struct trace_run *runs;
	size_t nr_runs, capacity;
};

void recorder_init(struct recorder *recorder, struct trace_writer *writer,
		   uint64_t epoch_ticks, unsigned int channels);
void recorder_fini(struct recorder *recorder);

/* One guest access (or fold); times >= 1 that never decrease. */
int recorder_access(struct recorder *recorder, const struct trace_event *event,
		    struct status *st);

/* The clock's last value: writes the epochs up to it; the last may be shorter. */
int recorder_end(struct recorder *recorder, uint64_t time, struct status *st);

int recorder_note(struct recorder *recorder, const char *text,
		  struct status *st);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Which pages a trace holds: footprint, working set, coverage of the memslots.  A
 * page counts if the guest accessed or wrote it; accesses by the VMM do not count,
 * nor do pages that were looked at and found idle.
 *
 * A survey knows what was recorded, not what was accessed: fidelity and losses say
 * how far apart these are.
 */
#ifndef DATASETS_SURVEY_H
#define DATASETS_SURVEY_H

#include "datasets/trace/trace.h"

/* Pages in each of several stretches of time; sorted once the survey is done. */
struct survey_sets {
	uint64_t *pages;
	size_t n, capacity;
};

struct survey {
	uint64_t footprint;   /* distinct pages */
	uint64_t *slot_pages; /* the same for each memslot */
	/* Of the epochs that observed the trace's own channel: accesses, or writes
	 * in a trace that saw nothing else. */
	struct survey_sets epochs;
	/* Of windows of the stream, from its first access: whole ones, unless
	 * there is none. */
	struct survey_sets windows;
	uint64_t window; /* ticks */
};

/**
 * survey_trace - read all that is left of a trace
 * @survey: filled; survey_fini() is due even on failure
 * @window: ticks; 0: 1/64 of the trace's length, or 1 s if that is not known yet
 *
 * Return: 0, -EINVAL for a window that is too short, -E2BIG, -ENOMEM, or what
 * reading returns.
 */
int survey_trace(struct survey *survey, struct trace_reader *reader,
		 uint64_t window, struct status *st);
void survey_fini(struct survey *survey);

/* Return: the median of a set that is not empty. */
uint64_t survey_median(const struct survey_sets *sets);

#endif

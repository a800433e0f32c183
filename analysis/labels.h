/* SPDX-License-Identifier: MIT */
/* Words for runs: what readers tell them apart by. */
#ifndef ANALYSIS_LABELS_H
#define ANALYSIS_LABELS_H

#include "analysis/results.h"
#include "analysis/texts.h"
#include "base/status.h"

enum {
	LABELS_CLOCK = 64,
	LABELS_LIMIT = 96,
};

/* Return: everything but trace, limit and policy that a run's outcome depends on,
 * in one line owned by @texts; NULL with @st set. */
const char *labels_setup(const struct run *run, struct texts *texts,
			 struct status *st);

/* Set the label of every run; they have to be in order. */
int labels_assign(struct results *results, struct status *st);

/* "50% (25,600 pages, 100 MiB)"; @buf is returned. */
const char *labels_limit(char buf[LABELS_LIMIT], const struct run *run);
/* The same for narrow places: "50% (100 MiB)" */
const char *labels_limit_short(char buf[LABELS_LIMIT], const struct run *run);
/* "1 tick = 1 insn = 0.5 ns" */
const char *labels_clock(char buf[LABELS_CLOCK], const struct run *run);

#endif

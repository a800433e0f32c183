/* SPDX-License-Identifier: MIT */
/* Words for runs: what readers tell them apart by. */
#ifndef ANALYSIS_LABELS_H
#define ANALYSIS_LABELS_H

#include "analysis/results.h"
#include "analysis/texts.h"
#include "base/status.h"
#include "base/units.h"

enum {
	LABELS_CLOCK = 64,
	LABELS_LIMIT = 96,
	LABELS_FIDELITY = 96,
	LABELS_ID = 12, /* digits of a content id that people are shown */
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

/* "1.5 s", with @gap before the unit */
const char *labels_time(char buf[UNITS_TEXT], uint64_t ns, const char *gap);
/* "exact, folded to 6 ms", "exact, epochs of 500 ms" */
const char *labels_fidelity(char buf[LABELS_FIDELITY], const struct run *run);
/* "proactive(period=1s,pages=0,force=1)"; owned by @texts, NULL with @st set */
const char *labels_driver(const struct run *run, struct texts *texts,
			  struct status *st);

#endif

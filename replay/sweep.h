/* SPDX-License-Identifier: MIT */
/*
 * A sweep: every policy at every limit on every trace, into one database.  Runs
 * that are stored already are not repeated.
 */
#ifndef REPLAY_SWEEP_H
#define REPLAY_SWEEP_H

#include "datasets/costs/cost_file.h"
#include "replay/engine.h"
#include "replay/plan.h"

struct sweep {
	struct plan_request request;
	struct engine_options options;
	const char *cost_profile;
	const struct cost_file
		*own_costs; /* that profile, if it is the user's; or NULL */
	/* NULL, or which threads are timed; costs are those of the profile */
	const struct timeline_options *timeline;
	const char *database;
	const char *command; /* the command line, for provenance */
	unsigned int threads;
};

struct sweep_outcome {
	size_t stored, skipped; /* runs */
};

/* Run @sweep over one trace.  @outcome is added to. */
int sweep_trace(const struct sweep *sweep, const char *path,
		struct sweep_outcome *outcome, struct status *st);

#endif

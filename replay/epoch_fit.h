/* SPDX-License-Identifier: MIT */
/*
 * How well the epochs of a trace suit a run.  Within an epoch nothing is known of
 * repeated touches: what a policy decides by them is the replay's rule, not the
 * guest's doing.  Short epochs, seen from the aging period and the limit, leave
 * little to the rule; a repeat with epochs twice as long shows how much it decides.
 */
#ifndef REPLAY_EPOCH_FIT_H
#define REPLAY_EPOCH_FIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct engine_trace;
struct lane;

struct epoch_fit {
	bool has_epochs; /* false: a stream, and nothing below is set */
	bool has_pass_gap, has_set_share, has_coarse_refaults;
	double pass_gap_epochs;	  /* median gap between aging passes */
	double largest_set_share; /* largest set of an epoch / limit_pages */
	uint64_t coarse_refaults; /* with epochs merged two by two */
};

/**
 * epoch_fit_set - fill @lane->fit from what its replay of @trace left behind
 * @coarse: the same lane after a replay with engine_options.coarsen_by = 2, or
 *	NULL if there was none
 *
 * Return: 0 or -ENOMEM.
 */
int epoch_fit_set(struct lane *lane, const struct engine_trace *trace,
		  const struct lane *coarse, struct status *st);

#endif

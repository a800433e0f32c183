/* SPDX-License-Identifier: MIT */
/*
 * Policies that a trace of epochs cannot tell apart.  A repeat with epochs twice as
 * long shows how much of a result is the epochs' doing; a difference of not more
 * than twice that is no reason to prefer a policy.
 */
#ifndef ANALYSIS_TIES_H
#define ANALYSIS_TIES_H

#include "analysis/results.h"

/* Set run.is_epoch_tie: at each limit, of the best policy and of those that are not
 * told from it, if there are any.  Bounds and lower bounds are not ranked, and what
 * epochs change has to be known: it is not for streams.  Runs have to be in order. */
void ties_find(struct results *results);

#endif

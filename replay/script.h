/* SPDX-License-Identifier: MIT */
/*
 * One policy through one scenario, for what it counted at each snapshot and which
 * pages each step evicted, to be held against a kernel's.
 */
#ifndef REPLAY_SCRIPT_H
#define REPLAY_SCRIPT_H

#include "datasets/scenario/results.h"
#include "replay/engine.h"
#include "replay/plan.h"

/**
 * script_replay - run a scenario on a model
 * @request: driver "script:FILE.scn" and one policy
 * @results: filled, to be given to scenario_results_fini()
 *
 * Return: 0; -EINVAL when the request is not for one lane with a scenario, or does
 * not fit the trace; -EBADMSG for a bad file; or -ENOMEM.
 */
int script_replay(const char *path, const struct engine_options *options,
		  const struct plan_request *request,
		  struct scenario_results *results, struct status *st);

#endif

/* SPDX-License-Identifier: MIT */
/* Plans replayed in one pass, for the tests of replay/: any failure fails the test. */
#ifndef REPLAY_TEST_REPLAY_H
#define REPLAY_TEST_REPLAY_H

#include "replay/engine.h"
#include "replay/plan.h"

struct outcome {
	struct plan plan; /* of the lanes that were replayed */
	struct lane lanes[ENGINE_LANES_MAX];
	struct engine_trace trace;
};

/* Policies by limits with direct reclaim, and plain values for the rest. */
struct plan_request test_request(const char *names, const char *limits);

/* Replay lanes [from, to) of the plan, whose percentages are of @footprint pages.
 * Return: to test_outcome_free(). */
struct outcome *test_replay(const char *path,
			    const struct engine_options *options,
			    const struct plan_request *wanted,
			    uint64_t footprint, size_t from, size_t to);
void test_outcome_free(struct outcome *o);

uint64_t test_count(const struct outcome *o, size_t lane, enum counter counter);

/* All costs that there are, at @scale times something that differs; costs_fini() them.
 * And one of them at @ns. */
struct costs test_costs(double scale);
void test_cost(struct costs *costs, const char *name, double ns);

/* The same counters, lists, evictions, series and generations, bit for bit. */
void test_same_decisions(const struct lane *a, const struct lane *b);

/* Coarsen the trace @from into the new trace @to. */
struct coarsen_job;
void test_coarsen(const char *from, const char *to,
		  const struct coarsen_job *job);

#endif

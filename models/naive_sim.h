/* SPDX-License-Identifier: MIT */
/*
 * The locks of sim.h written the obvious way, for tests: every nanosecond is looked at,
 * and every queue is an array.  Each thread plays one fixed list of steps.
 */
#ifndef MODELS_NAIVE_SIM_H
#define MODELS_NAIVE_SIM_H

#include "models/sim.h"

enum {
	NAIVE_THREADS = 12,
	NAIVE_LOCKS = 3,
	NAIVE_STEPS = 64
};

/* What happened, in order. */
struct naive_note {
	uint64_t ns;
	uint32_t thread, lock;
	bool is_release;
	uint64_t value; /* waited, or held for */
};

struct naive_sim {
	uint32_t nr_threads;
	uint64_t handover_ns;
	struct sim_step steps[NAIVE_THREADS][NAIVE_STEPS]; /* end in SIM_DONE */
	uint64_t start_ns[NAIVE_THREADS];
	uint64_t end_ns; /* by then all is over */

	void (*note)(void *arg, const struct naive_note *note);
	void *arg;
};

/* Return: how many threads came to their end. */
uint32_t naive_sim_run(const struct naive_sim *script);

#endif

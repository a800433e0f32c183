/* SPDX-License-Identifier: MIT */
/*
 * The identity of a run: every fact that decides its outcome, as text.  The same
 * facts are the row in the database and, hashed, its key.
 */
#ifndef REPLAY_RUN_H
#define REPLAY_RUN_H

#include "replay/engine.h"
#include "replay/plan.h"

enum {
	RUN_ID_TEXT = 33,
	RUN_TEXT = 192,
	RUN_DIGEST = 17
};

struct run {
	char id[RUN_ID_TEXT];
	char trace_id[TRACE_ID_TEXT];
	const char *policy, *kernel, *mmu, *driver, *numa, *chunk;
	char policy_params[RUN_TEXT], mmu_params[RUN_TEXT];
	char driver_params[RUN_TEXT], numa_params[RUN_TEXT];
	bool is_bound, lower_bound, has_limit;
	/* beside its identity: also store idle ages, and how accurate ages are */
	bool has_idle_age, has_accuracy;
	char time_setup[TIMELINE_SETUP]; /* likewise: whose times; "": nobody's */
	/* threads and costs of a closed loop, which decide as well; "": it is open */
	char closed_loop[TIMELINE_SETUP + RUN_DIGEST + 8];
	uint64_t limit_pages;
	const char *limit_text;
	uint64_t pace_ns, wrong_window_ns, seed, nr_samples;
	uint32_t ps_per_tick; /* 0: as the trace says */
	const char *epoch_rule;
	const char *cost_profile;
	char memory[RUN_TEXT]; /* of the host: canonical parameters */
	const char *mix;       /* NULL, or the second trace */
};

/* What a pass does to all of its runs. */
struct run_context {
	const char *trace_id;
	const char *cost_profile;
	const char *costs_digest; /* of a closed loop */
	const struct engine_options *options;
	const char *epoch_rule;
	bool lower_bound;
};

void run_of_lane(struct run *run, const struct lane_config *config,
		 const struct run_context *context);
void run_of_bound(struct run *run, const struct plan_bound *bound,
		  const struct run_context *context);

/* Hash of the sources of models/ and replay/ at build time. */
extern const char run_model_rev[];

#endif

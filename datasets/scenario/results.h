/* SPDX-License-Identifier: MIT */
/*
 * What came of a scenario, on a kernel or on a model: counters and generations per
 * snapshot, and which pages each step evicted, in order.  SCENARIO.md, "Results",
 * is the JSON that it is written as.
 *
 * What is not known is absent: texts are empty, numbers SCENARIO_UNKNOWN.
 */
#ifndef DATASETS_SCENARIO_RESULTS_H
#define DATASETS_SCENARIO_RESULTS_H

#include "datasets/scenario/scenario.h"
#include "datasets/trace/trace.h"

#define SCENARIO_UNKNOWN UINT64_MAX

struct scenario_counter {
	char name[48];
	uint64_t value; /* since the first step */
};

struct scenario_generation {
	uint64_t age_ms, anon, file; /* SCENARIO_UNKNOWN: not known */
};

struct scenario_snapshot {
	char name[SCENARIO_NAME_TEXT];
	uint64_t step, epochs;
	struct scenario_counter *counters; /* owned */
	size_t nr_counters, counters_capacity;
	struct scenario_generation *generations; /* owned; oldest first */
	size_t nr_generations, generations_capacity;
};

/*
 * The guest beside a step of the host; each SCENARIO_UNKNOWN where it makes no sense.
 * Hot are the pages of the last epoch before the step.
 */
struct scenario_beside {
	uint64_t touches; /* that the guest made while the host worked */
	uint64_t calls;	  /* of KVM's notifiers (age, unmap) in that time */
	uint64_t hot;	  /* pages */
	uint64_t kept;	  /* of them: never evicted in the step */
	uint64_t present; /* of them: resident when it ended */
	/* In scenario_results.course: how far the guest was by then.  Both rise. */
	size_t first_point, nr_points;
};

/* After so many calls of the step the guest had made so many touches. */
struct scenario_point {
	uint64_t calls, touches;
};

enum {
	SCENARIO_POINTS_MAX = 512 /* of a step */
};

struct scenario_outcome {
	unsigned int line;
	enum scenario_word word;
	uint64_t asked; /* pages; SCENARIO_UNKNOWN but of a reclaim */
	uint64_t requests,
		passes; /* SCENARIO_UNKNOWN where they make no sense */
	uint64_t epochs;
	size_t first_evicted, nr_evicted; /* in scenario_results.evicted */
	struct scenario_beside beside;
};

struct scenario_results {
	bool by_model;
	bool is_concurrent; /* the guest went on while the host worked */
	char kernel[96],
		policy[96]; /* policy: with its parameters; models only */
	char scenario[96], trace[96];
	char mix[160]; /* a second trace, as file pages: synthetic; models only */
	char trace_id[TRACE_ID_TEXT];
	uint64_t scenario_id, seed, footprint_pages;
	char *details;	  /* owned; a JSON object, or NULL */
	bool has_evicted; /* evictions were watched */

	struct scenario_snapshot *snapshots; /* owned */
	size_t nr_snapshots, snapshots_capacity;
	struct scenario_outcome *steps; /* owned */
	size_t nr_steps, steps_capacity;
	struct scenario_point *course; /* owned; of all steps, in order */
	size_t nr_points, points_capacity;
	gfn_t *evicted; /* owned; of all steps, in order */
	size_t nr_evicted, evicted_capacity;
};

void scenario_results_fini(struct scenario_results *results);

/* Begin the outcome of @step, with what a reclaim asks for; evictions belong to it
 * until the next one.  Return: it, valid until then, or NULL with @st set. */
struct scenario_outcome *scenario_results_step(struct scenario_results *results,
					       const struct scenario_step *step,
					       struct status *st);

/* @gfn was evicted in the current step.  Return: 0 or -ENOMEM. */
int scenario_results_evict(struct scenario_results *results, gfn_t gfn,
			   struct status *st);

/* Add a point to the current step, which has less than SCENARIO_POINTS_MAX.
 * Return: 0 or -ENOMEM. */
int scenario_results_point(struct scenario_results *results,
			   const struct scenario_point *point,
			   struct status *st);

/* Return: the touches that are due in a step like this after @calls: between two
 * points as many as lie between them, behind the last at the pace of all. */
uint64_t scenario_touches_due(const struct scenario_results *results,
			      const struct scenario_beside *beside,
			      uint64_t calls);

/* Begin the snapshot of the current step, a snapshot, with @epochs played so far.
 * Return: it, valid until the next one, or NULL with @st set. */
struct scenario_snapshot *
scenario_results_snapshot(struct scenario_results *results, const char *name,
			  uint64_t epochs, struct status *st);

int scenario_snapshot_count(struct scenario_snapshot *snapshot,
			    const char *name, uint64_t value,
			    struct status *st);
int scenario_snapshot_generation(struct scenario_snapshot *snapshot,
				 const struct scenario_generation *generation,
				 struct status *st);

/* Return: a counter's value, or SCENARIO_UNKNOWN. */
uint64_t scenario_snapshot_value(const struct scenario_snapshot *snapshot,
				 const char *name);

/* Replace @path.  Return: 0, -ENOMEM, or an I/O error. */
int scenario_results_write(const struct scenario_results *results,
			   const char *path, struct status *st);

/* Return: 0 with @results to be given to _fini(), -ENOENT, -EBADMSG naming what
 * is not sound, or -ENOMEM. */
int scenario_results_read(struct scenario_results *results, const char *path,
			  struct status *st);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A model held against a kernel: the same trace and scenario on both
 * (datasets/scenario/SCENARIO.md, Results), compared snapshot by snapshot and step by
 * step.  What only one side knows is shown, but never judged; SCENARIO_UNKNOWN and NAN
 * are what nobody knows.
 *
 * Where the guest went on beside the host's work, no two runs are the same: of such a
 * pair only the hot set is compared, in shares of its pages (validate_hot.c).
 */
#ifndef ANALYSIS_VALIDATE_H
#define ANALYSIS_VALIDATE_H

#include <jansson.h>
#include <stdbool.h>

#include "analysis/agreement.h"
#include "analysis/matches.h"
#include "analysis/table.h"
#include "datasets/scenario/results.h"

struct validate_counter {
	const char *name; /* borrowed from the results */
	bool is_main;	  /* people see it, too */
	uint64_t model, kernel;
};

struct validate_snapshot {
	const struct scenario_snapshot *model, *kernel;
	struct validate_counter *counters; /* owned */
	size_t nr_counters, counters_capacity;
	double misplaced; /* share of anon pages in another generation */
};

/* A step that evicted on either side, or was told to. */
struct validate_step {
	size_t index;
	const struct scenario_outcome *model, *kernel;
	struct agreement evicted; /* a: model, b: kernel */
};

struct validation {
	const char *path; /* of the kernel's results; borrowed */
	const struct scenario_results *model, *kernel;
	struct validate_snapshot *snapshots; /* owned */
	size_t nr_snapshots;
	struct validate_step *steps; /* owned; none unless both watched */
	size_t nr_steps, steps_capacity;
	bool is_concurrent; /* the guest went on beside the host, on both sides */
	bool has_evicted;   /* both sides say what was evicted */
	bool is_substitute; /* the model is of another kernel; the caller says */
};

/* What to hold them to; NAN: is not judged. */
struct validate_limits {
	double tolerance;      /* of counters: share of the kernel's value */
	uint64_t min_pages;    /* and so much may they differ anyway */
	double min_jaccard;    /* of each step that evicted */
	double min_tau;	       /* the same */
	double most_misplaced; /* share, of each snapshot */
	double hot; /* share of the hot set, of each step that evicted */
};

enum {
	VALIDATE_LIMITS_TEXT = 128
};

/* Return: whether anything is judged; then @text is the limits in words. */
bool validate_limits_text(char text[VALIDATE_LIMITS_TEXT],
			  const struct validate_limits *limits);

struct validate_verdict {
	size_t counters, jaccards, taus, snapshots, hot; /* judged */
	size_t beyond;					 /* of them */
	double excess; /* the worst one, in multiples of what is allowed */
	char worst[256];
};

/**
 * validate_pair - refuse what cannot be compared
 * @model: results of a model, @model_path for messages
 *
 * Return: 0, or -EBADMSG when the two are not of the same trace, scenario and seed, or
 * disagree about what was run.
 */
int validate_pair(const struct scenario_results *model, const char *model_path,
		  const struct scenario_results *kernel,
		  const char *kernel_path, struct status *st);

/**
 * validate_init - compare two results that validate_pair() accepts
 * @validation: filled, borrows both results; validate_fini() is safe in any case
 *
 * Return: 0 or -ENOMEM.
 */
int validate_init(struct validation *validation,
		  const struct scenario_results *model,
		  const struct scenario_results *kernel, const char *path,
		  struct status *st);
void validate_fini(struct validation *validation);

/* Return: by how much the model is off, as a share of the kernel's value; NAN where
 * one is not known, or where the kernel counted nothing and the model did. */
double validate_error(const struct validate_counter *counter);

/* Return: the pages that a step was asked to reclaim, if either side says it. */
uint64_t validate_asked(const struct validate_step *step);

/* Add what @validation says to @verdict, which begins as zero. */
void validate_judge(const struct validation *validation,
		    const struct validate_limits *limits,
		    struct validate_verdict *verdict);

/* Judge one more figure: is @difference within @allowed?  @format and what follows say
 * what it is, if it is the worst. */
__attribute__((format(printf, 5, 6))) void
validate_judge_one(struct validate_verdict *verdict, const struct validation *v,
		   double difference, double allowed, const char *format, ...);

/* What became of the hot set in a step, as shares; NAN: not known. */
struct validate_hot {
	struct {
		double model, kernel;
	} kept, present; /* never evicted in the step; resident at its end */
};

/* Return: whether @step has any of it, on both sides. */
bool validate_hot(struct validate_hot *hot, const struct validate_step *step);

/* The part of validate_judge() that is about the hot set. */
void validate_judge_hot(const struct validation *v,
			const struct validate_limits *limits,
			struct validate_verdict *verdict);

/* Return: the largest difference of all steps, as a share; NAN: of none. */
double validate_hot_worst(const struct validation *v);

/* Return: a table of steps, to table_free(); NULL without memory. */
struct table *validate_hot_table(const struct validation *v, struct status *st);

/* Return: the same of one step, to json_decref(); NULL if nothing is known. */
json_t *validate_hot_json(const struct validate_step *step);

/* Return: what @limits ask for and nobody knows of @validation, or NULL. */
const char *validate_unmet(const struct validation *validation,
			   const struct validate_limits *limits,
			   const struct validate_verdict *verdict);

/* Add @other to @verdict. */
void validate_verdict_add(struct validate_verdict *verdict,
			  const struct validate_verdict *other);

/* Return: figures that were judged. */
size_t validate_judged(const struct validate_verdict *verdict);

/* The worst of all, where a difference of @pages is of no interest. */
void validate_worst(const struct validation *validation, uint64_t pages,
		    struct match_worst *worst);

/* Return: three tables for people, with footnotes, to table_free(), or NULL.
 * @shows_all: counters that only one side has, and those of less interest, too. */
struct table *validate_tables(const struct validation *validation,
			      bool shows_all, struct status *st);

/* Return: an object of one comparison, to json_decref(), or NULL. */
json_t *validate_json(const struct validation *validation);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The runs of a results database, in the one order of reports: by trace, setup,
 * memory limit and policy.
 */
#ifndef ANALYSIS_RESULTS_H
#define ANALYSIS_RESULTS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/matches.h"
#include "analysis/style.h"
#include "analysis/table.h"
#include "analysis/texts.h"
#include "base/status.h"

enum run_column {
#define RUN_COLUMN(id, role, group, name, unit, decimals, sql) RUN_##id,
#include "analysis/run_columns.def"
#undef RUN_COLUMN
	RUN_COLUMNS
};

/* How each of them looks in a table. */
extern const struct column run_columns[RUN_COLUMNS];

struct run {
	struct cell cells[RUN_COLUMNS];
	const char
		*setup; /* kernel, MMU, driver, pace, ...: all but the policy */
	const char *label;   /* policy, with parameters where those differ */
	const char *judged;  /* by which kernels, in words; NULL: by none */
	bool is_epoch_tie;   /* not told from the best, or the best of such */
	bool is_price_apart; /* others of its setup leave out other work */
	bool is_alike;	     /* batched and fast-only did the same here */
	size_t series;	     /* index into results.series */
};

/* A policy as readers see it: the same label has one look in all figures. */
struct series {
	const char *label;
	const struct run *example;
	struct style style;
};

struct results {
	struct run *runs;
	struct series *series;
	size_t run_count, series_count;
	size_t run_capacity, series_capacity;
	struct match *matches; /* of models with kernels; owned */
	size_t match_count, match_capacity;
	bool has_validations; /* the database has tables for them */
	struct texts texts;   /* owns every string above */
};

/* Neighbours in results.runs. */
struct slice {
	const struct run *runs;
	size_t count;
};

/* What neighbours agree in. */
enum slice_depth {
	SLICE_TRACE = 2, /* name and content id */
	SLICE_SETUP = 3,
	SLICE_LIMIT = 4,
};

/**
 * results_load - read all runs and matches, or those of one trace
 * @trace: a trace's name, or NULL
 *
 * Return: 0 with @results to results_fini(); -ENOENT if there are neither, -EINVAL
 * if there is no such trace, with the known ones named.
 */
int results_load(struct results *results, sqlite3 *db, const char *trace,
		 struct status *st);
void results_fini(struct results *results);

struct slice results_all(const struct results *results);
/* Return: the first runs of @rest that agree down to @depth, taken off it; count 0
 * at the end. */
struct slice slice_take(struct slice *rest, enum slice_depth depth);
/* Return: the runs at the middle one of the slice's memory limits. */
struct slice slice_middle_limit(struct slice setup);
/* Return: the run of @series in the slice, or NULL. */
const struct run *slice_find(struct slice slice, size_t series);

/* Return: text of a column, "" if it has none. */
const char *run_text(const struct run *run, enum run_column column);
/* Return: integer of a column, 0 if it has none: for flags and pages only. */
int64_t run_integer(const struct run *run, enum run_column column);

#endif

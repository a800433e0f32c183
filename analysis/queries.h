/* SPDX-License-Identifier: MIT */
/*
 * Reading a results database (replay/schema.sql): all SQL of reports is named
 * here and stands in queries.c.  Databases are opened read-only.
 */
#ifndef ANALYSIS_QUERIES_H
#define ANALYSIS_QUERIES_H

#include <sqlite3.h>

#include "base/status.h"

enum {
	QUERIES_SCHEMA = 4, /* user_version of replay/schema.sql */
};

/* One row per run, columns as in run_columns.def.  ?1: name of a trace, or NULL. */
extern const char query_runs[];
/* Names of all traces that have runs; or validations, too. */
extern const char query_trace_names[];
extern const char query_all_trace_names[];
/* One row if the database has tables of replay/validation.sql; old ones do not. */
extern const char query_has_validations[];
/* One row per validation and tolerance, of traces named ?1, or NULL: its id, the pages
 * that counters may differ by, then as texts release, version, accel, kernel_mmu,
 * kernel, policy, mmu, model_rev, scenario, scenario_id, trace, trace_id, limits; then
 * is_substitute, judged, beyond, passed. */
extern const char query_validations[];
/* Of validation ?1: snapshot, counter, model, kernel; those that both know. */
extern const char query_validation_counters[];
/* Of validation ?1: Jaccard, tau by step. */
extern const char query_validation_steps[];
/* Of validation ?1: misplaced by snapshot. */
extern const char query_validation_snapshots[];
/* Who found the model of a run close enough: run, release, limits, scenarios that
 * passed, scenarios that were held to these limits. */
extern const char query_judges[];
/* Of run ?1: end of sample (s), resident (MiB), refaults so far. */
extern const char query_series[];
/* Of run ?1: pages resident, on average over the ends of its samples. */
extern const char query_resident[];
/* Of run ?1, as rectangles: from and to (s), idle age from and to (s), resident
 * pages.  Long runs are thinned: of every few samples one is shown. */
extern const char query_idle_age[];
/* Of run ?1: true and assigned generation (0 the youngest), pages summed over passes,
 * and those of the true generation. */
extern const char query_misplacement[];
/* Of run ?1, per aging pass: when it ended (s), distance of ages (s), pages called young
 * of those that were (%). */
extern const char query_accuracy[];
/* Of run ?1, what it did that costs: name, count, price of one (ns; NULL: not known), of
 * what kind that is, and its interval (ns, NULL: not known).  Faults are the guest's, and left out. */
extern const char query_price[];
/* Of run ?1 and each set of threads that was timed: has_time, lacking, then as
 * timing_columns and lock_columns in report_time.c. */
extern const char query_timing[], query_lock_time[];
/* Of run ?1: vCPUs, time stalled (%), where it is known. */
extern const char query_stall[];
/* All runs but bounds, by trace and limit, with what it takes to repeat them; columns as
 * in enum explain_column (explain_db.c). */
extern const char query_explain[];

/* Return: 0, -ENOENT if there is no file, -EBADMSG if it is no results database of
 * this schema.  The caller closes *@db with sqlite3_close(). */
int queries_open(const char *path, sqlite3 **db, struct status *st);

/* Prepare a query from above with @parameter for ?1 (NULL: none), which has to
 * live until *@stmt is finalized by the caller. */
int queries_start(sqlite3 *db, const char *sql, const char *parameter,
		  sqlite3_stmt **stmt, struct status *st);

/* Return: 1 with a row in @stmt, 0 at the end, or -EBADMSG. */
int queries_step(sqlite3_stmt *stmt, struct status *st);

#endif

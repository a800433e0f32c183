/* SPDX-License-Identifier: MIT */
/* The tables of `kage report`, from runs.  They borrow strings from @results. */
#ifndef ANALYSIS_REPORT_H
#define ANALYSIS_REPORT_H

#include "analysis/results.h"
#include "analysis/table.h"
#include "base/status.h"

/* Both end with how models agreed with kernels, if that is known of any.
 *
 * Return: all runs with all their columns, to table_free(), or NULL. */
struct table *report_full(const struct results *results, struct status *st);

/* Return: a table per trace and setup, to table_free(), or NULL: policies by memory
 * limits, with what a reader of a changelog has to know about method. */
struct table *report_changelog(const struct results *results,
			       struct status *st);

/* Return: how right decisions were and the ages behind them, and a second table of
 * misplaced pages if any run was judged; to table_free(), or NULL. */
struct table *report_accuracy(sqlite3 *db, const struct results *results,
			      struct status *st);

/* Return: whether the ranking of policies by price survives other costs, a table of
 * verdicts and one of break-even points; to table_free(), or NULL. */
struct table *report_sensitivity(sqlite3 *db, const struct results *results,
				 struct status *st);

/* Return: what was timed, and a second table of locks; to table_free(), or NULL. */
struct table *report_time(sqlite3 *db, const struct results *results,
			  struct status *st);

/* What tables have in common: headings (trace, setup, limit) and the policy. */
void report_head_columns(struct table *table);
void report_head_cells(struct table *table, const struct run *run);
/* Say what a wrong eviction is, where that is the same for all. */
void report_wrong_intro(struct table *table, struct slice runs);
/* Return: the name of a run's policy, with footnotes on what it is worth. */
struct cell report_label_cell(struct table *table, const struct run *run);
/* Return: whether @column is known of any run. */
bool report_is_known(struct slice runs, size_t column);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * How right policies were: their evictions, and the ages that these were based on.
 * What a run was not asked to measure is missing here.
 */
#include <errno.h>

#include "analysis/labels.h"
#include "analysis/queries.h"
#include "analysis/report.h"

enum {
	RANKS = 4 /* MAX_NR_GENS */
};

static const enum run_column shown[] = {
	RUN_refaults,		RUN_regret,
	RUN_evictions,		RUN_wrong_percent,
	RUN_wrong_120s_percent, RUN_scan_efficiency,
	RUN_promotion_rate,	RUN_passes,
	RUN_young_precision,	RUN_young_recall,
	RUN_old_precision,	RUN_old_recall,
	RUN_staleness_s,	RUN_distance_s,
	RUN_exact_distance_s,	RUN_misplaced_percent,
	RUN_set_error_64,	RUN_set_error_16,
	RUN_set_error_4,	RUN_set_error_120s,
};

enum {
	SHOWN = sizeof(shown) / sizeof(shown[0])
};

static void put_intro(struct table *table, const struct results *results)
{
	static const char *const judged[] = {
		"called young by an aging pass: in the youngest generation when "
		"the pass was through with the page; precision: of these, what "
		"had been accessed since the pass before; recall: of what had "
		"been accessed, these. called old: the rest",
		"ages of pages: idle time of resident pages against the age of "
		"their generation, by earth mover's distance; if exact: with "
		"every page in the generation of its last access; misplaced: "
		"pages in another one",
		"error of working set: pages of generations not older than a "
		"share of the trace, against pages accessed within it",
	};

	report_wrong_intro(table, results_all(results));
	table_intro(table,
		    "promotion: pages swapped in per minute, of the pages "
		    "accessed within 120 s (or in all of a shorter "
		    "trace)");
	if (!report_is_known(results_all(results), RUN_misplaced_percent)) {
		table_intro(table, "ages were not judged: kage replay "
				   "--accuracy does");
		return;
	}
	for (size_t i = 0; i < sizeof(judged) / sizeof(judged[0]); i++)
		table_intro(table, judged[i]);
}

static struct table *figures_table(const struct results *results,
				   struct status *st)
{
	struct table *table = table_new(st);

	if (!table)
		return NULL;
	table->title = "How right decisions were, and the ages behind them";
	put_intro(table, results);
	report_head_columns(table);
	for (size_t i = 0; i < SHOWN; i++) {
		struct column column = run_columns[shown[i]];

		if (column.role == COLUMN_OPTIONAL_DATA)
			column.role = COLUMN_OPTIONAL;
		table_column(table, column);
	}
	for (size_t r = 0; r < results->run_count; r++) {
		report_head_cells(table, &results->runs[r]);
		for (size_t i = 0; i < SHOWN; i++)
			table_cell(table, results->runs[r].cells[shown[i]]);
	}
	return table;
}

/* A row of the matrix: shares of the pages that belong to one generation. */
struct matrix_row {
	int rank; /* -1: none yet */
	double pages, share[RANKS];
};

static void put_matrix_row(struct table *table, const struct run *run,
			   const struct matrix_row *row)
{
	struct cell pages = {.kind = CELL_INTEGER,
			     .integer = (int64_t)row->pages};
	struct cell rank = {.kind = CELL_INTEGER, .integer = row->rank};

	if (row->rank < 0)
		return;
	report_head_cells(table, run);
	table_cell(table, cell_text(run_text(run, RUN_run_id)));
	table_cell(table, rank);
	table_cell(table, pages);
	for (int i = 0; i < RANKS; i++)
		table_cell(table, (struct cell){.kind = CELL_REAL,
						.real = row->share[i]});
}

static int put_matrix(struct table *table, sqlite3 *db, const struct run *run,
		      struct status *st)
{
	struct matrix_row row = {.rank = -1};
	sqlite3_stmt *stmt;
	int ret = queries_start(db, query_misplacement,
				run_text(run, RUN_run_id), &stmt, st);

	while (!ret && (ret = queries_step(stmt, st)) == 1) {
		int rank = sqlite3_column_int(stmt, 0);
		int assigned = sqlite3_column_int(stmt, 1);

		if (rank != row.rank) {
			put_matrix_row(table, run, &row);
			row = (struct matrix_row){
				.rank = rank,
				.pages = sqlite3_column_double(stmt, 3)};
		}
		if (assigned >= 0 && assigned < RANKS)
			row.share[assigned] = 100 *
					      sqlite3_column_double(stmt, 2) /
					      row.pages;
		ret = 0;
	}
	if (!ret)
		put_matrix_row(table, run, &row);
	sqlite3_finalize(stmt);
	return ret;
}

static void matrix_columns(struct table *table)
{
	static const char *const ids[RANKS] = {"in_0", "in_1", "in_2", "in_3"};
	static const char *const names[RANKS] = {"youngest", "second", "third",
						 "fourth"};

	report_head_columns(table);
	table_column(table, (struct column){COLUMN_DATA, "run_id", "run id",
					    NULL, "", 0});
	table_column(table,
		     (struct column){COLUMN_VALUE, "true_rank", "belongs to",
				     NULL, "generation", 0});
	table_column(table, (struct column){COLUMN_VALUE, "pages", "pages",
					    NULL, "x passes", 0});
	for (int i = 0; i < RANKS; i++)
		table_column(table,
			     (struct column){COLUMN_VALUE, ids[i], names[i],
					     "is in generation", "%", 1});
}

static int matrix_table(struct table **table, sqlite3 *db,
			const struct results *results, struct status *st)
{
	int ret = 0;

	*table = table_new(st);
	if (!*table)
		return -ENOMEM;
	(*table)->title = "Where pages were, at the end of each aging pass";
	table_intro(
		*table,
		"belongs to: the generation at the time of its last access, "
		"0 the youngest; pages older than all belong to the oldest");
	matrix_columns(*table);
	for (size_t i = 0; i < results->run_count && !ret; i++)
		ret = put_matrix(*table, db, &results->runs[i], st);
	return ret ? ret : (*table)->error;
}

struct table *report_accuracy(sqlite3 *db, const struct results *results,
			      struct status *st)
{
	struct table *table = figures_table(results, st);
	int error = table ? table->error : -ENOMEM;

	if (!error &&
	    report_is_known(results_all(results), RUN_misplaced_percent))
		error = matrix_table(&table->next, db, results, st);
	if (error) {
		table_free(table);
		table = NULL;
	}
	return table;
}

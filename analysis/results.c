/* SPDX-License-Identifier: MIT */
/* Reading and ordering runs; see results.h.  Labels are in labels.c. */
#include "analysis/results.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/compare.h"
#include "analysis/judgements.h"
#include "analysis/labels.h"
#include "analysis/queries.h"
#include "analysis/ties.h"
#include "base/alloc.h"
#include "base/outbuf.h"

const struct column run_columns[RUN_COLUMNS] = {
#define RUN_COLUMN(id, role, group, name, unit, decimals, sql)                 \
	{COLUMN_##role, #id, name, group, unit, decimals},
#include "analysis/run_columns.def"
#undef RUN_COLUMN
};

const char *run_text(const struct run *run, enum run_column column)
{
	const struct cell *cell = &run->cells[column];

	return cell->kind == CELL_TEXT ? cell->text : "";
}

int64_t run_integer(const struct run *run, enum run_column column)
{
	const struct cell *cell = &run->cells[column];

	return cell->kind == CELL_INTEGER ? cell->integer : 0;
}

/* Order at one depth: trace name, trace id, setup, limit. */
static int compare_at(const struct run *a, const struct run *b, int depth)
{
	int64_t x = run_integer(a, RUN_limit_pages);
	int64_t y = run_integer(b, RUN_limit_pages);

	switch (depth) {
	case 1:
		return strcmp(run_text(a, RUN_trace), run_text(b, RUN_trace));
	case SLICE_TRACE:
		return strcmp(run_text(a, RUN_trace_id),
			      run_text(b, RUN_trace_id));
	case SLICE_SETUP:
		return strcmp(a->setup, b->setup);
	default:
		return (x > y) - (x < y);
	}
}

static int compare_down_to(const struct run *a, const struct run *b, int depth)
{
	int order = 0;

	for (int at = 1; at <= depth && !order; at++)
		order = compare_at(a, b, at);
	return order;
}

static int compare_policies(const struct run *a, const struct run *b)
{
	const char *x = run_text(a, RUN_policy), *y = run_text(b, RUN_policy);
	int order = style_rank(x, run_integer(a, RUN_is_bound)) -
		    style_rank(y, run_integer(b, RUN_is_bound));

	if (!order)
		order = strcmp(x, y);
	if (!order)
		order = strcmp(run_text(a, RUN_policy_params),
			       run_text(b, RUN_policy_params));
	return order;
}

static int compare_runs(const void *a, const void *b)
{
	int order = compare_down_to(a, b, SLICE_LIMIT);

	return order ? order : compare_policies(a, b);
}

static int compare_series(const void *a, const void *b)
{
	const struct series *x = a, *y = b;

	return compare_policies(x->example, y->example);
}

static int read_cell(sqlite3_stmt *stmt, int column, struct results *results,
		     struct cell *cell, struct status *st)
{
	switch (sqlite3_column_type(stmt, column)) {
	case SQLITE_INTEGER:
		cell->kind = CELL_INTEGER;
		cell->integer = sqlite3_column_int64(stmt, column);
		return 0;
	case SQLITE_FLOAT:
		cell->kind = CELL_REAL;
		cell->real = sqlite3_column_double(stmt, column);
		return 0;
	case SQLITE_NULL:
		cell->kind = CELL_MISSING;
		return 0;
	default:
		cell->kind = CELL_TEXT;
		cell->text = texts_printf(
			&results->texts, st, "%s",
			(const char *)sqlite3_column_text(stmt, column));
		return cell->text ? 0 : -ENOMEM;
	}
}

static int read_run(sqlite3_stmt *stmt, struct results *results,
		    struct status *st)
{
	struct run *run;
	int ret = kage_grow(&results->runs, &results->run_capacity,
			    results->run_count, sizeof(results->runs[0]), st);

	if (ret)
		return ret;
	run = &results->runs[results->run_count];
	*run = (struct run){0};
	for (int i = 0; i < RUN_COLUMNS && !ret; i++)
		ret = read_cell(stmt, i, results, &run->cells[i], st);
	if (!ret)
		run->setup = labels_setup(run, &results->texts, st);
	if (!run->setup)
		return -ENOMEM;
	results->run_count++;
	return 0;
}

static int read_runs(struct results *results, sqlite3 *db, const char *trace,
		     struct status *st)
{
	sqlite3_stmt *stmt;
	int ret = queries_start(db, query_runs, trace, &stmt, st);

	while (!ret && (ret = queries_step(stmt, st)) == 1)
		ret = read_run(stmt, results, st);
	sqlite3_finalize(stmt);
	return ret;
}

/* Say why there is nothing to report. */
static int refuse_empty(const struct results *results, sqlite3 *db,
			const char *trace, struct status *st)
{
	struct outbuf names = {0};
	sqlite3_stmt *stmt;
	int ret = queries_start(db,
				results->has_validations ? query_all_trace_names
							 : query_trace_names,
				NULL, &stmt, st);

	while (!ret && (ret = queries_step(stmt, st)) == 1) {
		outbuf_printf(&names, " %s",
			      (const char *)sqlite3_column_text(stmt, 0));
		ret = 0;
	}
	if (!ret && names.used && trace)
		ret = status_fail(st, EINVAL, "no trace '%s'; known:%s", trace,
				  names.data);
	else if (!ret)
		ret = status_fail(st, ENOENT,
				  "%s: holds no runs (kage replay makes them)",
				  sqlite3_db_filename(db, "main"));
	outbuf_fini(&names);
	sqlite3_finalize(stmt);
	return ret;
}

static size_t series_of(const struct results *results, const char *label)
{
	size_t i = 0;

	while (i < results->series_count &&
	       strcmp(results->series[i].label, label))
		i++;
	return i;
}

static int collect_series(struct results *results, struct status *st)
{
	for (size_t i = 0; i < results->run_count; i++) {
		const struct run *run = &results->runs[i];

		if (series_of(results, run->label) < results->series_count)
			continue;
		if (kage_grow(&results->series, &results->series_capacity,
			      results->series_count, sizeof(results->series[0]),
			      st))
			return -ENOMEM;
		results->series[results->series_count++] =
			(struct series){.label = run->label, .example = run};
	}
	qsort(results->series, results->series_count,
	      sizeof(results->series[0]), compare_series);
	return 0;
}

static void assign_series(struct results *results)
{
	unsigned int others = 0;

	for (size_t i = 0; i < results->series_count; i++) {
		struct series *series = &results->series[i];

		series->style = style_of(
			series->label,
			run_integer(series->example, RUN_is_bound), &others);
	}
	for (size_t i = 0; i < results->run_count; i++)
		results->runs[i].series =
			series_of(results, results->runs[i].label);
}

int results_load(struct results *results, sqlite3 *db, const char *trace,
		 struct status *st)
{
	int ret;

	*results = (struct results){0};
	ret = read_runs(results, db, trace, st);
	if (!ret)
		ret = judgements_load(results, db, trace, st);
	if (!ret && !results->run_count && !results->match_count)
		ret = refuse_empty(results, db, trace, st);
	if (ret || !results->run_count)
		goto out_fini;
	qsort(results->runs, results->run_count, sizeof(results->runs[0]),
	      compare_runs);
	ties_find(results);
	compare_find(results);
	ret = labels_assign(results, st);
	if (!ret)
		ret = collect_series(results, st);
	if (!ret)
		assign_series(results);
out_fini:
	if (ret)
		results_fini(results);
	return ret;
}

void results_fini(struct results *results)
{
	free(results->runs);
	free(results->series);
	free(results->matches);
	texts_fini(&results->texts);
	*results = (struct results){0};
}

struct slice results_all(const struct results *results)
{
	return (struct slice){results->runs, results->run_count};
}

struct slice slice_take(struct slice *rest, enum slice_depth depth)
{
	struct slice taken = {rest->runs, 0};

	while (taken.count < rest->count &&
	       !compare_down_to(&taken.runs[0], &taken.runs[taken.count],
				depth))
		taken.count++;
	rest->runs += taken.count;
	rest->count -= taken.count;
	return taken;
}

struct slice slice_middle_limit(struct slice setup)
{
	struct slice rest = setup, middle = setup;
	size_t limits = 0;

	while (slice_take(&rest, SLICE_LIMIT).count)
		limits++;
	for (size_t i = 0; i <= limits / 2; i++)
		middle = slice_take(&setup, SLICE_LIMIT);
	return middle;
}

const struct run *slice_find(struct slice slice, size_t series)
{
	for (size_t i = 0; i < slice.count; i++)
		if (slice.runs[i].series == series)
			return &slice.runs[i];
	return NULL;
}

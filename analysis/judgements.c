/* SPDX-License-Identifier: MIT */
/* Reading what kernels said of models; see judgements.h. */
#include "analysis/judgements.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "analysis/queries.h"
#include "base/alloc.h"

static const char *column_text(sqlite3_stmt *stmt, int column)
{
	return (const char *)sqlite3_column_text(stmt, column);
}

static double column_real(sqlite3_stmt *stmt, int column)
{
	return sqlite3_column_type(stmt, column) == SQLITE_NULL
		       ? NAN
		       : sqlite3_column_double(stmt, column);
}

static void take_counter(struct match_worst *worst, sqlite3_stmt *stmt)
{
	const char *snapshot = column_text(stmt, 0);
	const char *name = column_text(stmt, 1);

	if (snapshot && name)
		match_worst_counter(worst, snapshot, name,
				    (uint64_t)sqlite3_column_int64(stmt, 2),
				    (uint64_t)sqlite3_column_int64(stmt, 3));
}

static void take_step(struct match_worst *worst, sqlite3_stmt *stmt)
{
	match_worst_step(worst, column_real(stmt, 0), column_real(stmt, 1));
}

static void take_snapshot(struct match_worst *worst, sqlite3_stmt *stmt)
{
	match_worst_snapshot(worst, column_real(stmt, 0));
}

static int read_worst(struct match_worst *worst, sqlite3 *db, const char *id,
		      struct status *st)
{
	static const struct {
		const char *sql;
		void (*take)(struct match_worst *worst, sqlite3_stmt *stmt);
	} parts[] = {
		{query_validation_counters, take_counter},
		{query_validation_steps, take_step},
		{query_validation_snapshots, take_snapshot},
	};
	int ret = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !ret; i++) {
		sqlite3_stmt *stmt;

		ret = queries_start(db, parts[i].sql, id, &stmt, st);
		while (!ret && (ret = queries_step(stmt, st)) == 1) {
			parts[i].take(worst, stmt);
			ret = 0;
		}
		sqlite3_finalize(stmt);
	}
	return ret;
}

/* Columns of query_validations. */
enum {
	AT_ID,
	AT_PAGES,
	AT_TEXTS,
	NR_TEXTS = 13,
	AT_NUMBERS = AT_TEXTS + NR_TEXTS
};

/* NULL stays NULL. */
static int read_texts(struct match *m, sqlite3_stmt *stmt, struct texts *texts,
		      struct status *st)
{
	const char **fields[NR_TEXTS] = {
		&m->release,  &m->version,     &m->accel, &m->kernel_mmu,
		&m->kernel,   &m->policy,      &m->mmu,	  &m->model_rev,
		&m->scenario, &m->scenario_id, &m->trace, &m->trace_id,
		&m->limits,
	};

	for (int i = 0; i < NR_TEXTS; i++) {
		const char *text = column_text(stmt, AT_TEXTS + i);

		if (!text)
			continue;
		*fields[i] = texts_printf(texts, st, "%s", text);
		if (!*fields[i])
			return -ENOMEM;
	}
	return 0;
}

static int read_match(struct results *results, sqlite3 *db, sqlite3_stmt *stmt,
		      struct status *st)
{
	struct match *m;
	bool has_pages = sqlite3_column_type(stmt, AT_PAGES) != SQLITE_NULL;
	int ret = kage_grow(&results->matches, &results->match_capacity,
			    results->match_count, sizeof(*m), st);

	if (ret)
		return ret;
	m = &results->matches[results->match_count++];
	*m = (struct match){
		.is_substitute = sqlite3_column_int(stmt, AT_NUMBERS),
		.judged = (uint64_t)sqlite3_column_int64(stmt, AT_NUMBERS + 1),
		.beyond = (uint64_t)sqlite3_column_int64(stmt, AT_NUMBERS + 2),
		.passed = sqlite3_column_int(stmt, AT_NUMBERS + 3),
	};
	match_worst_init(&m->worst, has_pages ? (uint64_t)sqlite3_column_int64(
							stmt, AT_PAGES)
					      : MATCH_PAGES);
	ret = read_texts(m, stmt, &results->texts, st);
	return ret ? ret
		   : read_worst(&m->worst, db, column_text(stmt, AT_ID), st);
}

static int read_matches(struct results *results, sqlite3 *db, const char *trace,
			struct status *st)
{
	sqlite3_stmt *stmt;
	int ret = queries_start(db, query_validations, trace, &stmt, st);

	while (!ret && (ret = queries_step(stmt, st)) == 1)
		ret = read_match(results, db, stmt, st);
	sqlite3_finalize(stmt);
	return ret;
}

/* One kernel and tolerance more has judged the model of a run. */
static int add_judge(struct results *results, sqlite3_stmt *stmt,
		     struct status *st)
{
	const char *run_id = column_text(stmt, 0);
	struct run *run = results->runs, *end = run + results->run_count;

	while (run < end && strcmp(run_text(run, RUN_run_id), run_id))
		run++;
	if (run == end) /* of another trace */
		return 0;
	run->judged = texts_printf(
		&results->texts, st,
		"%s%sLinux %s agrees in %lld of %lld scenarios (%s)",
		run->judged ? run->judged : "", run->judged ? "; " : "",
		column_text(stmt, 1), (long long)sqlite3_column_int64(stmt, 3),
		(long long)sqlite3_column_int64(stmt, 4), column_text(stmt, 2));
	if (!run->judged)
		return -ENOMEM;
	run->cells[RUN_is_judged].integer = 1;
	return 0;
}

static int read_judges(struct results *results, sqlite3 *db, struct status *st)
{
	sqlite3_stmt *stmt;
	int ret = queries_start(db, query_judges, NULL, &stmt, st);

	while (!ret && (ret = queries_step(stmt, st)) == 1)
		ret = add_judge(results, stmt, st);
	sqlite3_finalize(stmt);
	return ret;
}

/* Return: 1 if there can be any, 0 if not, or a negative errno. */
static int has_tables(sqlite3 *db, struct status *st)
{
	sqlite3_stmt *stmt;
	int ret = queries_start(db, query_has_validations, NULL, &stmt, st);

	if (!ret)
		ret = queries_step(stmt, st);
	sqlite3_finalize(stmt);
	return ret;
}

int judgements_load(struct results *results, sqlite3 *db, const char *trace,
		    struct status *st)
{
	int ret = has_tables(db, st);

	for (size_t i = 0; i < results->run_count; i++)
		results->runs[i].cells[RUN_is_judged] =
			(struct cell){.kind = CELL_INTEGER, .integer = 0};
	if (ret <= 0)
		return ret;
	results->has_validations = true;
	ret = read_matches(results, db, trace, st);
	return ret ? ret : read_judges(results, db, st);
}

/* SPDX-License-Identifier: MIT */
/*
 * When it all happened: what stalls cost the guest, and who waited for which lock.
 * What the costs or the trace do not tell is missing here, and footnotes say why.
 */
#include <errno.h>

#include "analysis/queries.h"
#include "analysis/report.h"

/* As query_timing selects them, from the third on. */
static const struct column timing_columns[] = {
	{COLUMN_DATA, "setup", "threads", NULL, "", 0},
	{COLUMN_VALUE, "vcpus", "vCPUs", "threads", "", 0},
	{COLUMN_VALUE, "reclaimers", "reclaimers", "threads", "", 0},
	{COLUMN_VALUE, "agers", "agers", "threads", "", 0},
	{COLUMN_VALUE, "stall_percent", "stalled", "vCPUs", "%", 2},
	{COLUMN_VALUE, "behind_ms", "behind", "vCPUs", "ms", 1},
	{COLUMN_VALUE, "stall_p50_us", "p50", "stall of a fault", "us", 1},
	{COLUMN_VALUE, "stall_p99_us", "p99", "stall of a fault", "us", 1},
	{COLUMN_VALUE, "stall_p999_us", "p99.9", "stall of a fault", "us", 1},
	{COLUMN_VALUE, "stall_max_us", "max", "stall of a fault", "us", 1},
	{COLUMN_VALUE, "stall_lock_ms", "locks", "stalls, sum", "ms", 1},
	{COLUMN_VALUE, "stall_reclaim_ms", "reclaim", "stalls, sum", "ms", 1},
	{COLUMN_VALUE, "stall_swap_ms", "swap-in", "stalls, sum", "ms", 1},
	{COLUMN_VALUE, "stall_flush_ms", "flushes", "stalls, sum", "ms", 1},
	{COLUMN_VALUE, "passes", "passes", "aging", "", 0},
	{COLUMN_VALUE, "pass_mean_ms", "mean pass", "aging", "ms", 3},
	{COLUMN_VALUE, "pass_max_ms", "max", "aging", "ms", 3},
	{COLUMN_VALUE, "ager_cpu_ms", "CPU", "aging", "ms", 1},
	{COLUMN_VALUE, "invalidation_mean_us", "mean", "invalidation", "us", 2},
	{COLUMN_VALUE, "invalidation_p99_us", "p99", "invalidation", "us", 2},
	{COLUMN_VALUE, "invalidation_max_us", "max", "invalidation", "us", 2},
	{COLUMN_VALUE, "evicted_per_s", "evicted", NULL, "pages/s", 0},
	{COLUMN_VALUE, "flushes", "flushes", NULL, "of the VM", 0},
	{COLUMN_VALUE, "ipis", "IPIs", NULL, "", 0},
};

/* As query_lock_time does. */
static const struct column lock_columns[] = {
	{COLUMN_DATA, "setup", "threads", NULL, "", 0},
	{COLUMN_VALUE, "vcpus", "vCPUs", "threads", "", 0},
	{COLUMN_VALUE, "reclaimers", "reclaimers", "threads", "", 0},
	{COLUMN_VALUE, "agers", "agers", "threads", "", 0},
	{COLUMN_VALUE, "lock", "lock", NULL, "", 0},
	{COLUMN_VALUE, "class", "class", NULL, "", 0},
	{COLUMN_VALUE, "acquisitions", "taken", NULL, "times", 0},
	{COLUMN_VALUE, "hold_sum_ms", "sum", "held", "ms", 2},
	{COLUMN_VALUE, "hold_p50_ns", "p50", "held", "ns", 0},
	{COLUMN_VALUE, "hold_p99_ns", "p99", "held", "ns", 0},
	{COLUMN_VALUE, "hold_p999_ns", "p99.9", "held", "ns", 0},
	{COLUMN_VALUE, "hold_max_ns", "max", "held", "ns", 0},
	{COLUMN_VALUE, "wait_sum_ms", "sum", "waited for", "ms", 2},
	{COLUMN_VALUE, "wait_p50_ns", "p50", "waited for", "ns", 0},
	{COLUMN_VALUE, "wait_p99_ns", "p99", "waited for", "ns", 0},
	{COLUMN_VALUE, "wait_p999_ns", "p99.9", "waited for", "ns", 0},
	{COLUMN_VALUE, "wait_max_ns", "max", "waited for", "ns", 0},
};

/* A table of one query: its rows are the runs', its first two columns are has_time and
 * what was lacking. */
struct part {
	const char *title, *query;
	const struct column *columns;
	int count;
};

static const struct part parts[] = {
	{"Stalls, passes and invalidations", query_timing, timing_columns,
	 sizeof(timing_columns) / sizeof(timing_columns[0])},
	{"Who held which lock, and who waited for it", query_lock_time,
	 lock_columns, sizeof(lock_columns) / sizeof(lock_columns[0])},
};

static struct cell value_cell(struct table *table, sqlite3_stmt *stmt, int i)
{
	struct cell cell = {.kind = CELL_MISSING};

	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_INTEGER:
		cell.kind = CELL_INTEGER;
		cell.integer = sqlite3_column_int64(stmt, i);
		break;
	case SQLITE_FLOAT:
		cell.kind = CELL_REAL;
		cell.real = sqlite3_column_double(stmt, i);
		break;
	case SQLITE_TEXT:
		return cell_text(
			table_text(table, "%s",
				   (const char *)sqlite3_column_text(stmt, i)));
	default:
		break;
	}
	return cell;
}

/* Why anything is missing in the row. */
static uint32_t notes(struct table *table, const struct run *run,
		      sqlite3_stmt *stmt)
{
	const char *lacking = (const char *)sqlite3_column_text(stmt, 1);
	uint32_t notes = 0;

	if (!sqlite3_column_int(stmt, 0))
		notes |= table_note(table,
				    "the trace has no order and time: waits, "
				    "stalls and latencies are not known");
	if (lacking && *lacking)
		notes |= table_note(
			table,
			table_text(table,
				   "profile '%s' has no cost for: %s; "
				   "what depends on it is missing",
				   run_text(run, RUN_cost_profile), lacking));
	return notes;
}

static void put_row(struct table *table, const struct part *part,
		    const struct run *run, sqlite3_stmt *stmt)
{
	report_head_cells(table, run);
	for (int i = 0; i < part->count; i++) {
		struct cell cell = value_cell(table, stmt, i + 2);

		if (i == 1)
			cell.notes |= notes(table, run, stmt);
		table_cell(table, cell);
	}
}

static int put_run(struct table *table, const struct part *part, sqlite3 *db,
		   const struct run *run, struct status *st)
{
	sqlite3_stmt *stmt;
	int ret = queries_start(db, part->query, run_text(run, RUN_run_id),
				&stmt, st);

	while (!ret && (ret = queries_step(stmt, st)) == 1) {
		put_row(table, part, run, stmt);
		ret = 0;
	}
	sqlite3_finalize(stmt);
	return ret;
}

static int make_part(struct table **out, const struct part *part, sqlite3 *db,
		     const struct results *results, struct status *st)
{
	struct table *table = table_new(st);
	int ret = 0;

	*out = table;
	if (!table)
		return -ENOMEM;
	table->title = part->title;
	report_head_columns(table);
	for (int i = 0; i < part->count; i++)
		table_column(table, part->columns[i]);
	for (size_t i = 0; i < results->run_count && !ret; i++)
		ret = put_run(table, part, db, &results->runs[i], st);
	return ret ? ret : table->error;
}

struct table *report_time(sqlite3 *db, const struct results *results,
			  struct status *st)
{
	struct table *first = NULL, **end = &first;
	int ret = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && !ret; i++) {
		ret = make_part(end, &parts[i], db, results, st);
		if (!ret && !i)
			table_intro(first,
				    table_rows(first)
					    ? "stalled: from exits to resumes "
					      "and by flushes of others, of "
					      "all vCPUs' time. evicted: per "
					      "second of reclaim. quantiles "
					      "are at most 1.6 % too low"
					    : "nothing was timed: kage replay "
					      "--time does");
		if (*end)
			end = &(*end)->next;
	}
	if (!ret)
		return first;
	table_free(first);
	return NULL;
}

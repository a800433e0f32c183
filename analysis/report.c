/* SPDX-License-Identifier: MIT */
/*
 * Which numbers stand where, and what is said below them.  A replay is
 * deterministic, so there is no spread to show: only more captures would have one.
 */
#include "analysis/report.h"

#include <errno.h>

#include "analysis/labels.h"

enum {
	ID_SHORT = 12,
};

static struct cell label_cell(struct table *table, const struct run *run)
{
	struct cell cell = cell_text(run->label);

	if (run_integer(run, RUN_is_bound))
		cell.notes |= table_note(
			table, "bound: sees the trace, no host could run it");
	else if (!run_integer(run, RUN_is_judged))
		cell.notes |= table_note(table,
					 "unjudged: no released kernel does "
					 "this, none has checked the model");
	if (run_integer(run, RUN_lower_bound))
		cell.notes |= table_note(table,
					 "lower_bound: writes stood in for "
					 "accesses; not to be ranked");
	return cell;
}

static struct cell price_cell(struct table *table, const struct run *run)
{
	struct cell cell = run->cells[RUN_price_ms];
	const char *names = run_text(run, RUN_unpriced);

	/* Nothing that has a price happened: that is no price of zero. */
	if (names[0] && cell.kind == CELL_REAL && cell.real <= 0)
		cell.kind = CELL_MISSING;
	if (names[0])
		cell.notes |= table_note(
			table,
			table_text(table,
				   "profile '%s' has no price for: %s; "
				   "the sum leaves them out",
				   run_text(run, RUN_cost_profile), names));
	return cell;
}

static void full_columns(struct table *table)
{
	static const struct column first[] = {
		{COLUMN_HEADING, "trace", "trace", NULL, "", 0},
		{COLUMN_HEADING, "setup", "setup", NULL, "", 0},
		{COLUMN_HEADING, "limit", "limit", NULL, "", 0},
		{COLUMN_VALUE, "label", "policy", NULL, "", 0},
	};

	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		table_column(table, first[i]);
	for (size_t i = 0; i < RUN_COLUMNS; i++)
		table_column(table, run_columns[i]);
}

static void full_row(struct table *table, const struct run *run)
{
	char limit[LABELS_LIMIT];

	table_cell(table, cell_text(table_text(
				  table, "%s %.*s", run_text(run, RUN_trace),
				  ID_SHORT, run_text(run, RUN_trace_id))));
	table_cell(table, cell_text(run->setup));
	table_cell(table, cell_text(table_text(table, "%s",
					       labels_limit(limit, run))));
	table_cell(table, label_cell(table, run));
	for (size_t i = 0; i < RUN_COLUMNS; i++)
		table_cell(table, i == RUN_price_ms ? price_cell(table, run)
						    : run->cells[i]);
}

struct table *report_full(const struct results *results, struct status *st)
{
	struct table *table = table_new(st);

	if (!table)
		return NULL;
	full_columns(table);
	for (size_t i = 0; i < results->run_count; i++)
		full_row(table, &results->runs[i]);
	if (table->error) {
		table_free(table);
		table = NULL;
	}
	return table;
}

static void changelog_intro(struct table *table, const struct run *run)
{
	char clock[LABELS_CLOCK];

	table_intro(table, table_text(table, "Trace: %s %.*s, %s (%s), %s",
				      run_text(run, RUN_trace), ID_SHORT,
				      run_text(run, RUN_trace_id),
				      run_text(run, RUN_source),
				      run_text(run, RUN_fidelity),
				      labels_clock(clock, run)));
	table_intro(table, table_text(table, "Method: %s", run->setup));
	table_intro(table, "n=1 capture: no verdict");
}

static void changelog_columns(struct table *table, struct slice setup)
{
	struct slice limit;

	table_column(table, (struct column){COLUMN_VALUE, "label", "policy",
					    NULL, "", 0});
	while ((limit = slice_take(&setup, SLICE_LIMIT)).count) {
		char text[LABELS_LIMIT];
		const char *group = table_text(
			table, "%s", labels_limit_short(text, limit.runs));
		struct column refaults = run_columns[RUN_refaults];
		struct column price = run_columns[RUN_price_ms];

		refaults.group = price.group = group;
		refaults.id = table_text(table, "%s refaults", group);
		price.id = table_text(table, "%s price", group);
		table_column(table, refaults);
		table_column(table, price);
	}
}

/* The row of one series: a pair of cells per limit, missing where it did not run. */
static void changelog_row(struct table *table, struct slice setup,
			  size_t series)
{
	const struct run *any = slice_find(setup, series);
	struct slice limit;

	if (!any)
		return;
	table_cell(table, label_cell(table, any));
	while ((limit = slice_take(&setup, SLICE_LIMIT)).count) {
		const struct run *run = slice_find(limit, series);
		struct cell missing = {.kind = CELL_MISSING};

		table_cell(table, run ? run->cells[RUN_refaults] : missing);
		table_cell(table, run ? price_cell(table, run) : missing);
	}
}

static struct table *changelog_table(const struct results *results,
				     struct slice setup, struct status *st)
{
	struct table *table = table_new(st);

	if (!table)
		return NULL;
	changelog_intro(table, setup.runs);
	changelog_columns(table, setup);
	for (size_t i = 0; i < results->series_count; i++)
		changelog_row(table, setup, i);
	return table;
}

struct table *report_changelog(const struct results *results, struct status *st)
{
	struct slice rest = results_all(results), setup;
	struct table *first = NULL, **link = &first;
	int error = 0;

	while (!error && (setup = slice_take(&rest, SLICE_SETUP)).count) {
		*link = changelog_table(results, setup, st);
		error = *link ? (*link)->error : -ENOMEM;
		if (*link)
			link = &(*link)->next;
	}
	if (error) {
		table_free(first);
		first = NULL;
	}
	return first;
}

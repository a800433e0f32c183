/* SPDX-License-Identifier: MIT */
/*
 * Which numbers stand where, and what is said below them.  A replay is
 * deterministic, so there is no spread to show: only more captures would have one.
 */
#include "analysis/report.h"

#include <errno.h>
#include <string.h>

#include "analysis/labels.h"

enum {
	NOTES_SPARE = 10, /* kept for footnotes of which there is one each */
	EPOCHS_PER_PASS =
		25, /* fewer: epochs hide too much of an aging period */
};

/* Sets of judges are few, but nobody counts them: one footnote may speak for the rest. */
static const char *judged_note(struct table *table, const struct run *run)
{
	if (table->note_count >= TABLE_NOTES_MAX - NOTES_SPARE)
		return "judged: by kernels that agreed, see the table of "
		       "agreement";
	return table_text(table, "judged: %s", run->judged);
}

static const char *bound_note(const struct run *run)
{
	if (strstr(run_text(run, RUN_mmu), "level=thp"))
		return "of pages of 4 KiB, evicted one by one: no bound of "
		       "folios of 2 MiB";
	return "bound: sees the trace, no host could run it";
}

struct cell report_label_cell(struct table *table, const struct run *run)
{
	struct cell cell = cell_text(run->label);

	if (run_integer(run, RUN_is_bound))
		cell.notes |= table_note(table, bound_note(run));
	else
		cell.notes |= table_note(
			table, run->judged ? judged_note(table, run)
					   : "unjudged: no kernel has checked "
					     "this model here (kage validate "
					     "-o)");
	if (*run_text(run, RUN_mix))
		cell.notes |= table_note(
			table, table_text(table,
					  "synthetic: %s was mixed in, "
					  "nobody has captured both together",
					  run_text(run, RUN_mix)));
	if (*run_text(run, RUN_closed_loop))
		cell.notes |= table_note(
			table,
			table_text(table,
				   "closed loop: stalls by costs '%s' delayed "
				   "the guest, and decisions hang on them",
				   run_text(run, RUN_cost_profile)));
	if (run_integer(run, RUN_lower_bound))
		cell.notes |= table_note(table,
					 "lower_bound: writes stood in for "
					 "accesses; not to be ranked");
	return cell;
}

/* The footnote of a price that leaves something out.  Sets of counters are many in
 * a large database: when footnotes run short, one speaks for all the rest. */
static const char *price_note(struct table *table, const struct run *run)
{
	if (table->note_count >= TABLE_NOTES_MAX - NOTES_SPARE)
		return "work has no price in part, and prices do not compare: "
		       "see column unpriced of format csv";
	return table_text(table,
			  "profile '%s' has no price for: %s; "
			  "the sum leaves them out%s",
			  run_text(run, RUN_cost_profile),
			  run_text(run, RUN_unpriced),
			  run->is_price_apart ? ", so prices with different "
						"footnotes do not compare"
					      : "");
}

static struct cell work_cell(struct table *table, const struct run *run)
{
	struct cell cell = run->cells[RUN_work_ms];
	const char *names = run_text(run, RUN_unpriced);

	/* Nothing that has a price happened: that is no price of zero. */
	if (names[0] && cell.kind == CELL_REAL && cell.real <= 0)
		cell.kind = CELL_MISSING;
	if (names[0])
		cell.notes |= table_note(table, price_note(table, run));
	return cell;
}

/* Where the two differ most, and the column has room for a mark. */
static struct cell lock_cell(struct table *table, const struct run *run)
{
	struct cell cell = run->cells[RUN_lock_young];

	if (run->is_alike)
		cell.notes |= table_note(
			table, "batched and fast-only decide alike here: this "
			       "MMU always answers");
	return cell;
}

static struct cell swap_in_cell(struct table *table, const struct run *run)
{
	struct cell cell = run->cells[RUN_swap_in_ms];

	if (cell.kind == CELL_MISSING && run_integer(run, RUN_refaults) > 0)
		cell.notes |= table_note(
			table, "the run's profile has no price for: refaults");
	return cell;
}

static struct cell refaults_cell(struct table *table, const struct run *run)
{
	const struct cell *gap = &run->cells[RUN_pass_gap_epochs];
	struct cell cell = run->cells[RUN_refaults];

	cell.is_tie = run->is_epoch_tie;
	if (run->is_epoch_tie)
		cell.notes |= table_note(
			table,
			"~ (epoch): no verdict: of those at one limit the best, "
			"and what differs from it by not more than twice the "
			"larger epoch change of the two");
	if (gap->kind == CELL_REAL && gap->real < EPOCHS_PER_PASS)
		cell.notes |= table_note(
			table, "epochs are longer than 1/25 of the aging "
			       "period: do not compare policies by this table");
	return cell;
}

bool report_is_known(struct slice runs, size_t column)
{
	size_t i = 0;

	while (i < runs.count &&
	       runs.runs[i].cells[column].kind == CELL_MISSING)
		i++;
	return i < runs.count;
}

/* Return: whether @runs deserve @column; optional ones have to be known of one. */
static bool is_wanted(struct slice runs, size_t column)
{
	enum column_role role = run_columns[column].role;

	return (role != COLUMN_OPTIONAL && role != COLUMN_OPTIONAL_DATA) ||
	       report_is_known(runs, column);
}

/* Say what a column is that only traces of epochs have. */
static void epoch_intro(struct table *table, struct slice runs,
			const char *name)
{
	if (is_wanted(runs, RUN_epoch_change))
		table_intro(table, table_text(table,
					      "%s: refaults more or less if "
					      "epochs are twice as long",
					      name));
}

void report_wrong_intro(struct table *table, struct slice runs)
{
	char window[UNITS_TEXT];
	bool is_one = true;
	int64_t ns = 0;

	for (size_t i = 0; i < runs.count; i++) {
		int64_t other = run_integer(&runs.runs[i], RUN_wrong_window_ns);

		is_one &= !ns || !other || other == ns;
		ns = other ? other : ns;
	}
	if (is_one && ns > 0)
		table_intro(table,
			    table_text(table, "wrong: needed again within %s",
				       labels_time(window, (uint64_t)ns, " ")));
}

/* Return: what is shown of a run in @column. */
static struct cell run_cell(struct table *table, const struct run *run,
			    size_t column)
{
	switch (column) {
	case RUN_refaults:
		return refaults_cell(table, run);
	case RUN_lock_young:
		return lock_cell(table, run);
	case RUN_work_ms:
		return work_cell(table, run);
	case RUN_swap_in_ms:
		return swap_in_cell(table, run);
	default:
		return run->cells[column];
	}
}

/* For programs; not known where epochs are not, as in streams. */
static struct cell tie_cell(const struct run *run)
{
	struct cell cell = {.kind = run->cells[RUN_epoch_change].kind,
			    .integer = run->is_epoch_tie};

	return cell;
}

void report_head_columns(struct table *table)
{
	static const struct column first[] = {
		{COLUMN_HEADING, "trace", "trace", NULL, "", 0},
		{COLUMN_HEADING, "setup", "setup", NULL, "", 0},
		{COLUMN_HEADING, "limit", "limit", NULL, "", 0},
		{COLUMN_VALUE, "label", "policy", NULL, "", 0},
	};

	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		table_column(table, first[i]);
}

static void full_columns(struct table *table, const bool *wanted)
{
	report_head_columns(table);
	for (size_t i = 0; i < RUN_COLUMNS; i++)
		if (wanted[i])
			table_column(table, run_columns[i]);
	if (wanted[RUN_epoch_change])
		table_column(table, (struct column){COLUMN_DATA, "is_epoch_tie",
						    "epoch tie", NULL, "", 0});
}

/* Which trace, and how much it tells. */
static const char *trace_text(struct table *table, const struct run *run)
{
	char fidelity[LABELS_FIDELITY];

	return table_text(table, "%s %.*s, %s (%s)", run_text(run, RUN_trace),
			  LABELS_ID, run_text(run, RUN_trace_id),
			  run_text(run, RUN_source),
			  labels_fidelity(fidelity, run));
}

void report_head_cells(struct table *table, const struct run *run)
{
	char limit[LABELS_LIMIT];

	table_cell(table, cell_text(trace_text(table, run)));
	table_cell(table, cell_text(run->setup));
	table_cell(table, cell_text(table_text(table, "%s",
					       labels_limit(limit, run))));
	table_cell(table, report_label_cell(table, run));
}

static void full_row(struct table *table, const struct run *run,
		     const bool *wanted)
{
	report_head_cells(table, run);
	for (size_t i = 0; i < RUN_COLUMNS; i++)
		if (wanted[i])
			table_cell(table, run_cell(table, run, i));
	if (wanted[RUN_epoch_change])
		table_cell(table, tie_cell(run));
}

static struct table *runs_table(const struct results *results,
				struct status *st)
{
	struct table *table = table_new(st);
	bool wanted[RUN_COLUMNS];

	if (!table)
		return NULL;
	for (size_t i = 0; i < RUN_COLUMNS; i++)
		wanted[i] = is_wanted(results_all(results), i);
	epoch_intro(table, results_all(results),
		    run_columns[RUN_epoch_change].name);
	report_wrong_intro(table, results_all(results));
	full_columns(table, wanted);
	for (size_t i = 0; i < results->run_count; i++)
		full_row(table, &results->runs[i], wanted);
	return table;
}

/* Add a table to a report.  Return: 0, or its error. */
static int append(struct table ***end, struct table *table)
{
	int error = table ? table->error : -ENOMEM;

	**end = table;
	if (table)
		*end = &table->next;
	return error;
}

/* Add what all reports end with.  Return: the whole one, or NULL after an error. */
static struct table *finish(const struct results *results, struct table **first,
			    struct table **end, int error, struct status *st)
{
	if (!error && results->match_count)
		error = append(&end, matches_table(results->matches,
						   results->match_count, st));
	if (!error)
		return *first;
	table_free(*first);
	return NULL;
}

struct table *report_full(const struct results *results, struct status *st)
{
	struct table *first = NULL, **end = &first;
	int error = 0;

	if (results->run_count)
		error = append(&end, runs_table(results, st));
	return finish(results, &first, end, error, st);
}

static void changelog_intro(struct table *table, const struct run *run)
{
	table_intro(table,
		    table_text(table, "Trace: %s", trace_text(table, run)));
	table_intro(table, table_text(table, "Method: %s", run->setup));
	table_intro(table, "n=1 capture: figures of one run, no verdict "
			   "on the policies");
}

static const char changelog_epochs[] = "change";

/* What a changelog shows of each limit; there the limit is the group, so a column
 * may need another name. */
static const struct {
	enum run_column column;
	const char *name, *unit;
} changelog_shows[] = {
	{RUN_refaults, NULL, NULL},
	{RUN_epoch_change, changelog_epochs, "faults"},
	{RUN_evictions, NULL, NULL},
	{RUN_scanned, NULL, NULL},
	{RUN_lock_young, "mmu_lock", "young holds"},
	{RUN_work_ms, NULL, NULL},
};

enum {
	CHANGELOG_SHOWS = sizeof(changelog_shows) / sizeof(changelog_shows[0])
};

static struct column changelog_column(struct table *table, size_t i,
				      const char *limit)
{
	struct column column = run_columns[changelog_shows[i].column];

	column.group = limit;
	if (column.role == COLUMN_DATA)
		column.role = COLUMN_VALUE;
	if (changelog_shows[i].name) {
		column.name = changelog_shows[i].name;
		column.unit = changelog_shows[i].unit;
	}
	column.id = table_text(table, "%s %s", limit, column.name);
	return column;
}

static void changelog_columns(struct table *table, struct slice setup)
{
	struct slice rest = setup, limit;

	table_column(table, (struct column){COLUMN_VALUE, "label", "policy",
					    NULL, "", 0});
	while ((limit = slice_take(&rest, SLICE_LIMIT)).count) {
		char text[LABELS_LIMIT];
		const char *group = table_text(
			table, "%s", labels_limit_short(text, limit.runs));

		for (size_t i = 0; i < CHANGELOG_SHOWS; i++)
			if (is_wanted(setup, changelog_shows[i].column))
				table_column(table,
					     changelog_column(table, i, group));
	}
}

/* The cells of one limit; missing where the series did not run (NULL). */
static void changelog_cells(struct table *table, struct slice setup,
			    const struct run *run)
{
	struct cell missing = {.kind = CELL_MISSING};

	for (size_t i = 0; i < CHANGELOG_SHOWS; i++)
		if (is_wanted(setup, changelog_shows[i].column))
			table_cell(table,
				   run ? run_cell(table, run,
						  changelog_shows[i].column)
				       : missing);
}

static void changelog_row(struct table *table, struct slice setup,
			  size_t series)
{
	const struct run *any = slice_find(setup, series);
	struct slice rest = setup, limit;

	if (!any)
		return;
	table_cell(table, report_label_cell(table, any));
	while ((limit = slice_take(&rest, SLICE_LIMIT)).count)
		changelog_cells(table, setup, slice_find(limit, series));
}

static struct table *changelog_table(const struct results *results,
				     struct slice setup, struct status *st)
{
	struct table *table = table_new(st);

	if (!table)
		return NULL;
	changelog_intro(table, setup.runs);
	epoch_intro(table, setup, changelog_epochs);
	changelog_columns(table, setup);
	for (size_t i = 0; i < results->series_count; i++)
		changelog_row(table, setup, i);
	return table;
}

struct table *report_changelog(const struct results *results, struct status *st)
{
	struct slice rest = results_all(results), setup;
	struct table *first = NULL, **end = &first;
	int error = 0;

	while (!error && (setup = slice_take(&rest, SLICE_SETUP)).count)
		error = append(&end, changelog_table(results, setup, st));
	return finish(results, &first, end, error, st);
}

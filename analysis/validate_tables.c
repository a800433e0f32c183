/* SPDX-License-Identifier: MIT */
/* A comparison for people: counters, evicted pages, generations. */
#include <inttypes.h>
#include <math.h>

#include "analysis/validate.h"
#include "base/units.h"

static struct cell integer(uint64_t value)
{
	return (struct cell){.kind = value == SCENARIO_UNKNOWN ? CELL_MISSING
							       : CELL_INTEGER,
			     .integer = (int64_t)value};
}

static struct cell real(double value)
{
	return (struct cell){.kind = isnan(value) ? CELL_MISSING : CELL_REAL,
			     .real = value};
}

static struct cell difference(uint64_t model, uint64_t kernel)
{
	if (model == SCENARIO_UNKNOWN || kernel == SCENARIO_UNKNOWN)
		return (struct cell){.kind = CELL_MISSING};
	return (struct cell){.kind = CELL_INTEGER,
			     .integer = (int64_t)model - (int64_t)kernel};
}

static void put_columns(struct table *table, const struct column *columns,
			size_t n)
{
	for (size_t i = 0; i < n; i++)
		table_column(table, columns[i]);
}

static void put_intro(struct table *table, const struct validation *v)
{
	const struct scenario_results *k = v->kernel, *m = v->model;
	char pages[UNITS_TEXT];

	table_intro(table, table_text(table, "Kernel: Linux %s (%s)", k->kernel,
				      v->path));
	table_intro(table,
		    table_text(table, "Model: MGLRU of %s, policy %s%s",
			       m->kernel,
			       m->policy[0] ? m->policy : "not known",
			       v->is_substitute
				       ? ", in place of one of this kernel "
					 "(--kernel-model)"
				       : ""));
	table_intro(table, table_text(table, "Scenario: %s %016" PRIx64,
				      k->scenario, k->scenario_id));
	table_intro(
		table,
		table_text(table, "Trace: %s %.12s, %s pages, seed %" PRIu64,
			   k->trace, k->trace_id,
			   units_count(pages, k->footprint_pages), k->seed));
}

static struct table *counters_table(const struct validation *v, bool shows_all,
				    struct status *st)
{
	static const struct column columns[] = {
		{COLUMN_HEADING, "snapshot", "snapshot", NULL, "", 0},
		{COLUMN_VALUE, "counter", "counter", NULL, "", 0},
		{COLUMN_VALUE, "model", "model", NULL, "", 0},
		{COLUMN_VALUE, "kernel", "kernel", NULL, "", 0},
		{COLUMN_VALUE, "difference", "difference", NULL, "", 0},
		{COLUMN_VALUE, "error", "error", NULL, "%", 3},
	};
	struct table *table = table_new(st);

	if (!table)
		return NULL;
	put_intro(table, v);
	put_columns(table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < v->nr_snapshots; i++) {
		const struct validate_snapshot *s = &v->snapshots[i];

		for (size_t k = 0; k < s->nr_counters; k++) {
			const struct validate_counter *c = &s->counters[k];

			if (!c->is_main && !shows_all)
				continue;
			table_cell(table, cell_text(s->kernel->name));
			table_cell(table, cell_text(c->name));
			table_cell(table, integer(c->model));
			table_cell(table, integer(c->kernel));
			table_cell(table, difference(c->model, c->kernel));
			table_cell(table, real(100 * validate_error(c)));
		}
	}
	return table;
}

static void put_step(struct table *table, const struct validate_step *step)
{
	table_cell(table,
		   cell_text(table_text(table, "%zu %s, line %u", step->index,
					scenario_words[step->kernel->word],
					step->kernel->line)));
	table_cell(table, integer(validate_asked(step)));
	table_cell(table, integer(step->evicted.a));
	table_cell(table, integer(step->evicted.b));
	table_cell(table, integer(step->evicted.common));
	table_cell(table, real(agreement_jaccard(&step->evicted)));
	table_cell(table, real(agreement_tau(&step->evicted)));
}

static struct table *steps_table(const struct validation *v, struct status *st)
{
	static const struct column columns[] = {
		{COLUMN_VALUE, "step", "step", NULL, "", 0},
		{COLUMN_VALUE, "asked", "asked", NULL, "pages", 0},
		{COLUMN_VALUE, "model", "model", NULL, "pages", 0},
		{COLUMN_VALUE, "kernel", "kernel", NULL, "pages", 0},
		{COLUMN_VALUE, "common", "common", NULL, "pages", 0},
		{COLUMN_VALUE, "jaccard", "Jaccard", NULL, "", 4},
		{COLUMN_VALUE, "tau", "tau", NULL, "", 4},
	};
	struct table *table = table_new(st);

	if (!table)
		return NULL;
	if (!v->has_evicted)
		table_intro(table, "Evicted pages: not known to both sides");
	else if (!v->nr_steps)
		table_intro(table,
			    "Evicted pages: none, and none was asked for");
	else
		table_intro(
			table,
			"Evicted pages by step; Jaccard: shared part of all "
			"that either evicted; tau: Kendall's, of the order "
			"of common pages");
	put_columns(table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < v->nr_steps; i++)
		put_step(table, &v->steps[i]);
	return table;
}

/* Return: pages of the generation that is @back older than the youngest. */
static uint64_t pages_at(const struct scenario_snapshot *s, size_t back)
{
	return back < s->nr_generations
		       ? s->generations[s->nr_generations - 1 - back].anon
		       : SCENARIO_UNKNOWN;
}

static void put_generations(struct table *table,
			    const struct validate_snapshot *s)
{
	size_t n = s->model->nr_generations > s->kernel->nr_generations
			   ? s->model->nr_generations
			   : s->kernel->nr_generations;
	const char *heading =
		isnan(s->misplaced)
			? table_text(table, "%s, misplaced: not known",
				     s->kernel->name)
			: table_text(table, "%s, misplaced: %.2f%% of pages",
				     s->kernel->name, 100 * s->misplaced);

	for (size_t back = n; back-- > 0;) {
		uint64_t model = pages_at(s->model, back);
		uint64_t kernel = pages_at(s->kernel, back);

		table_cell(table, cell_text(heading));
		table_cell(table,
			   cell_text(back ? table_text(table, "%zu older", back)
					  : "youngest"));
		table_cell(table, integer(model));
		table_cell(table, integer(kernel));
		table_cell(table, difference(model, kernel));
	}
}

static struct table *generations_table(const struct validation *v,
				       struct status *st)
{
	static const struct column columns[] = {
		{COLUMN_HEADING, "snapshot", "snapshot", NULL, "", 0},
		{COLUMN_VALUE, "generation", "generation", NULL, "", 0},
		{COLUMN_VALUE, "model", "model", NULL, "pages", 0},
		{COLUMN_VALUE, "kernel", "kernel", NULL, "pages", 0},
		{COLUMN_VALUE, "difference", "difference", NULL, "pages", 0},
	};
	struct table *table = table_new(st);

	if (!table)
		return NULL;
	table_intro(table, "Anonymous and shared pages by generation");
	put_columns(table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < v->nr_snapshots; i++)
		put_generations(table, &v->snapshots[i]);
	return table;
}

/* Where the guest went on, only the hot set can be compared. */
static struct table *beside_tables(const struct validation *v,
				   struct status *st)
{
	struct table *table = validate_hot_table(v, st);

	if (table)
		put_intro(table, v);
	if (table && !table->error)
		return table;
	table_free(table);
	return NULL;
}

struct table *validate_tables(const struct validation *validation,
			      bool shows_all, struct status *st)
{
	struct table *first, *steps, *last;

	if (validation->is_concurrent)
		return beside_tables(validation, st);
	first = counters_table(validation, shows_all, st);
	steps = first ? steps_table(validation, st) : NULL;
	last = steps ? generations_table(validation, st) : NULL;
	if (first)
		first->next = steps;
	if (steps)
		steps->next = last;
	if (last && !first->error && !steps->error && !last->error)
		return first;
	table_free(first);
	return NULL;
}

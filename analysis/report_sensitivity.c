/* SPDX-License-Identifier: MIT */
/*
 * `kage report --sensitivity`: a verdict per memory limit, and for each cost the values
 * between which the ranking by price stays what it is.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "analysis/labels.h"
#include "analysis/report.h"
#include "analysis/sensitivity_db.h"
#include "base/alloc.h"
#include "base/outbuf.h"

struct view {
	const struct sensitivity_data *data;
	const struct run *first; /* of the limit */
	const size_t *order;	 /* of the policies, cheapest first */
	const char *ranking;
};

static const char *name_of(const struct view *view, size_t policy)
{
	return view->data->runs[policy]->label;
}

/* "batched 10.7 < rmap 18.0 ms"; = between those that cost the same. */
static const char *ranking_text(struct table *table, const struct view *view)
{
	const struct sensitivity *s = &view->data->s;
	struct outbuf out = {0};
	const char *text;

	for (size_t i = 0; i < s->nr_policies; i++) {
		size_t at = view->order[i];

		if (i)
			outbuf_printf(&out, " %c ",
				      sensitivity_compare(s, view->order[i - 1],
							  at, SENSITIVITY_NONE,
							  0)
					      ? '<'
					      : '=');
		outbuf_printf(&out, "%s %.4g", name_of(view, at),
			      sensitivity_total(s, at, SENSITIVITY_NONE, 0) /
				      1e6);
	}
	text = table_text(table, "%s ms", out.data ? out.data : "");
	outbuf_fini(&out);
	return text;
}

/* Names of the costs for which @is_one, or NULL for none. */
static const char *list(struct table *table, const struct view *view,
			bool (*is_one)(const struct view *view, size_t cost))
{
	const struct sensitivity *s = &view->data->s;
	struct outbuf out = {0};
	const char *text = NULL;

	for (size_t i = 0; i < s->nr_costs; i++)
		if (is_one(view, i))
			outbuf_printf(&out, "%s%s", out.used ? ", " : "",
				      s->costs[i].name);
	if (out.used)
		text = table_text(table, "%s", out.data);
	outbuf_fini(&out);
	return text;
}

static bool flips(const struct view *view, size_t cost)
{
	const struct sensitivity *s = &view->data->s;
	double ns = s->costs[cost].ns;

	return s->costs[cost].is_known &&
	       (!sensitivity_holds(s, cost, ns / 2) ||
		!sensitivity_holds(s, cost, ns * 2));
}

/* Is it missing, and could the ranking be another one if it were known? */
static bool matters(const struct view *view, size_t cost)
{
	const struct sensitivity *s = &view->data->s;

	return !s->costs[cost].is_known &&
	       sensitivity_edges(s, cost, SIZE_MAX).high.exists;
}

/* What holds whatever the missing costs are, all of them together. */
static const char *whatever(const struct view *view)
{
	const struct sensitivity *s = &view->data->s;
	bool all = true, best = true;

	for (size_t i = 1; i < s->nr_policies; i++) {
		all &= sensitivity_dominates(s, view->order[i - 1],
					     view->order[i]);
		best &= sensitivity_dominates(s, view->order[0],
					      view->order[i]);
	}
	return all ? "ranking" : best ? "best" : "neither";
}

static struct cell text_or_missing(const char *text)
{
	struct cell missing = {.kind = CELL_MISSING};

	return text ? cell_text(text) : missing;
}

static const struct column data_columns[] = {
	{COLUMN_DATA, "trace", "trace", NULL, "", 0},
	{COLUMN_DATA, "trace_id", "trace id", NULL, "", 0},
	{COLUMN_DATA, "limit_pages", "limit", NULL, "pages", 0},
	{COLUMN_DATA, "limit_text", "limit as asked for", NULL, "", 0},
	{COLUMN_DATA, "cost_profile", "cost profile", NULL, "", 0},
};

static void put_columns(struct table *table, const struct column *columns,
			size_t n)
{
	for (size_t i = 0; i < n; i++)
		table_column(table, columns[i]);
}

static const enum run_column facts[] = {RUN_trace, RUN_trace_id,
					RUN_limit_pages, RUN_limit_text,
					RUN_cost_profile};

static void put_facts(struct table *table, const struct run *run)
{
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		table_cell(table, run->cells[facts[i]]);
}

static void put_heads(struct table *table, const struct view *view,
		      bool has_limit)
{
	char limit[LABELS_LIMIT];
	const struct run *run = view->first;

	table_cell(table, cell_text(run_text(run, RUN_trace)));
	table_cell(table, cell_text(run->setup));
	if (has_limit)
		table_cell(table,
			   cell_text(table_text(table, "%s",
						labels_limit(limit, run))));
}

/* Where epochs leave open who does better, prices of refaults do, too. */
static struct cell ranking_cell(struct table *table, const struct view *view)
{
	struct cell cell = cell_text(view->ranking);

	for (size_t i = 0; i < view->data->s.nr_policies; i++)
		if (view->data->runs[i]->is_epoch_tie)
			cell.notes |= table_note(
				table,
				"~ (epoch): refaults of some of them are "
				"not told apart, see kage report");
	return cell;
}

static const struct column verdict_columns[] = {
	{COLUMN_HEADING, "trace", "trace", NULL, "", 0},
	{COLUMN_HEADING, "setup", "setup", NULL, "", 0},
	{COLUMN_VALUE, "limit", "limit", NULL, "", 0},
	{COLUMN_VALUE, "survives", "survives", NULL, "1/2 and 2x", 0},
	{COLUMN_VALUE, "flipped_by", "flipped by", NULL, "", 0},
	{COLUMN_VALUE, "unknown", "has to be known", NULL, "", 0},
	{COLUMN_VALUE, "whatever", "certain", NULL, "", 0},
	{COLUMN_VALUE, "ranking", "ranking by price", NULL, "", 0},
};

static void put_verdict(struct table *table, const struct view *view)
{
	const char *flipped = list(table, view, flips);
	const char *unknown = list(table, view, matters);
	char limit[LABELS_LIMIT];

	put_heads(table, view, false);
	table_cell(table, cell_text(table_text(
				  table, "%s",
				  labels_limit_short(limit, view->first))));
	table_cell(table, cell_text(flipped ? "no" : "yes"));
	table_cell(table, text_or_missing(flipped ? flipped : "none"));
	table_cell(table, text_or_missing(unknown ? unknown : "none"));
	table_cell(table, cell_text(whatever(view)));
	table_cell(table, ranking_cell(table, view));
	put_facts(table, view->first);
}

static const struct column cost_columns[] = {
	{COLUMN_HEADING, "trace", "trace", NULL, "", 0},
	{COLUMN_HEADING, "setup", "setup", NULL, "", 0},
	{COLUMN_HEADING, "limit", "limit", NULL, "", 0},
	{COLUMN_VALUE, "cost", "cost", NULL, "", 0},
	{COLUMN_VALUE, "value_ns", "value", NULL, "ns", 1},
	{COLUMN_VALUE, "kind", "kind", NULL, "", 0},
	{COLUMN_VALUE, "half", "at 1/2", "ranking", "", 0},
	{COLUMN_VALUE, "twice", "at 2x", "ranking", "", 0},
	{COLUMN_VALUE, "interval", "in interval", "ranking", "", 0},
	{COLUMN_VALUE, "holds_from_ns", "from", "ranking holds", "ns", 1},
	{COLUMN_VALUE, "holds_to_ns", "to", "ranking holds", "ns", 1},
	{COLUMN_VALUE, "best_from_ns", "from", "best stays best", "ns", 1},
	{COLUMN_VALUE, "best_to_ns", "to", "best stays best", "ns", 1},
	{COLUMN_VALUE, "new_best", "beyond it", "best stays best", "best is",
	 0},
	{COLUMN_VALUE, "changes", "and beyond it", NULL, "", 0},
};

static void put_range(struct table *table,
		      const struct sensitivity_range *range)
{
	table_real(table, range->low.exists ? range->low.ns : 0);
	if (range->high.exists)
		table_real(table, range->high.ns);
	else
		table_cell(table, cell_text("inf"));
}

static const char *changes(struct table *table, const struct view *view,
			   const struct sensitivity_range *range)
{
	const struct sensitivity_edge *low = &range->low, *high = &range->high;
	const char *below = "", *above = "";

	if (low->exists)
		below = table_text(table, "less: %s < %s",
				   name_of(view, low->winner),
				   name_of(view, low->loser));
	if (high->exists)
		above = table_text(table, "more: %s < %s",
				   name_of(view, high->winner),
				   name_of(view, high->loser));
	if (!low->exists && !high->exists)
		return "nothing";
	return table_text(table, "%s%s%s", below,
			  low->exists && high->exists ? "; " : "", above);
}

static const char *new_best(struct table *table, const struct view *view,
			    const struct sensitivity_range *range)
{
	const struct sensitivity_edge *low = &range->low, *high = &range->high;

	if (low->exists && high->exists)
		return table_text(table, "less: %s; more: %s",
				  name_of(view, low->winner),
				  name_of(view, high->winner));
	if (!low->exists && !high->exists)
		return "the same";
	return table_text(table, "%s: %s", low->exists ? "less" : "more",
			  name_of(view,
				  low->exists ? low->winner : high->winner));
}

static struct cell holds_cell(const struct view *view, size_t cost,
			      double factor)
{
	const struct sensitivity *s = &view->data->s;

	if (!s->costs[cost].is_known)
		return text_or_missing(NULL);
	return cell_text(sensitivity_holds(s, cost, s->costs[cost].ns * factor)
				 ? "same"
				 : "other");
}

/* At both ends of what the cost may be: in between it is the same, too, since policies
 * that part do not meet again. */
static struct cell interval_cell(const struct view *view, size_t cost)
{
	const struct sensitivity *s = &view->data->s;
	const struct sensitivity_cost *c = &s->costs[cost];

	if (!c->is_known || !c->has_range)
		return text_or_missing(NULL);
	return cell_text(sensitivity_holds(s, cost, c->low_ns) &&
					 sensitivity_holds(s, cost, c->high_ns)
				 ? "same"
				 : "other");
}

static void put_cost(struct table *table, const struct view *view, size_t cost)
{
	const struct sensitivity *s = &view->data->s;
	const struct sensitivity_cost *c = &s->costs[cost];
	struct sensitivity_range all = sensitivity_edges(s, cost, SIZE_MAX);
	struct sensitivity_range best =
		sensitivity_edges(s, cost, view->order[0]);

	put_heads(table, view, true);
	table_cell(table, cell_text(c->name));
	if (c->is_known)
		table_real(table, c->ns);
	else
		table_cell(table, text_or_missing(NULL));
	table_cell(table, cell_text(c->kind));
	table_cell(table, holds_cell(view, cost, 0.5));
	table_cell(table, holds_cell(view, cost, 2));
	table_cell(table, interval_cell(view, cost));
	put_range(table, &all);
	put_range(table, &best);
	table_cell(table, cell_text(new_best(table, view, &best)));
	table_cell(table, cell_text(changes(table, view, &all)));
	put_facts(table, view->first);
}

/* Both tables of one limit; nothing where there is no ranking. */
static int put_limit(struct table *verdicts, struct table *costs, sqlite3 *db,
		     struct slice limit, struct status *st)
{
	struct sensitivity_data data;
	struct view view = {.data = &data, .first = limit.runs};
	size_t *order = NULL;
	int ret = sensitivity_load(&data, db, limit, &verdicts->texts, st);

	if (ret || data.s.nr_policies < 2)
		goto out_fini;
	order = kage_calloc(data.s.nr_policies, sizeof(*order), st);
	if (!order) {
		ret = -ENOMEM;
		goto out_fini;
	}
	sensitivity_rank(&data.s, order);
	view.order = order;
	view.ranking = ranking_text(verdicts, &view);
	put_verdict(verdicts, &view);
	for (size_t i = 0; i < data.s.nr_costs; i++)
		put_cost(costs, &view, i);
out_fini:
	free(order);
	sensitivity_fini(&data);
	return ret;
}

static void put_intros(struct table *verdicts, struct table *costs)
{
	verdicts->title = "Does the ranking by price survive other costs?";
	table_intro(verdicts,
		    "price: work and swapping in, summed by the profile; a "
		    "missing cost counts as 0");
	table_intro(verdicts, "survives: each known cost alone at 1/2 and at "
			      "2x leaves all policies in this order");
	table_intro(verdicts,
		    "has to be known: missing costs that could change "
		    "the order, if they are large enough");
	table_intro(verdicts, "certain: what holds whatever the missing costs "
			      "are, all of them together");
	costs->title = "From where to where";
	table_intro(costs, "ranking holds, best stays best: while this cost is "
			   "between from and to and all others are as they are "
			   "(missing ones 0); inf: however large");
	table_intro(costs, "in interval: at both ends of the interval that the "
			   "profile has for it");
}

static struct table *make_tables(struct status *st)
{
	struct table *verdicts = table_new(st);

	if (!verdicts)
		return NULL;
	verdicts->next = table_new(st);
	if (!verdicts->next) {
		table_free(verdicts);
		return NULL;
	}
	put_intros(verdicts, verdicts->next);
	put_columns(verdicts, verdict_columns,
		    sizeof(verdict_columns) / sizeof(verdict_columns[0]));
	put_columns(verdicts->next, cost_columns,
		    sizeof(cost_columns) / sizeof(cost_columns[0]));
	for (struct table *t = verdicts; t; t = t->next)
		put_columns(t, data_columns,
			    sizeof(data_columns) / sizeof(data_columns[0]));
	return verdicts;
}

struct table *report_sensitivity(sqlite3 *db, const struct results *results,
				 struct status *st)
{
	struct slice rest = results_all(results), limit;
	struct table *tables = make_tables(st);
	int error = tables ? 0 : -ENOMEM;

	while (!error && (limit = slice_take(&rest, SLICE_LIMIT)).count)
		error = put_limit(tables, tables->next, db, limit, st);
	if (!error)
		error = tables->error ? tables->error : tables->next->error;
	if (!error && !table_rows(tables))
		table_intro(tables, "no two policies to rank at one limit: "
				    "bounds and runs on writes are not ranked");
	if (!error)
		return tables;
	table_free(tables);
	return NULL;
}

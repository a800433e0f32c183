/* SPDX-License-Identifier: MIT */
/* Predictions beside what was published; see populate.h. */
#include "analysis/populate.h"

#include <errno.h>
#include <math.h>

static void put_columns(struct table *table, const struct column *columns,
			size_t n)
{
	for (size_t i = 0; i < n; i++)
		table_column(table, columns[i]);
}

#define COLUMNS(table, columns)                                                \
	put_columns(table, columns, sizeof(columns) / sizeof((columns)[0]))

static double ratio(const struct populate_times *t)
{
	return t->locked_pass_s / t->lockless_pass_s;
}

static double off(double predicted, double published)
{
	double x = predicted / published;

	return x < 1 ? 1 / x : x;
}

/* What a calibration is worth: factors in rows inside that it was not made from. */
struct worth {
	double locked, lockless, ratio, locked_vcpu, lockless_vcpu;
	size_t rows,
		near_rows; /* of all inside: ratio within a factor of two */
	bool is_ordered;   /* ratios of rows inside rise with vCPUs */
};

static void raise(double *worst, double value)
{
	*worst = value > *worst ? value : *worst;
}

static struct worth judge(const struct populate_view *v,
			  const struct populate_pair *pair)
{
	struct worth w = {.is_ordered = true};
	double last = 0;

	for (size_t i = 0; i < v->table->n; i++) {
		const struct populate_times *p = &pair->times[i];
		const struct populate_times *m = &v->table->rows[i].times;

		if (!v->table->rows[i].is_inside)
			continue;
		w.is_ordered &= ratio(p) > last;
		last = ratio(p);
		w.rows++;
		w.near_rows += off(ratio(p), ratio(m)) <= 2;
		if (i == pair->first || i == pair->second)
			continue;
		raise(&w.locked, off(p->locked_pass_s, m->locked_pass_s));
		raise(&w.lockless, off(p->lockless_pass_s, m->lockless_pass_s));
		raise(&w.ratio, off(ratio(p), ratio(m)));
		raise(&w.locked_vcpu, off(p->locked_vcpu_s, m->locked_vcpu_s));
		raise(&w.lockless_vcpu,
		      off(p->lockless_vcpu_s, m->lockless_vcpu_s));
	}
	return w;
}

static const char *pair_name(struct table *table, const struct populate_view *v,
			     const struct populate_pair *pair)
{
	return table_text(table, "%u and %u", v->table->rows[pair->first].vcpus,
			  v->table->rows[pair->second].vcpus);
}

static void calibration_row(struct table *table, const struct populate_view *v,
			    const struct populate_pair *pair)
{
	const struct populate_fit *f = &pair->fit;
	struct worth w = judge(v, pair);
	const double costs[] = {f->fault_ns,	f->fault_ns_per_vcpu,
				f->young_ns,	f->fault_hold_ns,
				f->handover_ns, 100 * f->error};
	const double worst[] = {w.locked, w.lockless, w.ratio, w.locked_vcpu,
				w.lockless_vcpu};

	table_cell(table, cell_text(pair_name(table, v, pair)));
	for (size_t i = 0; i < sizeof(costs) / sizeof(costs[0]); i++)
		if (v->options.has_given_faults && i < 2)
			table_cell(table, (struct cell){0});
		else
			table_real(table, costs[i]);
	for (size_t i = 0; i < sizeof(worst) / sizeof(worst[0]); i++)
		table_real(table, worst[i]);
	table_cell(table, cell_text(table_text(table, "%zu of %zu", w.near_rows,
					       w.rows)));
	table_cell(table, cell_text(w.is_ordered ? "yes" : "no"));
}

static struct table *calibrations(const struct populate_view *v,
				  struct status *st)
{
	static const struct column columns[] = {
		{COLUMN_VALUE, "pair", "calibrated on", NULL, "vCPUs", 0},
		{COLUMN_VALUE, "fault_ns", "fault", "costs", "ns", 0},
		{COLUMN_VALUE, "fault_ns_per_vcpu", "and per vCPU", "costs",
		 "ns", 0},
		{COLUMN_VALUE, "young_ns", "page aged", "costs", "ns", 0},
		{COLUMN_VALUE, "fault_hold_ns", "fault's hold", "costs", "ns",
		 0},
		{COLUMN_VALUE, "handover_ns", "hand-over", "costs", "ns", 0},
		{COLUMN_VALUE, "error_percent", "left", "costs", "%", 1},
		{COLUMN_VALUE, "worst_locked", "locked pass",
		 "worst of other rows", "x", 2},
		{COLUMN_VALUE, "worst_lockless", "lockless",
		 "worst of other rows", "x", 2},
		{COLUMN_VALUE, "worst_ratio", "their ratio",
		 "worst of other rows", "x", 2},
		{COLUMN_VALUE, "worst_locked_vcpu", "locked vCPU",
		 "worst of other rows", "x", 2},
		{COLUMN_VALUE, "worst_lockless_vcpu", "lockless vCPU",
		 "worst of other rows", "x", 2},
		{COLUMN_VALUE, "near_rows", "ratio within 2x", NULL, "rows", 0},
		{COLUMN_VALUE, "is_ordered", "rises with vCPUs", NULL, "", 0},
	};
	struct table *table = table_new(st);

	if (!table)
		return NULL;
	table->title = "Calibrated on every two rows";
	table_intro(table, table_text(table, "Published: %s", v->name));
	table_intro(table,
		    table_text(table,
			       "Assumed: %g of a call is a hold; the "
			       "first pass began with %g of the pages",
			       v->options.hold_share, v->options.start_share));
	COLUMNS(table, columns);
	for (size_t i = 0; i < v->nr_pairs; i++)
		calibration_row(table, v, &v->pairs[i]);
	return table;
}

static void prediction_row(struct table *table, const struct populate_view *v,
			   const struct populate_pair *pair, size_t i)
{
	const struct populate_row *row = &v->table->rows[i];
	const struct populate_times *p = &pair->times[i], *m = &row->times;
	const double values[][2] = {
		{p->locked_pass_s, m->locked_pass_s},
		{p->lockless_pass_s, m->lockless_pass_s},
		{ratio(p), ratio(m)},
		{p->locked_vcpu_s, m->locked_vcpu_s},
		{p->lockless_vcpu_s, m->lockless_vcpu_s},
	};
	const char *role = !row->is_inside ? "outside the model"
			   : i == pair->first || i == pair->second
				   ? "calibrated on"
				   : "predicted";

	table_cell(table, cell_text(pair_name(table, v, pair)));
	table_cell(table,
		   (struct cell){.kind = CELL_INTEGER, .integer = row->vcpus});
	table_cell(table, cell_text(role));
	for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
		table_real(table, values[k][0]);
		table_real(table, values[k][1]);
		table_real(table, values[k][0] / values[k][1]);
	}
}

static struct table *predictions(const struct populate_view *v,
				 struct status *st)
{
	static const char *const groups[] = {"locked pass", "lockless pass",
					     "locked : lockless", "locked vCPU",
					     "lockless vCPU"};
	static const char *const ids[][3] = {
		{"locked_pass_s", "locked_pass_published_s", "locked_pass_x"},
		{"lockless_pass_s", "lockless_pass_published_s",
		 "lockless_pass_x"},
		{"ratio", "ratio_published", "ratio_x"},
		{"locked_vcpu_s", "locked_vcpu_published_s", "locked_vcpu_x"},
		{"lockless_vcpu_s", "lockless_vcpu_published_s",
		 "lockless_vcpu_x"},
	};
	struct table *table = table_new(st);

	if (!table)
		return NULL;
	table->title = "What each calibration says of all rows";
	table_column(table, (struct column){COLUMN_HEADING, "pair",
					    "calibrated on", NULL, "vCPUs", 0});
	table_column(table, (struct column){COLUMN_VALUE, "vcpus", "vCPUs",
					    NULL, "", 0});
	table_column(table,
		     (struct column){COLUMN_VALUE, "role", "row", NULL, "", 0});
	for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
		const char *unit = g == 2 ? "" : "s";
		int decimals = g == 2 ? 2 : 4;

		table_column(table, (struct column){COLUMN_VALUE, ids[g][0],
						    "predicted", groups[g],
						    unit, decimals});
		table_column(table, (struct column){COLUMN_VALUE, ids[g][1],
						    "published", groups[g],
						    unit, decimals});
		table_column(table,
			     (struct column){COLUMN_VALUE, ids[g][2], "off by",
					     groups[g], "x", 2});
	}
	for (size_t i = 0; i < v->nr_pairs; i++)
		for (size_t r = 0; r < v->table->n; r++)
			prediction_row(table, v, &v->pairs[i], r);
	return table;
}

/* A value that a change may not have: 0 is not published, or not possible. */
static void put_known(struct table *table, double value)
{
	if (value > 0)
		table_real(table, value);
	else
		table_cell(table, (struct cell){0});
}

static void put_passes(struct table *table, uint64_t passes)
{
	table_cell(table,
		   (struct cell){.kind = passes ? CELL_INTEGER : CELL_MISSING,
				 .integer = (int64_t)passes});
}

static double quotient(double a, double b)
{
	return a > 0 && b > 0 ? a / b : 0;
}

static void put_change(struct table *table, const struct populate_change *c,
		       const struct populate_outcome *o)
{
	const double values[] = {o->fault_hold_ns,
				 o->handover_ns,
				 o->young_ns,
				 o->before_vcpu_s,
				 o->after_vcpu_s,
				 quotient(o->before_vcpu_s, o->after_vcpu_s),
				 o->before_pass_s,
				 o->after_pass_s,
				 quotient(o->before_pass_s, o->after_pass_s)};

	table_cell(table, cell_text(table_text(table, "%s, %u vCPUs", c->name,
					       c->vcpus)));
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		put_known(table, values[i]);
	put_passes(table, o->before_passes);
	put_passes(table, o->after_passes);
}

static struct table *change_table(const struct populate_view *v,
				  struct status *st)
{
	static const struct column columns[] = {
		{COLUMN_HEADING, "name", "setup", NULL, "", 0},
		{COLUMN_VALUE, "fault_hold_ns", "fault's hold", "tried", "ns",
		 0},
		{COLUMN_VALUE, "handover_ns", "hand-over", "tried", "ns", 0},
		{COLUMN_VALUE, "young_ns", "page aged", NULL, "ns", 0},
		{COLUMN_VALUE, "before_vcpu_s", "before", "vCPU", "s", 3},
		{COLUMN_VALUE, "after_vcpu_s", "after", "vCPU", "s", 3},
		{COLUMN_VALUE, "vcpu_x", "change", "vCPU", "x", 2},
		{COLUMN_VALUE, "before_pass_s", "before", "pass", "s", 3},
		{COLUMN_VALUE, "after_pass_s", "after", "pass", "s", 3},
		{COLUMN_VALUE, "pass_x", "change", "pass", "x", 2},
		{COLUMN_VALUE, "before_passes", "before", "passes", "", 0},
		{COLUMN_VALUE, "after_passes", "after", "passes", "", 0},
	};
	struct table *table = table_new(st);

	if (!table)
		return NULL;
	table->title = "A change of the lock, whatever the lock costs";
	table_intro(table, "inputs: times after the change; costs of the lock "
			   "are tried over a range. the first row of each is "
			   "what was published; a row without times cannot be: "
			   "its faults alone take longer");
	COLUMNS(table, columns);
	for (size_t i = 0; i < v->changes->n; i++) {
		const struct populate_change *c = &v->changes->rows[i];
		const struct populate_outcome published = {
			.before_vcpu_s = c->before_vcpu_s,
			.after_vcpu_s = c->after_vcpu_s,
			.before_pass_s = c->before_pass_s,
			.after_pass_s = c->after_pass_s,
		};

		put_change(table, c, &published);
		for (size_t o = 0; o < v->trials[i].n; o++)
			put_change(table, c, &v->trials[i].outcomes[o]);
	}
	return table;
}

struct table *populate_tables(const struct populate_view *v, struct status *st)
{
	struct table *(*const makers[])(const struct populate_view *v,
					struct status *st) = {
		calibrations, predictions, v->changes ? change_table : NULL};
	struct table *first = NULL, **end = &first;

	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
		if (!makers[i])
			continue;
		*end = makers[i](v, st);
		if (!*end || (*end)->error)
			goto fail;
		end = &(*end)->next;
	}
	return first;
fail:
	table_free(first);
	return NULL;
}

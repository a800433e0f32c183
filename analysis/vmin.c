/* SPDX-License-Identifier: MIT */
/* Bounds at a varying size, for people; see vmin.h. */
#include "analysis/vmin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/queries.h"
#include "base/alloc.h"
#include "base/units.h"

enum {
	PAGES_PER_MIB = 256
};

/* A run whose size its driver leaves open. */
static bool is_candidate(const struct vmin_view *v, const struct run *run)
{
	return run->cells[RUN_limit_pages].kind == CELL_MISSING &&
	       run->cells[RUN_refaults].kind == CELL_INTEGER &&
	       !strcmp(run_text(run, RUN_trace_id), v->trace->id);
}

/* Faults of another trace are in its counts, or its guest waited: the bounds do not
 * know that. */
static bool is_apart(const struct run *run)
{
	return *run_text(run, RUN_mix) || *run_text(run, RUN_closed_loop);
}

static int add_row(struct vmin_view *v, double pages, const struct run *run,
		   struct status *st)
{
	if (kage_grow(&v->rows, &v->capacity, v->n, sizeof(*v->rows), st))
		return -ENOMEM;
	v->rows[v->n++] = (struct vmin_row){pages, run};
	return 0;
}

static int add_run(struct vmin_view *v, const struct run *run,
		   struct status *st)
{
	sqlite3_stmt *stmt = NULL;
	int ret = queries_start(v->db, query_resident,
				run_text(run, RUN_run_id), &stmt, st);

	if (!ret)
		ret = queries_step(stmt, st);
	if (ret > 0)
		ret = add_row(v, sqlite3_column_double(stmt, 0), run, st);
	sqlite3_finalize(stmt);
	return ret;
}

static int add_runs(struct vmin_view *v, struct status *st)
{
	size_t runs = v->results ? v->results->run_count : 0;
	int ret = 0;

	for (size_t i = 0; i < runs && !ret; i++) {
		const struct run *run = &v->results->runs[i];

		if (!is_candidate(v, run))
			continue;
		if (!v->setup && !is_apart(run))
			v->setup = run->setup;
		if (v->setup && !strcmp(run->setup, v->setup))
			ret = add_run(v, run, st);
		else
			v->left_out++;
	}
	return ret;
}

static int by_pages(const void *a, const void *b)
{
	const struct vmin_row *x = a, *y = b;

	return (x->pages > y->pages) - (x->pages < y->pages);
}

int vmin_view_measure(struct vmin_view *v, uint64_t steps, struct status *st)
{
	int ret = curve_vmin(v->trace, &v->curve, st);
	double most;

	if (ret)
		return ret;
	most = vmin_most_pages(&v->curve, VMIN_OPT);
	for (uint64_t i = 1; i <= steps && !ret; i++)
		ret = add_row(v, most * (double)i / (double)steps, NULL, st);
	if (!ret)
		ret = add_runs(v, st);
	if (!ret)
		qsort(v->rows, v->n, sizeof(*v->rows), by_pages);
	return ret;
}

void vmin_view_fini(struct vmin_view *v)
{
	vmin_fini(&v->curve);
	free(v->rows);
}

static void put_intro(const struct vmin_view *v, struct table *t)
{
	char accesses[UNITS_TEXT], time[UNITS_TEXT];

	table_intro(t, table_text(t, "Trace: %s %.12s, %s accesses in %s",
				  v->name, v->trace->id,
				  units_count(accesses, v->curve.accesses),
				  units_time(time, v->curve.end_ns)));
	table_intro(
		t, "At equal memory on average: vmin sees the future, ws knows "
		   "exact idle times");
	if (v->setup)
		table_intro(t, table_text(t, "Policies: %s", v->setup));
	if (v->left_out)
		table_intro(t,
			    table_text(t,
				       "%zu runs of other setups are left out",
				       v->left_out));
}

static void put_columns(struct table *t)
{
	static const struct column columns[] = {
		{COLUMN_VALUE, "resident_pages", "resident", NULL, "pages", 0},
		{COLUMN_VALUE, "resident_mib", "resident", NULL, "MiB", 1},
		{COLUMN_VALUE, "vmin_refaults", "refaults", "vmin", "faults",
		 0},
		{COLUMN_VALUE, "vmin_window_s", "window", "vmin", "s", 3},
		{COLUMN_VALUE, "ws_refaults", "refaults", "ws", "faults", 0},
		{COLUMN_VALUE, "ws_window_s", "window", "ws", "s", 3},
		{COLUMN_VALUE, "policy", "policy", NULL, "", 0},
		{COLUMN_VALUE, "refaults", "refaults", "its", "faults", 0},
		{COLUMN_VALUE, "x_vmin", "refaults", "its", "x of vmin", 2},
		{COLUMN_VALUE, "x_ws", "refaults", "its", "x of ws", 2},
	};

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		table_column(t, columns[i]);
}

/* No ratio to a bound of nothing. */
static void put_ratio(struct table *t, const struct run *run, double bound)
{
	if (!run || !(bound > 0))
		table_cell(t, (struct cell){.kind = CELL_MISSING});
	else
		table_real(t, (double)run_integer(run, RUN_refaults) / bound);
}

static void put_row(const struct vmin_view *v, struct table *t,
		    const struct vmin_row *row)
{
	const struct cell missing = {.kind = CELL_MISSING};
	struct vmin_point opt = vmin_at(&v->curve, VMIN_OPT, row->pages);
	struct vmin_point ws = vmin_at(&v->curve, VMIN_WS, row->pages);

	table_rounded(t, row->pages);
	table_real(t, row->pages / PAGES_PER_MIB);
	table_rounded(t, opt.refaults);
	table_real(t, opt.window_ns / 1e9);
	table_rounded(t, ws.refaults);
	table_real(t, ws.window_ns / 1e9);
	table_cell(t, row->run ? cell_text(row->run->label) : missing);
	table_cell(t, row->run ? row->run->cells[RUN_refaults] : missing);
	put_ratio(t, row->run, opt.refaults);
	put_ratio(t, row->run, ws.refaults);
}

struct table *vmin_table(const struct vmin_view *v, struct status *st)
{
	struct table *t = table_new(st);

	if (!t)
		return NULL;
	put_intro(v, t);
	put_columns(t);
	for (size_t i = 0; i < v->n; i++)
		put_row(v, t, &v->rows[i]);
	return t;
}

static void put_curves(const struct vmin_view *v, struct figure *figure)
{
	for (size_t i = 0; i < v->n; i++) {
		double pages = v->rows[i].pages;

		outbuf_printf(&figure->data, "%.10g %.0f %.0f\n",
			      pages / PAGES_PER_MIB,
			      vmin_at(&v->curve, VMIN_OPT, pages).refaults,
			      vmin_at(&v->curve, VMIN_WS, pages).refaults);
	}
	outbuf_printf(&figure->commands,
		      "plot data index 0 using 1:2 with lines linewidth 2 "
		      "linecolor rgb '#444444' dashtype 4 title 'vmin', "
		      "data index 0 using 1:3 with lines linewidth 2 "
		      "linecolor rgb '#888888' dashtype 2 title 'ws'");
}

void vmin_figure(const struct vmin_view *v, struct figure *figure)
{
	size_t block = 0;

	outbuf_printf(&figure->commands, "set title ");
	figure_quote(&figure->commands, v->name);
	outbuf_printf(&figure->commands,
		      ".': refaults by memory on average'\n"
		      "set xlabel 'resident on average (MiB)'\n"
		      "set ylabel 'refaults (faults)'\n"
		      "set format y '%%.10g'\n"
		      "set xrange [0:*]\nset yrange [0:*]\n"
		      "set key top right vertical maxcols 1\n");
	put_curves(v, figure);
	for (size_t i = 0; i < v->n; i++) {
		const struct run *run = v->rows[i].run;
		const struct series *series;

		if (!run)
			continue;
		series = &v->results->series[run->series];
		outbuf_printf(&figure->data, "\n\n%.10g %lld\n",
			      v->rows[i].pages / PAGES_PER_MIB,
			      (long long)run_integer(run, RUN_refaults));
		outbuf_printf(&figure->commands,
			      ", data index %zu using 1:2 with points "
			      "linecolor rgb '%s' pointtype %d title ",
			      ++block, series->style.colour,
			      series->style.point);
		figure_quote(&figure->commands, series->label);
	}
	outbuf_printf(&figure->commands, "\n");
}

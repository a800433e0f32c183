/* SPDX-License-Identifier: MIT */
/* A miss-ratio curve as a table and as a figure; see mrc.h. */
#include "analysis/mrc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/units.h"

enum {
	PAGES_PER_MIB = 256
};

static bool is_of_trace(const struct mrc_view *v, const struct run *run)
{
	return run->cells[RUN_limit_pages].kind == CELL_INTEGER &&
	       run->cells[RUN_refaults].kind == CELL_INTEGER &&
	       !strcmp(run_text(run, RUN_trace_id), v->trace->id);
}

/* Faults of another trace are in its counts, or its accesses came in another order: the
 * curve of the trace says nothing of them. */
static bool is_apart(const struct run *run)
{
	return *run_text(run, RUN_mix) || *run_text(run, RUN_closed_loop);
}

bool mrc_view_has(const struct mrc_view *v, const struct run *run)
{
	return v->setup && is_of_trace(v, run) && !is_apart(run) &&
	       !strcmp(run->setup, v->setup);
}

/* Runs of several kernels or drivers would be told apart by nothing: one is shown. */
static void choose_setup(struct mrc_view *v)
{
	size_t runs = v->results ? v->results->run_count : 0;

	for (size_t i = 0; i < runs; i++) {
		const struct run *run = &v->results->runs[i];

		if (!is_of_trace(v, run))
			continue;
		if (!v->setup && !is_apart(run))
			v->setup = run->setup;
		v->left_out += !v->setup || strcmp(run->setup, v->setup) != 0;
	}
}

static int add_point(struct mrc_view *v, uint64_t limit, struct status *st)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->points[i].limit == limit)
			return 0;
	if (kage_grow(&v->points, &v->capacity, v->n, sizeof(*v->points), st))
		return -ENOMEM;
	v->points[v->n++] = (struct mrc_point){.limit = limit};
	return 0;
}

static int by_limit(const void *a, const void *b)
{
	const struct mrc_point *x = a, *y = b;

	return (x->limit > y->limit) - (x->limit < y->limit);
}

int mrc_view_measure(struct mrc_view *v, uint64_t steps, struct status *st)
{
	uint64_t footprint = v->trace->trace.footprint_pages;
	size_t runs = v->results ? v->results->run_count : 0;
	int ret = 0;

	choose_setup(v);
	for (uint64_t i = 1; i <= steps && !ret; i++)
		if (footprint * i / steps)
			ret = add_point(v, footprint * i / steps, st);
	for (size_t i = 0; i < runs && !ret; i++) {
		const struct run *run = &v->results->runs[i];

		if (mrc_view_has(v, run))
			ret = add_point(
				v, (uint64_t)run_integer(run, RUN_limit_pages),
				st);
	}
	if (ret)
		return ret;
	if (v->n)
		qsort(v->points, v->n, sizeof(*v->points), by_limit);
	return curve_measure(v->trace, v->rate, v->points, v->n, &v->totals,
			     st);
}

void mrc_view_fini(struct mrc_view *v)
{
	free(v->points);
}

/* A sample is good on average and bad where the curve falls steeply: both are told. */
static void put_error(const struct mrc_view *v, struct table *t)
{
	double sum = 0, worst = 0;

	for (size_t i = 0; i < v->n; i++) {
		double half = (v->points[i].high - v->points[i].low) / 2;

		sum += half;
		worst = half > worst ? half : worst;
	}
	table_intro(t,
		    table_text(t,
			       "The 95 %% interval is +-%.2f %% of accesses on "
			       "average, +-%.2f %% at worst",
			       100 * sum / (double)v->n /
				       (double)v->totals.accesses,
			       100 * worst / (double)v->totals.accesses));
}

static void put_intro(const struct mrc_view *v, struct table *t)
{
	char accesses[UNITS_TEXT], pages[UNITS_TEXT], bytes[UNITS_TEXT];
	const struct mrc_totals *m = &v->totals;

	table_intro(t,
		    table_text(t,
			       "Trace: %s %.12s, %s accesses to %s pages (%s)",
			       v->name, v->trace->id,
			       units_count(accesses, m->accesses),
			       units_count(pages, m->footprint),
			       units_bytes(bytes, m->footprint * 4096)));
	if (v->rate) {
		table_intro(t,
			    table_text(t,
				       "Estimated from %llu of %llu blocks of "
				       "%d pages, seed %llu",
				       (unsigned long long)m->sampled_blocks,
				       (unsigned long long)m->blocks, MRC_BLOCK,
				       (unsigned long long)v->trace->seed));
		put_error(v, t);
	} else {
		table_intro(
			t,
			"Exact LRU over every access; accesses that the capture "
			"folded count once");
	}
	if (v->setup)
		table_intro(t, table_text(t, "Policies: %s", v->setup));
	if (v->left_out)
		table_intro(t,
			    table_text(t,
				       "%zu runs of other setups are left out",
				       v->left_out));
}

static void put_columns(const struct mrc_view *v, struct table *t)
{
	static const struct column columns[] = {
		{COLUMN_VALUE, "limit_pages", "limit", NULL, "pages", 0},
		{COLUMN_VALUE, "limit_mib", "limit", NULL, "MiB", 1},
		{COLUMN_VALUE, "share", "of footprint", NULL, "%", 1},
		{COLUMN_VALUE, "miss_ratio", "misses", NULL, "of accesses", 5},
		{COLUMN_VALUE, "refaults", "refaults", NULL, "faults", 0},
	};
	static const struct column interval[] = {
		{COLUMN_VALUE, "refaults_low", "at least", NULL, "faults", 0},
		{COLUMN_VALUE, "refaults_high", "at most", NULL, "faults", 0},
	};

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		table_column(t, columns[i]);
	for (size_t i = 0; i < 2 && v->rate; i++)
		table_column(t, interval[i]);
}

/* Return: the run of @series at @limit, or NULL. */
static const struct run *find_run(const struct mrc_view *v, size_t series,
				  uint64_t limit)
{
	for (size_t i = 0; i < v->results->run_count; i++) {
		const struct run *run = &v->results->runs[i];

		if (run->series == series && mrc_view_has(v, run) &&
		    (uint64_t)run_integer(run, RUN_limit_pages) == limit)
			return run;
	}
	return NULL;
}

static bool has_series(const struct mrc_view *v, size_t series)
{
	for (size_t i = 0; i < v->results->run_count; i++)
		if (v->results->runs[i].series == series &&
		    mrc_view_has(v, &v->results->runs[i]))
			return true;
	return false;
}

static size_t series_count(const struct mrc_view *v)
{
	return v->results ? v->results->series_count : 0;
}

static void put_series_columns(const struct mrc_view *v, struct table *t)
{
	for (size_t s = 0; s < series_count(v); s++) {
		const char *label = v->results->series[s].label;

		if (has_series(v, s))
			table_column(t, (struct column){COLUMN_VALUE, label,
							label, "refaults of",
							"faults", 0});
	}
}

static void put_row(const struct mrc_view *v, struct table *t,
		    const struct mrc_point *p)
{
	double footprint = (double)v->totals.footprint;

	table_rounded(t, (double)p->limit);
	table_real(t, (double)p->limit / PAGES_PER_MIB);
	table_real(t, 100 * (double)p->limit / footprint);
	table_real(t, (footprint + p->refaults) / (double)v->totals.accesses);
	table_rounded(t, p->refaults);
	if (v->rate) {
		table_rounded(t, p->low);
		table_rounded(t, p->high);
	}
	for (size_t s = 0; s < series_count(v); s++) {
		const struct run *run = find_run(v, s, p->limit);

		if (has_series(v, s))
			table_cell(t,
				   run ? run->cells[RUN_refaults]
				       : (struct cell){.kind = CELL_MISSING});
	}
}

struct table *mrc_table(const struct mrc_view *v, struct status *st)
{
	struct table *t = table_new(st);

	if (!t)
		return NULL;
	put_intro(v, t);
	put_columns(v, t);
	put_series_columns(v, t);
	for (size_t i = 0; i < v->n; i++)
		put_row(v, t, &v->points[i]);
	return t;
}

static void put_curve(const struct mrc_view *v, struct figure *figure)
{
	for (size_t i = 0; i < v->n; i++) {
		const struct mrc_point *p = &v->points[i];

		outbuf_printf(&figure->data, "%.10g %.0f %.0f %.0f\n",
			      (double)p->limit / PAGES_PER_MIB, p->refaults,
			      p->low, p->high);
	}
}

static void put_marks(const struct mrc_view *v, struct figure *figure,
		      size_t series)
{
	for (size_t i = 0; i < v->n; i++) {
		const struct run *run = find_run(v, series, v->points[i].limit);

		if (run)
			outbuf_printf(
				&figure->data, "%.10g %lld\n",
				(double)v->points[i].limit / PAGES_PER_MIB,
				(long long)run_integer(run, RUN_refaults));
	}
}

static void put_axes(const struct mrc_view *v, struct outbuf *out)
{
	outbuf_printf(out, "set title ");
	figure_quote(out, v->name);
	outbuf_printf(out, ".': refaults by memory limit'\n"
			   "set xlabel 'memory limit (MiB)'\n"
			   "set ylabel 'refaults (faults)'\n"
			   "set format y '%%.10g'\n"
			   "set xrange [0:*]\nset yrange [0:*]\n"
			   "set key top right vertical maxcols 1\n"
			   "plot ");
	if (v->rate)
		outbuf_printf(
			out,
			"data index 0 using 1:3:4 with filledcurves "
			"linecolor rgb '#dddddd' title '95 %% interval', ");
	outbuf_printf(out,
		      "data index 0 using 1:2 with lines linewidth 2 "
		      "linecolor rgb '#444444' title 'LRU, %s'",
		      v->rate ? "sampled" : "exact");
}

void mrc_figure(const struct mrc_view *v, struct figure *figure)
{
	size_t block = 0;

	put_axes(v, &figure->commands);
	put_curve(v, figure);
	for (size_t s = 0; s < series_count(v); s++) {
		const struct series *series = &v->results->series[s];

		if (!has_series(v, s))
			continue;
		outbuf_printf(&figure->data, "\n\n");
		put_marks(v, figure, s);
		outbuf_printf(&figure->commands,
			      ", data index %zu using 1:2 with points "
			      "linecolor rgb '%s' pointtype %d title ",
			      ++block, series->style.colour,
			      series->style.point);
		figure_quote(&figure->commands, series->label);
	}
	outbuf_printf(&figure->commands, "\n");
}

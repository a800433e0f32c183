/* SPDX-License-Identifier: MIT */
/*
 * What aging and eviction ask of the secondary MMU, at the middle limit: a group of
 * bars per counter, a bar per policy.  A counter that was not recorded shows as "?",
 * which a logarithmic axis could not tell from zero.
 */
#include <errno.h>

#include "analysis/figure.h"

static const struct {
	enum run_column column;
	const char *label;
} counters[] = {
	{RUN_calls_aging, "aging\\ncalls"},
	{RUN_calls_victim, "victim\\ncalls"},
	{RUN_calls_window, "window\\ncalls"},
	{RUN_sptes, "SPTEs\\nvisited"},
	{RUN_lock_young, "mmu_lock\\nyoung holds"},
	{RUN_lock_unmap, "mmu_lock\\nunmap holds"},
};

enum {
	COUNTERS = sizeof(counters) / sizeof(counters[0])
};

/* One line per counter: its place, its value, the value as text and where that
 * stands. */
static double put_run(struct figure *figure, const struct run *run)
{
	static const struct column plain = {.unit = ""};
	double highest = 1;
	char text[CELL_BYTES];

	figure_block(figure, run);
	for (size_t i = 0; i < COUNTERS; i++) {
		const struct cell *cell = &run->cells[counters[i].column];
		double value = (double)run_integer(run, counters[i].column);
		bool is_known = cell->kind == CELL_INTEGER;

		outbuf_printf(&figure->data, "%zu ", i);
		outbuf_printf(&figure->data, is_known ? "%.15g" : "?", value);
		outbuf_printf(&figure->data, " \"%s\" %.15g\n",
			      is_known ? cell_show(&plain, cell, text) : "?",
			      value > 1 ? value : 1);
		highest = value > highest ? value : highest;
	}
	return highest;
}

static void put_axes(struct outbuf *out, double highest)
{
	/* Room for the rotated numbers above the highest bar. */
	outbuf_printf(out,
		      "set logscale y\n"
		      "set yrange [0.8:%.6g]\n"
		      "set format y '%%.0s%%c'\n"
		      "set ylabel 'count (log scale)'\n"
		      "set grid noxtics\n"
		      "set style fill solid noborder\n"
		      "set xrange [-0.6:%zu.6]\n"
		      "set xtics () scale 0\n",
		      highest * 100, (size_t)COUNTERS - 1);
	for (size_t i = 0; i < COUNTERS; i++)
		outbuf_printf(out, "set xtics add (\"%s\" %zu)\n",
			      counters[i].label, i);
}

static void put_bars(struct figure *figure, const struct scene *scene)
{
	struct outbuf *out = &figure->commands;
	double width = 0.84 / (double)figure->block_count;

	for (size_t i = 0; i < figure->block_count; i++) {
		const struct run *run = figure->blocks[i];
		double offset = width * ((double)i + 0.5) - 0.42;

		outbuf_printf(
			out,
			"%sdata index %zu using ($1 + %.4f):($2 > 0 ? $2 : NaN)"
			":(%.4f) with boxes lc rgb '%s' title ",
			i ? ", \\\n     " : "plot ", i, offset, width * 0.92,
			scene->results->series[run->series].style.colour);
		figure_quote(out, run->label);
		outbuf_printf(out,
			      ", \\\n     data index %zu using ($1 + %.4f):4:3 "
			      "with labels left rotate by 90 offset 0,0.4 "
			      "font ',10' notitle",
			      i, offset);
	}
	outbuf_printf(out, "\n");
}

static int work_draw(struct figure *figure, const struct scene *scene,
		     struct status *st)
{
	double highest = 1;

	for (size_t i = 0; i < scene->middle.count; i++) {
		const struct run *run = &scene->middle.runs[i];
		double value;

		if (run_integer(run, RUN_is_bound))
			continue;
		value = put_run(figure, run);
		highest = value > highest ? value : highest;
	}
	if (!figure->block_count)
		return status_fail(st, ENODATA, "all runs are bounds");
	figure_title(figure, "set title", scene->middle.runs,
		     "aging and eviction work", true);
	put_axes(&figure->commands, highest);
	figure_legend(figure);
	outbuf_printf(&figure->commands,
		      "set bmargin at screen legend + 0.13\n");
	put_bars(figure, scene);
	return 0;
}

const struct figure_ops figure_work = {
	.summary = "aging and eviction work per policy",
	.draw = work_draw,
};

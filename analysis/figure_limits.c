/* SPDX-License-Identifier: MIT */
/* Refaults against memory limit, a line per policy; bounds grey and dashed. */
#include <errno.h>

#include "analysis/figure.h"

/* The points of one series as a block, if it has any. */
static void put_series(struct figure *figure, struct slice setup, size_t series)
{
	struct slice limit;
	bool is_first = true;

	while ((limit = slice_take(&setup, SLICE_LIMIT)).count) {
		const struct run *run = slice_find(limit, series);

		if (!run || run->cells[RUN_limit_pages].kind == CELL_MISSING ||
		    run->cells[RUN_refaults].kind == CELL_MISSING)
			continue;
		if (is_first)
			figure_block(figure, run);
		is_first = false;
		outbuf_printf(&figure->data, "%.10g %lld\n",
			      (double)run_integer(run, RUN_limit_pages) / 256,
			      (long long)run_integer(run, RUN_refaults));
	}
}

/* Both axes hold all points with room beside them, one limit or none refaulting. */
static void put_ranges(struct outbuf *out, struct slice setup)
{
	/* In order of limits; those without one come first and count as zero. */
	double low = (double)run_integer(&setup.runs[0], RUN_limit_pages) / 256;
	double high = (double)run_integer(&setup.runs[setup.count - 1],
					  RUN_limit_pages) /
		      256;
	double margin = high > low ? (high - low) * 0.05 : high * 0.05;

	outbuf_printf(out, "set xrange [%.10g:%.10g]\n", low - margin,
		      high + margin);
	outbuf_printf(out, "set yrange [0:*]\n"
			   "set offsets 0, 0, graph 0.05, 0\n");
}

static int limits_draw(struct figure *figure, const struct scene *scene,
		       struct status *st)
{
	for (size_t i = 0; i < scene->results->series_count; i++)
		put_series(figure, scene->setup, i);
	if (!figure->block_count)
		return status_fail(st, ENODATA, "no run has a memory limit");
	figure_title(figure, "set title", scene->setup.runs,
		     "refaults by memory limit", false);
	outbuf_printf(&figure->commands, "set xlabel 'memory limit (MiB)'\n"
					 "set ylabel 'refaults (faults)'\n"
					 "set format y '%%.10g'\n");
	figure_legend(figure);
	outbuf_printf(&figure->commands,
		      "set bmargin at screen legend + 0.14\n");
	put_ranges(&figure->commands, scene->setup);
	figure_lines(figure, scene, "with linespoints", true);
	return 0;
}

const struct figure_ops figure_limits = {
	.summary = "refaults by memory limit",
	.draw = limits_draw,
};

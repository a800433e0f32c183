/* SPDX-License-Identifier: MIT */
/*
 * Refaults so far and resident pages over time, at the middle limit.  What happened
 * between two samples of the series is not known.
 */
#include "analysis/figure.h"
#include "analysis/queries.h"

static int time_draw(struct figure *figure, const struct scene *scene,
		     struct status *st)
{
	struct outbuf *out = &figure->commands;
	int ret = figure_query(figure, scene, query_series,
			       "no rows in table series", st);

	if (ret)
		return ret;
	outbuf_printf(out, "set multiplot\n"
			   "set lmargin at screen 0.11\n"
			   "set rmargin at screen 0.97\n"
			   "set yrange [0:*]\n"
			   "set tmargin at screen 0.90\n"
			   "set bmargin at screen 0.55\n"
			   "set format x ''\n"
			   "set format y '%%.10g'\n"
			   "set ylabel 'refaults so far (faults)'\n");
	figure_legend(figure);
	figure_title(figure, "set title", scene->middle.runs,
		     "refaults and memory over time", true);
	figure_lines(figure, scene, "using 1:3 with lines", true);
	outbuf_printf(out, "unset title\n"
			   "set tmargin at screen 0.51\n"
			   "set bmargin at screen legend + 0.14\n"
			   "set format '%%g'\n"
			   "set xlabel 'time (s)'\n"
			   "set ylabel 'resident (MiB)'\n");
	figure_lines(figure, scene, "using 1:2 with lines", false);
	outbuf_printf(out, "unset multiplot\n");
	return 0;
}

const struct figure_ops figure_time = {
	.summary = "refaults and resident memory over time",
	.draw = time_draw,
};

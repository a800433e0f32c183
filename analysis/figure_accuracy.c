/* SPDX-License-Identifier: MIT */
/*
 * What each aging pass knew, over time and at the middle limit: how far the ages of
 * generations were from the true ones, and how many of the pages in use it found.
 */
#include "analysis/figure.h"
#include "analysis/queries.h"

static int accuracy_draw(struct figure *figure, const struct scene *scene,
			 struct status *st)
{
	struct outbuf *out = &figure->commands;
	int ret = figure_query(figure, scene, query_accuracy,
			       "replay with --accuracy", st);

	if (ret)
		return ret;
	outbuf_printf(out, "set multiplot\n"
			   "set lmargin at screen 0.11\n"
			   "set rmargin at screen 0.97\n"
			   "set yrange [0:*]\n"
			   "set tmargin at screen 0.90\n"
			   "set bmargin at screen 0.55\n"
			   "set format x ''\n"
			   "set ylabel 'ages off by (mean s per page)'\n");
	figure_legend(figure);
	figure_title(figure, "set title", scene->middle.runs,
		     "accuracy of aging passes", true);
	figure_lines(figure, scene, "using 1:2 with lines", true);
	outbuf_printf(out, "unset title\n"
			   "set tmargin at screen 0.51\n"
			   "set bmargin at screen legend + 0.14\n"
			   "set format '%%g'\n"
			   "set yrange [0:105]\n"
			   "set xlabel 'time (s)'\n"
			   "set ylabel 'pages in use called young (%%)'\n");
	figure_lines(figure, scene, "using 1:3 with lines", false);
	outbuf_printf(out, "unset multiplot\n");
	return 0;
}

const struct figure_ops figure_accuracy = {
	.summary = "accuracy of aging passes over time",
	.draw = accuracy_draw,
};

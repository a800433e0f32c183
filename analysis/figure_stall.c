/* SPDX-License-Identifier: MIT */
/*
 * How much of their time vCPUs stall, by how many they are and at the middle limit; sets
 * of reclaimers and agers are points of the same policy.
 */
#include "analysis/figure.h"
#include "analysis/queries.h"

static int stall_draw(struct figure *figure, const struct scene *scene,
		      struct status *st)
{
	struct outbuf *out = &figure->commands;
	int ret = figure_query(figure, scene, query_stall,
			       "replay with --time, and costs for all it does",
			       st);

	if (ret)
		return ret;
	figure_title(figure, "set title", scene->middle.runs, "stalls of vCPUs",
		     true);
	outbuf_printf(out, "set xlabel 'vCPUs'\n"
			   "set ylabel 'time stalled (%%)'\n"
			   "set format y '%%.10g'\n"
			   "set logscale x 2\n"
			   "set offsets graph 0.05, graph 0.05, graph 0.05, 0\n"
			   "set yrange [0:*]\n");
	figure_legend(figure);
	outbuf_printf(out, "set bmargin at screen legend + 0.14\n");
	figure_lines(figure, scene, "using 1:2 with linespoints", true);
	return 0;
}

const struct figure_ops figure_stall = {
	.summary = "time that vCPUs stall, by their number",
	.draw = stall_draw,
};

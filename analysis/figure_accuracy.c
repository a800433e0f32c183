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
	figure_upper_panel(figure, scene, "accuracy of aging passes",
			   "ages off by (mean s per page)");
	figure_lines(figure, scene, "using 1:2 with lines", true);
	figure_lower_panel(figure, "pages in use called young (%)");
	outbuf_printf(out, "set yrange [0:105]\n");
	figure_lines(figure, scene, "using 1:3 with lines", false);
	outbuf_printf(out, "unset multiplot\n");
	return 0;
}

const struct figure_ops figure_accuracy = {
	.summary = "accuracy of aging passes over time",
	.draw = accuracy_draw,
};

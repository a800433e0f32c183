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
	figure_upper_panel(figure, scene, "refaults and memory over time",
			   "refaults so far (faults)");
	figure_lines(figure, scene, "using 1:3 with lines", true);
	figure_lower_panel(figure, "resident (MiB)");
	figure_lines(figure, scene, "using 1:2 with lines", false);
	outbuf_printf(out, "unset multiplot\n");
	return 0;
}

const struct figure_ops figure_time = {
	.summary = "refaults and resident memory over time",
	.draw = time_draw,
};

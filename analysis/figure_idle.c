/* SPDX-License-Identifier: MIT */
/*
 * True idle age of the resident pages over time, a panel per policy at the middle
 * limit.  Ages are powers of two of the mean sample interval; the lowest row holds
 * pages touched within the interval, whose age is not known any better.
 */
#include "analysis/figure.h"
#include "analysis/queries.h"

static void put_axes(struct outbuf *out)
{
	/* viridis: even in lightness, so it survives print and colour blindness */
	outbuf_printf(
		out,
		"set palette defined (0 '#440154', 1 '#472c7a', 2 '#3b518b', "
		"3 '#2c718e', 4 '#21908d', 5 '#27ad81', 6 '#5cc863', "
		"7 '#aadc32', 8 '#fde725')\n"
		"stats data using 2 name 'time' nooutput\n"
		"stats data using 3 name 'young' nooutput\n"
		"stats data using 4 name 'idle' nooutput\n"
		"stats data using 5 name 'pages' nooutput\n"
		"set xrange [0:time_max]\n"
		"set yrange [young_min:idle_max]\n"
		"set cbrange [10 ** floor(log10(pages_min)):"
		"10 ** (floor(log10(pages_max)) + 1)]\n"
		"set logscale y\n"
		"set logscale cb\n"
		"set format y '%%g'\n"
		"set format cb '%%.0s%%c'\n"
		"set cblabel 'resident pages of 4 KiB (log scale)' offset 1.5,0\n"
		"set object 1 rectangle from graph 0,0 to graph 1,1 behind "
		"fillcolor rgb '#eeeeee' fillstyle solid noborder\n"
		"unset colorbox\n"
		"unset key\n"
		"unset grid\n");
}

static void put_panel(struct figure *figure, size_t i, size_t columns)
{
	struct outbuf *out = &figure->commands;
	bool is_left = i % columns == 0;
	bool is_bottom = i + columns >= figure->block_count;

	outbuf_printf(out, "set title ");
	figure_quote(out, figure->blocks[i]->label);
	outbuf_printf(out, " offset 0,-0.6 font ',9'\n");
	outbuf_printf(out, "set xlabel '%s'\n", is_bottom ? "time (s)" : "");
	outbuf_printf(out, "set ylabel '%s'\n", is_left ? "idle age (s)" : "");
	/* One scale for all panels, drawn once, beside them. */
	if (i + 1 == figure->block_count)
		outbuf_printf(out, "set colorbox user origin screen 0.86, "
				   "screen 0.12 size screen 0.02, screen "
				   "0.75\n");
	outbuf_printf(out,
		      "plot data index %zu using (($1 + $2) / 2):(sqrt($3 * "
		      "$4)):1:2:3:4:5 with boxxyerror lc palette fillstyle "
		      "solid border\n",
		      i);
}

static int idle_draw(struct figure *figure, const struct scene *scene,
		     struct status *st)
{
	int ret = figure_query(figure, scene, query_idle_age,
			       "replay with --idle-age", st);
	size_t n = figure->block_count;
	size_t columns = n > 4 ? 3 : n > 1 ? 2 : 1;

	if (ret)
		return ret;
	put_axes(&figure->commands);
	figure_title(figure, "page_title =", scene->middle.runs,
		     "idle age of resident pages", true);
	outbuf_printf(&figure->commands,
		      "set multiplot layout %zu,%zu title page_title margins "
		      "screen 0.09, 0.84, 0.12, 0.87 spacing screen 0.045, "
		      "0.13\n",
		      (n + columns - 1) / columns, columns);
	for (size_t i = 0; i < n; i++)
		put_panel(figure, i, columns);
	outbuf_printf(&figure->commands, "unset multiplot\n");
	return 0;
}

const struct figure_ops figure_idle = {
	.summary = "idle age of resident pages over time",
	.draw = idle_draw,
};

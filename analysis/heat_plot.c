/* SPDX-License-Identifier: MIT */
/*
 * A grid of heat as a gnuplot script; see heat_plot.h.  Colour is the logarithm of
 * the share, with a step of its own for zero: a cell has hundreds of pages, and one
 * of them shall be seen.  Every segment is an image; between them is a gap for the
 * hole, which is not to scale.
 */
#include "analysis/heat_plot.h"

#include <math.h>

#include "analysis/figure.h"

/* In shares of the height of the grid. */
static const double gap_height = 0.04, label_height = 0.035;

/* The colour of a share: 0.1 % and less 0, 100 % 1, and what is cold below both. */
static double colour_of(double share)
{
	if (share <= 0)
		return -0.06;
	return fmax(0, (log10(share) + 3) / 3);
}

/* Where a segment begins on the axis of addresses, in rows. */
static double bottom_of(const struct heat *heat, size_t segment)
{
	return (double)heat->segments[segment].row +
	       (double)segment * gap_height * (double)heat->nr_rows;
}

static double top_of(const struct heat *heat, size_t segment)
{
	return bottom_of(heat, segment) +
	       (double)heat->segments[segment].nr_rows;
}

static double height_of(const struct heat *heat)
{
	return top_of(heat, heat->nr_segments - 1);
}

/* The first column begins here; gnuplot wants the middles of cells. */
static double time_at(const struct heat *heat, const struct heat_scale *scale,
		      double column)
{
	double ticks = (double)heat->start + (double)(heat->end - heat->start) *
						     column /
						     (double)heat->nr_columns;

	return ticks * scale->seconds_per_tick;
}

/* gnuplot wants images of two by two at least: single rows and columns are halved. */
static void put_image(struct outbuf *out, const struct heat *heat,
		      const struct heat_scale *scale, size_t segment)
{
	const struct heat_segment *s = &heat->segments[segment];
	size_t across = heat->nr_columns == 1 ? 2 : 1;
	size_t up = s->nr_rows == 1 ? 2 : 1;

	outbuf_printf(out, "$segment%zu << end_of_cells\n", segment);
	for (size_t r = 0; r < up * s->nr_rows; r++) {
		for (size_t c = 0; c < across * heat->nr_columns; c++) {
			double share =
				heat_share(heat, s->row + r / up, c / across);

			outbuf_printf(
				out, "%.9g %.9g ",
				time_at(heat, scale,
					((double)c + 0.5) / (double)across),
				bottom_of(heat, segment) +
					((double)r + 0.5) / (double)up);
			if (isnan(share))
				outbuf_printf(out, "NaN\n");
			else
				outbuf_printf(out, "%.4f\n", colour_of(share));
		}
	}
	outbuf_printf(out, "end_of_cells\n");
}

static void put_tic(struct outbuf *out, double at, double units)
{
	outbuf_printf(out, "set ytics add ('%.6g' %.9g)\n", units, at);
}

/* Labels at round addresses, no two closer than a label is high. */
static void put_tics(struct outbuf *out, const struct heat *heat,
		     const struct heat_scale *scale)
{
	double room = label_height * height_of(heat), last = -room;

	outbuf_printf(out, "set ytics () \n");
	for (size_t i = 0; i < heat->nr_segments; i++) {
		const struct heat_segment *s = &heat->segments[i];
		double first = (double)s->gfn * TRACE_PAGE_BYTES;
		double bytes = (double)s->npages * TRACE_PAGE_BYTES;
		double per_row = bytes / (double)s->nr_rows, step = 4096;

		while (step < 2 * room * per_row)
			step *= 2;
		for (double at = first; at <= first + bytes;
		     at = (floor(at / step) + 1) * step) {
			double y = bottom_of(heat, i) + (at - first) / per_row;

			if (y - last < room)
				continue;
			put_tic(out, y, at / scale->bytes);
			last = y;
		}
	}
}

/* White, with the size of what is left out. */
static void put_hole(struct outbuf *out, const struct heat *heat, size_t above)
{
	const struct heat_segment *s = &heat->segments[above];
	const struct heat_segment *below = s - 1;
	double from = top_of(heat, above - 1), to = bottom_of(heat, above);
	char size[UNITS_TEXT];

	units_bytes(size,
		    (s->gfn - below->gfn - below->npages) * TRACE_PAGE_BYTES);
	outbuf_printf(out,
		      "set object rectangle from graph 0, first %.9g to "
		      "graph 1, first %.9g front fillcolor rgb 'white' "
		      "fillstyle solid border linecolor rgb '#909090'\n"
		      "set label '~ no memory for %s ~' at graph 0.5, first "
		      "%.9g center front font ',9' textcolor rgb '#666666'\n",
		      from, to, size, (from + to) / 2);
}

/* Return: whether there were any. */
static bool put_losses(struct outbuf *out, const struct heat *heat,
		       const struct heat_scale *scale)
{
	bool has_any = false;

	for (size_t c = 0; c < heat->nr_columns; c++) {
		if (!heat->has_lost[c])
			continue;
		has_any = true;
		outbuf_printf(out,
			      "set object rectangle from first %.9g, graph "
			      "1.005 to first %.9g, graph 1.02 front noclip "
			      "fillcolor rgb '#0072b2' fillstyle solid "
			      "noborder\n",
			      time_at(heat, scale, (double)c),
			      time_at(heat, scale, (double)c + 1));
	}
	return has_any;
}

static bool has_missing(const struct heat *heat)
{
	for (size_t cell = 0; cell < heat->nr_rows * heat->nr_columns; cell++)
		if (heat->observed[cell] <= 0)
			return true;
	return false;
}

static void put_key(struct outbuf *out, const char *colour, const char *title)
{
	outbuf_printf(out,
		      ", NaN with boxes fillstyle solid noborder fillcolor rgb "
		      "'%s' title '%s'",
		      colour, title);
}

static void put_plot(struct outbuf *out, const struct heat *heat,
		     bool has_losses)
{
	for (size_t i = 0; i < heat->nr_segments; i++)
		outbuf_printf(out,
			      "%s$segment%zu using 1:2:3 with image notitle",
			      i ? ", " : "plot ", i);
	if (has_missing(heat))
		put_key(out, "#c8ccd0", "not observed");
	if (has_losses)
		put_key(out, "#0072b2", "events lost");
	outbuf_printf(out, "\n");
}

static void put_axes(struct outbuf *out, const struct heat *heat,
		     const struct heat_scale *scale)
{
	char rows[HEAT_TEXT];

	outbuf_printf(out, "set title ");
	figure_quote(out, scale->title);
	outbuf_printf(out,
		      " offset 0,0.5\n"
		      "set label '1 cell: %s x %s' at screen 0.99, screen 0.02 "
		      "right font ',9' textcolor rgb '#666666'\n"
		      "set xlabel '%s'\n"
		      "set ylabel 'guest-physical address (%s)'\n"
		      "set cblabel '%s (%%)' offset 1\n"
		      "set format x '%%g'\n"
		      "set xrange [%.9g:%.9g]\n"
		      "set yrange [0:%.9g]\n",
		      scale->time_text, heat_rows_text(rows, heat),
		      scale->time_label, scale->unit, scale->share_label,
		      time_at(heat, scale, 0),
		      time_at(heat, scale, (double)heat->nr_columns),
		      height_of(heat));
	put_tics(out, heat, scale);
	for (size_t i = 1; i < heat->nr_segments; i++)
		put_hole(out, heat, i);
}

void heat_script(struct outbuf *out, const struct heat *heat,
		 const struct heat_scale *scale)
{
	outbuf_printf(
		out,
		"set terminal pngcairo size 1000,620 noenhanced "
		"font 'DejaVu Sans,11' background 'white'\n"
		"set palette defined (-0.12 'white', -0.001 'white', "
		"0 '#fde9b0', 0.333 '#f5a35c', 0.667 '#c2405f', 1 '#2a1150')\n"
		"set cbrange [-0.12:1]\n"
		"set cbtics ('0' -0.06, '0.1' 0, '1' 0.3333, '10' 0.6667, "
		"'100' 1)\n"
		"set tics out nomirror\n"
		"set object rectangle from graph 0, graph 0 to graph 1, "
		"graph 1 behind fillcolor rgb '#c8ccd0' fillstyle solid "
		"noborder\n"
		"set key at screen 0.01, screen 0.02 left bottom Left reverse "
		"samplen 1.5 maxrows 1 font ',9' textcolor rgb '#666666'\n");
	put_axes(out, heat, scale);
	for (size_t i = 0; i < heat->nr_segments; i++)
		put_image(out, heat, scale, i);
	put_plot(out, heat, put_losses(out, heat, scale));
}

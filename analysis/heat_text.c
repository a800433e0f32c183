/* SPDX-License-Identifier: MIT */
/*
 * A grid of heat as characters, for terminals and mails.  Five steps are all that
 * shades can tell apart: zero, and four that triple up to the largest share, because
 * most cells are nearly cold.  So the steps of two traces may differ.
 */
#include "analysis/heat_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

enum {
	NR_STEPS = 5,
	LABEL_EVERY = 4, /* rows */
	TIME_EVERY = 16, /* columns between two labels, at least */
};

struct step {
	double from; /* shares from here on, as a part of the largest */
	const char *shade, *ascii, *colour;
};

static const struct step steps[NR_STEPS] = {
	{0, "\u00b7", ".", "240"},	 {0, "\u2591", "-", "61"},
	{1.0 / 30, "\u2592", "+", "67"}, {1.0 / 10, "\u2593", "*", "178"},
	{1.0 / 3, "\u2588", "#", "203"},
};

/* How a grid looks. */
struct canvas {
	const struct heat *heat;
	const struct heat_scale *scale;
	enum heat_look look;
	double largest; /* share */
};

static double largest_share(const struct heat *heat)
{
	double largest = 0;

	for (size_t row = 0; row < heat->nr_rows; row++)
		for (size_t c = 0; c < heat->nr_columns; c++)
			largest = fmax(largest, heat_share(heat, row, c));
	return largest;
}

static void put_step(const struct canvas *canvas, const struct step *step)
{
	if (canvas->look == HEAT_COLOUR)
		printf("\033[38;5;%sm%s\033[0m", step->colour, step->shade);
	else
		fputs(canvas->look == HEAT_ASCII ? step->ascii : step->shade,
		      stdout);
}

static void put_share(const struct canvas *canvas, double share)
{
	size_t i = share > 0 ? NR_STEPS - 1 : 0;

	while (i > 1 && share < steps[i].from * canvas->largest)
		i--;
	put_step(canvas, &steps[i]);
}

/* Return: how much of the line has something to show. */
static size_t used_columns(const struct heat *heat, size_t row)
{
	size_t n = heat->nr_columns;

	while (n && isnan(heat_share(heat, row, n - 1)))
		n--;
	return n;
}

static void put_row(const struct canvas *canvas, size_t row)
{
	const struct heat *heat = canvas->heat;
	size_t n = used_columns(heat, row);

	for (size_t c = 0; c < n; c++) {
		double share = heat_share(heat, row, c);

		if (isnan(share))
			putchar(' ');
		else
			put_share(canvas, share);
	}
	putchar('\n');
}

static void put_segment(const struct canvas *canvas,
			const struct heat_segment *s)
{
	for (size_t r = s->nr_rows; r-- > 0;) {
		if (r % LABEL_EVERY == 0)
			printf("%8.2f |", (double)heat_row_gfn(s, r) *
						  TRACE_PAGE_BYTES /
						  canvas->scale->bytes);
		else
			printf("%8s |", "");
		put_row(canvas, s->row + r);
	}
}

static void put_hole(const struct heat_segment *below,
		     const struct heat_segment *above)
{
	char size[UNITS_TEXT];
	uint64_t pages = above->gfn - (below->gfn + below->npages);

	printf("%8s ~ no memory for %s ~\n", "~",
	       units_bytes(size, pages * TRACE_PAGE_BYTES));
}

/* The axis of time: a line, and below it times where they have room. */
static void put_times(const struct heat *heat, const struct heat_scale *scale)
{
	size_t every = TIME_EVERY, used = 0;

	printf("%8s +", "");
	for (size_t c = 0; c < heat->nr_columns; c++)
		putchar(c % every ? '-' : '+');
	printf("\n%10s", "");
	for (size_t c = 0; c < heat->nr_columns; c += every) {
		char text[UNITS_TEXT];

		while (used < c)
			used += putchar(' ') == ' ';
		used += (size_t)printf("%s",
				       heat_time_text(text, heat, scale, c));
	}
	printf("  %s\n", scale->time_label);
}

static bool put_losses(const struct heat *heat)
{
	bool has_any = false;

	for (size_t c = 0; c < heat->nr_columns; c++)
		has_any |= heat->has_lost[c];
	if (!has_any)
		return false;
	printf("%8s  ", "lost");
	for (size_t c = 0; c < heat->nr_columns; c++)
		putchar(heat->has_lost[c] ? '!' : ' ');
	putchar('\n');
	return true;
}

static void put_legend(const struct canvas *canvas, bool has_losses)
{
	char row[HEAT_TEXT];

	printf("\neach cell: %s, of %s in %s\n", canvas->scale->share_label,
	       heat_rows_text(row, canvas->heat), canvas->scale->time_text);
	for (size_t i = 0; i < NR_STEPS && (canvas->largest > 0 || !i); i++) {
		put_step(canvas, &steps[i]);
		printf(i ? " %s%.2g%%   " : " %s%g   ",
		       !i	? ""
		       : i == 1 ? ">"
				: ">=",
		       100 * steps[i].from * canvas->largest);
	}
	printf("blank: not observed\n");
	if (has_losses)
		printf("! events were lost: there may have been more accesses\n");
}

void heat_print(const struct heat *heat, const struct heat_scale *scale,
		enum heat_look look)
{
	const struct canvas canvas = {heat, scale, look, largest_share(heat)};

	printf("%8s  %s\n", scale->unit, scale->title);
	for (size_t i = heat->nr_segments; i-- > 0;) {
		put_segment(&canvas, &heat->segments[i]);
		if (i)
			put_hole(&heat->segments[i - 1], &heat->segments[i]);
	}
	put_times(heat, scale);
	put_legend(&canvas, put_losses(heat));
}

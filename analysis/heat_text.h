/* SPDX-License-Identifier: MIT */
/* A grid of heat for people: what its axes and colours mean, and as characters. */
#ifndef ANALYSIS_HEAT_TEXT_H
#define ANALYSIS_HEAT_TEXT_H

#include "analysis/heat.h"
#include "base/units.h"

enum {
	HEAT_TEXT = 160
};

/* The words and units of a figure. */
struct heat_scale {
	const char *title;
	const char *unit;	/* of addresses: "GiB" */
	double bytes;		/* of one unit */
	const char *time_label; /* "time (s)" */
	double seconds_per_tick;
	const char *share_label;   /* what a colour is a share of */
	char time_text[HEAT_TEXT]; /* what a cell is in time */
};

enum heat_look {
	HEAT_ASCII,  /* no byte above 126 */
	HEAT_SHADES, /* block characters in UTF-8 */
	HEAT_COLOUR, /* the same in colour */
};

/* Return: @scale filled for a trace; @title is borrowed. */
struct heat_scale heat_scale_of(const struct heat *heat,
				const struct trace_meta *meta,
				const char *title);

/* Print the grid, its axes and its legend on stdout. */
void heat_print(const struct heat *heat, const struct heat_scale *scale,
		enum heat_look look);

/* The time at which a column begins, as labels show it. */
const char *heat_time_text(char buf[UNITS_TEXT], const struct heat *heat,
			   const struct heat_scale *scale, size_t column);

/* "rows of 2.0 MiB", or from the smallest to the largest. */
const char *heat_rows_text(char buf[HEAT_TEXT], const struct heat *heat);

#endif

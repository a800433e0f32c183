/* SPDX-License-Identifier: MIT */
/* Units and words of figures of heat; see heat_text.h. */
#include <math.h>
#include <stdio.h>

#include "analysis/heat_text.h"

/* MiB where in GiB the labels of rows would be alike, or all fraction. */
static bool is_small(const struct heat *heat)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < heat->nr_segments; i++)
		pages += heat->segments[i].npages;
	return pages < (1 << 30) / TRACE_PAGE_BYTES;
}

static const char *share_label(const struct heat *heat)
{
	if (heat->is_written)
		return "share of pages written";
	if (heat->has_hits)
		return "share of looks that found the page accessed";
	return "share of pages accessed";
}

/* A column shows no more than the epochs that it cuts up. */
static void set_time_text(struct heat_scale *scale, const struct heat *heat,
			  double ns_per_tick)
{
	double column =
		(double)(heat->end - heat->start) / (double)heat->nr_columns;
	bool is_cut = (double)heat->longest_epoch > column;
	char text[UNITS_TEXT];

	units_time(text, (uint64_t)llround(ns_per_tick *
					   (is_cut ? (double)heat->longest_epoch
						   : column)));
	snprintf(scale->time_text, sizeof(scale->time_text), "%s%s",
		 is_cut ? "epochs of up to " : "", text);
}

struct heat_scale heat_scale_of(const struct heat *heat,
				const struct trace_meta *meta,
				const char *title)
{
	bool small = is_small(heat);
	double ns = (double)meta->clock.ps_per_tick / 1000;
	struct heat_scale scale = {
		.title = title,
		.unit = small ? "MiB" : "GiB",
		.bytes = small ? 1 << 20 : 1 << 30,
		.time_label = meta->clock.kind == TRACE_CLOCK_NS
				      ? "time (s)"
				      : "time (s, by retired instructions)",
		.seconds_per_tick = ns / 1e9,
		.share_label = share_label(heat),
	};

	set_time_text(&scale, heat, ns);
	return scale;
}

const char *heat_time_text(char buf[UNITS_TEXT], const struct heat *heat,
			   const struct heat_scale *scale, size_t column)
{
	double length =
		(double)(heat->end - heat->start) * scale->seconds_per_tick;
	double start = (double)heat->start * scale->seconds_per_tick;
	/* three digits of the distance between labels */
	int digits = (int)ceil(2 - log10(length));

	snprintf(buf, UNITS_TEXT, "%.*f",
		 digits < 0   ? 0
		 : digits > 9 ? 9
			      : digits,
		 start + length * (double)column / (double)heat->nr_columns);
	return buf;
}

const char *heat_rows_text(char buf[HEAT_TEXT], const struct heat *heat)
{
	char low[UNITS_TEXT], high[UNITS_TEXT];
	double least = INFINITY, most = 0;

	for (size_t i = 0; i < heat->nr_segments; i++) {
		const struct heat_segment *s = &heat->segments[i];
		double bytes = (double)s->npages * TRACE_PAGE_BYTES /
			       (double)s->nr_rows;

		least = fmin(least, bytes);
		most = fmax(most, bytes);
	}
	units_bytes(low, (uint64_t)least);
	units_bytes(high, (uint64_t)most);
	if (most < 1.05 * least)
		snprintf(buf, HEAT_TEXT, "%s", high);
	else
		snprintf(buf, HEAT_TEXT, "%s to %s", low, high);
	return buf;
}

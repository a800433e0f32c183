/* SPDX-License-Identifier: MIT */
/* Gaps between passes are counted in epochs of mean length; see epoch_fit.h. */
#include "replay/epoch_fit.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "replay/engine.h"
#include "replay/lane.h"

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The gaps between the passes that left generations behind.  Return: how many. */
static size_t find_gaps(const struct lane *lane, uint64_t *gap_ns)
{
	const struct lane_generation *g = lane->generations;
	size_t n = 0;

	/* each generation of a pass has the time of that pass */
	for (size_t i = 1; i < lane->nr_generations; i++)
		if (g[i].pass != g[i - 1].pass)
			gap_ns[n++] = g[i].end_ns - g[i - 1].end_ns;
	return n;
}

static double median(uint64_t *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_value);
	return ((double)values[(n - 1) / 2] + (double)values[n / 2]) / 2;
}

static int set_pass_gap(struct lane *lane, const struct engine_trace *trace,
			struct status *st)
{
	uint64_t *gap_ns =
		kage_calloc(lane->nr_generations + 1, sizeof(*gap_ns), st);
	size_t n;

	if (!gap_ns)
		return -ENOMEM;
	n = find_gaps(lane, gap_ns);
	lane->fit.has_pass_gap = n && trace->duration_ns;
	if (lane->fit.has_pass_gap)
		lane->fit.pass_gap_epochs = median(gap_ns, n) *
					    (double)trace->totals.epochs /
					    (double)trace->duration_ns;
	free(gap_ns);
	return 0;
}

int epoch_fit_set(struct lane *lane, const struct engine_trace *trace,
		  const struct lane *coarse, struct status *st)
{
	uint64_t limit_pages = lane->config->limit_pages;

	lane->fit = (struct epoch_fit){
		.has_epochs = trace->totals.epochs,
		.has_set_share = limit_pages,
		.has_coarse_refaults = coarse,
	};
	if (!lane->fit.has_epochs)
		return 0;
	if (limit_pages)
		lane->fit.largest_set_share =
			(double)trace->largest_epoch_pages /
			(double)limit_pages;
	if (coarse)
		lane->fit.coarse_refaults = coarse->counters.n[COUNT_refaults];
	return set_pass_gap(lane, trace, st);
}

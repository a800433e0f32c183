/* SPDX-License-Identifier: MIT */
/* Limits and where distances fit; see mrc_limits.h. */
#include "models/mrc_limits.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"

enum {
	RANGES = 16384 /* at most: what fits in a cache */
};

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int fill_ranges(struct mrc_limits *l, struct status *st)
{
	size_t ranges, at = 0;

	while (l->most >> l->shift > RANGES)
		l->shift++;
	ranges = ((size_t)l->most >> l->shift) + 2;
	l->first = kage_calloc(ranges, sizeof(*l->first), st);
	if (!l->first)
		return -ENOMEM;
	for (size_t range = 0; range < ranges; range++) {
		double from = (double)((uint64_t)range << l->shift);

		while (at < l->n && l->limit[at] < from)
			at++;
		l->first[range] = (uint32_t)at;
	}
	return 0;
}

int mrc_limits_init(struct mrc_limits *l, const struct mrc_point *points,
		    size_t n, size_t steps, uint64_t footprint, uint32_t most,
		    struct status *st)
{
	*l = (struct mrc_limits){.n = n + steps, .most = most};
	l->limit = kage_calloc(l->n + 1, sizeof(*l->limit), st);
	if (!l->limit)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		l->limit[i] = (double)points[i].limit;
	for (size_t i = 0; i < steps; i++)
		l->limit[n + i] =
			(double)footprint * (double)(i + 1) / (double)steps;
	qsort(l->limit, l->n, sizeof(*l->limit), by_size);
	return fill_ranges(l, st);
}

void mrc_limits_fini(struct mrc_limits *l)
{
	free(l->limit);
	free(l->first);
}

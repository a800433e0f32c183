/* SPDX-License-Identifier: MIT */
/*
 * Limits in rising order, and which of them is the first that a distance fits in:
 * once per access, so that a table narrows the search.
 */
#ifndef MODELS_MRC_LIMITS_H
#define MODELS_MRC_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "models/mrc_curve.h"

struct mrc_limits {
	double *limit; /* pages, rising; owned */
	size_t n;
	uint32_t most;	    /* pages: no distance is larger */
	unsigned int shift; /* pages of a range, as a power of two */
	uint32_t *first; /* per range: the first limit in or behind it; owned */
};

/**
 * mrc_limits_init - those of @points, and @steps even ones up to @footprint
 * @most: pages that a distance is at most
 *
 * Return: 0 or -ENOMEM; mrc_limits_fini() is safe in any case.
 */
int mrc_limits_init(struct mrc_limits *l, const struct mrc_point *points,
		    size_t n, size_t steps, uint64_t footprint, uint32_t most,
		    struct status *st);
void mrc_limits_fini(struct mrc_limits *l);

/* Return: the first limit from @low on that is at least @pages, or @high. */
static inline size_t mrc_limits_between(const struct mrc_limits *l,
					double pages, size_t low, size_t high)
{
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (l->limit[middle] < pages)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Return: the first limit that is at least @pages, or the number of limits. */
static inline size_t mrc_limits_find(const struct mrc_limits *l, double pages)
{
	return mrc_limits_between(l, pages, 0, l->n);
}

/* The same for whole pages, up to .most. */
static inline size_t mrc_limits_of(const struct mrc_limits *l, uint32_t pages)
{
	const uint32_t *first = l->first + (pages >> l->shift);

	return mrc_limits_between(l, pages, first[0], first[1]);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Quantiles of times without keeping them: counts in buckets that are exact below
 * 128 and from there on at most 1/64 of their lower end wide.  A quantile is the lower
 * end of its bucket, so at most 1.6 % too low; sum and maximum are exact.
 */
#ifndef MODELS_HIST_H
#define MODELS_HIST_H

#include <stddef.h>
#include <stdint.h>

enum {
	HIST_BITS = 6, /* buckets per octave: 2^6 */
	HIST_BUCKETS = (65 - HIST_BITS) << HIST_BITS
};

struct hist {
	uint64_t n, sum, max;
	uint64_t bucket[HIST_BUCKETS];
};

static inline size_t hist_bucket(uint64_t value)
{
	unsigned int top, shift;

	if (value >> (HIST_BITS + 1) == 0)
		return (size_t)value;
	top = 63 - (unsigned int)__builtin_clzll(value);
	shift = top - HIST_BITS;
	return ((size_t)shift << HIST_BITS) + (size_t)(value >> shift);
}

/* The lowest value of @bucket. */
static inline uint64_t hist_low(size_t bucket)
{
	size_t shift;

	if (bucket >> (HIST_BITS + 1) == 0)
		return bucket;
	shift = (bucket >> HIST_BITS) - 1;
	return (uint64_t)(bucket - (shift << HIST_BITS)) << shift;
}

static inline void hist_add(struct hist *h, uint64_t value)
{
	h->n++;
	h->sum += value;
	h->max = value > h->max ? value : h->max;
	h->bucket[hist_bucket(value)]++;
}

/* Return: the value that @share of all are not above (nearest rank); 0 of none. */
static inline uint64_t hist_quantile(const struct hist *h, double share)
{
	double exact = share * (double)h->n;
	uint64_t rank = (uint64_t)exact, seen = 0;

	rank += (double)rank < exact;
	for (size_t b = 0; b < HIST_BUCKETS; b++) {
		seen += h->bucket[b];
		if (seen && seen >= rank)
			return hist_low(b);
	}
	return 0;
}

#endif

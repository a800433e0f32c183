/* SPDX-License-Identifier: MIT */
/*
 * How well two results agree, as numbers: which pages were evicted, in which order, and
 * how pages are spread over generations.  Pure functions; validate.h says of what.
 *
 * Pages may occur more than once (evicted again after a refault).  The k-th occurrence
 * in the one list stands for the k-th in the other.
 */
#ifndef ANALYSIS_AGREEMENT_H
#define ANALYSIS_AGREEMENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "datasets/trace/trace.h"

struct agreement {
	size_t a, b;	     /* lengths of the lists, in pages */
	size_t common;	     /* pages in both */
	uint64_t inversions; /* pairs of common pages in another order */
};

/**
 * agreement_of - compare two lists of pages in O(n log n)
 * @a: may be NULL if there are none; so may @b
 *
 * Return: 0, or -ENOMEM.
 */
int agreement_of(struct agreement *agreement, const gfn_t *a, size_t nr_a,
		 const gfn_t *b, size_t nr_b, struct status *st);

/* Return: the Jaccard index of the multisets, 0 to 1; NAN of two empty ones. */
double agreement_jaccard(const struct agreement *agreement);

/* Return: Kendall's tau of the order of common pages, -1 to 1; NAN if they are fewer
 * than two, which have no order. */
double agreement_tau(const struct agreement *agreement);

/* Return: the share of pages that are in another generation, 0 to 1; pages of the one
 * that the other does not have count, too.  Generations are from the oldest to the
 * youngest, and the youngest is compared with the youngest.  NAN if there are no
 * pages at all. */
double agreement_misplaced(const uint64_t *a, size_t nr_a, const uint64_t *b,
			   size_t nr_b);

#endif

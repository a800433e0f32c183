/* SPDX-License-Identifier: MIT */
/*
 * Points of a miss-ratio curve: the refaults of exact LRU at some limits, from every
 * access or estimated from those to some of the pages.
 *
 * The sample is spatial (Waldspurger, Park, Garthwaite, Ahmad, "Efficient MRC
 * construction with SHARDS", FAST 2015), but takes aligned blocks of 64 pages by a
 * seeded hash of their number, because look-around and Bloom filters, which one wants
 * to replay on the same sample, need whole windows.  A distance counts the pages of
 * the access's own block as they are, and all others by the share of pages that are
 * in the sample.
 *
 * What a sample does not show is estimated twice: how much blocks differ, by the
 * spread of the counts between 32 random groups of them; and how well it measures
 * distances, by how many pages of a block go together.  The interval covers both at
 * 95 %.  It cannot know of blocks unlike all that it has: few, and very hot or cold.
 */
#ifndef MODELS_MRC_CURVE_H
#define MODELS_MRC_CURVE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "models/bounds.h"

enum {
	MRC_BLOCK = 64,	      /* pages that are in a sample together */
	MRC_BLOCKS_MIN = 128, /* of a sample: with fewer, intervals lie */
};

struct mrc_point {
	uint64_t limit;	  /* pages; set by the caller, rising */
	double refaults;  /* faults on pages seen before */
	double low, high; /* 95 % interval; both are @refaults if exact */
};

struct mrc_totals {
	uint64_t accesses, footprint; /* known exactly in either case */
	uint64_t blocks, sampled_blocks, sampled_pages;
};

/* Return: 0, or a negative errno with @st set. */
int mrc_exact(const struct bound_trace *trace, struct mrc_point *points,
	      size_t n, struct mrc_totals *totals, struct status *st);

/**
 * mrc_sampled - the same from some of the accesses
 * @rate: share of the blocks to take, above 0 and up to 1
 *
 * Return: 0, -EINVAL if fewer than MRC_BLOCKS_MIN blocks are in the sample, or another
 * negative errno.
 */
int mrc_sampled(const struct bound_trace *trace, double rate, uint64_t seed,
		struct mrc_point *points, size_t n, struct mrc_totals *totals,
		struct status *st);

#endif

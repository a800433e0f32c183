/* SPDX-License-Identifier: MIT */
/*
 * The order of an epoch's pages where the trace does not know it: that of a hash of
 * seed, epoch and gfn, so that everybody who plays the epoch takes the same.
 */
#ifndef DATASETS_EPOCH_ORDER_H
#define DATASETS_EPOCH_ORDER_H

#include "base/rng.h"

/* What the pages of epoch @index have in common. */
static inline uint64_t epoch_order_salt(uint64_t seed, uint64_t index)
{
	return rng_mix(rng_mix(seed + 1) + index);
}

/* Pages go in rising order of their key, those of one key in that of their gfn. */
static inline uint64_t epoch_order_key(uint64_t salt, uint64_t gfn)
{
	return rng_mix(salt + gfn);
}

#endif

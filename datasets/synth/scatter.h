/* SPDX-License-Identifier: MIT */
/*
 * A seeded permutation of [0, n): where a generator's ranks are in the guest.
 * Four rounds of a Feistel network on the least even number of bits that holds
 * n, walked until the value is below n: less than four steps on average.
 */
#ifndef DATASETS_SYNTH_SCATTER_H
#define DATASETS_SYNTH_SCATTER_H

#include <stdint.h>

#include "base/rng.h"

struct scatter {
	uint64_t n;
	uint64_t seed;
	unsigned int half_bits;
};

static inline struct scatter scatter_init(uint64_t n, uint64_t seed)
{
	struct scatter s = {.n = n, .seed = seed, .half_bits = 1};

	while (s.half_bits < 32 && n > UINT64_C(1) << 2 * s.half_bits)
		s.half_bits++;
	return s;
}

static inline uint64_t scatter_once(const struct scatter *s, uint64_t x)
{
	uint64_t mask = (UINT64_C(1) << s->half_bits) - 1;
	uint64_t left = x >> s->half_bits, right = x & mask;

	for (uint64_t round = 0; round < 4; round++) {
		uint64_t key = (s->seed + round) * 0x9e3779b97f4a7c15u;
		uint64_t mixed = left ^ (rng_mix(right ^ key) & mask);

		left = right;
		right = mixed;
	}
	return left << s->half_bits | right;
}

/* Return: the place of @rank, which is below n. */
static inline uint64_t scatter_place(const struct scatter *s, uint64_t rank)
{
	do
		rank = scatter_once(s, rank);
	while (rank >= s->n);
	return rank;
}

#endif

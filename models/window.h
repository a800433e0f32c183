/* SPDX-License-Identifier: MIT */
/*
 * From 64 elements to a mask of 64 bits.  These loops are what aging spends its time
 * in, and compilers do not vectorise the scalar form.  SSE2 is part of x86-64; other
 * machines take the scalar form.
 */
#ifndef MODELS_WINDOW_H
#define MODELS_WINDOW_H

#include <stdint.h>

#include "models/pages.h"

/* Pages in a mask.  Baseline x86-64 has no POPCNT, and the compiler's substitute is
 * a call that walks a table. */
static inline uint32_t window_count(uint64_t mask)
{
	const uint64_t ones = UINT64_MAX / 255; /* 0x01 in every byte */

	mask -= mask >> 1 & ones * 0x55;
	mask = (mask & ones * 0x33) + (mask >> 2 & ones * 0x33);
	mask = (mask + (mask >> 4)) & ones * 0x0f;
	return (uint32_t)(mask * ones >> 56);
}

static inline uint64_t window_of_flags_scalar(const uint16_t *flags,
					      uint16_t wanted)
{
	uint64_t mask = 0;

	for (int i = 0; i < WINDOW; i++)
		mask |= (uint64_t)((flags[i] & wanted) != 0) << i;
	return mask;
}

static inline uint64_t window_of_accessed_scalar(const uint64_t *word,
						 uint64_t wanted)
{
	uint64_t mask = 0;

	for (int i = 0; i < WINDOW; i++)
		mask |= (uint64_t)((word[i] & wanted) != 0) << i;
	return mask;
}

#ifdef __SSE2__
#include <emmintrin.h>

static inline __m128i window_load(const void *p)
{
	return _mm_loadu_si128((const __m128i *)p);
}

/* All ones in the 16-bit lanes of eight flags that have none of @wanted. */
static inline __m128i window_lacking(const uint16_t *flags, __m128i wanted)
{
	return _mm_cmpeq_epi16(_mm_and_si128(window_load(flags), wanted),
			       _mm_setzero_si128());
}

/* Bit i: whether @flags[i] has any of @wanted. */
static inline uint64_t window_of_flags(const uint16_t *flags, uint16_t wanted)
{
	__m128i w = _mm_set1_epi16((short)wanted);
	uint64_t lacking = 0;

	for (int i = 0; i < WINDOW; i += 16) {
		__m128i sixteen =
			_mm_packs_epi16(window_lacking(flags + i, w),
					window_lacking(flags + i + 8, w));

		lacking |= (uint64_t)(uint32_t)_mm_movemask_epi8(sixteen) << i;
	}
	return ~lacking;
}

/* All ones in the 32-bit lanes of four words whose upper half has @wanted. */
static inline __m128i window_having(const uint64_t *word, __m128i wanted)
{
	__m128 low = _mm_castsi128_ps(window_load(word));
	__m128 high = _mm_castsi128_ps(window_load(word + 2));
	__m128 upper = _mm_shuffle_ps(low, high, _MM_SHUFFLE(3, 1, 3, 1));

	return _mm_cmpeq_epi32(_mm_and_si128(_mm_castps_si128(upper), wanted),
			       wanted);
}

/* Bit i: whether @word[i] has @wanted, an accessed bit (one of the upper 32). */
static inline uint64_t window_of_accessed(const uint64_t *word, uint64_t wanted)
{
	__m128i w = _mm_set1_epi32((int)(wanted >> 32));
	uint64_t mask = 0;

	for (int i = 0; i < WINDOW; i += 16) {
		__m128i low = _mm_packs_epi32(window_having(word + i, w),
					      window_having(word + i + 4, w));
		__m128i high = _mm_packs_epi32(window_having(word + i + 8, w),
					       window_having(word + i + 12, w));
		__m128i sixteen = _mm_packs_epi16(low, high);

		mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(sixteen) << i;
	}
	return mask;
}
#else
static inline uint64_t window_of_flags(const uint16_t *flags, uint16_t wanted)
{
	return window_of_flags_scalar(flags, wanted);
}

static inline uint64_t window_of_accessed(const uint64_t *word, uint64_t wanted)
{
	return window_of_accessed_scalar(word, wanted);
}
#endif

#endif

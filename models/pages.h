/* SPDX-License-Identifier: MIT */
/*
 * What many models of one guest share: a word per page with two bits per lane.
 *
 *   bit L       quiet: an access does nothing in lane L but set its accessed bit
 *               (SPTE present, rights sufficient, hardware A/D)
 *   bit 32 + L  accessed: the accessed bit of lane L's SPTE (the secondary one)
 *
 * So an access costs one load, one test and one store for all lanes together, and
 * only lanes in which the page is not quiet do work of their own.  Residency,
 * primary accessed bit and generation are lane state (mglru.h).
 *
 * A page is named by its index: dense, and congruent to its host virtual page
 * number modulo 512, so that index / 512 names its leaf page table.
 */
#ifndef MODELS_PAGES_H
#define MODELS_PAGES_H

#include <stdint.h>

enum {
	PAGES_LANES_MAX = 32,
	PTRS_PER_PTE = 512, /* pages of one leaf page table */
	WINDOW = 64,	    /* pages of one 64-bit mask */
	TABLE_WINDOWS = PTRS_PER_PTE / WINDOW,
};

struct pages {
	uint64_t *word;	 /* npages elements; owned by the engine */
	uint32_t npages; /* a multiple of PTRS_PER_PTE, below 2^32 - 16 */
	/* The last of them, a multiple of PTRS_PER_PTE, are file pages of another
	 * process: they have no SPTE, so that no access to them is quiet. */
	uint32_t file_pages;
};

static inline uint64_t pages_quiet_bit(unsigned int lane)
{
	return UINT64_C(1) << lane;
}

static inline uint64_t pages_accessed_bit(unsigned int lane)
{
	return UINT64_C(1) << (32 + lane);
}

#endif

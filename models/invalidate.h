/* SPDX-License-Identifier: MIT */
/*
 * Invalidations of pages that stay; those of pages that leave are MGLRU's own.  What a
 * call does to a secondary MMU is in unmap.c.  It cannot know why a trace recorded one.
 */
#ifndef MODELS_INVALIDATE_H
#define MODELS_INVALIDATE_H

#include "models/mglru.h"

/*
 * Pages [first, end), which stay, are invalidated: in as many calls as m->mmu->chunk
 * makes of them (invalidate.c).  SPTEs go, and with them ages: up to 6.12 the release of a
 * young one marks its page accessed, except on arm64.
 * Return: the pages that lost their SPTE.
 */
uint64_t mglru_invalidate(struct mglru *m, uint32_t first, uint32_t end,
			  enum mmu_reason reason);

/* The same by numa_protect(): only those pages of [first, end) that @wants says. */
uint64_t mglru_protect(struct mglru *m, uint32_t first, uint32_t end,
		       uint64_t (*wants)(const void *arg, uint32_t first,
					 uint64_t range),
		       const void *arg);

/* Return: the pages of @range with an SPTE, read-only ones, too. */
uint64_t mglru_has_sptes(const struct mglru *m, uint32_t first, uint64_t range);

#endif

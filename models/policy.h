/* SPDX-License-Identifier: MIT */
/*
 * A policy: whom MGLRU asks about guest accesses, when, and under which lock.
 * All else (generations, lists, eviction) is MGLRU's and the same for every policy.
 *
 * A policy sees only what the secondary MMU answers.  Its hooks run on the thread
 * of their lane, keep no state, and may run for many lanes at once.  A hook that is
 * NULL asks nobody.
 *
 * Masks: bit i of a mask is page first + i; a table is eight such windows.
 */
#ifndef MODELS_POLICY_H
#define MODELS_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/param.h"
#include "models/mmu.h"

enum {
	POLICY_PARAMS_MAX = 64
};

struct policy_ops {
	const char *summary;
	const struct param_spec *params; /* NULL: none */
	size_t params_size;		 /* at most POLICY_PARAMS_MAX */

	/*
	 * The aging walk has reached a leaf table (walk_pte_range).  Ask about the
	 * pages of @want, which are present and of this memcg, and add to @young
	 * those whose SPTE was young, now old.  Others keep their accessed bit.
	 */
	void (*age_table)(const void *params, struct mmu *mmu, uint32_t first,
			  const uint64_t want[TABLE_WINDOWS],
			  uint64_t young[TABLE_WINDOWS]);

	/* An eviction candidate (folio_referenced_one).  Return: was it young. */
	bool (*age_victim)(const void *params, struct mmu *mmu, uint32_t page);

	/*
	 * The candidate was young, but in the secondary MMU only.  Return: is that
	 * enough to look around (should_look_around).  NULL: it is not.
	 */
	bool (*looks_around)(const void *params, const struct mmu *mmu);

	/*
	 * Look-around is due (lru_gen_look_around).  Ask about @want; return those
	 * that were young, now old.
	 */
	uint64_t (*age_window)(const void *params, struct mmu *mmu,
			       uint32_t first, uint64_t want);
};

struct policy_entry {
	const char *name;
	const struct policy_ops *ops;
};

extern const struct policy_entry policies[]; /* ends with a NULL name */

/* Return: the policy called @name, or NULL. */
const struct policy_entry *policy_find(const char *name);

#endif

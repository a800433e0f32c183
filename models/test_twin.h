/* SPDX-License-Identifier: MIT */
/* A model and its naive twin (naive_mglru.h), and whether they are the same. */
#ifndef MODELS_TEST_TWIN_H
#define MODELS_TEST_TWIN_H

#include "base/rng.h"
#include "models/naive_mglru.h"
#include "models/numa.h"
#include "models/test_lane.h"

enum {
	TWIN_TABLES = 3,
	TWIN_PAGES = TWIN_TABLES * PTRS_PER_PTE,
	TWIN_NESTED_MAX = 3,
};

struct twin {
	uint64_t seed, events;
	struct rng rng;
	uint64_t word[TWIN_PAGES];
	struct pages pages;
	struct lane lane;
	struct naive_mglru naive;
	struct numa_params numa_params;
	struct numa numa;
	struct reclaim
		*request[TWIN_NESTED_MAX]; /* of the model, innermost last */
	int depth;
	uint32_t cursor; /* of scans */
};

/* Fail unless @model is @naive; with seed and event, so that it can be had again. */
void twin_same(const struct twin *t, const char *what, uint64_t at,
	       uint64_t model, uint64_t naive);

/* Fail unless all state is the same and keeps the model's invariants. */
void twin_compare(const struct twin *t);

/* Give both the same chunks and NUMA balancing, or none, as @t->seed says. */
void twin_balance(struct twin *t);
void twin_balance_end(struct twin *t);

/* One scan; a touch of a PROT_NONE page.  Return: whether it was one. */
void twin_scan(struct twin *t);
bool twin_hint_fault(struct twin *t, uint32_t page);
void twin_compare_numa(const struct twin *t);

#endif

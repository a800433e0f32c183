/* SPDX-License-Identifier: MIT */
/* A model and its naive twin (naive_mglru.h), and whether they are the same. */
#ifndef MODELS_TEST_TWIN_H
#define MODELS_TEST_TWIN_H

#include "base/rng.h"
#include "models/naive_mglru.h"
#include "models/numa.h"
#include "models/test_lane.h"

enum {
	TWIN_ANON_TABLES = 3,
	TWIN_TABLES = TWIN_ANON_TABLES + 1, /* the last one is of files */
	TWIN_ANON = TWIN_ANON_TABLES * PTRS_PER_PTE,
	TWIN_PAGES = TWIN_TABLES * PTRS_PER_PTE,
	TWIN_NESTED_MAX = 3,
	TWIN_USED =
		TWIN_ANON_TABLES * 120, /* pages touched, each table's first */
};

struct twin {
	uint64_t seed, events;
	struct rng rng;
	uint64_t word[TWIN_PAGES];
	struct pages pages;
	struct lane lane;
	struct naive_mglru naive;
	struct numa_params numa_params;
	struct numa_vma vmas[2];
	struct numa numa;
	struct reclaim
		*request[TWIN_NESTED_MAX]; /* of the model, innermost last */
	int depth;
	uint32_t cursor, file_cursor; /* of scans */
};

/* Fail unless @model is @naive; with seed and event, so that it can be had again. */
void twin_same(const struct twin *t, const char *what, uint64_t at,
	       uint64_t model, uint64_t naive);

/* Fail unless all state is the same and keeps the model's invariants. */
void twin_compare(const struct twin *t);

/* One random event on both (test_twin_events.c), after which they are compared. */
void twin_next_event(struct twin *t);

/* The twin's pause: the model of @arg, a struct twin, takes the same step, which must
 * be of @work, and something may strike. */
void twin_pause(void *arg, uint32_t work);

/* Give both the same chunks and NUMA balancing, or none, as @t->seed says. */
void twin_balance(struct twin *t);
void twin_balance_end(struct twin *t);

/* One scan; a touch of a PROT_NONE page.  Return: whether it was one. */
void twin_scan(struct twin *t);
bool twin_hint_fault(struct twin *t, uint32_t page);
void twin_compare_numa(const struct twin *t);

#endif

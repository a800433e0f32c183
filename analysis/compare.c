/* SPDX-License-Identifier: MIT */
/* Runs of one limit against each other; see compare.h. */
#include "analysis/compare.h"

#include <string.h>

static bool is_priced(const struct run *run)
{
	return run->cells[RUN_work_ms].kind == CELL_REAL;
}

/* Return: whether runs at the same limit leave out different work. */
static bool prices_differ(const struct run *runs, size_t count)
{
	const struct run *first = NULL;

	for (size_t i = 0; i < count; i++) {
		if (!is_priced(&runs[i]))
			continue;
		if (first && strcmp(run_text(first, RUN_unpriced),
				    run_text(&runs[i], RUN_unpriced)))
			return true;
		first = &runs[i];
	}
	return false;
}

/* Return: whether that is so at any limit of the setup. */
static bool setup_differs(struct slice setup)
{
	struct slice limit;

	while ((limit = slice_take(&setup, SLICE_LIMIT)).count)
		if (prices_differ(limit.runs, limit.count))
			return true;
	return false;
}

static bool is_same(const struct run *a, const struct run *b,
		    enum run_column column)
{
	return a->cells[column].kind == CELL_INTEGER &&
	       b->cells[column].kind == CELL_INTEGER &&
	       run_integer(a, column) == run_integer(b, column);
}

static bool decide_alike(const struct run *a, const struct run *b)
{
	return !strcmp(run_text(a, RUN_policy), "batched") &&
	       !strcmp(run_text(b, RUN_policy), "fast-only") &&
	       is_same(a, b, RUN_refaults) && is_same(a, b, RUN_evictions) &&
	       is_same(a, b, RUN_scanned);
}

/* The MMU that always answers is tdp; others may keep fast-only from asking. */
static void find_alike(struct run *runs, size_t count)
{
	if (strncmp(run_text(runs, RUN_mmu), "tdp", strlen("tdp")))
		return;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < count; k++)
			if (decide_alike(&runs[i], &runs[k]))
				runs[k].is_alike = true;
}

void compare_find(struct results *results)
{
	struct slice rest = results_all(results);
	struct run *runs = results->runs;

	while (rest.count) {
		struct slice setup = slice_take(&rest, SLICE_SETUP), limit;
		bool is_apart = setup_differs(setup);

		for (size_t i = 0; i < setup.count; i++)
			runs[i].is_price_apart = is_apart;
		while ((limit = slice_take(&setup, SLICE_LIMIT)).count) {
			find_alike(runs, limit.count);
			runs += limit.count;
		}
	}
}

/* SPDX-License-Identifier: MIT */
/* The rule of the coarsened repeat; see ties.h. */
#include "analysis/ties.h"

#include <stdlib.h>

static bool is_ranked(const struct run *run)
{
	return !run_integer(run, RUN_is_bound) &&
	       !run_integer(run, RUN_lower_bound) &&
	       run->cells[RUN_refaults].kind == CELL_INTEGER;
}

/* Return: the ranked run with the fewest refaults, or NULL. */
static struct run *best_of(struct run *runs, size_t count)
{
	struct run *best = NULL;

	for (size_t i = 0; i < count; i++)
		if (is_ranked(&runs[i]) &&
		    (!best || run_integer(&runs[i], RUN_refaults) <
				      run_integer(best, RUN_refaults)))
			best = &runs[i];
	return best;
}

static bool is_close(const struct run *a, const struct run *b)
{
	int64_t x = run_integer(a, RUN_epoch_change);
	int64_t y = run_integer(b, RUN_epoch_change);

	return a->cells[RUN_epoch_change].kind == CELL_INTEGER &&
	       b->cells[RUN_epoch_change].kind == CELL_INTEGER &&
	       llabs(run_integer(a, RUN_refaults) -
		     run_integer(b, RUN_refaults)) <= 2 * (x > y ? x : y);
}

void ties_find(struct results *results)
{
	struct slice rest = results_all(results);
	struct run *runs = results->runs;

	while (rest.count) {
		size_t count = slice_take(&rest, SLICE_LIMIT).count;
		struct run *best = best_of(runs, count);

		for (size_t i = 0; i < count; i++) {
			struct run *run = &runs[i];

			if (run == best || !is_ranked(run) ||
			    !is_close(run, best))
				continue;
			run->is_epoch_tie = true;
			best->is_epoch_tie = true;
		}
		runs += count;
	}
}

/* SPDX-License-Identifier: MIT */
/* Hot pages that a step evicted, and those that it did not; see hot.h. */
#include "datasets/scenario/hot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static int compare_gfns(const void *a, const void *b)
{
	gfn_t x = *(const gfn_t *)a, y = *(const gfn_t *)b;

	return x < y ? -1 : x > y;
}

/* Return: pages of @epoch that are not among the @n of @evicted, which rise. */
static uint64_t count_kept(const struct playback *playback,
			   const struct playback_epoch *epoch,
			   const gfn_t *evicted, size_t n)
{
	const struct playback_touch *touch = &playback->touches[epoch->first];
	uint64_t kept = 0;

	for (size_t i = 0; i < epoch->n; i++)
		kept += !n || !bsearch(&touch[i].gfn, evicted, n,
				       sizeof(*evicted), compare_gfns);
	return kept;
}

static int count_step(struct scenario_results *results,
		      struct scenario_outcome *step,
		      const struct playback *playback,
		      const struct playback_epoch *epoch, struct status *st)
{
	gfn_t *evicted;

	step->beside.hot = epoch->n;
	if (!results->has_evicted)
		return 0;
	evicted = kage_calloc(step->nr_evicted + 1, sizeof(*evicted), st);
	if (!evicted)
		return -ENOMEM;
	if (step->nr_evicted)
		memcpy(evicted, results->evicted + step->first_evicted,
		       step->nr_evicted * sizeof(*evicted));
	qsort(evicted, step->nr_evicted, sizeof(*evicted), compare_gfns);
	step->beside.kept =
		count_kept(playback, epoch, evicted, step->nr_evicted);
	free(evicted);
	return 0;
}

int scenario_count_hot(struct scenario_results *results,
		       const struct playback *playback, struct status *st)
{
	uint64_t played = 0;
	int ret = 0;

	for (size_t i = 0; i < results->nr_steps && !ret; i++) {
		struct scenario_outcome *step = &results->steps[i];

		if (played && scenario_word_has_hot(step->word))
			ret = count_step(results, step, playback,
					 &playback->epochs[played - 1], st);
		played += step->epochs;
	}
	return ret;
}

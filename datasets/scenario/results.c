/* SPDX-License-Identifier: MIT */
/* Gathering what comes of a scenario; see results.h. */
#include "datasets/scenario/results.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static void snapshot_fini(struct scenario_snapshot *snapshot)
{
	free(snapshot->counters);
	free(snapshot->generations);
}

void scenario_results_fini(struct scenario_results *results)
{
	for (size_t i = 0; i < results->nr_snapshots; i++)
		snapshot_fini(&results->snapshots[i]);
	free(results->snapshots);
	free(results->steps);
	free(results->evicted);
	free(results->course);
	free(results->details);
	*results = (struct scenario_results){0};
}

struct scenario_outcome *scenario_results_step(struct scenario_results *results,
					       const struct scenario_step *step,
					       struct status *st)
{
	struct scenario_outcome *outcome;

	if (kage_grow(&results->steps, &results->steps_capacity,
		      results->nr_steps, sizeof(*outcome), st))
		return NULL;
	outcome = &results->steps[results->nr_steps++];
	*outcome = (struct scenario_outcome){
		.line = step->line,
		.word = step->word,
		.asked = step->word == SCENARIO_RECLAIM ? step->pages
							: SCENARIO_UNKNOWN,
		.requests = SCENARIO_UNKNOWN,
		.passes = SCENARIO_UNKNOWN,
		.first_evicted = results->nr_evicted,
		.beside = {SCENARIO_UNKNOWN, SCENARIO_UNKNOWN, SCENARIO_UNKNOWN,
			   SCENARIO_UNKNOWN, SCENARIO_UNKNOWN,
			   results->nr_points, 0},
	};
	return outcome;
}

int scenario_results_evict(struct scenario_results *results, gfn_t gfn,
			   struct status *st)
{
	if (kage_grow(&results->evicted, &results->evicted_capacity,
		      results->nr_evicted, sizeof(*results->evicted), st))
		return -ENOMEM;
	results->evicted[results->nr_evicted++] = gfn;
	results->steps[results->nr_steps - 1].nr_evicted++;
	return 0;
}

int scenario_results_point(struct scenario_results *results,
			   const struct scenario_point *point,
			   struct status *st)
{
	if (kage_grow(&results->course, &results->points_capacity,
		      results->nr_points, sizeof(*point), st))
		return -ENOMEM;
	results->course[results->nr_points++] = *point;
	results->steps[results->nr_steps - 1].beside.nr_points++;
	return 0;
}

/* @part of @whole, of @of */
static uint64_t scaled(uint64_t of, uint64_t part, uint64_t whole)
{
	return whole ? (uint64_t)((unsigned __int128)of * part / whole) : 0;
}

uint64_t scenario_touches_due(const struct scenario_results *results,
			      const struct scenario_beside *beside,
			      uint64_t calls)
{
	const struct scenario_point *p = results->course + beside->first_point;
	struct scenario_point before = {0, 0};
	size_t low = 0, high = beside->nr_points;

	if (!high || calls >= beside->calls)
		return scaled(beside->touches, calls, beside->calls);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (p[middle].calls <= calls)
			low = middle + 1;
		else
			high = middle;
	}
	if (low)
		before = p[low - 1];
	if (low == beside->nr_points)
		return before.touches;
	return before.touches + scaled(p[low].touches - before.touches,
				       calls - before.calls,
				       p[low].calls - before.calls);
}

struct scenario_snapshot *
scenario_results_snapshot(struct scenario_results *results, const char *name,
			  uint64_t epochs, struct status *st)
{
	struct scenario_snapshot *snapshot;

	if (kage_grow(&results->snapshots, &results->snapshots_capacity,
		      results->nr_snapshots, sizeof(*snapshot), st))
		return NULL;
	snapshot = &results->snapshots[results->nr_snapshots++];
	*snapshot = (struct scenario_snapshot){.step = results->nr_steps - 1,
					       .epochs = epochs};
	snprintf(snapshot->name, sizeof(snapshot->name), "%s", name);
	return snapshot;
}

int scenario_snapshot_count(struct scenario_snapshot *snapshot,
			    const char *name, uint64_t value, struct status *st)
{
	struct scenario_counter *counter;

	if (kage_grow(&snapshot->counters, &snapshot->counters_capacity,
		      snapshot->nr_counters, sizeof(*counter), st))
		return -ENOMEM;
	counter = &snapshot->counters[snapshot->nr_counters++];
	*counter = (struct scenario_counter){.value = value};
	snprintf(counter->name, sizeof(counter->name), "%s", name);
	return 0;
}

int scenario_snapshot_generation(struct scenario_snapshot *snapshot,
				 const struct scenario_generation *generation,
				 struct status *st)
{
	if (kage_grow(&snapshot->generations, &snapshot->generations_capacity,
		      snapshot->nr_generations, sizeof(*generation), st))
		return -ENOMEM;
	snapshot->generations[snapshot->nr_generations++] = *generation;
	return 0;
}

uint64_t scenario_snapshot_value(const struct scenario_snapshot *snapshot,
				 const char *name)
{
	for (size_t i = 0; i < snapshot->nr_counters; i++)
		if (!strcmp(snapshot->counters[i].name, name))
			return snapshot->counters[i].value;
	return SCENARIO_UNKNOWN;
}

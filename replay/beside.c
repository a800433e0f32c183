/* SPDX-License-Identifier: MIT */
/* The guest's rounds beside host work; see beside.h. */
#include "replay/beside.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "datasets/scenario/hot.h"
#include "replay/lane.h"

int beside_check(const struct scenario_results *kernel,
		 const struct scenario *scenario, struct status *st)
{
	if (!kernel->is_concurrent)
		return status_fail(st, EINVAL,
				   "%.90s: its guest stood still while the "
				   "host worked",
				   kernel->scenario);
	if (kernel->scenario_id != scenario_id(scenario) ||
	    kernel->nr_steps != scenario->nr_steps)
		return status_fail(
			st, EINVAL,
			"%.90s: the pace of the guest is that of another "
			"scenario",
			kernel->scenario);
	for (size_t i = 0; i < kernel->nr_steps; i++)
		if (scenario_word_has_hot(kernel->steps[i].word) &&
		    (kernel->steps[i].beside.touches == SCENARIO_UNKNOWN ||
		     kernel->steps[i].beside.calls == SCENARIO_UNKNOWN))
			return status_fail(
				st, EINVAL,
				"%.90s: step %zu does not say how often the "
				"guest touched a page while the host worked, "
				"and how often KVM was called",
				kernel->scenario, i);
	return 0;
}

void beside_fini(struct beside *beside)
{
	free(beside->index);
	*beside = (struct beside){0};
}

static uint64_t calls_of(const struct lane *lane)
{
	const uint64_t *n = lane->counters.n;

	return n[COUNT_calls_aging] + n[COUNT_calls_victim] +
	       n[COUNT_calls_window] + n[COUNT_calls_unmap];
}

static int translate(struct beside *b, const struct gfn_map *map,
		     struct status *st)
{
	while (b->index_capacity < b->n)
		if (kage_grow(&b->index, &b->index_capacity, b->index_capacity,
			      sizeof(*b->index), st))
			return -ENOMEM;
	for (size_t i = 0; i < b->n; i++)
		gfn_map_translate(map, &b->touch[i].gfn, 1, &b->index[i]);
	return 0;
}

int beside_begin(struct beside *b, struct lane *lane,
		 const struct playback *playback,
		 const struct playback_epoch *epoch, const struct gfn_map *map,
		 size_t step, uint64_t now_ns, struct status *st)
{
	int ret;

	b->touch = &playback->touches[epoch->first];
	b->n = epoch->n;
	b->next = 0;
	b->now_ns = now_ns;
	b->pace = &b->kernel->steps[step].beside;
	b->calls_before = calls_of(lane);
	b->made = 0;
	ret = translate(b, map, st);
	if (!ret && b->n)
		lane->beside = b;
	return ret;
}

static void touch(struct lane *lane, uint32_t page, bool is_write,
		  uint64_t now_ns)
{
	uint64_t *word = &lane->mmu.pages->word[page], old = *word;

	*word = old | lane->mmu.accessed;
	if (!(old & lane->mmu.quiet))
		lane_access(lane, page, now_ns, is_write);
}

/* A turn, or what is left of the epoch.  The guest's own reclaim is no work to go on
 * beside. */
static void play_turn(struct beside *b, struct lane *lane)
{
	size_t left = b->n - b->next;
	size_t n = left < SCENARIO_BREATH ? left : SCENARIO_BREATH;

	lane->beside = NULL;
	lane->mglru.has_run = true;
	for (size_t i = b->next; i < b->next + n; i++)
		touch(lane, b->index[i], b->touch[i].is_write, b->now_ns);
	lane->mglru.has_run = true;
	lane->beside = b;
	b->next = n < left ? b->next + n : 0;
	b->made += n;
}

/* Of the current step, with its earlier requests. */
static struct scenario_beside *sum_of(const struct lane *lane)
{
	struct scenario_results *r = lane->script;

	return &r->steps[r->nr_steps - 1].beside;
}

void beside_go_on(struct beside *b, struct lane *lane)
{
	const struct scenario_beside *sum = sum_of(lane);
	uint64_t calls = sum->calls + calls_of(lane) - b->calls_before;
	uint64_t due = scenario_touches_due(b->kernel, b->pace, calls);

	while (sum->touches + b->made < due)
		play_turn(b, lane);
}

void beside_end(struct beside *b, struct lane *lane)
{
	struct scenario_beside *sum = sum_of(lane);

	if (!lane->beside)
		return;
	while (!b->pace->calls && b->made < b->pace->touches)
		play_turn(b, lane);
	lane->beside = NULL;
	sum->touches += b->made;
	sum->calls += calls_of(lane) - b->calls_before;
}

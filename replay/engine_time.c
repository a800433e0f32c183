/* SPDX-License-Identifier: MIT */
/* The timelines of the lanes: what the engine knows of a trace that they need. */
#include <errno.h>

#include "replay/engine_internal.h"

int engine_init_timelines(struct engine *e, struct status *st)
{
	int ret = 0;

	for (size_t i = 0; e->options->timeline && i < e->nr_lanes && !ret;
	     i++) {
		struct lane *lane = &e->lanes[i];
		const struct timeline_lane about = {
			.counters = &lane->counters,
			.npages = lane->mglru.npages,
			.locks_rmaps = lane->mmu.traits.locks_rmaps ||
				       lane->mmu.traits.walks_fast,
			.recorded_vcpus = e->meta->nr_vcpus,
			/* an epoch has no order and a scenario no time */
			.has_time = !e->trace->totals.epochs &&
				    !lane->config->scenario,
		};

		ret = timeline_new(&lane->timeline, e->options->timeline,
				   &about, st);
	}
	return ret;
}

int engine_finish_timelines(struct engine *e, uint64_t end_ns)
{
	int ret = 0;

	for (size_t i = 0; i < e->nr_lanes && !ret; i++)
		if (e->lanes[i].timeline)
			ret = timeline_finish(e->lanes[i].timeline, end_ns);
	return ret;
}

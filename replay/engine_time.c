/* SPDX-License-Identifier: MIT */
/* Intervals of the series, and the timelines of the lanes: what they need to know. */
#include <errno.h>

#include "replay/engine_internal.h"

enum {
	SAMPLES_OF_STREAM = 128,
	SAMPLES_MAX = 4096 /* of an epoch trace, unless more are asked for */
};

/* How many intervals the series has: one per epoch, or per few of very many. */
static uint64_t nr_samples(const struct engine_options *options,
			   const struct trace_totals *totals)
{
	uint64_t epochs_each = totals->epochs / SAMPLES_MAX + 1;

	if (options->nr_samples)
		return options->nr_samples;
	if (!totals->epochs)
		return SAMPLES_OF_STREAM;
	return (totals->epochs + epochs_each - 1) / epochs_each;
}

void engine_set_sample_length(struct engine *e)
{
	uint64_t n = nr_samples(e->options, &e->trace->totals);

	e->sample_ns = engine_span_ns(e) / n + 1;
	e->trace->sample_ns = e->sample_ns;
}

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

int engine_finish_timelines(struct engine *e, uint64_t end_ns, uint64_t done_ns)
{
	int ret = 0;

	for (size_t i = 0; i < e->nr_lanes && !ret; i++) {
		if (!e->lanes[i].timeline)
			continue;
		timeline_guest_done(e->lanes[i].timeline, done_ns);
		ret = timeline_finish(e->lanes[i].timeline, end_ns);
	}
	return ret;
}

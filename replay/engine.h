/* SPDX-License-Identifier: MIT */
/*
 * The engine: one pass over a trace feeds many lanes.
 *
 * It owns the clock (ns since the trace's first record), the page words and the
 * loop; lanes only hear of accesses that are not quiet for them, of their own
 * wake-ups and of sample boundaries.  Order at equal times: invalidation and
 * lifecycle, then drivers, then accesses: those of a mixed trace (mix.h) first.
 *
 * Epoch traces: every page of an epoch's set is accessed exactly once, at
 * start + (rank + 1) / (pages + 1) of the epoch, as a write if it is in the dirty
 * set.  Where the order is unknown, ranks follow hash(seed, epoch, gfn), the same
 * for all lanes.  Coarsened epochs are those of datasets/coarsen.h.
 *
 * With a scenario (driver script) its steps are played instead of the trace as it
 * comes: one after the other in all lanes, at the time that the last epoch ended.
 */
#ifndef REPLAY_ENGINE_H
#define REPLAY_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "datasets/gfn_map.h"
#include "datasets/trace/trace.h"
#include "models/pages.h"
#include "replay/lane.h"

/* One bit of a page word watches for the engine itself. */
enum {
	ENGINE_LANES_MAX = PAGES_LANES_MAX - 1
};

enum engine_expand {
	EXPAND_REFUSE,
	EXPAND_ALL,
	EXPAND_ONE
};

struct mix;
struct feed_store;

/* What is the same for all lanes of a pass. */
struct engine_options {
	uint64_t seed;	      /* of unknown orders */
	uint32_t ps_per_tick; /* 0: as the trace says */
	uint64_t nr_samples; /* intervals of the series; 0: 128, or one per epoch */
	bool counts_idle_age;	/* fill lane_sample.idle */
	bool measures_accuracy; /* fill lane.accuracy */
	bool watches; /* instead of it: fill lane.life for watched_gfn */
	gfn_t watched_gfn;
	/* Results of a kernel at whose pace the guest goes on beside a scenario's
	 * host work (beside.h); borrowed.  NULL: it stands still. */
	const struct scenario_results *beside;
	const struct timeline_options
		*timeline;	   /* fill lane.timeline; NULL: do not */
	bool writes_as_accesses;   /* accept a trace without access channel */
	bool holds_epochs;	   /* --epoch=hold: victims touched once more */
	unsigned int coarsen_by;   /* so many epochs become one; 0: as 1 */
	bool reads_ahead;	   /* decode in a thread of its own */
	enum engine_expand expand; /* what a 2M, 1G or region record becomes */
	const struct mix *mix; /* NULL, or the memcg's file pages; borrowed */
	struct feed_store *store; /* NULL, or what was decoded; borrowed */
};

/* What the pass learned of the trace. */
struct engine_trace {
	struct trace_totals totals;
	uint64_t duration_ns; /* from the first record to the last */
	uint64_t sample_ns;   /* length of an interval of the series */
	uint64_t guest_pages, footprint_pages, records;
	uint64_t mixed_pages; /* of the footprint: those of options->mix */
	bool is_ordered;      /* no epoch of unknown order was met */
	uint64_t largest_epoch_pages;
};

/* An access as the bounds see it, in the order of the replay. */
struct engine_tape {
	uint32_t *page; /* owned by whoever asked for the tape */
	bool wants_ns;	/* set by the caller: fill ns, too */
	uint64_t *ns;	/* when each was made */
	size_t n, capacity;
	uint32_t npages;
	size_t *sample_at; /* accesses before the end of each interval */
	size_t nr_samples, samples_capacity;
	size_t *epoch_at; /* the same of the trace's epochs; none of a stream */
	size_t nr_epochs, epochs_capacity;
};

/**
 * engine_run - replay @path through @lanes
 * @configs: one per lane, at most ENGINE_LANES_MAX; with limit_pages set, and
 *	the scenario of the first one is that of all
 * @lanes: filled, and owned by the caller (lane_fini() each) even on failure
 * @tape: NULL, or where to record the accesses for the bounds
 *
 * Return: 0, -EBADMSG for a bad trace, -EINVAL for options that do not fit it.
 */
int engine_run(const char *path, const struct engine_options *options,
	       const struct lane_config *const *configs, size_t nr_lanes,
	       struct lane *lanes, struct engine_tape *tape,
	       struct engine_trace *trace, struct status *st);

/* A trace must have its totals before the first record.  Return: -EBADMSG. */
int engine_refuse_unfinished(const char *path, struct status *st);

void engine_tape_fini(struct engine_tape *tape);

#endif

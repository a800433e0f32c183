/* SPDX-License-Identifier: MIT */
/*
 * A trace as a scenario plays it: its footprint and, epoch by epoch, the pages that
 * the guest touches, each once and in order.  Model and lab take them from here, so
 * that both face the same accesses.  SCENARIO.md says what is left out.
 *
 * All of it is held in memory: 16 bytes per page of an epoch, 12 per page of the
 * footprint.
 */
#ifndef DATASETS_SCENARIO_PLAYBACK_H
#define DATASETS_SCENARIO_PLAYBACK_H

#include "datasets/scenario/scenario.h"
#include "datasets/trace/trace.h"

/* After as many touches the guest sleeps: SCENARIO.md, "The guest's turns". */
enum {
	SCENARIO_BREATH = 32
};

struct playback_touch {
	gfn_t gfn;
	bool is_write;
};

struct playback_epoch {
	uint64_t start, end; /* ticks of the trace */
	size_t first, n;     /* touches [first, first + n); n may be 0 */
};

struct playback {
	char trace_id[TRACE_ID_TEXT];
	bool is_ordered;  /* else some epoch's order is that of the seed */
	bool has_large;	  /* something was seen at 2M or 1G */
	gfn_t *footprint; /* owned; rising */
	size_t nr_pages;
	/* Per page of the footprint, its page in a guest that has these only: as
	 * far from its neighbours as in the trace's, but for leaf page tables of
	 * the host (2 MiB) of which it has no page.  Owned. */
	uint32_t *place;
	uint32_t guest_pages;	       /* of that guest; a multiple of 512 */
	struct playback_epoch *epochs; /* owned */
	size_t nr_epochs, epochs_capacity;
	struct playback_touch *touches; /* owned */
	size_t nr_touches, touches_capacity;
};

/**
 * playback_load - read a trace for a scenario, and check that they fit
 * @seed: of epochs whose order is unknown; at most INT64_MAX, as JSON has it
 *
 * Return: 0 with @playback, of one page or more, to be given to playback_fini();
 * -EBADMSG when the trace is bad, has not been finished, does not fit the scenario
 * or has no access of the guest; -EINVAL for the seed; -ENOENT, -E2BIG, or -ENOMEM.
 */
int playback_load(struct playback *playback, const char *trace_path,
		  const struct scenario *scenario, uint64_t seed,
		  struct status *st);
void playback_fini(struct playback *playback);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The accesses of a trace in the order of a replay, for what wants all of them at
 * once: the miss-ratio curve, and bounds at a varying size.
 */
#ifndef REPLAY_CURVE_H
#define REPLAY_CURVE_H

#include "models/mrc_curve.h"
#include "models/vmin.h"
#include "replay/engine.h"

struct curve_trace {
	struct engine_tape tape;   /* owned */
	struct engine_trace trace; /* what the pass learned */
	char id[TRACE_ID_TEXT];
	uint64_t seed; /* of unknown orders, and of samples */
};

/* Read @path as a replay with @options does, @wants_ns: for curve_vmin();
 * curve_fini() is safe in any case.  Return: 0, or what engine_run() returns. */
int curve_read(struct curve_trace *c, const char *path,
	       const struct engine_options *options, bool wants_ns,
	       struct status *st);
void curve_fini(struct curve_trace *c);

/* Measure @points, whose limits are set, at a sampling @rate; 0: from all accesses.
 * Return: as mrc_exact() and mrc_sampled(). */
int curve_measure(const struct curve_trace *c, double rate,
		  struct mrc_point *points, size_t n, struct mrc_totals *totals,
		  struct status *st);

/* Fill @v, to vmin_fini() in any case.  Return: 0 or -ENOMEM. */
int curve_vmin(const struct curve_trace *c, struct vmin *v, struct status *st);

#endif

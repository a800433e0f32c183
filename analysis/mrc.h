/* SPDX-License-Identifier: MIT */
/*
 * A miss-ratio curve as a table and as a figure, with what policies did on the same
 * trace beside it.
 */
#ifndef ANALYSIS_MRC_H
#define ANALYSIS_MRC_H

#include "analysis/figure.h"
#include "analysis/results.h"
#include "analysis/table.h"
#include "replay/curve.h"

struct mrc_view {
	const char *name; /* of the trace, as reports call it */
	const struct curve_trace *trace;
	const struct results *results; /* NULL: none to compare with */
	double rate;		       /* of the sample; 0: exact */
	const char *
		setup; /* of the results shown: the first with a limit, or NULL */
	size_t left_out; /* runs of other setups */
	struct mrc_totals totals;
	struct mrc_point *points; /* owned; by rising limit */
	size_t n, capacity;
};

/* Take the points at @steps equal parts of the footprint, and at every limit of the
 * results on this trace, and measure them.  Return: 0 or -errno. */
int mrc_view_measure(struct mrc_view *v, uint64_t steps, struct status *st);
void mrc_view_fini(struct mrc_view *v);

/* Return: whether @run is one to show: of this trace and setup, with a limit. */
bool mrc_view_has(const struct mrc_view *v, const struct run *run);

/* Return: a row per point, to table_free(), or NULL with @st set. */
struct table *mrc_table(const struct mrc_view *v, struct status *st);

/* The curve, its interval if it is a sample, and a mark for each run. */
void mrc_figure(const struct mrc_view *v, struct figure *figure);

#endif

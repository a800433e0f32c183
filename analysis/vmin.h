/* SPDX-License-Identifier: MIT */
/*
 * VMIN and working sets of a trace as a table and as a figure, with policies of drivers
 * without a limit beside them: at equal average residency.
 */
#ifndef ANALYSIS_VMIN_H
#define ANALYSIS_VMIN_H

#include "analysis/figure.h"
#include "analysis/results.h"
#include "analysis/table.h"
#include "replay/curve.h"

struct vmin_row {
	double pages;	       /* resident on average */
	const struct run *run; /* that was so; NULL: a step of the curve */
};

struct vmin_view {
	const char *name; /* of the trace, as reports call it */
	const struct curve_trace *trace;
	sqlite3 *db;
	const struct results *results; /* NULL: none to compare with */
	const char *setup;	       /* of the results shown, or NULL */
	size_t left_out;	       /* runs of other setups */
	struct vmin curve;
	struct vmin_row *rows; /* owned; by rising pages */
	size_t n, capacity;
};

/* Measure the curve, and take @steps equal parts of the most that VMIN ever keeps, and
 * the runs.  Return: 0 or -errno; vmin_view_fini() is safe in either case. */
int vmin_view_measure(struct vmin_view *v, uint64_t steps, struct status *st);
void vmin_view_fini(struct vmin_view *v);

/* Return: to table_free(), or NULL with @st set. */
struct table *vmin_table(const struct vmin_view *v, struct status *st);
void vmin_figure(const struct vmin_view *v, struct figure *figure);

#endif

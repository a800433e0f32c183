/* SPDX-License-Identifier: MIT */
/*
 * A published table of the populate test against what the model makes of each choice
 * of two of its rows: never of the best choice alone.
 */
#ifndef ANALYSIS_POPULATE_H
#define ANALYSIS_POPULATE_H

#include "analysis/figure.h"
#include "analysis/table.h"
#include "replay/populate_change.h"

enum {
	POPULATE_TRIALS_MAX = 32
};

/* One choice of rows, and all rows as it has them. */
struct populate_pair {
	size_t first, second;
	struct populate_fit fit;
	struct populate_times times[POPULATE_ROWS_MAX];
};

/* What one change does with all costs that were tried. */
struct populate_trials {
	const struct populate_change *change;
	struct populate_outcome outcomes[POPULATE_TRIALS_MAX];
	size_t n;
};

struct populate_view {
	const char *name; /* of the table; borrowed, as the next two */
	const struct populate_table *table;
	const struct populate_changes *changes; /* or NULL */
	struct populate_options options;
	struct populate_pair *pairs; /* owned */
	size_t nr_pairs;
	struct populate_trials *trials; /* owned; one per change */
};

/* Calibrate on every two rows inside, and predict; try the changes.  The view's inputs
 * are set.  populate_view_fini() is safe in any case.
 * Return: 0, -EINVAL for a table with fewer than two rows inside, or -ENOMEM. */
int populate_view_measure(struct populate_view *v, unsigned int threads,
			  struct status *st);
void populate_view_fini(struct populate_view *v);

/* Return: calibrations, predictions row by row, and changes; to table_free(), or
 * NULL. */
struct table *populate_tables(const struct populate_view *v, struct status *st);

/* Pass times by vCPUs: published, and of every calibration. */
void populate_figure(const struct populate_view *v, struct figure *figure);

#endif

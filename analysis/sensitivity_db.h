/* SPDX-License-Identifier: MIT */
/* What the runs of one trace, setup and limit did that costs, from the database. */
#ifndef ANALYSIS_SENSITIVITY_DB_H
#define ANALYSIS_SENSITIVITY_DB_H

#include <sqlite3.h>

#include "analysis/results.h"
#include "analysis/sensitivity.h"

struct sensitivity_data {
	struct sensitivity s;		/* of what follows */
	const struct run **runs;	/* owned; policy i is runs[i] */
	struct sensitivity_cost *costs; /* owned */
	double *counts;			/* owned */
	size_t cost_capacity;
};

/**
 * sensitivity_load - the policies among @limit, and what they did
 *
 * Bounds are left out, and so are runs on writes alone, which are not to be ranked.  A
 * cost is there if some policy has a count of it; a counter that a policy does not have
 * is none of its work.
 * Return: 0 with @data to sensitivity_fini(), in any case; -EBADMSG or -ENOMEM.
 */
int sensitivity_load(struct sensitivity_data *data, sqlite3 *db,
		     struct slice limit, struct texts *texts,
		     struct status *st);
void sensitivity_fini(struct sensitivity_data *data);

#endif

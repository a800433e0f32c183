/* SPDX-License-Identifier: MIT */
/*
 * The results database: schema.sql says what is in it.  A new database is made
 * under a temporary name and renamed; each run is one transaction, so that an
 * interrupted sweep keeps what it finished.
 */
#ifndef REPLAY_STORE_H
#define REPLAY_STORE_H

#include "models/bounds.h"
#include "replay/cost_profile.h"
#include "replay/costs.h"
#include "replay/run.h"

struct store; /* opaque */

/* A bound's time series: one sample per interval. */
struct bound_sample {
	struct bound_result so_far;
	uint64_t resident;
};

/* What is known of a run besides its identity and its results. */
struct store_provenance {
	const char *command;
	uint64_t elapsed_ns;
	size_t nr_lanes;
};

/* @cost_profile: NULL if nothing is to be priced
 * @own: a profile to be added, or NULL
 *
 * Return: 0, -EBADMSG for a file that is no results database of this version or
 * has another profile of the name of @own,
 * -EINVAL for a cost profile that it does not have, or an I/O error. */
int store_open(struct store **store, const char *path, const char *cost_profile,
	       const struct cost_file *own, struct status *st);
void store_close(struct store *store);

/* Return: 1 if the run is stored with all that is wanted of it, 0 if not, or a
 * negative errno. */
int store_has_run(struct store *store, const struct run *run,
		  struct status *st);

/* As costs_load(), of the rows that are in the database now. */
int store_load_costs(struct store *store, const char *profile,
		     struct costs *costs, struct status *st);

/* Return: 0 with the digest of @profile as it is in the database now. */
int store_costs_digest(struct store *store, const char *profile,
		       char digest[RUN_DIGEST], struct status *st);

int store_trace(struct store *store, const char *path,
		const struct trace_meta *meta, const struct engine_trace *trace,
		struct status *st);

/* These two replace a run that is stored already. */
int store_lane(struct store *store, const struct run *run,
	       const struct lane *lane,
	       const struct store_provenance *provenance, struct status *st);

int store_bound(struct store *store, const struct run *run,
		const struct bound_result *result,
		const struct bound_sample *samples, size_t nr_samples,
		const struct engine_trace *trace,
		const struct store_provenance *provenance, struct status *st);

#endif

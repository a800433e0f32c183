/* SPDX-License-Identifier: MIT */
/*
 * Cost profiles as kage ships them and as users write them: the format is in
 * datasets/costs/cost_file.h, the names in costs.h.  Runs are priced by the rows that a
 * results database has of them (costs_load()); this is where those rows come from.
 */
#ifndef REPLAY_COST_PROFILE_H
#define REPLAY_COST_PROFILE_H

#include <stdint.h>

#include "datasets/costs/cost_file.h"

struct cost_profile {
	const char *name;
	const char *text; /* of its file */
};

/* Those in costs/, in the order of costs/profiles.def; ends with a NULL name. */
extern const struct cost_profile cost_profiles[];

/* Return: the shipped profile of that name, or NULL. */
const struct cost_profile *cost_profile_find(const char *name);

/* Return: 0 with @file to cost_file_fini(), or -ENOMEM.  -EBADMSG would be a mistake in
 * a file of ours, which a test excludes. */
int cost_profile_read(struct cost_file *file,
		      const struct cost_profile *profile, struct status *st);

/**
 * cost_profile_load - read a user's own
 *
 * Return: as cost_file_load(); -EBADMSG also for a name that is no cost, and for the
 * name of a shipped profile.
 */
int cost_profile_load(struct cost_file *file, const char *path,
		      struct status *st);

/* What a cost is of, by its name; NULL for a name that is none.  The unit of a counter
 * is what it counts ("calls"), that of others "ns per call". */
bool cost_is_counter(const char *name);
const char *cost_unit(const char *name);
const char *cost_meaning(const char *name);

/* Return: XXH3-64 of all that the rows say, the host with them. */
uint64_t cost_profile_digest(const struct cost_file *file);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A cost profile: what one unit of something costs on one host, and who says so.
 *
 * Names are those of counters (models/counters.def: one unit of the counter) and
 * of costs.def (what is no counter).  A profile is one host: prices of different
 * machines are never mixed.  A price that nobody knows is missing, which is not
 * zero: what depends on it is missing, too, and reports name it.
 */
#ifndef REPLAY_COSTS_H
#define REPLAY_COSTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

struct sqlite3;

struct cost {
	char name[32];
	bool is_known;	 /* else value_ns means nothing */
	double value_ns; /* finite, not negative */
	char *source; /* owned; mail id, kernel version, "measured: host", "assumed" */
};

struct costs {
	char profile[64];
	struct cost *items; /* owned */
	size_t n, capacity;
};

/* A name that is no counter. */
struct cost_info {
	const char *name, *unit, *meaning;
};

extern const struct cost_info cost_infos[]; /* ends with a NULL name */

/* Return: whether prices may have that name: a counter, or in costs.def. */
bool costs_is_name(const char *name);

/* Read @profile from table cost of @db.  costs_fini() is safe in any case.
 * Return: 0, -EINVAL if there is no such profile, -EBADMSG or -ENOMEM. */
int costs_load(struct costs *costs, struct sqlite3 *db, const char *profile,
	       struct status *st);
void costs_fini(struct costs *costs);

/* Set or replace a price; @source is copied.  Return: 0 or -ENOMEM. */
int costs_set(struct costs *costs, const char *name, double value_ns,
	      const char *source, struct status *st);

/* Return: the price called @name, or NULL if the profile has no row for it. */
const struct cost *costs_find(const struct costs *costs, const char *name);

/* Return: whether the price is known; then it is in *@value_ns. */
bool costs_ns(const struct costs *costs, const char *name, double *value_ns);

#endif

/* SPDX-License-Identifier: MIT */
/* The registry of bounds, and what they share. */
#include "models/bounds.h"

#include <errno.h>
#include <string.h>

#define ENTRY(id, name) extern const struct bound_ops bound_##id;
#include "models/bounds.def"
#undef ENTRY

const struct bound_entry bounds[] = {
#define ENTRY(id, name) {name, &bound_##id},
#include "models/bounds.def"
#undef ENTRY
	{NULL, NULL},
};

const struct bound_entry *bound_find(const char *name)
{
	for (const struct bound_entry *e = bounds; e->name; e++)
		if (!strcmp(e->name, name))
			return e;
	return NULL;
}

int bound_check_limit(uint64_t limit, struct status *st)
{
	if (!limit)
		return status_fail(st, EINVAL, "no page fits a limit of 0");
	return 0;
}

void bound_observe(const struct bound_observer *observer, size_t *next,
		   size_t done, const struct bound_result *so_far,
		   uint64_t resident)
{
	while (observer && *next < observer->n && observer->at[*next] <= done) {
		observer->sample(observer->arg, so_far, resident);
		++*next;
	}
}

/* SPDX-License-Identifier: MIT */
/* What was done to a trace, in its header: details.changed, an array, oldest first. */
#ifndef DATASETS_DETAILS_H
#define DATASETS_DETAILS_H

#include <jansson.h>

#include "base/status.h"

/**
 * details_change - a trace's details after one more change
 * @details: as in trace_meta
 * @keep: members to keep, NULL-terminated, and of earlier changes only that they were
 *	and numbers that tell nothing of the guest; NULL: all
 * @change: what was done, taken
 *
 * Return: a JSON object to free(), or NULL with @st set.
 */
char *details_change(const char *details, const char *const *keep,
		     const char *name, json_t *change, struct status *st);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A driver decides when a lane ages and reclaims, and how much; how is the model's
 * business (models/reclaim.h).  Work that runs beside the guest takes virtual time:
 * pace_ns per PTE and per candidate.
 */
#ifndef REPLAY_DRIVER_H
#define REPLAY_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/param.h"

struct lane;
struct scenario_step;

enum {
	DRIVER_PARAMS_MAX = 64
};

struct driver_ops {
	const char *summary;
	const struct param_spec *params;
	size_t params_size;  /* at most DRIVER_PARAMS_MAX */
	bool needs_limit;    /* lanes differ by memory limit */
	bool needs_scenario; /* named as NAME:FILE; work takes no virtual time */

	/* @page is about to be charged at @now_ns.  NULL: there is no limit. */
	void (*charge)(struct lane *lane, uint32_t page, uint64_t now_ns);

	/*
	 * lane->wake_ns has come and no work is under way.  Begin work, or not,
	 * and set lane->wake_ns to when to be called again.  NULL: never.
	 */
	void (*wake)(struct lane *lane, uint64_t now_ns);

	/* When to be called first; NULL: never. */
	uint64_t (*first_wake)(const struct lane *lane);

	/*
	 * The scenario has come to a step of the host, or to request @request of
	 * a reclaim: do it at once.  NULL: there is no scenario.
	 */
	void (*obey)(struct lane *lane, const struct scenario_step *step,
		     uint64_t request, uint64_t now_ns);

	/* Evictions refaulting within this time were wrong; NULL: no default. */
	uint64_t (*wrong_window)(const struct lane *lane);
};

struct driver_entry {
	const char *name;
	const struct driver_ops *ops;
};

extern const struct driver_entry drivers[]; /* ends with a NULL name */
const struct driver_entry *driver_find(const char *name);

#endif

/* SPDX-License-Identifier: MIT */
/* From what the user asked for to the lanes and bounds that are to be run. */
#ifndef REPLAY_PLAN_H
#define REPLAY_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "models/bounds.h"
#include "replay/lane.h"

/* The words of the command line; NULL or 0 where nothing was said. */
struct plan_request {
	const char
		*policies; /* "none,batched:batch=8:lock=read,opt"; NULL: all */
	const char *limits; /* "25%,64M": of the footprint, or bytes */
	const char *kernel;
	const char *mmu;    /* "shadow:chain=3" */
	const char *numa;   /* "range:pinned=50"; NULL: off */
	const char *chunk;  /* "512"; NULL: range */
	const char *driver; /* "proactive:period=1s:pages=100", "script:a.scn" */
	const char *memory;	/* "swappiness=100" */
	const char *swappiness; /* a number or "max", instead of memory's */
	uint64_t pace_ns, wrong_window_ns;
	bool is_thp; /* level=thp of the MMU */
};

/* A bound depends on its limit alone; the rest says whom it is compared with. */
struct plan_bound {
	const struct bound_entry *bound;
	struct lane_config config;
};

struct plan {
	struct memory *memory;	   /* owned; of all lanes */
	struct scenario *scenario; /* owned; of all lanes, or NULL */
	struct lane_config *lanes; /* owned */
	size_t nr_lanes, lanes_capacity;
	struct plan_bound *bounds; /* owned */
	size_t nr_bounds, bounds_capacity;
};

/* Return: whether the footprint must be known before a plan can be made. */
bool plan_needs_footprint(const struct plan_request *request);

/* Return: 0, -EINVAL with what is known in the message, what loading a scenario
 * returns, or -ENOMEM.
 * plan_fini() is safe in any case. */
int plan_init(struct plan *plan, const struct plan_request *request,
	      uint64_t footprint_pages, struct status *st);
void plan_fini(struct plan *plan);

#endif

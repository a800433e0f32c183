/* SPDX-License-Identifier: MIT */
/*
 * Bounds: what a replacement policy that sees every access could reach, for a fixed
 * number of resident pages.  They are engines of their own: they get the accesses as
 * an array of page indices and share nothing with the lanes.
 */
#ifndef MODELS_BOUNDS_H
#define MODELS_BOUNDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct bound_trace {
	const uint32_t *page; /* accesses in order */
	size_t n;
	uint32_t npages; /* page indices are below this */

	/* For those that know epochs only: accesses before the end of each, rising.
	 * NULL: the whole trace is one. */
	const size_t *epoch_at;
	size_t nr_epochs;
	uint64_t seed; /* of the order of pages that are alike */
};

struct bound_result {
	uint64_t faults;       /* first touches and refaults */
	uint64_t refaults;     /* faults on pages that were resident before */
	uint64_t evictions;    /* of pages, to make room */
	uint64_t max_resident; /* at any time */
};

/* Called after each access with the counts so far, for time series. */
struct bound_observer {
	void (*sample)(void *arg, const struct bound_result *so_far,
		       uint64_t resident);
	const size_t *at; /* access counts, rising, at which to call */
	size_t n;
	void *arg;
};

struct bound_ops {
	const char *summary;
	/*
	 * Replay @trace with room for @limit pages.  @observer may be NULL.
	 * Return: 0, -ENOMEM, or -EINVAL when there is no room for any page.
	 */
	int (*run)(const struct bound_trace *trace, uint64_t limit,
		   const struct bound_observer *observer,
		   struct bound_result *result, struct status *st);
};

struct bound_entry {
	const char *name;
	const struct bound_ops *ops;
};

extern const struct bound_entry bounds[]; /* ends with a NULL name */

/* Return: the bound called @name, or NULL. */
const struct bound_entry *bound_find(const char *name);

/* Return: 0, or -EINVAL when @limit has no room for any page. */
int bound_check_limit(uint64_t limit, struct status *st);

/* Call the observer for every sample point up to @done accesses. */
void bound_observe(const struct bound_observer *observer, size_t *next,
		   size_t done, const struct bound_result *so_far,
		   uint64_t resident);

#endif

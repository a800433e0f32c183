/* SPDX-License-Identifier: MIT */
/*
 * What DAMON is to watch, as address ranges, and what it says: one event of
 * damon:damon_aggregated per region, all regions of an aggregation interval in one
 * burst (kdamond_reset_aggregated(), Linux 5.15 to 7.x).
 *
 * A region is a guess: one page of it was looked at per sampling interval, another
 * one each time, and it is split and merged by how often that page was accessed.
 * When regions are merged, the kernel rounds the mean of their counts down.
 */
#ifndef CAPTURE_DAMON_REGIONS_H
#define CAPTURE_DAMON_REGIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "capture/guest/guest.h"

/* Bytes [start, end) of the process's addresses or of physical memory. */
struct damon_range {
	uint64_t start, end;
};

struct damon_ranges {
	struct damon_range *ranges; /* by start, disjoint */
	size_t nr, capacity;
};

void damon_ranges_fini(struct damon_ranges *ranges);
int damon_ranges_add(struct damon_ranges *ranges, uint64_t start, uint64_t end,
		     struct status *st);

uint64_t damon_ranges_pages(const struct damon_ranges *ranges);

/* Sort, and join what touches or overlaps. */
void damon_ranges_join(struct damon_ranges *ranges);

/* Where the guest's slots lie in the process.  @ranges: empty before. */
int damon_ranges_of_guest(struct damon_ranges *ranges,
			  const struct guest *guest, struct status *st);

/* Cut into equal parts so that there are at least @pieces, if there are so many
 * pages: 'fvaddr' and 'paddr' begin with what they are given. */
int damon_ranges_cut(struct damon_ranges *to, const struct damon_ranges *from,
		     uint64_t pieces, struct status *st);

/* One event. */
struct damon_sample {
	uint64_t time_ns;
	uint64_t target;     /* its number in the kdamond; we have number 0 */
	uint64_t nr_regions; /* in its burst */
	uint64_t start, end;
	uint64_t hits; /* looks that found the region accessed */
};

/* The regions of one aggregation interval, by address. */
struct damon_burst {
	struct damon_sample *samples;
	size_t nr, capacity;
	bool is_complete;   /* the next sample begins another one */
	uint64_t broken;    /* bursts so far that lacked events */
	uint64_t broken_ns; /* when the last of them was */
};

/**
 * damon_burst_add - take the next event
 * @gap_ns: events further apart are of different bursts
 *
 * A burst that lacks events is dropped whole: which addresses it leaves out nobody
 * knows.
 * Return: 1 when the burst is complete, 0 when it goes on, or -ENOMEM.
 */
int damon_burst_add(struct damon_burst *burst,
		    const struct damon_sample *sample, uint64_t gap_ns,
		    struct status *st);

void damon_burst_fini(struct damon_burst *burst);

#endif

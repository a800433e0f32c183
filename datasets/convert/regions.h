/* SPDX-License-Identifier: MIT */
/*
 * DAMON's snapshots as epochs: in each, regions of addresses and in how many of the
 * looks at one page of it that page was found accessed (kernel: damon_region,
 * nr_accesses; Documentation/mm/damon/design.rst).  One page stands for all of a
 * region; which page it was, nobody knows.
 */
#ifndef DATASETS_REGIONS_H
#define DATASETS_REGIONS_H

#include "datasets/convert/import.h"

struct region {
	uint64_t start, end; /* bytes; [start, end) */
	uint64_t hits;
};

/* The regions of one snapshot, as they come. */
struct regions {
	struct trace_run *runs;
	size_t n, capacity;
	uint32_t samples; /* looks per snapshot */
	gfn_t free_from;  /* behind the region before */
};

/* Pages are those of a region that no region before it has. */
int regions_add(struct regions *r, struct import_job *job,
		const struct region *region, struct status *st);

/* Hand (@start, @end] over and begin again. */
int regions_emit(struct regions *r, struct import_job *job, uint64_t start,
		 uint64_t end, struct status *st);
void regions_fini(struct regions *r);

#endif

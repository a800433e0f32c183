/* SPDX-License-Identifier: MIT */
/* Snapshots of regions; see regions.h. */
#include "datasets/convert/regions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"

void regions_fini(struct regions *r)
{
	free(r->runs);
}

static int add_run(struct regions *r, gfn_t gfn, uint64_t npages, uint32_t hits,
		   struct status *st)
{
	int ret = kage_grow(&r->runs, &r->capacity, r->n, sizeof(*r->runs), st);

	if (ret)
		return ret;
	r->runs[r->n++] =
		(struct trace_run){.gfn = gfn,
				   .npages = (uint32_t)npages,
				   .flags = hits ? TRACE_RUN_ACCESSED : 0,
				   .hits = hits};
	return 0;
}

int regions_add(struct regions *r, struct import_job *job,
		const struct region *region, struct status *st)
{
	gfn_t gfn = region->start / TRACE_PAGE_BYTES;
	gfn_t end = region->end / TRACE_PAGE_BYTES +
		    !!(region->end % TRACE_PAGE_BYTES);
	uint32_t hits = region->hits > r->samples ? r->samples
						  : (uint32_t)region->hits;
	int ret = 0;

	if (region->end <= region->start || end > TRACE_GFN_LIMIT)
		return import_bad(job, st,
				  "region %" PRIu64 "-%" PRIu64
				  " is empty or beyond 2^52",
				  region->start, region->end);
	if (gfn + 1 < r->free_from)
		return import_bad(job, st,
				  "region %" PRIu64 "-%" PRIu64
				  " overlaps the one before it",
				  region->start, region->end);
	if (region->hits > r->samples)
		import_lost(job, "hits above the number of looks: cut down to "
				 "it");
	gfn = gfn < r->free_from ? r->free_from : gfn;
	r->free_from = end > r->free_from ? end : r->free_from;
	for (; gfn < end && !ret; gfn += TRACE_RUN_PAGES_MAX) {
		uint64_t left = end - gfn;

		ret = add_run(r, gfn,
			      left < TRACE_RUN_PAGES_MAX ? left
							 : TRACE_RUN_PAGES_MAX,
			      hits, st);
	}
	return ret;
}

int regions_emit(struct regions *r, struct import_job *job, uint64_t start,
		 uint64_t end, struct status *st)
{
	const struct trace_epoch epoch = {.start = start,
					  .end = end,
					  .scan_start = start,
					  .scan_end = end,
					  .channels = TRACE_CHANNEL_ACCESSED,
					  .has_hits = true,
					  .samples = r->samples};
	int ret = import_epoch(job, &epoch, r->runs, r->n, st);

	r->n = 0;
	r->free_from = 0;
	return ret;
}

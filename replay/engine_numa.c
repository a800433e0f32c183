/* SPDX-License-Identifier: MIT */
/*
 * The VMM's memory as NUMA balancing sees it.  It cannot know the VMAs: memslots stand
 * for them, and neighbours in both guest and host are one.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "replay/engine_internal.h"

static bool follows(const struct trace_slot *slot,
		    const struct trace_slot *before)
{
	return slot->hva && before->hva &&
	       slot->hva == before->hva + before->npages * TRACE_PAGE_BYTES;
}

static size_t find_vmas(struct engine *e)
{
	size_t n = 0;

	for (size_t i = 0; i < e->map.n; i++) {
		const struct gfn_range *r = &e->map.range[i];
		uint32_t end = r->index + (uint32_t)r->npages;

		if (i && follows(&e->meta->slots[i], &e->meta->slots[i - 1]))
			e->vmas[n - 1].end = end;
		else
			e->vmas[n++] = (struct numa_vma){r->index, end};
	}
	return n;
}

int engine_balance(struct engine *e, struct status *st)
{
	size_t n;

	e->vmas = kage_calloc(e->map.n, sizeof(*e->vmas), st);
	if (!e->vmas)
		return -ENOMEM;
	n = find_vmas(e);
	for (size_t i = 0; i < e->nr_lanes; i++)
		if (lane_balance(&e->lanes[i], e->vmas, n,
				 e->meta->nr_vcpus <= 1, st))
			return -ENOMEM;
	return 0;
}

/* The order of the trace's epochs is known only now. */
void engine_balance_end(struct engine *e)
{
	for (size_t i = 0; i < e->nr_lanes; i++) {
		e->lanes[i].numa.vmas = NULL;
		e->lanes[i].knows_retries &= e->trace->is_ordered;
	}
	free(e->vmas);
}

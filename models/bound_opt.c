/* SPDX-License-Identifier: MIT */
/*
 * MIN: evict the page whose next access is farthest away (Belady, "A study of
 * replacement algorithms for a virtual-storage computer", 1966).  No policy has
 * fewer faults at the same number of resident pages.
 *
 * The next accesses are found in one backward pass.  Resident pages wait in a heap
 * keyed by their next access.  An entry whose page was accessed meanwhile is stale:
 * its key lies in the past, so it never comes up before a live one.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "models/bounds.h"

#define NEVER UINT32_MAX

struct entry {
	uint32_t next_use; /* NEVER sorts last, so it is evicted first */
	uint32_t page;
};

struct opt {
	struct entry *heap; /* the farthest next use on top */
	size_t used;
	uint32_t *next_use; /* per access */
	uint32_t *current;  /* per page: its next use, in the backward pass */
	uint8_t *state;	    /* per page: bit 0 resident, bit 1 evicted before */
};

enum {
	RESIDENT = 1,
	EVICTED = 2
};

static void sift_up(struct opt *o, size_t i)
{
	struct entry e = o->heap[i];

	while (i && o->heap[(i - 1) / 2].next_use < e.next_use) {
		o->heap[i] = o->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	o->heap[i] = e;
}

static void sift_down(struct opt *o, size_t i)
{
	struct entry e = o->heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= o->used)
			break;
		if (child + 1 < o->used &&
		    o->heap[child + 1].next_use > o->heap[child].next_use)
			child++;
		if (o->heap[child].next_use <= e.next_use)
			break;
		o->heap[i] = o->heap[child];
		i = child;
	}
	o->heap[i] = e;
}

static struct entry pop(struct opt *o)
{
	struct entry top = o->heap[0];

	o->heap[0] = o->heap[--o->used];
	if (o->used)
		sift_down(o, 0);
	return top;
}

static void evict_farthest(struct opt *o, struct bound_result *result)
{
	o->state[pop(o).page] = EVICTED;
	result->evictions++;
}

/* Keep the heap small: without this, hits would pile up stale entries. */
static void compact(struct opt *o, size_t now)
{
	size_t kept = 0;

	for (size_t i = 0; i < o->used; i++)
		if (o->heap[i].next_use > now)
			o->heap[kept++] = o->heap[i];
	o->used = kept;
	for (size_t i = kept / 2; i-- > 0;)
		sift_down(o, i);
}

static void find_next_uses(struct opt *o, const struct bound_trace *trace)
{
	for (uint32_t page = 0; page < trace->npages; page++)
		o->current[page] = NEVER;
	for (size_t i = trace->n; i-- > 0;) {
		o->next_use[i] = o->current[trace->page[i]];
		o->current[trace->page[i]] = (uint32_t)i;
	}
}

static void replay(struct opt *o, const struct bound_trace *trace,
		   uint64_t limit, const struct bound_observer *observer,
		   struct bound_result *result)
{
	size_t room = 2 * (size_t)trace->npages + 2, next = 0;
	uint64_t resident = 0;

	for (size_t i = 0; i < trace->n; i++) {
		uint32_t page = trace->page[i];

		if (!(o->state[page] & RESIDENT)) {
			result->faults++;
			result->refaults += (o->state[page] & EVICTED) != 0;
			if (resident == limit)
				evict_farthest(o, result);
			else
				resident++;
			o->state[page] = RESIDENT;
		}
		if (o->used == room)
			compact(o, i);
		o->heap[o->used++] = (struct entry){o->next_use[i], page};
		sift_up(o, o->used - 1);
		bound_observe(observer, &next, i + 1, result, resident);
	}
	result->max_resident = resident;
}

static int opt_run(const struct bound_trace *trace, uint64_t limit,
		   const struct bound_observer *observer,
		   struct bound_result *result, struct status *st)
{
	struct opt o = {0};
	int ret = -ENOMEM;

	*result = (struct bound_result){0};
	if (bound_check_limit(limit, st))
		return -EINVAL;
	if (trace->n >= NEVER)
		return status_fail(st, E2BIG,
				   "opt: %zu accesses are more than 2^32 - 2",
				   trace->n);
	o.heap =
		kage_calloc(2 * (size_t)trace->npages + 2, sizeof(*o.heap), st);
	o.next_use = kage_calloc_pages(trace->n, sizeof(*o.next_use), st);
	o.current = kage_calloc_pages(trace->npages, sizeof(*o.current), st);
	o.state = kage_calloc_pages(trace->npages, 1, st);
	if (!o.heap || !o.next_use || !o.current || !o.state)
		goto out;
	find_next_uses(&o, trace);
	replay(&o, trace, limit, observer, result);
	ret = 0;
out:
	free(o.heap);
	free(o.next_use);
	free(o.current);
	free(o.state);
	return ret;
}

const struct bound_ops bound_opt = {
	.summary = "MIN: evicts what is needed last (sees the future)",
	.run = opt_run,
};

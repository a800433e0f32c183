/* SPDX-License-Identifier: MIT */
/*
 * What accessed bits could do at best: evict the page whose last accessed epoch is
 * longest ago.  A sampler that reads the bits once per epoch knows in which epoch a
 * page was accessed last, the current one included, and no more; pages of one epoch
 * are alike to it and go in the order of a seeded hash.
 *
 * It cannot know what happens inside an epoch.  With an epoch per access it is exact
 * LRU, with one epoch for all it evicts at random.  Like LRU it does not see the
 * future: a policy that errs to its own good may have fewer faults.
 *
 * Resident pages wait in a heap keyed by epoch and hash.  An entry whose page was
 * accessed in a later epoch, or evicted, is stale and is dropped when it comes up.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "models/bounds.h"

enum {
	RESIDENT = 1,
	EVICTED = 2,
	EPOCH_SHIFT = 32
};

struct entry {
	uint64_t key; /* epoch, then hash; the least goes first */
	uint32_t page;
};

struct oracle {
	struct entry *heap;
	size_t used;
	uint64_t *key;	/* per page: that of its last epoch */
	uint8_t *state; /* per page */
	uint64_t epoch, salt;
};

static void sift_up(struct oracle *o, size_t i)
{
	struct entry e = o->heap[i];

	while (i && o->heap[(i - 1) / 2].key > e.key) {
		o->heap[i] = o->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	o->heap[i] = e;
}

static void sift_down(struct oracle *o, size_t i)
{
	struct entry e = o->heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= o->used)
			break;
		if (child + 1 < o->used &&
		    o->heap[child + 1].key < o->heap[child].key)
			child++;
		if (o->heap[child].key >= e.key)
			break;
		o->heap[i] = o->heap[child];
		i = child;
	}
	o->heap[i] = e;
}

static bool is_live(const struct oracle *o, const struct entry *e)
{
	return (o->state[e->page] & RESIDENT) && o->key[e->page] == e->key;
}

static void compact(struct oracle *o)
{
	size_t kept = 0;

	for (size_t i = 0; i < o->used; i++)
		if (is_live(o, &o->heap[i]))
			o->heap[kept++] = o->heap[i];
	o->used = kept;
	for (size_t i = kept / 2; i-- > 0;)
		sift_down(o, i);
}

static uint64_t key_of(const struct oracle *o, uint32_t page)
{
	uint64_t hash = rng_mix(o->salt + page + 1);

	return (o->epoch + 1) << EPOCH_SHIFT | hash >> EPOCH_SHIFT;
}

/* A page has one live entry; stale ones go when there is no room for more. */
static void note_access(struct oracle *o, uint32_t page, size_t room)
{
	uint64_t key = key_of(o, page);

	if (o->key[page] == key)
		return;
	o->key[page] = key;
	if (o->used == room)
		compact(o);
	o->heap[o->used++] = (struct entry){o->key[page], page};
	sift_up(o, o->used - 1);
}

static void evict_oldest(struct oracle *o, struct bound_result *result)
{
	struct entry e;

	do {
		e = o->heap[0];
		o->heap[0] = o->heap[--o->used];
		if (o->used)
			sift_down(o, 0);
	} while (!is_live(o, &e));
	o->state[e.page] = EVICTED;
	o->key[e.page] = 0; /* no page's: epochs count from 1 in keys */
	result->evictions++;
}

static void fault(struct oracle *o, uint32_t page, uint64_t limit,
		  uint64_t *resident, struct bound_result *result)
{
	result->faults++;
	result->refaults += (o->state[page] & EVICTED) != 0;
	if (*resident == limit)
		evict_oldest(o, result);
	else
		++*resident;
	o->state[page] = RESIDENT;
}

static void begin_epoch(struct oracle *o, uint64_t seed)
{
	o->salt = rng_mix(rng_mix(seed + 1) + o->epoch);
}

static void replay(struct oracle *o, const struct bound_trace *trace,
		   uint64_t limit, const struct bound_observer *observer,
		   struct bound_result *result)
{
	size_t room = 2 * (size_t)trace->npages + 2, next = 0;
	uint64_t resident = 0;

	begin_epoch(o, trace->seed);
	for (size_t i = 0; i < trace->n; i++) {
		uint32_t page = trace->page[i];

		while (o->epoch < trace->nr_epochs &&
		       trace->epoch_at[o->epoch] <= i) {
			o->epoch++;
			begin_epoch(o, trace->seed);
		}
		if (!(o->state[page] & RESIDENT))
			fault(o, page, limit, &resident, result);
		note_access(o, page, room);
		bound_observe(observer, &next, i + 1, result, resident);
	}
	result->max_resident = resident;
}

static int abit_oracle_run(const struct bound_trace *trace, uint64_t limit,
			   const struct bound_observer *observer,
			   struct bound_result *result, struct status *st)
{
	struct oracle o = {0};
	int ret = -ENOMEM;

	*result = (struct bound_result){0};
	if (bound_check_limit(limit, st))
		return -EINVAL;
	if (trace->nr_epochs >= UINT32_MAX)
		return status_fail(
			st, E2BIG,
			"abit-oracle: %zu epochs are more than 2^32 - 2",
			trace->nr_epochs);
	o.heap =
		kage_calloc(2 * (size_t)trace->npages + 2, sizeof(*o.heap), st);
	o.key = kage_calloc_pages(trace->npages, sizeof(*o.key), st);
	o.state = kage_calloc_pages(trace->npages, 1, st);
	if (!o.heap || !o.key || !o.state)
		goto out;
	replay(&o, trace, limit, observer, result);
	ret = 0;
out:
	free(o.heap);
	free(o.key);
	free(o.state);
	return ret;
}

const struct bound_ops bound_abit_oracle = {
	.summary = "evicts what was last accessed the most epochs ago",
	.run = abit_oracle_run,
};

/* SPDX-License-Identifier: MIT */
/*
 * MIN: evict the page whose next access is farthest away (Belady, "A study of
 * replacement algorithms for a virtual-storage computer", 1966).  No policy has
 * fewer faults at the same number of resident pages.
 *
 * The next accesses are found in one backward pass.  A set of times holds those at
 * which a page is accessed next that is resident until then: an access hits if its own
 * time is in the set, and the victim is the largest.  Times that have passed stay in
 * the set, for nobody asks for them.  Pages that are never accessed again are alike, so
 * only their number is kept.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "models/bounds.h"

#define NEVER UINT32_MAX

enum {
	LEVELS = 6, /* of 64 children each: enough for 2^32 times */
	AHEAD = 128 /* accesses for which memory is asked for early */
};

struct opt {
	uint32_t *next_use; /* per access */
	uint32_t *current;  /* per page: its next use, in the backward pass */
	uint64_t *is_first; /* bit per access: is it the first one of its page */
	uint64_t *set[LEVELS]; /* bit per time, per word of those, and so on */
	uint64_t resident, idle; /* idle: never accessed again */
};

static int set_init(struct opt *o, size_t n, struct status *st)
{
	for (unsigned int i = 0; i < LEVELS; i++) {
		n = n / 64 + 1;
		o->set[i] = kage_calloc_pages(n, sizeof(*o->set[i]), st);
		if (!o->set[i])
			return -ENOMEM;
	}
	return 0;
}

/* A word that was not empty is in the levels above already. */
static inline void set_add(struct opt *o, uint32_t time)
{
	for (unsigned int i = 0; i < LEVELS; i++, time /= 64) {
		uint64_t before = o->set[i][time / 64];

		o->set[i][time / 64] = before | UINT64_C(1) << time % 64;
		if (before)
			break;
	}
}

static inline void set_take_largest(struct opt *o)
{
	uint32_t time = 0;

	for (unsigned int i = LEVELS; i-- > 0;)
		time = time * 64 + 63 -
		       (uint32_t)__builtin_clzll(o->set[i][time]);
	for (unsigned int i = 0; i < LEVELS; i++, time /= 64) {
		o->set[i][time / 64] ^= UINT64_C(1) << time % 64;
		if (o->set[i][time / 64])
			break;
	}
}

static void find_next_uses(struct opt *o, const struct bound_trace *trace)
{
	for (uint32_t page = 0; page < trace->npages; page++)
		o->current[page] = NEVER;
	for (size_t i = trace->n; i-- > 0;) {
		if (i >= AHEAD)
			__builtin_prefetch(&o->current[trace->page[i - AHEAD]],
					   1);
		o->next_use[i] = o->current[trace->page[i]];
		o->current[trace->page[i]] = (uint32_t)i;
	}
	for (uint32_t page = 0; page < trace->npages; page++)
		if (o->current[page] != NEVER)
			o->is_first[o->current[page] / 64] |=
				UINT64_C(1) << o->current[page] % 64;
}

static void evict_farthest(struct opt *o, struct bound_result *result)
{
	if (o->idle)
		o->idle--;
	else
		set_take_largest(o);
	result->evictions++;
}

static void fault(struct opt *o, size_t now, uint64_t limit,
		  struct bound_result *result)
{
	result->faults++;
	result->refaults += ~o->is_first[now / 64] >> now % 64 & 1;
	if (o->resident == limit)
		evict_farthest(o, result);
	else
		o->resident++;
}

static void replay(struct opt *o, size_t from, size_t to, uint64_t limit,
		   struct bound_result *result)
{
	for (size_t now = from; now < to; now++) {
		uint32_t next_use = o->next_use[now];

		__builtin_prefetch(&o->set[0][o->next_use[now + AHEAD] / 64],
				   1);
		if (!(o->set[0][now / 64] >> now % 64 & 1))
			fault(o, now, limit, result);
		if (next_use == NEVER)
			o->idle++;
		else
			set_add(o, next_use);
	}
}

/* From one point of the observer to the next. */
static void replay_all(struct opt *o, size_t n, uint64_t limit,
		       const struct bound_observer *observer,
		       struct bound_result *result)
{
	size_t next = 0, to;

	for (size_t from = 0; from < n; from = to) {
		to = n;
		if (observer && next < observer->n && observer->at[next] < n)
			to = observer->at[next];
		to = to > from ? to : from + 1;
		replay(o, from, to, limit, result);
		bound_observe(observer, &next, to, result, o->resident);
	}
	result->max_resident = o->resident;
}

static void opt_fini(struct opt *o)
{
	free(o->next_use);
	free(o->current);
	free(o->is_first);
	for (unsigned int i = 0; i < LEVELS; i++)
		free(o->set[i]);
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
	o.next_use =
		kage_calloc_pages(trace->n + AHEAD, sizeof(*o.next_use), st);
	o.current = kage_calloc_pages(trace->npages, sizeof(*o.current), st);
	o.is_first =
		kage_calloc_pages(trace->n / 64 + 1, sizeof(*o.is_first), st);
	if (!o.next_use || !o.current || !o.is_first ||
	    set_init(&o, trace->n, st))
		goto out;
	find_next_uses(&o, trace);
	replay_all(&o, trace->n, limit, observer, result);
	ret = 0;
out:
	opt_fini(&o);
	return ret;
}

const struct bound_ops bound_opt = {
	.summary = "MIN: evicts what is needed last (sees the future)",
	.run = opt_run,
};

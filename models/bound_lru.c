/* SPDX-License-Identifier: MIT */
/* Exact LRU: what aging tries to approximate, if every access were seen. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "models/bounds.h"

enum {
	NOT_SEEN = 0,
	RESIDENT = 1,
	EVICTED = 2
};

/* A circular list by index; element npages is the head. */
struct lru {
	uint32_t *next, *prev;
	uint8_t *state;
	uint32_t head;
};

static void unlink_page(struct lru *l, uint32_t page)
{
	l->next[l->prev[page]] = l->next[page];
	l->prev[l->next[page]] = l->prev[page];
}

static void push(struct lru *l, uint32_t page)
{
	uint32_t first = l->next[l->head];

	l->prev[page] = l->head;
	l->next[page] = first;
	l->next[l->head] = page;
	l->prev[first] = page;
}

static void evict_oldest(struct lru *l, struct bound_result *result)
{
	uint32_t victim = l->prev[l->head];

	unlink_page(l, victim);
	l->state[victim] = EVICTED;
	result->evictions++;
}

static void access_page(struct lru *l, uint32_t page, uint64_t limit,
			uint64_t *resident, struct bound_result *result)
{
	if (l->state[page] == RESIDENT) {
		unlink_page(l, page);
		push(l, page);
		return;
	}
	result->faults++;
	result->refaults += l->state[page] == EVICTED;
	if (*resident == limit)
		evict_oldest(l, result);
	else
		++*resident;
	l->state[page] = RESIDENT;
	push(l, page);
}

static int lru_run(const struct bound_trace *trace, uint64_t limit,
		   const struct bound_observer *observer,
		   struct bound_result *result, struct status *st)
{
	size_t links = (size_t)trace->npages + 1;
	struct lru l = {.head = trace->npages};
	uint64_t resident = 0;
	size_t next = 0;
	int ret = -ENOMEM;

	*result = (struct bound_result){0};
	if (bound_check_limit(limit, st))
		return -EINVAL;
	l.next = kage_calloc_pages(links, sizeof(*l.next), st);
	l.prev = kage_calloc_pages(links, sizeof(*l.prev), st);
	l.state = kage_calloc_pages(links, 1, st);
	if (!l.next || !l.prev || !l.state)
		goto out;
	l.next[l.head] = l.prev[l.head] = l.head;
	for (size_t i = 0; i < trace->n; i++) {
		access_page(&l, trace->page[i], limit, &resident, result);
		bound_observe(observer, &next, i + 1, result, resident);
	}
	result->max_resident = resident;
	ret = 0;
out:
	free(l.next);
	free(l.prev);
	free(l.state);
	return ret;
}

const struct bound_ops bound_lru = {
	.summary = "exact LRU over every access",
	.run = lru_run,
};

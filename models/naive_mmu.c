/* SPDX-License-Identifier: MIT */
/* The naive twin's secondary MMU and how the four policies ask it. */
#include <string.h>

#include "models/naive_mglru.h"

/* What a call holds if it gets to work. */
static enum naive_lock held(const struct naive_mglru *n, enum counter caller)
{
	switch (n->policy) {
	case NAIVE_BATCHED:
		if (n->lock == NAIVE_LOCK_NONE && n->is_kind_locked)
			return NAIVE_LOCK_WRITE;
		return n->lock;
	case NAIVE_FAST_ONLY:
		if (caller == COUNT_calls_victim && n->is_kind_locked)
			return NAIVE_LOCK_WRITE;
		return NAIVE_LOCK_NONE;
	default:
		return NAIVE_LOCK_WRITE;
	}
}

static void count_call(struct naive_mglru *n, enum counter caller,
		       enum naive_lock lock)
{
	n->counters.n[caller]++;
	if (lock == NAIVE_LOCK_READ)
		n->counters.n[COUNT_lock_read_young]++;
	if (lock == NAIVE_LOCK_WRITE)
		n->counters.n[COUNT_lock_write_young]++;
}

static bool test_spte(struct naive_mglru *n, uint32_t page)
{
	n->counters.n[COUNT_sptes]++;
	return n->page[page].is_spte_young;
}

static bool test_and_clear_spte(struct naive_mglru *n, uint32_t page)
{
	bool was_young = test_spte(n, page);

	n->page[page].is_spte_young = false;
	if (was_young)
		n->counters.n[COUNT_sptes_young]++;
	return was_young;
}

static bool fast_only_ask(struct naive_mglru *n, enum counter caller,
			  uint32_t first, uint32_t count, bool *young)
{
	bool any = false;

	for (uint32_t i = 0; i < count && !n->is_kind_locked; i++) {
		if (!naive_is_seen(n, &n->page[first + i]))
			continue;
		count_call(n, caller, held(n, caller));
		young[i] = test_and_clear_spte(n, first + i);
		any |= young[i];
	}
	return any;
}

static bool cannot_batch(const struct naive_mglru *n)
{
	return n->lock == NAIVE_LOCK_NONE && n->is_kind_locked && n->batch != 1;
}

/* A fused call. */
static bool test_and_clear_batch(struct naive_mglru *n, uint32_t first,
				 uint32_t count, bool *young)
{
	bool any = false;

	for (uint32_t i = 0; i < count; i++) {
		if (naive_is_seen(n, &n->page[first + i]))
			young[i] = test_and_clear_spte(n, first + i);
		any |= young[i];
	}
	return any;
}

/* The first of two calls.  Return: whether the second one is needed. */
static bool test_batch(struct naive_mglru *n, uint32_t first, uint32_t count,
		       bool *young)
{
	bool any = false;

	for (uint32_t i = 0; i < count; i++) {
		if (naive_is_seen(n, &n->page[first + i]))
			young[i] = test_spte(n, first + i);
		any |= young[i];
	}
	return any;
}

/* The second one: from the first page that was young to the last. */
static void clear_batch(struct naive_mglru *n, uint32_t first, uint32_t count,
			const bool *young)
{
	uint32_t from = 0, to = count;

	while (!young[from])
		from++;
	while (!young[to - 1])
		to--;
	for (uint32_t i = from; i < to; i++) {
		if (young[i])
			test_and_clear_spte(n, first + i);
		else if (naive_is_seen(n, &n->page[first + i]))
			n->counters.n[COUNT_sptes]++;
	}
}

static bool ask_batch(struct naive_mglru *n, enum counter caller,
		      uint32_t first, uint32_t count, bool *young)
{
	if (cannot_batch(n)) {
		count_call(n, caller, NAIVE_LOCK_NONE);
		return false;
	}
	count_call(n, caller, held(n, caller));
	if (!n->has_two_calls)
		return test_and_clear_batch(n, first, count, young);
	if (!test_batch(n, first, count, young))
		return false;
	count_call(n, caller, held(n, caller));
	clear_batch(n, first, count, young);
	return true;
}

/* A batch begins at a present page. */
static bool batched_ask(struct naive_mglru *n, enum counter caller,
			uint32_t first, uint32_t count, bool *young)
{
	bool any = false;

	for (uint32_t at = 0; at < count;) {
		uint32_t left = count - at;
		uint32_t size = left < n->batch ? left : n->batch;

		if (!naive_is_seen(n, &n->page[first + at])) {
			at++;
			continue;
		}
		any |= ask_batch(n, caller, first + at, size, young + at);
		at += size;
	}
	return any;
}

bool naive_looks_around(const struct naive_mglru *n)
{
	if (n->policy == NAIVE_BATCHED)
		return !n->has_no_walk && !cannot_batch(n);
	return n->policy == NAIVE_FAST_ONLY && !n->is_kind_locked;
}

bool naive_ask(struct naive_mglru *n, enum counter caller, uint32_t first,
	       uint32_t count, bool *young)
{
	memset(young, 0, count * sizeof(*young));
	if (n->has_no_walk)
		return false;
	if (n->policy == NAIVE_BATCHED)
		return batched_ask(n, caller, first, count, young);
	if (n->policy == NAIVE_FAST_ONLY)
		return fast_only_ask(n, caller, first, count, young);
	return false;
}

bool naive_ask_victim(struct naive_mglru *n, uint32_t page)
{
	bool was_young;

	if (n->policy == NAIVE_NONE)
		return false;
	count_call(n, COUNT_calls_victim, held(n, COUNT_calls_victim));
	was_young = test_and_clear_spte(n, page);
	if (n->policy == NAIVE_RMAP && was_young)
		n->counters.n[COUNT_flushes]++;
	return was_young;
}

void naive_zap(struct naive_mglru *n, uint32_t first, uint32_t count,
	       bool *young)
{
	bool any = false;

	for (uint32_t i = 0; i < count; i++) {
		struct naive_page *p = &n->page[first + i];

		if (young)
			young[i] = p->is_spte_young;
		any |= p->has_spte;
		p->has_spte = p->is_spte_young = false;
		p->is_spte_read_only = false;
	}
	n->counters.n[COUNT_calls_unmap]++;
	n->counters.n[COUNT_lock_write_unmap] += 2;
	if (any)
		n->counters.n[COUNT_flushes]++;
}

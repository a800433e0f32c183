/* SPDX-License-Identifier: MIT */
/* The naive twin's secondary MMU and how the four policies ask it. */
#include <string.h>

#include "models/naive_mglru.h"

static void count_call(struct naive_mglru *n, enum counter caller)
{
	n->counters.n[caller]++;
	if (n->policy == NAIVE_RMAP)
		n->counters.n[COUNT_lock_write_young]++;
	if (n->policy == NAIVE_BATCHED && n->is_read_locked)
		n->counters.n[COUNT_lock_read_young]++;
	if (n->policy == NAIVE_BATCHED && !n->is_read_locked)
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

	for (uint32_t i = 0; i < count; i++) {
		if (!naive_is_seen(n, &n->page[first + i]))
			continue;
		count_call(n, caller);
		young[i] = test_and_clear_spte(n, first + i);
		any |= young[i];
	}
	return any;
}

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

static bool clear_batch(struct naive_mglru *n, uint32_t first, uint32_t count,
			const bool *want, bool *young)
{
	bool any = false;

	for (uint32_t i = 0; i < count; i++) {
		young[i] = want[i] && test_and_clear_spte(n, first + i);
		any |= young[i];
	}
	return any;
}

/* One batch: a fused call, or a test and then a clear of what was young. */
static bool ask_batch(struct naive_mglru *n, enum counter caller,
		      uint32_t first, uint32_t count, bool *young)
{
	bool want[NAIVE_TABLE];
	bool any = false;

	for (uint32_t i = 0; i < count; i++) {
		want[i] = naive_is_seen(n, &n->page[first + i]);
		any |= want[i];
	}
	if (!any)
		return false;
	count_call(n, caller);
	if (!n->has_two_calls)
		return clear_batch(n, first, count, want, young);
	if (!test_batch(n, first, count, young))
		return false;
	count_call(n, caller);
	memcpy(want, young, count * sizeof(*want));
	return clear_batch(n, first, count, want, young);
}

static bool batched_ask(struct naive_mglru *n, enum counter caller,
			uint32_t first, uint32_t count, bool *young)
{
	bool any = false;

	for (uint32_t from = 0; from < count; from += n->batch) {
		uint32_t left = count - from;

		any |= ask_batch(n, caller, first + from,
				 left < n->batch ? left : n->batch,
				 young + from);
	}
	return any;
}

bool naive_ask(struct naive_mglru *n, enum counter caller, uint32_t first,
	       uint32_t count, bool *young)
{
	memset(young, 0, count * sizeof(*young));
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
	count_call(n, COUNT_calls_victim);
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

/* SPDX-License-Identifier: MIT */
/* The naive twin's secondary MMU and how the four policies ask it. */
#include <string.h>

#include "base/rng.h"
#include "models/naive_internal.h"

static bool is_lockless(const struct naive_mglru *n)
{
	return !n->kind.is_device && n->kind.young_lock == NAIVE_LOCK_NONE;
}

static bool has_fast_aging(const struct naive_mglru *n)
{
	return is_lockless(n) || n->kind.walks_fast;
}

/* What a call holds: what the policy asks for, or more where the kind needs it. */
static enum naive_lock held(const struct naive_mglru *n)
{
	enum naive_lock lock = NAIVE_LOCK_WRITE;

	if (n->policy == NAIVE_BATCHED)
		lock = n->lock;
	if (n->policy == NAIVE_FAST_ONLY)
		lock = NAIVE_LOCK_NONE;
	if (lock == NAIVE_LOCK_NONE)
		return n->kind.young_lock;
	if (n->kind.young_lock == NAIVE_LOCK_WRITE)
		return NAIVE_LOCK_WRITE;
	return lock;
}

static void count_call(struct naive_mglru *n, enum counter caller,
		       enum naive_lock lock)
{
	n->counters.n[caller]++;
	if (n->kind.is_device)
		return;
	if (lock == NAIVE_LOCK_READ)
		n->counters.n[COUNT_lock_read_young]++;
	if (lock == NAIVE_LOCK_WRITE)
		n->counters.n[COUNT_lock_write_young]++;
}

const struct naive_side *naive_side_of(const struct naive_mglru *n,
				       uint32_t page)
{
	if (n->kind.is_nested[page / NAIVE_TABLE])
		return &n->kind.nested;
	return &n->kind.side;
}

static void visit_spte(struct naive_mglru *n, uint32_t page)
{
	uint32_t chain = naive_side_of(n, page)->chain;

	if (n->kind.is_device)
		return;
	if (!chain) {
		n->counters.n[COUNT_sptes]++;
	} else if (n->page[page].has_spte) {
		n->counters.n[COUNT_sptes] += chain;
		if (n->kind.locks_rmaps)
			n->counters.n[COUNT_lock_rmap]++;
	}
}

static bool test_spte(struct naive_mglru *n, uint32_t page)
{
	visit_spte(n, page);
	return n->page[page].is_spte_young;
}

/* The pages that @page's SPTE maps: *count of them from the returned one. */
uint32_t naive_leaf(const struct naive_mglru *n, uint32_t page, uint32_t *count)
{
	uint32_t start = page / n->kind.leaf * n->kind.leaf;

	*count = NAIVE_TABLE;
	if (n->has_huge_spte[page / NAIVE_TABLE])
		return page / NAIVE_TABLE * NAIVE_TABLE;
	*count = 1;
	if (n->kind.leaf == 1 || n->is_split[start / NAIVE_TABLE])
		return page;
	*count = n->kind.leaf;
	if (*count > n->npages - start)
		*count = n->npages - start;
	return start;
}

static void make_old(struct naive_mglru *n, uint32_t page)
{
	uint32_t count, start = naive_leaf(n, page, &count);

	for (uint32_t i = 0; i < count; i++)
		n->page[start + i].is_spte_young = false;
}

static void make_young(struct naive_mglru *n, uint32_t page)
{
	uint32_t count, start = naive_leaf(n, page, &count);

	for (uint32_t i = 0; i < count; i++)
		if (n->page[start + i].has_spte)
			n->page[start + i].is_spte_young = true;
}

static bool is_raced(struct naive_mglru *n)
{
	uint64_t seed = rng_mix(n->kind.race_seed);

	if (!n->kind.race_ppm)
		return false;
	return rng_mix(seed + n->nr_risked++) % 1000000 < n->kind.race_ppm;
}

static bool test_and_clear_spte(struct naive_mglru *n, uint32_t page)
{
	if (!test_spte(n, page))
		return false;
	if (is_raced(n)) {
		n->counters.n[COUNT_sptes_raced]++;
		if (n->kind.raced_is_old)
			make_old(n, page);
		return !n->kind.raced_is_old;
	}
	n->counters.n[COUNT_sptes_young]++;
	make_old(n, page);
	return true;
}

static void count_fault_lock(struct naive_mglru *n, enum naive_lock lock)
{
	if (n->kind.is_device)
		return;
	if (lock == NAIVE_LOCK_READ)
		n->counters.n[COUNT_lock_read_fault]++;
	if (lock == NAIVE_LOCK_WRITE)
		n->counters.n[COUNT_lock_write_fault]++;
}

bool naive_has_plain_sptes(const struct naive_mglru *n)
{
	return !n->kind.is_device && n->kind.leaf == 1 &&
	       !n->kind.side.is_tracked && !n->kind.nested.is_tracked;
}

void naive_map(struct naive_mglru *n, uint32_t page)
{
	count_fault_lock(n, naive_side_of(n, page)->fault_lock);
	if (n->page[page].is_lost)
		n->counters.n[COUNT_zap_faults]++;
	n->page[page].is_lost = false;
	n->page[page].has_spte = true;
	if (!n->kind.is_device)
		make_young(n, page);
}

void naive_map_huge(struct naive_mglru *n, uint32_t page)
{
	uint32_t first = page / NAIVE_TABLE * NAIVE_TABLE;

	count_fault_lock(n, naive_side_of(n, page)->fault_lock);
	if (n->page[page].is_lost)
		n->counters.n[COUNT_zap_faults]++;
	n->has_huge_spte[page / NAIVE_TABLE] = true;
	for (uint32_t i = 0; i < NAIVE_TABLE; i++) {
		n->page[first + i].is_lost = false;
		n->page[first + i].has_spte = true;
	}
	if (!n->kind.is_device)
		make_young(n, page);
}

bool naive_touch(struct naive_mglru *n, uint32_t page)
{
	const struct naive_side *side = naive_side_of(n, page);
	struct naive_page *p = &n->page[naive_folio(n, page)];

	if (!p->has_spte)
		return false;
	if (p->is_spte_young || n->kind.is_device)
		return true;
	make_young(n, page);
	if (!side->is_tracked)
		return true;
	n->counters.n[COUNT_track_exits]++;
	count_fault_lock(n, side->track_lock);
	if (side->is_faulted)
		p->is_referenced = true;
	if (side->is_marked)
		naive_mark_accessed(n, p);
	return true;
}

static bool fast_only_ask(struct naive_mglru *n, enum counter caller,
			  uint32_t first, uint32_t count, bool *young)
{
	bool any = false;

	bool locks_rmaps = n->kind.locks_rmaps;

	if (!has_fast_aging(n))
		return false;
	n->kind.locks_rmaps |= n->kind.walks_fast;
	for (uint32_t i = 0; i < count; i++) {
		if (!naive_is_seen(n, &n->page[first + i]))
			continue;
		n->counters.n[caller]++;
		if (naive_side_of(n, first + i)->is_blind)
			continue;
		if (naive_side_of(n, first + i)->is_slow)
			young[i] = test_spte(n, first + i);
		else
			young[i] = test_and_clear_spte(n, first + i);
		any |= young[i];
	}
	n->kind.locks_rmaps = locks_rmaps;
	return any;
}

/* Nested guests have shadow pages, which are found through rmaps. */
static bool has_batch_walk(const struct naive_mglru *n)
{
	bool has_rmaps = n->kind.side.chain || n->kind.nested.chain;

	return is_lockless(n) && !has_rmaps && !n->kind.side.is_tracked;
}

static bool cannot_batch(const struct naive_mglru *n)
{
	return n->lock == NAIVE_LOCK_NONE && n->batch != 1 &&
	       !has_batch_walk(n);
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
			visit_spte(n, first + i);
	}
}

static bool ask_batch(struct naive_mglru *n, enum counter caller,
		      uint32_t first, uint32_t count, bool *young)
{
	if (cannot_batch(n)) {
		count_call(n, caller, NAIVE_LOCK_NONE);
		return false;
	}
	count_call(n, caller, held(n));
	if (!n->has_two_calls)
		return test_and_clear_batch(n, first, count, young);
	if (!test_batch(n, first, count, young))
		return false;
	count_call(n, caller, held(n));
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
	return n->policy == NAIVE_FAST_ONLY && has_fast_aging(n);
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

/* clear_flush_young(), or clear_young() with a flush of its own, or without. */
static bool flushes(const struct naive_mglru *n)
{
	if (n->policy == NAIVE_RMAP && n->must_flush)
		return true;
	if (n->policy == NAIVE_RMAP && n->must_not_flush)
		return false;
	return (n->policy == NAIVE_RMAP || n->has_flush) &&
	       n->kind.flushes_young;
}

bool naive_ask_victim(struct naive_mglru *n, uint32_t page)
{
	bool was_young;

	if (n->policy == NAIVE_NONE)
		return false;
	count_call(n, COUNT_calls_victim, held(n));
	was_young = test_and_clear_spte(n, page);
	if (was_young && flushes(n))
		n->counters.n[COUNT_flushes]++;
	return was_young;
}

/* SPDX-License-Identifier: MIT */
/*
 * The naive twin's NUMA balancing: page by page, as the kernel's loops are.  Which
 * pages are pinned or move are the model's hashes.
 */
#include <string.h>

#include "base/rng.h"
#include "models/naive_internal.h"

static bool can_map_prot_numa(const struct naive_mglru *n, uint32_t page)
{
	const struct naive_page *p = &n->page[page];
	uint64_t block = page / n->numa.block + 1;

	return page < n->nr_anon && p->is_resident && !p->is_unmapped &&
	       !p->is_prot_none &&
	       rng_mix(rng_mix(n->numa.seed) ^ block) % 100 >= n->numa.pinned;
}

/* pmd_none() */
static bool has_pmd(const struct naive_mglru *n, uint32_t page)
{
	return n->has_table[page / NAIVE_TABLE];
}

/* Tests are smaller than a PUD entry: it is there if any table is. */
static bool has_pud(const struct naive_mglru *n)
{
	for (uint32_t table = 0; table < n->nr_anon / NAIVE_TABLE; table++)
		if (n->has_table[table])
			return true;
	return false;
}

/* Where the notifier range begins, or @end. */
static uint32_t range_start(const struct naive_mglru *n, uint32_t first,
			    uint32_t end)
{
	if (n->version != NAIVE_6_1)
		return has_pud(n) ? first : end;
	while (first < end && !has_pmd(n, first))
		first = (first / NAIVE_TABLE + 1) * NAIVE_TABLE;
	return first < end ? first : end;
}

static uint32_t change_range(struct naive_mglru *n, uint32_t first,
			     uint32_t end)
{
	bool changed[NAIVE_PAGES_MAX] = {false};
	uint32_t start = range_start(n, first, end), at, sum = 0, mapped = 0;
	uint32_t lost = 0;

	for (uint32_t page = start; page < end; page++) {
		changed[page - start] = can_map_prot_numa(n, page);
		sum += changed[page - start];
		mapped += changed[page - start] && n->page[page].has_spte;
		n->counters.n[COUNT_numa_ptes] += has_pmd(n, page);
	}
	if (n->kind.sleeps && sum &&
	    (n->numa.is_deferred || n->numa.is_precise)) {
		n->counters.n[COUNT_numa_refused]++;
		return 0;
	}
	at = start;
	while (n->numa.is_deferred && at < end && !changed[at - start])
		at++;
	if (at == end)
		return 0;
	if (n->numa.is_precise)
		lost = naive_announce(n, start, end, changed);
	else
		lost = naive_invalidate_range(n, at, end, NAIVE_PROTECT);
	if (!n->kind.is_device) {
		n->counters.n[COUNT_unmap_unchanged] += lost - mapped;
		n->counters.n[COUNT_numa_zapped] += lost;
	}
	for (uint32_t page = start; page < end; page++)
		if (changed[page - start])
			n->page[page].is_prot_none = true;
	n->counters.n[COUNT_numa_updates] += sum;
	return sum;
}

static uint64_t windows(const struct naive_mglru *n)
{
	uint64_t rss = 0;

	for (uint32_t page = 0; page < n->nr_anon; page++)
		rss += n->page[page].is_resident && !n->page[page].is_unmapped;
	if (!rss)
		rss = n->numa.size;
	return (rss + n->numa.size - 1) / n->numa.size;
}

static uint64_t scan_min(const struct naive_mglru *n)
{
	uint64_t mb = n->numa.size * 4096 / (1 << 20);
	uint64_t floor = mb < 2560 ? 1000 / (2560 / mb) : 1000;
	uint64_t scan = n->numa.period_min / windows(n);

	return scan > floor * 1000000 ? scan : floor * 1000000;
}

static uint64_t scan_max(const struct naive_mglru *n)
{
	uint64_t max = n->numa.period_max / windows(n);

	return max > scan_min(n) ? max : scan_min(n);
}

static void reset_ptenuma_scan(struct naive_mglru *n)
{
	n->numa.scan_seq++;
	n->numa.scan_offset = 0;
}

static uint32_t vma_find(const struct naive_mglru *n)
{
	uint32_t vma = 0;

	while (vma < n->numa.nr_vmas &&
	       n->numa.vma_end[vma] <= n->numa.scan_offset)
		vma++;
	return vma;
}

void naive_numa_work(struct naive_mglru *n)
{
	struct naive_numa *a = &n->numa;
	int64_t pages = (int64_t)a->size, virtpages = pages * 8;
	uint32_t vma = vma_find(n);
	uint64_t start, end;

	n->counters.n[COUNT_numa_scans]++;
	if (!a->scan_period)
		a->scan_period = scan_min(n);
	a->next_scan += a->scan_period;
	if (vma == a->nr_vmas) {
		reset_ptenuma_scan(n);
		vma = 0;
	}
	for (; vma < a->nr_vmas; vma++) {
		do {
			start = a->scan_offset;
			if (start < a->vma_start[vma])
				start = a->vma_start[vma];
			end = start + (uint64_t)pages;
			while (end % NAIVE_TABLE)
				end++;
			if (end > a->vma_end[vma])
				end = a->vma_end[vma];
			if (change_range(n, (uint32_t)start, (uint32_t)end))
				pages -= (int64_t)(end - start);
			virtpages -= (int64_t)(end - start);
			a->scan_offset = end;
			if (pages <= 0 || virtpages <= 0)
				return;
		} while (end != a->vma_end[vma]);
	}
	reset_ptenuma_scan(n);
}

static void update_task_scan_period(struct naive_mglru *n, uint64_t now)
{
	struct naive_numa *a = &n->numa;
	uint64_t all = a->local + a->remote;
	uint64_t shared = a->private == 100 ? 0 : all;
	int64_t slot = (int64_t)(a->scan_period + 9) / 10, period, diff;
	int64_t lr_ratio, ps_ratio;

	if (a->local + shared == 0) {
		a->scan_period *= 2;
		if (a->scan_period > scan_max(n))
			a->scan_period = scan_max(n);
		a->next_scan = now + a->scan_period;
		return;
	}
	lr_ratio = (int64_t)(a->local * 10 / all);
	ps_ratio = (int64_t)(a->private * 10 / 100);
	if (ps_ratio >= 7) {
		diff = ps_ratio == 7 ? slot : (ps_ratio - 7) * slot;
	} else if (lr_ratio >= 7) {
		diff = lr_ratio == 7 ? slot : (lr_ratio - 7) * slot;
	} else {
		int64_t ratio = lr_ratio > ps_ratio ? lr_ratio : ps_ratio;

		diff = -(7 - ratio) * slot;
	}
	period = (int64_t)a->scan_period + diff;
	if (period > (int64_t)scan_max(n))
		period = (int64_t)scan_max(n);
	if (period < (int64_t)scan_min(n))
		period = (int64_t)scan_min(n);
	a->scan_period = (uint64_t)period;
	a->local = a->remote = 0;
}

void naive_do_numa_page(struct naive_mglru *n, uint32_t page, uint64_t now)
{
	struct naive_numa *a = &n->numa;
	uint64_t hash = rng_mix(rng_mix(a->seed + 1) ^ page);
	bool is_migrated = rng_mix(hash ^ a->scan_seq) % 100 < a->migratable;

	n->page[page].is_prot_none = false;
	n->page[page].is_hinted = true;
	n->counters.n[COUNT_numa_faults]++;
	if (is_migrated) {
		n->counters.n[COUNT_numa_migrations]++;
		naive_invalidate(n, page, 1, NAIVE_MIGRATE);
	}
	if (a->scan_seq != a->placed_seq) {
		a->placed_seq = a->scan_seq;
		update_task_scan_period(n, now);
	}
	if (is_migrated)
		a->remote++;
	else
		a->local++;
}

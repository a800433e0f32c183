/* SPDX-License-Identifier: MIT */
/*
 * Random events for a model and its naive twin: what a guest, a host and a process with
 * files may do, between requests and between the steps of one.
 */
#include "models/invalidate.h"
#include "models/mglru_internal.h"
#include "models/test_twin.h"

enum {
	USED_PER_TABLE = TWIN_USED / TWIN_ANON_TABLES,
	USED_OF_FILES = 150,
	HOT = 100, /* enough of a table to pass the Bloom filter */
};

/* One request on both; the twin drives. */
static void request(struct twin *t, enum reclaim_kind kind, uint64_t wanted,
		    bool force_scan)
{
	struct reclaim r;

	t->request[t->depth++] = &r;
	reclaim_begin(&r, &t->lane.m, kind, wanted, force_scan);
	if (kind == RECLAIM_AGE)
		naive_age(&t->naive, force_scan);
	else if (kind == RECLAIM_DIRECT)
		naive_direct_reclaim(&t->naive, wanted);
	else if (kind == RECLAIM_GENERATIONS)
		naive_evict_generations(&t->naive, wanted);
	else
		naive_memory_reclaim(&t->naive, wanted);
	twin_same(t, "last step", 0,
		  reclaim_step(&r, &t->lane.m, t->lane.now_ns), 0);
	t->depth--;
}

/* kswapd wants the node to have a few more free pages than it has. */
static void balance(struct twin *t)
{
	struct reclaim_node node = {
		.high = 1 + rng_below(&t->rng, 200),
		.min_ttl_ns =
			rng_below(&t->rng, 2) * rng_below(&t->rng, 2000000),
	};
	struct reclaim r;

	node.pages = t->lane.m.resident + rng_below(&t->rng, node.high + 2);
	t->request[t->depth++] = &r;
	reclaim_begin_kswapd(&r, &t->lane.m, &node);
	naive_kswapd(&t->naive, node.pages, node.high, node.min_ttl_ns);
	twin_same(t, "last step", 0,
		  reclaim_step(&r, &t->lane.m, t->lane.now_ns), 0);
	t->depth--;
}

static void charge(struct twin *t, uint32_t page)
{
	const struct mglru *m = &t->lane.m;
	uint32_t nr = mglru_needs_charge(m, page);

	if (!nr || m->resident + nr <= t->lane.limit ||
	    t->depth == TWIN_NESTED_MAX)
		return;
	request(t, RECLAIM_DIRECT, nr, false);
	nr = mglru_needs_charge(m, page); /* it may have come meanwhile */
	if (nr <= 1 || m->resident + nr <= t->lane.limit)
		return;
	mglru_fall_back(&t->lane.m, page);
	naive_fall_back(&t->naive, page);
}

/* An access to @page may swap it in, with others. */
static void swap_in(struct twin *t, uint32_t page)
{
	struct mglru *m = &t->lane.m;
	struct naive_swapin naive;
	struct mglru_swapin s;
	uint32_t next;

	mglru_swapin_begin(m, &s, page);
	naive_swapin_begin(&t->naive, page, &naive);
	while (mglru_swapin_next(m, &s, &next)) {
		twin_same(t, "is read", next,
			  naive_swapin_next(&t->naive, &naive), true);
		twin_same(t, "read", page, next, naive.at);
		charge(t, next);
		mglru_swapin_read(m, &s, t->lane.now_ns);
		naive_swapin_read(&t->naive, &naive);
	}
	twin_same(t, "is read", page, naive_swapin_next(&t->naive, &naive),
		  false);
	mglru_swapin_end(m, &s);
	naive_swapin_end(&t->naive, &naive);
}

static uint32_t used_page(uint32_t rank)
{
	return rank / USED_PER_TABLE * PTRS_PER_PTE + rank % USED_PER_TABLE;
}

static uint32_t pick(struct twin *t)
{
	double u = rng_unit(&t->rng);

	switch (rng_below(&t->rng, 8)) {
	case 0:
		return used_page((uint32_t)rng_below(&t->rng, TWIN_USED));
	case 1:
	case 2:
		return used_page(t->cursor++ % TWIN_USED);
	case 3:
	case 4:
		return used_page((uint32_t)(u * u * u * TWIN_USED));
	default:
		return used_page((uint32_t)rng_below(&t->rng, HOT));
	}
}

/* The process with the files: it reads on, and comes back to some pages. */
static void file_access(struct twin *t)
{
	double u = rng_unit(&t->rng);
	uint32_t page = TWIN_ANON + (uint32_t)(u * u * USED_OF_FILES);

	if (t->naive.nr_anon == TWIN_PAGES)
		return;
	if (rng_below(&t->rng, 2))
		page = TWIN_ANON + t->file_cursor++ % USED_OF_FILES;
	charge(t, page);
	mglru_file_access(&t->lane.m, page, t->lane.now_ns);
	naive_file_access(&t->naive, page);
}

/* What strikes while room is made may have mapped the page already. */
static void guest_access(struct twin *t, uint32_t page)
{
	uint64_t *word = &t->word[page];
	const uint64_t *unmaps = &t->lane.counters.n[COUNT_calls_unmap];
	uint64_t before = *unmaps;
	bool is_write = rng_below(&t->rng, 2), is_stale, is_hint;

	if (!(*word & t->lane.mmu.quiet)) {
		swap_in(t, page);
		charge(t, page);
	}
	is_hint = !(*word & t->lane.mmu.quiet) && twin_hint_fault(t, page);
	/* or something was invalidated elsewhere */
	is_stale = *unmaps != before || rng_below(&t->rng, 16) == 0;
	if (*word & t->lane.mmu.quiet)
		*word |= t->lane.mmu.accessed;
	else
		mglru_fault(&t->lane.m, page, t->lane.now_ns,
			    (is_write ? MGLRU_WRITE : 0) |
				    (is_stale ? MGLRU_STALE : 0) |
				    (is_hint ? MGLRU_HINT : 0));
	naive_guest_access(&t->naive, page, is_write, is_stale);
}

static void host_access(struct twin *t, uint32_t page)
{
	swap_in(t, page);
	charge(t, page);
	twin_hint_fault(t, page);
	mglru_host_access(&t->lane.m, page, t->lane.now_ns);
	naive_host_access(&t->naive, page);
}

static void invalidate(struct twin *t, uint32_t page)
{
	uint32_t left = t->naive.nr_anon - page;
	uint32_t most = left < WINDOW ? left : WINDOW;
	uint32_t count = left;

	if (rng_below(&t->rng, 16))
		count = 1 + (uint32_t)rng_below(&t->rng, most);

	mglru_invalidate(&t->lane.m, page, page + count, MMU_TRACE);
	naive_invalidate(&t->naive, page, count, NAIVE_RECORDED);
}

/* The VMM is scheduled. */
static void run_mm(struct twin *t)
{
	t->lane.m.has_run = true;
	t->naive.mm[NAIVE_ANON].has_run = true;
}

static void discard(struct twin *t, uint32_t page)
{
	numa_forget(&t->numa, page);
	mglru_discard(&t->lane.m, page);
	naive_discard(&t->naive, page);
}

/* As if the page whose verdict is next had been activated before it was isolated:
 * by themselves few come to that. */
static void activate(struct twin *t)
{
	struct reclaim *r = t->depth ? t->request[t->depth - 1] : NULL;
	struct mglru *m = &t->lane.m;
	struct naive_list *l = &t->naive.activating;

	if (!r || r->batch.at >= r->batch.n ||
	    m->nr_activating + 1 == m->version->pagevec_size)
		return;
	m->activating[m->nr_activating++] = r->batch.page[r->batch.at];
	l->page[l->n++] = r->batch.page[r->batch.at];
}

/* The guest comes back to a page that may be unmapped, but not freed. */
static void access_busy(struct twin *t, uint32_t page)
{
	if (t->lane.m.nr_activating)
		page = t->lane.m.activating[0];
	if (page < t->naive.nr_anon)
		guest_access(t, page);
}

/* Of huge folios few: it would split all that is huge before long. */
static void discard_some(struct twin *t, uint32_t page)
{
	if (!t->naive.kind.is_thp || rng_below(&t->rng, 8) == 0)
		discard(t, page);
}

/* Few: between scans pages must get their SPTEs back. */
static void scan_some(struct twin *t)
{
	if (rng_below(&t->rng, 4) == 0)
		twin_scan(t);
}

/* What may strike at any time, even between the steps of a request. */
static void strike(struct twin *t)
{
	uint32_t page = pick(t);
	uint64_t dice = rng_below(&t->rng, 64);

	t->events++;
	t->lane.now_ns += 1000;
	if (dice < 4)
		invalidate(t, page);
	else if (dice < 5)
		discard_some(t, page);
	else if (dice < 7)
		host_access(t, page);
	else if (dice < 8)
		run_mm(t);
	else if (dice < 22)
		file_access(t);
	else if (dice < 24)
		access_busy(t, page);
	else if (dice < 25)
		scan_some(t);
	else if (rng_below(&t->rng, 5) < 3)
		guest_access(t, page);
	else
		activate(t);
	twin_compare(t);
}

void twin_pause(void *arg, uint32_t work)
{
	struct twin *t = arg;
	struct reclaim *r = t->request[t->depth - 1];

	twin_same(t, "step", 0, reclaim_step(r, &t->lane.m, t->lane.now_ns),
		  work);
	if (t->depth == TWIN_NESTED_MAX)
		return;
	while (rng_below(&t->rng, 8) == 0)
		strike(t);
}

/* A past of many refaults: so few pages would never reach the PID's floor. */
static void change_past(struct twin *t)
{
	for (int i = 0; i < ANON_AND_FILE * MAX_NR_TIERS; i++) {
		uint64_t refaulted = rng_below(&t->rng, 400);
		uint64_t total = rng_below(&t->rng, 4000);
		struct mglru_ctrl *model =
			&t->lane.m.ctrl[i / MAX_NR_TIERS][i % MAX_NR_TIERS];
		struct naive_tier *naive =
			&t->naive.tier[i / MAX_NR_TIERS][i % MAX_NR_TIERS];

		model->avg_refaulted = naive->avg_refaulted = refaulted;
		model->avg_total = naive->avg_total = total;
	}
}

void twin_next_event(struct twin *t)
{
	switch (rng_below(&t->rng, 100)) {
	case 2:
	case 3:
		change_past(t);
		break;
	case 0:
		request(t, RECLAIM_AGE, 0, rng_below(&t->rng, 2));
		break;
	case 1:
		request(t, RECLAIM_PROACTIVE, rng_below(&t->rng, 100), false);
		break;
	case 4:
		if (rng_below(&t->rng, 8) == 0)
			request(t, RECLAIM_GENERATIONS,
				rng_below(&t->rng, MAX_NR_GENS + 1), false);
		break;
	case 5:
		balance(t);
		break;
	default:
		strike(t);
	}
	twin_compare(t);
}

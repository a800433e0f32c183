/* SPDX-License-Identifier: MIT */
/* The naive twin: tiers and aging; see naive_mglru.h. */
#include <string.h>

#include "models/naive_internal.h"

enum {
	MIN_GENS = 2,
};

static uint64_t tier_refaulted(const struct naive_tier *t)
{
	return t->avg_refaulted + t->refaulted;
}

static uint64_t tier_total(const struct naive_tier *t)
{
	return t->avg_total + t->evicted + t->protected;
}

static void reset_ctrl_pos(struct naive_mglru *n)
{
	for (int tier = 0; tier < NAIVE_TIERS; tier++) {
		struct naive_tier *t = &n->tier[tier];

		t->avg_refaulted = tier_refaulted(t) / 2;
		t->avg_total = tier_total(t) / 2;
		t->refaulted = t->evicted = t->protected = 0;
	}
}

/* The gains of the first tier and of the others are 1:2, and 2:3 in 7.2. */
static bool positive_ctrl_err(const struct naive_mglru *n,
			      const struct naive_tier *sp,
			      const struct naive_tier *pv)
{
	uint64_t sp_gain = n->version == NAIVE_7_2 ? 2 : 1;
	uint64_t pv_gain = n->version == NAIVE_7_2 ? 3 : 2;

	if (tier_refaulted(pv) < 64)
		return true;
	return tier_refaulted(pv) * (tier_total(sp) + 64) * sp_gain <=
	       (tier_refaulted(sp) + 1) * tier_total(pv) * pv_gain;
}

int naive_tier_idx(const struct naive_mglru *n)
{
	for (int tier = 1; tier < NAIVE_TIERS; tier++)
		if (!positive_ctrl_err(n, &n->tier[0], &n->tier[tier]))
			return tier - 1;
	return NAIVE_TIERS - 1;
}

/* folio_update_gen() */
void naive_update_gen(struct naive_mglru *n, uint32_t page)
{
	struct naive_page *p = &n->page[page];
	int youngest = (int)(n->max_seq % NAIVE_GENS);

	if (n->version == NAIVE_7_2 && !p->is_referenced && !p->is_workingset) {
		p->is_referenced = true;
		p->refs = 0;
		return;
	}
	if (p->gen < 0) {
		p->is_referenced = true;
		return;
	}
	if (p->gen != youngest)
		n->counters.n[COUNT_promoted] += naive_nr_pages(n, page);
	p->gen = youngest;
	naive_clear_refs(n, p);
	if (n->version == NAIVE_7_2)
		p->is_workingset = true;
}

/* folio_inc_gen() */
void naive_inc_gen(struct naive_mglru *n, uint32_t page)
{
	struct naive_page *p = &n->page[page];

	if (p->gen != (int)(n->min_seq % NAIVE_GENS))
		return;
	p->gen = (p->gen + 1) % NAIVE_GENS;
	naive_clear_refs(n, p);
}

static void inc_min_seq(struct naive_mglru *n)
{
	struct naive_list *oldest = &n->list[n->min_seq % NAIVE_GENS];

	while (oldest->n) {
		uint32_t page = oldest->page[oldest->n - 1];
		struct naive_page *p = &n->page[page];

		if (n->version == NAIVE_7_2 && !naive_is_saturated(n, p))
			n->tier[naive_tier(n, p)].protected +=
				naive_nr_pages(n, page);
		naive_inc_gen(n, page);
		naive_list_del(n, page);
		naive_list_add_tail(&n->list[p->gen], page);
	}
	reset_ctrl_pos(n);
	n->min_seq++;
}

bool naive_try_to_inc_min_seq(struct naive_mglru *n)
{
	uint64_t old = n->min_seq, seq = old;

	while (seq + MIN_GENS <= n->max_seq && !n->list[seq % NAIVE_GENS].n)
		seq++;
	if (seq == old)
		return false;
	reset_ctrl_pos(n);
	n->min_seq = seq;
	return true;
}

static void inc_max_seq(struct naive_mglru *n)
{
	if (naive_nr_gens(n) == NAIVE_GENS)
		inc_min_seq(n);
	n->max_seq++;
	n->counters.n[COUNT_passes]++;
}

void naive_update_bloom_filter(struct naive_mglru *n, uint64_t seq,
			       uint32_t table)
{
	if (n->has_filter[seq % 2])
		n->filter[seq % 2][table] = true;
}

static uint32_t walk_pte_range(struct naive_mglru *n, uint32_t table,
			       uint64_t seq)
{
	uint32_t first = table * NAIVE_TABLE, nr_present = 0, nr_young = 0;
	bool young[NAIVE_TABLE];

	naive_ask(n, COUNT_calls_aging, first, NAIVE_TABLE, young);
	for (uint32_t i = 0; i < NAIVE_TABLE; i++) {
		struct naive_page *p = &n->page[first + i];

		if (!naive_is_seen(n, p))
			continue;
		nr_present++;
		if (!young[i] && !p->is_young)
			continue;
		p->is_young = false;
		nr_young++;
		naive_update_gen(n, first + i);
	}
	if (nr_young * 8 >= NAIVE_TABLE)
		naive_update_bloom_filter(n, seq + 1, table);
	n->counters.n[COUNT_tables]++;
	n->counters.n[COUNT_aging_ptes] += nr_present;
	n->counters.n[COUNT_aging_young] += nr_young;
	return nr_present;
}

/* walk_pmd_range(): whether the table is left out */
static bool is_skipped(struct naive_mglru *n, uint32_t table, uint64_t seq,
		       bool force_scan)
{
	bool asks_secondary = n->policy == NAIVE_BATCHED ||
			      n->policy == NAIVE_FAST_ONLY;

	if (n->version == NAIVE_6_1 && !asks_secondary) {
		if (!n->is_pmd_young[table])
			return true;
		n->is_pmd_young[table] = false;
	}
	if (force_scan || !n->has_filter[seq % 2])
		return false;
	return !n->filter[seq % 2][table];
}

static void walk_mm(struct naive_mglru *n, uint64_t seq, bool force_scan)
{
	for (uint32_t table = 0; table < n->npages / NAIVE_TABLE; table++) {
		uint32_t visited;

		if (n->max_seq != seq)
			return;
		if (n->is_huge[table]) {
			if (naive_walk_huge(n, table))
				n->pause(n->arg, 1);
			continue;
		}
		if (!n->has_table[table])
			continue;
		if (is_skipped(n, table, seq, force_scan)) {
			n->counters.n[COUNT_tables_skipped]++;
			continue;
		}
		visited = walk_pte_range(n, table, seq);
		if (visited)
			n->pause(n->arg, visited);
	}
}

/* The only mm is there to be walked, and has run; an unknown one in any case. */
static bool get_next_mm(struct naive_mglru *n, bool *force_scan)
{
	if (!n->is_mm_known)
		*force_scan = true;
	n->is_mm_known = true;
	if (!*force_scan && !n->has_run)
		return false;
	n->has_run = false;
	return true;
}

/* Return: whether it made the next generation. */
bool naive_try_to_inc_max_seq(struct naive_mglru *n, bool force_scan)
{
	uint64_t seq = n->max_seq;

	if (n->is_mm_taken && n->version == NAIVE_6_1)
		return false; /* whoever took it will do it */
	if (!n->is_mm_taken && get_next_mm(n, &force_scan)) {
		n->is_mm_taken = true;
		n->has_filter[(seq + 1) % 2] = true;
		memset(n->filter[(seq + 1) % 2], 0, sizeof(n->filter[0]));
		walk_mm(n, seq, force_scan);
	}
	if (n->max_seq != seq)
		return false;
	n->is_mm_taken = false;
	inc_max_seq(n);
	return true;
}

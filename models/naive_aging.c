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

static void reset_ctrl_pos(struct naive_mglru *n, enum naive_type type)
{
	for (int tier = 0; tier < NAIVE_TIERS; tier++) {
		struct naive_tier *t = &n->tier[type][tier];

		t->avg_refaulted = tier_refaulted(t) / 2;
		t->avg_total = tier_total(t) / 2;
		t->refaulted = t->evicted = t->protected = 0;
	}
}

bool naive_positive_ctrl_err(const struct naive_tier *sp, uint64_t sp_gain,
			     const struct naive_tier *pv, uint64_t pv_gain)
{
	if (tier_refaulted(pv) < 64)
		return true;
	return tier_refaulted(pv) * (tier_total(sp) + 64) * sp_gain <=
	       (tier_refaulted(sp) + 1) * tier_total(pv) * pv_gain;
}

/* The gains of the first tier and of the others are 1:2, and 2:3 in 7.2. */
int naive_tier_idx(const struct naive_mglru *n, enum naive_type type)
{
	const struct naive_tier *t = n->tier[type];
	uint64_t sp_gain = n->version == NAIVE_7_2 ? 2 : 1;
	uint64_t pv_gain = n->version == NAIVE_7_2 ? 3 : 2;

	for (int tier = 1; tier < NAIVE_TIERS; tier++)
		if (!naive_positive_ctrl_err(&t[0], sp_gain, &t[tier], pv_gain))
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
		n->counters.n[COUNT_first_looks] += naive_nr_pages(n, page);
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
	uint64_t min_seq = n->min_seq[naive_type_of(n, page)];

	if (p->gen != (int)(min_seq % NAIVE_GENS))
		return;
	p->gen = (p->gen + 1) % NAIVE_GENS;
	naive_clear_refs(n, p);
}

static void inc_min_seq(struct naive_mglru *n, enum naive_type type)
{
	struct naive_list *oldest =
		&n->list[type][n->min_seq[type] % NAIVE_GENS];

	while (naive_is_evictable(n, type) && oldest->n) {
		uint32_t page = oldest->page[oldest->n - 1];
		struct naive_page *p = &n->page[page];

		if (n->version == NAIVE_7_2 && !naive_is_saturated(n, p))
			n->tier[type][naive_tier(n, p)].protected +=
				naive_nr_pages(n, page);
		naive_inc_gen(n, page);
		naive_list_del(n, page);
		naive_list_add_tail(&n->list[type][p->gen], page);
	}
	reset_ctrl_pos(n, type);
	n->min_seq[type]++;
}

static uint64_t oldest_populated(const struct naive_mglru *n,
				 enum naive_type type)
{
	uint64_t seq = n->min_seq[type];

	if (!naive_is_evictable(n, type))
		return seq;
	while (n->max_seq - seq >= MIN_GENS &&
	       !n->list[type][seq % NAIVE_GENS].n)
		seq++;
	return seq;
}

/* Both types can be evicted: neither leaves the other behind. */
static void keep_step_6(const struct naive_mglru *n, uint64_t *anon,
			uint64_t *file)
{
	if (*file < *anon)
		*anon = *file;
	*file = n->min_seq[NAIVE_FILE];
	if (*file < *anon)
		*file = *anon;
}

static void keep_step_7(const struct naive_mglru *n, uint64_t *anon,
			uint64_t *file)
{
	uint64_t last = n->max_seq - MIN_GENS; /* that leaves three */

	if (*anon > last && *file < last)
		*anon = last;
	else if (*file > last && *anon < last)
		*file = last;
}

static bool move_min_seq(struct naive_mglru *n, enum naive_type type,
			 uint64_t seq)
{
	if (seq <= n->min_seq[type])
		return false;
	reset_ctrl_pos(n, type);
	n->min_seq[type] = seq;
	return true;
}

bool naive_try_to_inc_min_seq(struct naive_mglru *n)
{
	uint64_t anon = oldest_populated(n, NAIVE_ANON);
	uint64_t file = oldest_populated(n, NAIVE_FILE);
	bool has_moved = false;

	if (anon == n->min_seq[NAIVE_ANON] && file == n->min_seq[NAIVE_FILE])
		return false;
	if (n->swappiness > 0 && n->swappiness <= NAIVE_SWAPPINESS_MAX) {
		if (n->version == NAIVE_7_2)
			keep_step_7(n, &anon, &file);
		else
			keep_step_6(n, &anon, &file);
	}
	has_moved |= move_min_seq(n, NAIVE_ANON, anon);
	has_moved |= move_min_seq(n, NAIVE_FILE, file);
	return has_moved;
}

static void inc_max_seq(struct naive_mglru *n)
{
	if (naive_nr_gens(n, NAIVE_FILE) == NAIVE_GENS)
		inc_min_seq(n, NAIVE_FILE);
	if (naive_nr_gens(n, NAIVE_ANON) == NAIVE_GENS)
		inc_min_seq(n, NAIVE_ANON);
	n->max_seq++;
	n->born_ns[n->max_seq % NAIVE_GENS] = *n->now_ns;
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
	uint32_t first = table * NAIVE_TABLE, nr_present = 0, nr_young;
	bool young[NAIVE_TABLE];

	memset(young, 0, sizeof(young));
	if (first < n->nr_anon)
		naive_ask(n, COUNT_calls_aging, first, NAIVE_TABLE, young);
	for (uint32_t i = 0; i < NAIVE_TABLE; i++) {
		struct naive_page *p = &n->page[first + i];

		young[i] = naive_is_seen(n, p) && (young[i] || p->is_young);
		nr_present += naive_is_seen(n, p);
		if (young[i])
			p->is_young = false;
	}
	nr_young = naive_count_young(n, first, NAIVE_TABLE, young);
	for (uint32_t i = 0; i < NAIVE_TABLE; i++)
		if (young[i])
			naive_update_gen(n, first + i);
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
	bool needs_pmd = n->version == NAIVE_6_1;

	if (table * NAIVE_TABLE < n->nr_anon) /* mm_has_notifiers() */
		needs_pmd = needs_pmd && !asks_secondary;
	else
		needs_pmd = needs_pmd || !force_scan;
	if (needs_pmd) {
		if (!n->is_pmd_young[table])
			return true;
		n->is_pmd_young[table] = false;
	}
	if (force_scan || !n->has_filter[seq % 2])
		return false;
	return !n->filter[seq % 2][table];
}

static void walk_mm(struct naive_mglru *n, enum naive_type mm, uint64_t seq,
		    bool force_scan)
{
	for (uint32_t table = 0; table < n->npages / NAIVE_TABLE; table++) {
		uint32_t visited;

		if (n->max_seq != seq)
			return;
		/* another mm's, or should_skip_vma() */
		if (naive_type_of(n, table * NAIVE_TABLE) != mm ||
		    !naive_is_evictable(n, mm))
			continue;
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

static int nr_mms(const struct naive_mglru *n)
{
	return n->nr_anon < n->npages ? 2 : 1;
}

/* Deal out @mm.  Return: whether it is to be walked: it has run, or by force, as one
 * is that is new. */
static bool deal(struct naive_mglru *n, int mm, bool *force_scan)
{
	struct naive_mm *m = &n->mm[mm];

	m->is_dealt = true;
	if (!m->is_known)
		*force_scan = true;
	m->is_known = true;
	if (!*force_scan && !m->has_run)
		return false;
	m->has_run = false;
	return true;
}

/* Return: the next mm to walk, or -1 if all were dealt out. */
static int get_next_mm(struct naive_mglru *n, uint64_t seq, bool *force_scan)
{
	bool is_first = !n->mm[0].is_dealt;

	for (int mm = 0; mm < nr_mms(n); mm++) {
		if (n->mm[mm].is_dealt || !deal(n, mm, force_scan))
			continue;
		if (is_first) {
			n->has_filter[(seq + 1) % 2] = true;
			memset(n->filter[(seq + 1) % 2], 0,
			       sizeof(n->filter[0]));
		}
		return mm;
	}
	return -1;
}

static bool are_all_dealt(const struct naive_mglru *n)
{
	return n->mm[nr_mms(n) - 1].is_dealt;
}

static void end_iteration(struct naive_mglru *n)
{
	n->mm[0].is_dealt = n->mm[1].is_dealt = false;
	n->mm_seq++;
}

/* 6.1: mm_state->seq moves as soon as the last mm is dealt out, the generation comes
 * when nobody walks any more. */
static bool walk_all_6_1(struct naive_mglru *n, uint64_t seq, bool force_scan)
{
	bool is_walker = false;
	int mm;

	for (;;) {
		mm = -1;
		if (seq > n->mm_seq)
			mm = get_next_mm(n, seq, &force_scan);
		else if (!is_walker)
			return false;
		if (are_all_dealt(n))
			end_iteration(n);
		if (mm >= 0 && !is_walker)
			n->nr_walkers++;
		if (mm < 0 && is_walker)
			n->nr_walkers--;
		if (mm < 0)
			return n->nr_walkers == 0;
		is_walker = true;
		walk_mm(n, (enum naive_type)mm, seq, force_scan);
	}
}

/* Later kernels: it comes when somebody finds no mm left. */
static bool walk_all(struct naive_mglru *n, uint64_t seq, bool force_scan)
{
	while (seq > n->mm_seq) {
		int mm = get_next_mm(n, seq, &force_scan);

		if (mm < 0) {
			end_iteration(n);
			return true;
		}
		walk_mm(n, (enum naive_type)mm, seq, force_scan);
	}
	return false;
}

/* Return: whether it made the next generation. */
bool naive_try_to_inc_max_seq(struct naive_mglru *n, bool force_scan)
{
	uint64_t seq = n->max_seq;
	bool is_last = n->version == NAIVE_6_1
			       ? walk_all_6_1(n, seq, force_scan)
			       : walk_all(n, seq, force_scan);

	if (is_last)
		inc_max_seq(n);
	return is_last;
}

/* SPDX-License-Identifier: MIT */
/* The naive twin: eviction and look-around; see naive_mglru.h. */
#include <stddef.h>
#include <string.h>

#include "models/naive_internal.h"

enum {
	MIN_GENS = 2,
	SCAN_MAX = 4096,
	LOOK_AROUND = 64,
	ACTIVATE_MAX = 15, /* PAGEVEC_SIZE of 6.1 */
};

/* sort_folio(), its protected folios */
static void protect(struct naive_mglru *n, uint32_t page)
{
	struct naive_page *p = &n->page[page];
	enum naive_type type = naive_type_of(n, page);
	int tier = naive_tier(n, p);

	if (n->version != NAIVE_7_2 || !naive_is_saturated(n, p))
		n->tier[type][tier].protected += naive_nr_pages(n, page);
	naive_inc_gen(n, page);
	naive_list_del(n, page);
	if (n->version == NAIVE_7_2)
		naive_list_add(&n->list[naive_type_of(n, page)][p->gen], page);
	else
		naive_list_add_tail(&n->list[type][p->gen], page);
	n->counters.n[COUNT_protected] += naive_nr_pages(n, page);
}

static bool sort_folio(struct naive_mglru *n, uint32_t page, int tier_idx)
{
	struct naive_page *p = &n->page[page];

	if (p->gen != (int)(n->min_seq[naive_type_of(n, page)] % NAIVE_GENS)) {
		naive_list_del(n, page);
		naive_list_add(&n->list[naive_type_of(n, page)][p->gen], page);
		n->counters.n[COUNT_sorted] += naive_nr_pages(n, page);
		return true;
	}
	if (naive_tier(n, p) > tier_idx || naive_is_saturated(n, p)) {
		protect(n, page);
		return true;
	}
	return false;
}

static void isolate_folio(struct naive_mglru *n, uint32_t page)
{
	struct naive_page *p = &n->page[page];

	if (n->version == NAIVE_7_2) {
		if (!p->is_referenced)
			p->refs = 0;
	} else {
		if (!p->is_referenced)
			naive_clear_refs(n, p);
		p->is_referenced = false;
	}
	naive_del(n, page);
}

/* The isolated folios are in the order of isolation.  Return: folios scanned. */
static uint64_t scan_folios(struct naive_mglru *n, enum naive_type type,
			    int tier_idx, uint64_t nr_to_scan,
			    uint32_t *isolated, uint32_t *nr_isolated)
{
	struct naive_list *oldest =
		&n->list[type][n->min_seq[type] % NAIVE_GENS];
	uint64_t scanned = 0, nr_folios = 0, nr_pages = 0;

	*nr_isolated = 0;
	if (naive_nr_gens(n, type) == MIN_GENS)
		return 0;
	while (oldest->n && nr_folios < nr_to_scan && nr_pages < NAIVE_BATCH) {
		uint32_t page = oldest->page[oldest->n - 1];

		nr_folios++;
		scanned += naive_nr_pages(n, page);
		if (sort_folio(n, page, tier_idx))
			continue;
		isolate_folio(n, page);
		isolated[(*nr_isolated)++] = page;
		nr_pages += naive_nr_pages(n, page);
	}
	n->counters.n[COUNT_scanned] += nr_pages;
	if (n->version == NAIVE_7_2)
		return scanned;
	return nr_pages || nr_folios == nr_to_scan ? scanned : 0;
}

static bool is_in_youngest(const struct naive_mglru *n, uint32_t page)
{
	return n->page[page].gen == (int)(n->max_seq % NAIVE_GENS);
}

/* lru_gen_set_refs() of 7.2 */
static bool set_refs(struct naive_mglru *n, struct naive_page *p)
{
	if (!p->is_referenced && !p->is_workingset) {
		p->is_referenced = true;
		p->refs = 0;
		return false;
	}
	if (naive_refs(n, p) > 1) {
		p->refs = 0;
		p->is_referenced = false;
		p->is_workingset = true;
	} else {
		naive_mark_accessed(n, p);
	}
	return true;
}

static void found_6_12(struct naive_mglru *n, uint32_t page, bool has_walk)
{
	if (has_walk) {
		naive_update_gen(n, page);
	} else if (n->page[page].gen < 0) {
		n->page[page].is_referenced = true;
	} else if (!is_in_youngest(n, page)) {
		naive_clear_refs(n, &n->page[page]);
		naive_activate(n, page);
	}
}

static void found_7_2(struct naive_mglru *n, uint32_t page, bool has_walk)
{
	if (has_walk)
		naive_update_gen(n, page);
	else if (!set_refs(n, &n->page[page]))
		n->counters.n[COUNT_first_looks]++;
	else if (!is_in_youngest(n, page))
		naive_activate(n, page);
}

/* 6.1 first notes them all. */
static void found_6_1(struct naive_mglru *n, uint32_t start, const bool *young,
		      bool has_walk)
{
	uint32_t page[LOOK_AROUND], nr = 0;

	for (uint32_t i = 0; i < LOOK_AROUND; i++) {
		if (!young[i])
			continue;
		if (n->page[start + i].gen < 0)
			n->page[start + i].is_referenced = true;
		else if (!is_in_youngest(n, start + i))
			page[nr++] = start + i;
	}
	for (uint32_t i = 0; i < nr; i++) {
		if (has_walk || nr >= ACTIVATE_MAX)
			naive_update_gen(n, page[i]);
		else
			naive_activate(n, page[i]);
	}
}

/* Which of the window are young, in either MMU, now old. */
static uint32_t look(struct naive_mglru *n, uint32_t start, bool *young)
{
	uint32_t nr_young;

	memset(young, 0, LOOK_AROUND);
	if (start < n->nr_anon)
		naive_ask(n, COUNT_calls_window, start, LOOK_AROUND, young);
	for (uint32_t i = 0; i < LOOK_AROUND; i++) {
		struct naive_page *p = &n->page[start + i];

		if (!naive_is_seen(n, p)) {
			young[i] = false;
			continue;
		}
		n->counters.n[COUNT_lookaround_ptes]++;
		young[i] |= p->is_young;
		p->is_young = false;
	}
	nr_young = naive_count_young(n, start, LOOK_AROUND, young);
	n->counters.n[COUNT_lookaround_young] += nr_young;
	return nr_young;
}

static void lru_gen_look_around(struct naive_mglru *n, uint32_t victim,
				const struct naive_scan_control *sc)
{
	uint32_t start = victim / NAIVE_TABLE * NAIVE_TABLE;
	uint32_t end = start + NAIVE_TABLE, nr_young;
	bool young[LOOK_AROUND];

	/* get_pfn_folio() sees no anonymous folio without can_swap */
	if (victim < n->nr_anon && n->version == NAIVE_6_1 && sc->has_walk &&
	    !sc->walk_can_swap)
		return;
	if (end - victim < LOOK_AROUND / 2)
		start = end - LOOK_AROUND;
	else if (victim - start >= LOOK_AROUND / 2)
		start = victim - LOOK_AROUND / 2;
	nr_young = look(n, start, young);
	if (n->version == NAIVE_6_1)
		found_6_1(n, start, young, sc->has_walk);
	for (uint32_t i = 0; i < LOOK_AROUND; i++) {
		if (young[i] && n->version == NAIVE_6_12)
			found_6_12(n, start + i, sc->has_walk);
		if (young[i] && n->version == NAIVE_7_2)
			found_7_2(n, start + i, sc->has_walk);
	}
	if ((nr_young + 1) * 8 >= LOOK_AROUND)
		naive_update_bloom_filter(n, n->max_seq, victim / NAIVE_TABLE);
}

static bool folio_referenced(struct naive_mglru *n, uint32_t page,
			     const struct naive_scan_control *sc)
{
	struct naive_page *p = &n->page[page];
	bool was_young = p->is_young, was_spte_young;

	if (p->is_unmapped)
		return false;
	was_spte_young = page < n->nr_anon && naive_ask_victim(n, page);
	p->is_young = false;
	n->counters.n[COUNT_rmap_walks]++;
	if (n->is_huge[page / NAIVE_TABLE])
		return was_young || was_spte_young;
	if (was_young || (was_spte_young && naive_looks_around(n)))
		lru_gen_look_around(n, page, sc);
	return was_young || was_spte_young;
}

/* Isolated and not freed since. */
static bool is_isolated(const struct naive_mglru *n, uint32_t page)
{
	return n->page[page].is_resident && n->page[page].gen < 0;
}

/* shrink_folio_list() of one folio, up to whether it stays */
static bool is_kept(struct naive_mglru *n, uint32_t page,
		    const struct naive_scan_control *sc)
{
	struct naive_page *p = &n->page[page];

	if (n->version != NAIVE_7_2 && p->is_referenced)
		return true;
	if (!folio_referenced(n, page, sc))
		return false;
	if (n->version == NAIVE_7_2 && set_refs(n, p))
		p->is_active = true;
	return true;
}

/* Return: pages reclaimed. */
static uint32_t shrink_folio(struct naive_mglru *n, uint32_t page,
			     const struct naive_scan_control *sc,
			     bool *is_rejected)
{
	uint32_t nr = naive_nr_pages(n, page);

	*is_rejected = false;
	if (!is_isolated(n, page))
		return 0;
	if (is_kept(n, page, sc)) {
		n->counters.n[COUNT_kept] += nr;
		*is_rejected = true;
		return 0;
	}
	if (n->kind.is_refused && page < n->nr_anon) { /* activate_locked */
		n->counters.n[COUNT_unmap_refused]++;
		n->counters.n[COUNT_kept] += nr;
		*is_rejected = true;
		return 0;
	}
	if (nr > 1) {
		naive_evict_huge(n, page);
		return nr;
	}
	if (!n->page[page].is_unmapped && page < n->nr_anon)
		naive_zap_leaving(n, page, NAIVE_EVICT);
	n->page[page].is_unmapped = true;
	n->page[page].is_prot_none = false;
	if (naive_has_extra_reference(n, page)) {
		n->counters.n[COUNT_busy]++;
		*is_rejected = true;
		return 0;
	}
	naive_remove_mapping(n, page);
	return 1;
}

static void put_back(struct naive_mglru *n, uint32_t page)
{
	struct naive_page *p = &n->page[page];

	if (n->version != NAIVE_7_2 ||
	    naive_folio_seq(n, page) == n->min_seq[naive_type_of(n, page)]) {
		naive_clear_refs(n, p);
		p->is_active = true;
	}
	naive_add(n, page);
}

struct isolated {
	uint32_t page[NAIVE_BATCH], n;
	enum naive_type type;
};

/* Sum of a type's tiers, or the first one alone. */
static struct naive_tier first_tiers(const struct naive_mglru *n,
				     enum naive_type type, int count)
{
	struct naive_tier sum = {0};

	for (int tier = 0; tier < count; tier++) {
		const struct naive_tier *t = &n->tier[type][tier];

		sum.refaulted += t->refaulted + t->avg_refaulted;
		sum.evicted += t->evicted + t->protected + t->avg_total;
	}
	return sum;
}

static uint64_t gain(const struct naive_mglru *n, enum naive_type type)
{
	return (uint64_t)(type == NAIVE_ANON
				  ? n->swappiness
				  : NAIVE_SWAPPINESS_MAX - n->swappiness);
}

/* Whether files are the cheaper choice, by their first @count tiers. */
static enum naive_type cheaper_type(const struct naive_mglru *n, int count)
{
	struct naive_tier anon = first_tiers(n, NAIVE_ANON, count);
	struct naive_tier file = first_tiers(n, NAIVE_FILE, count);

	if (naive_positive_ctrl_err(&anon, gain(n, NAIVE_ANON), &file,
				    gain(n, NAIVE_FILE)))
		return NAIVE_FILE;
	return NAIVE_ANON;
}

static enum naive_type other(enum naive_type type)
{
	return type == NAIVE_ANON ? NAIVE_FILE : NAIVE_ANON;
}

/* get_type_to_scan() of 6.1 and 6.12 */
static enum naive_type type_to_scan_6(const struct naive_mglru *n, int *tier)
{
	enum naive_type type = cheaper_type(n, 1);
	struct naive_tier first = first_tiers(n, other(type), 1);

	for (*tier = 0; *tier < NAIVE_TIERS - 1; ++*tier)
		if (!naive_positive_ctrl_err(&first, gain(n, other(type)),
					     &n->tier[type][*tier + 1],
					     gain(n, type)))
			break;
	return type;
}

/* isolate_folios() of 6.1 and 6.12 */
static uint64_t isolate_folios_6(struct naive_mglru *n, struct isolated *i)
{
	uint64_t anon = n->min_seq[NAIVE_ANON], file = n->min_seq[NAIVE_FILE];
	uint64_t scanned;
	int tier = -1;

	if (n->swappiness == 0)
		i->type = NAIVE_FILE;
	else if (anon < file)
		i->type = NAIVE_ANON;
	else if (n->swappiness == 1)
		i->type = NAIVE_FILE;
	else if (n->swappiness == NAIVE_SWAPPINESS_MAX)
		i->type = NAIVE_ANON;
	else
		i->type = type_to_scan_6(n, &tier);
	if (tier < 0)
		tier = naive_tier_idx(n, i->type);
	scanned = scan_folios(n, i->type, tier, SCAN_MAX, i->page, &i->n);
	if (i->n || scanned == SCAN_MAX)
		return scanned;
	if (n->swappiness == 0)
		return 0;
	i->type = other(i->type);
	scanned = scan_folios(n, i->type, naive_tier_idx(n, i->type), SCAN_MAX,
			      i->page, &i->n);
	return i->n || scanned == SCAN_MAX ? scanned : 0;
}

/* isolate_folios() of 7.2 */
static uint64_t isolate_folios_7(struct naive_mglru *n, uint64_t nr_to_scan,
				 struct isolated *i)
{
	int tries = naive_is_evictable(n, NAIVE_ANON) +
		    naive_is_evictable(n, NAIVE_FILE);
	uint64_t total = 0;

	if (n->swappiness <= 1)
		i->type = NAIVE_FILE;
	else if (n->swappiness >= NAIVE_SWAPPINESS_MAX)
		i->type = NAIVE_ANON;
	else
		i->type = cheaper_type(n, NAIVE_TIERS);
	while (tries--) {
		uint64_t scanned = scan_folios(n, i->type,
					       naive_tier_idx(n, i->type),
					       nr_to_scan, i->page, &i->n);

		total += scanned;
		if (i->n)
			break;
		if (!scanned)
			i->type = other(i->type);
	}
	return total;
}

/* evict_folios() with the lock held */
static uint64_t isolate(struct naive_mglru *n, uint64_t nr_to_scan,
			struct isolated *i)
{
	uint64_t scanned;
	enum naive_type oldest = n->swappiness ? NAIVE_ANON : NAIVE_FILE;

	if (n->version == NAIVE_7_2) {
		naive_try_to_inc_min_seq(n);
		scanned = isolate_folios_7(n, nr_to_scan, i);
		if (scanned)
			naive_try_to_inc_min_seq(n);
		return scanned;
	}
	scanned = isolate_folios_6(n, i);
	if (naive_try_to_inc_min_seq(n))
		scanned++;
	return naive_nr_gens(n, oldest) == MIN_GENS ? 0 : scanned;
}

/* The second try of folios that are neither mapped nor dirty. */
static void retry(struct naive_mglru *n, struct naive_scan_control *sc,
		  uint32_t page)
{
	if (naive_has_extra_reference(n, page)) {
		put_back(n, page);
		return;
	}
	naive_remove_mapping(n, page);
	sc->nr_reclaimed++;
}

uint64_t naive_evict_folios(struct naive_mglru *n,
			    struct naive_scan_control *sc, uint64_t nr_to_scan)
{
	struct isolated i = {.n = 0};
	bool is_rejected[NAIVE_BATCH], is_clean[NAIVE_BATCH] = {false};
	uint64_t scanned = isolate(n, nr_to_scan, &i);

	for (uint32_t k = 0; k < i.n; k++)
		sc->nr_isolated += naive_nr_pages(n, i.page[k]);
	for (uint32_t k = 0; k < i.n; k++) {
		sc->nr_reclaimed +=
			shrink_folio(n, i.page[k], sc, &is_rejected[k]);
		n->pause(n->arg, 1);
	}
	for (uint32_t k = 0; k < i.n; k++) {
		const struct naive_page *p = &n->page[i.page[k]];

		if (!is_rejected[k] || !is_isolated(n, i.page[k]))
			continue;
		is_clean[k] = p->is_unmapped &&
			      (i.type == NAIVE_FILE || p->is_readahead);
		if (!is_clean[k])
			put_back(n, i.page[k]);
	}
	for (uint32_t k = 0; k < i.n; k++)
		if (is_clean[k])
			retry(n, sc, i.page[k]);
	if (i.n && i.type == NAIVE_ANON)
		sc->need_swapping = true;
	return scanned;
}

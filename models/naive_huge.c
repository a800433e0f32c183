/* SPDX-License-Identifier: MIT */
/* The naive twin: folios of 2 MiB, whose state their first page has. */
#include <stddef.h>

#include <string.h>

#include "models/naive_internal.h"

uint32_t naive_nr_pages(const struct naive_mglru *n, uint32_t page)
{
	return n->is_huge[page / NAIVE_TABLE] ? NAIVE_TABLE : 1;
}

/* Whether a fault would bring a huge folio. */
static bool can_be_huge(const struct naive_mglru *n, uint32_t table)
{
	return n->kind.is_thp && table * NAIVE_TABLE < n->nr_anon &&
	       !n->is_huge[table] && !n->has_table[table];
}

uint32_t naive_folio(const struct naive_mglru *n, uint32_t page)
{
	uint32_t table = page / NAIVE_TABLE;

	if (n->is_huge[table] || can_be_huge(n, table))
		return table * NAIVE_TABLE;
	return page;
}

/* do_huge_pmd_anonymous_page() */
bool naive_make_huge(struct naive_mglru *n, uint32_t page)
{
	uint32_t table = page / NAIVE_TABLE;
	struct naive_page *p = &n->page[table * NAIVE_TABLE];

	if (!can_be_huge(n, table))
		return false;
	n->is_huge[table] = true;
	p->is_resident = true;
	p->is_young = true;
	n->counters.n[COUNT_first_touches]++;
	if (n->version == NAIVE_7_2)
		naive_mark_accessed(n, p); /* folio_add_lru() */
	else
		p->is_active = true;
	naive_add(n, table * NAIVE_TABLE); /* a large one drains the batch */
	n->nr_lru_add = 0;
	return true;
}

void naive_fall_back(struct naive_mglru *n, uint32_t page)
{
	uint32_t table = page / NAIVE_TABLE;

	if (!can_be_huge(n, table))
		return;
	n->has_table[table] = true;
	n->is_pmd_young[table] = true;
}

/* split_folio(), with pmd_populate(); pages remain where the folio was on a list */
static void split(struct naive_mglru *n, uint32_t head)
{
	uint32_t table = head / NAIVE_TABLE;

	n->is_huge[table] = false;
	n->has_table[table] = true;
	n->is_pmd_young[table] = true;
	for (uint32_t i = 1; i < NAIVE_TABLE; i++) {
		bool is_lost = n->page[head + i].is_lost;

		n->page[head + i] = n->page[head];
		n->page[head + i].is_lost = is_lost;
	}
}

void naive_split_huge(struct naive_mglru *n, uint32_t page)
{
	uint32_t head = page / NAIVE_TABLE * NAIVE_TABLE;
	struct naive_list *list = NULL;

	if (!n->is_huge[page / NAIVE_TABLE])
		return;
	for (int gen = 0; gen < NAIVE_GENS; gen++)
		for (uint32_t i = 0; i < n->list[NAIVE_ANON][gen].n; i++)
			if (n->list[NAIVE_ANON][gen].page[i] == head)
				list = &n->list[NAIVE_ANON][gen];
	naive_zap_leaving(n, page, NAIVE_GIVEN_BACK);
	naive_list_del(n, head);
	split(n, head);
	for (uint32_t i = 0; i < NAIVE_TABLE; i++) {
		if (list)
			naive_list_add(list, head + i);
		else
			naive_add(n, head + i);
	}
}

/* try_to_unmap() and __remove_mapping() of an isolated one */
void naive_evict_huge(struct naive_mglru *n, uint32_t head)
{
	naive_zap_leaving(n, head, NAIVE_EVICT);
	if (n->version == NAIVE_6_1) /* __split_huge_pmd() */
		naive_zap_leaving(n, head, NAIVE_EVICT);
	split(n, head);
	for (uint32_t i = 0; i < NAIVE_TABLE; i++)
		naive_remove_mapping(n, head + i);
}

/* walk_pmd_range_locked() of one PMD.  Return: PMDs visited. */
uint32_t naive_walk_huge(struct naive_mglru *n, uint32_t table)
{
	uint32_t head = table * NAIVE_TABLE;
	struct naive_page *p = &n->page[head];
	bool young;

	if (!naive_is_seen(n, p))
		return 0;
	naive_ask(n, COUNT_calls_aging, head, 1, &young);
	n->counters.n[COUNT_aging_ptes]++;
	if (young || p->is_young) {
		n->counters.n[COUNT_aging_young] += NAIVE_TABLE;
		naive_update_gen(n, head);
	}
	p->is_young = false;
	return 1;
}

/* Whether a page of @page's folio was young, of the @count pages that were looked at. */
static bool is_folio_young(const struct naive_mglru *n, uint32_t page,
			   uint32_t first, uint32_t count,
			   const bool *was_young)
{
	for (uint32_t i = 0; i < count; i++)
		if (was_young[i] &&
		    (first + i) / n->kind.folio == page / n->kind.folio)
			return true;
	return false;
}

uint32_t naive_count_young(struct naive_mglru *n, uint32_t first,
			   uint32_t count, bool *young)
{
	uint32_t nr_ptes = 0, nr_pages = 0;
	bool was_young[NAIVE_TABLE];

	memcpy(was_young, young, count * sizeof(*young));
	for (uint32_t i = 0; i < count; i++) {
		nr_ptes += young[i];
		if (n->kind.folio && naive_is_seen(n, &n->page[first + i]))
			young[i] = is_folio_young(n, first + i, first, count,
						  was_young);
		nr_pages += young[i];
	}
	if (n->kind.counts_ptes)
		return nr_ptes;
	if (count == NAIVE_TABLE && nr_pages * 8 >= count &&
	    nr_ptes * 8 < count)
		n->counters.n[COUNT_tables_inflated]++;
	return nr_pages;
}

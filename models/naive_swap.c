/* SPDX-License-Identifier: MIT */
/* The naive twin: swap on a disk, with read-ahead; see naive_mglru.h. */
#include "models/naive_internal.h"

enum {
	SHIFT = 12,
	FIRST_PAGE = 1 << 18, /* the guest's memory is mapped from here on */
};

static uint64_t address(uint32_t page)
{
	return ((uint64_t)FIRST_PAGE + page) << SHIFT;
}

/* SWAP_RA_VAL() */
static void set_info(struct naive_mglru *n, uint32_t page, uint64_t win,
		     uint64_t hits)
{
	n->swap_readahead_info = address(page) | win << 6 | hits;
}

/* GET_SWAP_RA_VAL(), SWAP_RA_WIN(), SWAP_RA_HITS() */
static uint64_t get_info(const struct naive_mglru *n)
{
	return n->swap_readahead_info ? n->swap_readahead_info : 4;
}

uint64_t naive_ra_win(const struct naive_mglru *n)
{
	return get_info(n) >> 6 & 63;
}

uint64_t naive_ra_hits(const struct naive_mglru *n)
{
	return get_info(n) & 63;
}

/* Of the last fault on swap; -1: there was none. */
int64_t naive_ra_page(const struct naive_mglru *n)
{
	if (!n->swap_readahead_info)
		return -1;
	return (int64_t)(n->swap_readahead_info >> SHIFT) - FIRST_PAGE;
}

static uint64_t round_up_to_a_power(uint64_t x)
{
	uint64_t power = 4;

	while (power < x)
		power *= 2;
	return power;
}

/* __swapin_nr_pages() */
static uint64_t window_size(const struct naive_mglru *n, uint64_t before,
			    uint64_t after)
{
	uint64_t max = 1ull << (n->page_cluster > 5 ? 5 : n->page_cluster);
	uint64_t size = 1;

	if (naive_ra_hits(n))
		size = round_up_to_a_power(naive_ra_hits(n) + 2);
	else if (after == before + 1 || after == before - 1)
		size = 2;
	if (size > max)
		size = max;
	if (size < naive_ra_win(n) / 2)
		size = naive_ra_win(n) / 2;
	return size;
}

static bool is_in_same_table(uint32_t page, uint64_t address_page)
{
	return address_page >= FIRST_PAGE &&
	       (address_page - FIRST_PAGE) / NAIVE_TABLE == page / NAIVE_TABLE;
}

void naive_swapin_begin(struct naive_mglru *n, uint32_t page,
			struct naive_swapin *s)
{
	uint64_t before = get_info(n) >> SHIFT, at = address(page) >> SHIFT;
	uint64_t size, first;

	s->target = page;
	s->has_window = false;
	for (uint32_t i = 0; i < NAIVE_PAGES_MAX; i++)
		s->is_within[i] = s->is_mine[i] = false;
	if (!n->has_disk || page >= n->nr_anon || !n->page[page].has_shadow ||
	    n->page_cluster == 0)
		return;
	size = window_size(n, before, at);
	set_info(n, page, size, 0);
	if (size == 1)
		return;
	s->has_window = true;
	if (at == before + 1)
		first = at;
	else if (at == before - 1)
		first = at - size + 1;
	else
		first = at - (size - 1) / 2;
	for (uint64_t i = first; i < first + size; i++)
		if (is_in_same_table(page, i))
			s->is_within[i - FIRST_PAGE] = true;
	s->at = 0;
}

bool naive_swapin_next(const struct naive_mglru *n, struct naive_swapin *s)
{
	if (!s->has_window)
		return false;
	for (; s->at < n->nr_anon; s->at++)
		if (s->is_within[s->at] && n->page[s->at].has_shadow)
			return true;
	return false;
}

/* Its charge went before.  Reclaim does not see it while it is read. */
void naive_swapin_read(struct naive_mglru *n, struct naive_swapin *s)
{
	struct naive_page *p = &n->page[s->at];

	if (!p->has_shadow)
		return;
	s->is_mine[s->at] = true;
	p->is_resident = p->is_unmapped = true;
	p->refs = 0;
	p->is_referenced = p->is_workingset = false;
	naive_refault(n, s->at);
	p->has_shadow = false;
	if (n->version != NAIVE_7_2 || p->is_workingset)
		p->is_active = true;
	else if (!p->is_referenced)
		naive_mark_accessed(n, p);
	p->is_readahead = s->at != s->target;
	p->is_asked = s->at == s->target;
	if (p->is_readahead)
		n->counters.n[COUNT_read_ahead]++;
	s->at++;
}

void naive_swapin_end(struct naive_mglru *n, const struct naive_swapin *s)
{
	for (uint32_t i = 0; i < n->nr_anon; i++)
		if (s->is_mine[i] && n->page[i].is_resident &&
		    n->page[i].gen < 0)
			naive_add(n, i);
	if (s->has_window)
		naive_lru_add_drain(n);
}

/* swap_cache_get_folio() of 6.x, swap_update_readahead() */
void naive_update_readahead(struct naive_mglru *n, uint32_t page)
{
	struct naive_page *p = &n->page[page];
	uint64_t hits = naive_ra_hits(n);

	if (p->is_asked) { /* it was not in the cache when that was asked */
		p->is_asked = false;
		return;
	}
	n->counters.n[COUNT_swap_cache_faults]++;
	if (!n->has_disk)
		return;
	if (p->is_readahead) {
		n->counters.n[COUNT_read_ahead_hits]++;
		hits = hits == 63 ? 63 : hits + 1;
	}
	p->is_readahead = false;
	set_info(n, page, naive_ra_win(n), hits);
}

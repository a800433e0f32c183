/* SPDX-License-Identifier: MIT */
/*
 * Swap-in through the swap cache, with read-ahead (mm/swap_state.c); see mglru_swap.h
 * for what it cannot know.
 */
#include "models/mglru_swap.h"

#include <errno.h>

#include "base/alloc.h"
#include "models/mglru_internal.h"

enum {
	STATE_NONE,
	STATE_READ_AHEAD, /* PG_readahead: nobody has asked for it yet */
	STATE_ASKED,	  /* what the fault that reads it is about */
};

int mglru_use_ssd(struct mglru *m, unsigned int page_cluster, struct status *st)
{
	m->swap = (struct mglru_swap){
		.state = kage_calloc_pages(m->npages, 1, st),
		.page_cluster = page_cluster,
		.prev = UINT32_MAX - 1, /* beside no page */
		.hits = 4,		/* GET_SWAP_RA_VAL() */
	};
	return m->swap.state ? 0 : -ENOMEM;
}

static bool is_swapped_out(const struct mglru *m, uint32_t page)
{
	return page_type(m, page) == LRU_GEN_ANON &&
	       (m->flags[page] & PAGE_SHADOW);
}

/* __swapin_nr_pages() */
static unsigned int nr_pages(const struct mglru_swap *swap, uint32_t page,
			     unsigned int max)
{
	bool is_adjacent = page == swap->prev + 1 || page + 1 == swap->prev;
	unsigned int nr = is_adjacent ? 2 : 1;

	if (swap->hits)
		for (nr = 4; nr < swap->hits + 2;)
			nr *= 2;
	nr = nr < max ? nr : max;
	return nr > swap->win / 2 ? nr : swap->win / 2;
}

/* swap_ra_info(), swap_vma_ra_win(): their window without its bounds. */
static int64_t place(struct mglru_swap *swap, uint32_t page)
{
	unsigned int order = swap->page_cluster < SWAP_RA_ORDER_CEILING
				     ? swap->page_cluster
				     : SWAP_RA_ORDER_CEILING;
	uint32_t prev = swap->prev;

	swap->win = nr_pages(swap, page, 1u << order);
	swap->prev = page;
	swap->hits = 0;
	if (page == prev + 1)
		return page;
	if (page + 1 == prev)
		return (int64_t)page - swap->win + 1;
	return (int64_t)page - (swap->win - 1) / 2;
}

void mglru_swapin_begin(struct mglru *m, struct mglru_swapin *s, uint32_t page)
{
	uint32_t table = page / PTRS_PER_PTE * PTRS_PER_PTE;
	int64_t left, right;

	*s = (struct mglru_swapin){.page = page};
	if (!m->swap.state || !m->swap.page_cluster || !is_swapped_out(m, page))
		return;
	left = place(&m->swap, page);
	right = left + m->swap.win;
	if (m->swap.win == 1)
		return;
	s->first = left > table ? (uint32_t)left : table;
	if (right > table + PTRS_PER_PTE)
		right = table + PTRS_PER_PTE;
	s->nr = (uint32_t)(right - s->first);
}

bool mglru_swapin_next(const struct mglru *m, struct mglru_swapin *s,
		       uint32_t *page)
{
	while (s->at < s->nr && !is_swapped_out(m, s->first + s->at))
		s->at++;
	*page = s->first + s->at;
	return s->at < s->nr;
}

/* __read_swap_cache_async(), swap_cache_alloc_folio() */
void mglru_swapin_read(struct mglru *m, struct mglru_swapin *s, uint64_t now_ns)
{
	uint32_t page = s->first + s->at;

	if (!is_swapped_out(m,
			    page)) /* it came, or went, while room was made */
		return;
	m->flags[page] = PAGE_RESIDENT | PAGE_UNMAPPED;
	m->resident++;
	m->unmapped++;
	mglru_refault(m, page, now_ns, page == s->page);
	m->version->folio_add_lru(&m->flags[page]);
	m->swap.state[page] = STATE_ASKED;
	s->brought |= 1u << s->at++;
	if (page == s->page)
		return;
	m->swap.state[page] = STATE_READ_AHEAD;
	m->counters->n[COUNT_read_ahead]++;
}

/* lru_add_drain() at the end of swap_vma_readahead() */
void mglru_swapin_end(struct mglru *m, const struct mglru_swapin *s)
{
	if (!s->nr)
		return;
	for (uint32_t i = 0; i < s->nr; i++) {
		uint32_t page = s->first + i;

		if ((s->brought >> i & 1) && (m->flags[page] & PAGE_RESIDENT) &&
		    page_gen(m, page) < 0)
			mglru_add(m, page);
	}
	mglru_lru_add_drain(m);
}

bool mglru_is_read_ahead(const struct mglru *m, uint32_t page)
{
	return m->swap.state && m->swap.state[page] == STATE_READ_AHEAD;
}

/* The page that the fault itself has read was not there when it looked. */
void mglru_found_in_swap_cache(struct mglru *m, uint32_t page, uint64_t now_ns)
{
	bool is_hit = mglru_is_read_ahead(m, page);

	if (m->swap.state && m->swap.state[page] == STATE_ASKED) {
		m->swap.state[page] = STATE_NONE;
		return;
	}
	m->counters->n[COUNT_swap_cache_faults]++;
	if (!m->swap.state)
		return;
	m->swap.state[page] = STATE_NONE;
	m->swap.prev = page;
	if (!is_hit)
		return;
	m->swap.hits += m->swap.hits < SWAP_RA_HITS_MAX;
	m->counters->n[COUNT_read_ahead_hits]++;
	mglru_tell_refault(m, page, now_ns);
}

void mglru_swap_forget(struct mglru *m, uint32_t page)
{
	if (m->swap.state)
		m->swap.state[page] = STATE_NONE;
}

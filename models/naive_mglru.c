/* SPDX-License-Identifier: MIT */
/* The naive twin: lists, generations, tiers, faults; see naive_mglru.h. */
#include "models/naive_internal.h"

#include <string.h>

#include "base/rng.h"

void naive_list_add(struct naive_list *l, uint32_t page)
{
	memmove(l->page + 1, l->page, l->n * sizeof(*l->page));
	l->page[0] = page;
	l->n++;
}

void naive_list_add_tail(struct naive_list *l, uint32_t page)
{
	l->page[l->n++] = page;
}

/* The page's list need not be that of its generation, so look at all of them. */
void naive_list_del(struct naive_mglru *n, uint32_t page)
{
	for (int gen = 0; gen < NAIVE_GENS; gen++) {
		struct naive_list *l = &n->list[gen];

		for (uint32_t i = 0; i < l->n; i++) {
			if (l->page[i] != page)
				continue;
			memmove(l->page + i, l->page + i + 1,
				(l->n - i - 1) * sizeof(*l->page));
			l->n--;
			return;
		}
	}
}

uint32_t naive_size(const struct naive_mglru *n, int gen)
{
	uint32_t size = 0;

	for (uint32_t i = 0; i < n->npages; i++)
		if (n->page[i].gen == gen)
			size++;
	return size;
}

uint32_t naive_resident(const struct naive_mglru *n)
{
	uint32_t resident = 0;

	for (uint32_t i = 0; i < n->npages; i++)
		if (n->page[i].is_resident)
			resident++;
	return resident;
}

void naive_init(struct naive_mglru *n)
{
	n->max_seq = 3;
	for (uint32_t i = 0; i < n->npages; i++)
		n->page[i].gen = -1;
}

int naive_refs(const struct naive_page *p)
{
	return p->is_workingset ? p->refs + 1 : p->refs;
}

/* The smallest tier with 2^tier > refs. */
int naive_tier_from_refs(int refs)
{
	int tier = 0;

	while ((1 << tier) < refs + 1)
		tier++;
	return tier;
}

/* folio_clear_lru_refs() */
void naive_clear_refs(struct naive_page *p)
{
	p->refs = 0;
	p->is_referenced = false;
	p->is_workingset = false;
}

/* lru_gen_add_folio() of a folio with PG_active */
void naive_add_active(struct naive_mglru *n, uint32_t page)
{
	struct naive_page *p = &n->page[page];

	p->gen = (int)(n->max_seq % NAIVE_GENS);
	p->refs = 0;
	p->is_referenced = false;
	naive_list_add(&n->list[p->gen], page);
}

/* lru_gen_del_folio() */
void naive_del(struct naive_mglru *n, uint32_t page)
{
	naive_list_del(n, page);
	n->page[page].gen = -1;
}

/* folio_inc_refs() */
static void mark_accessed(struct naive_page *p)
{
	if (!p->is_referenced) {
		p->is_referenced = true;
		return;
	}
	if (!p->is_workingset) {
		p->is_workingset = true;
		return;
	}
	if (p->refs < 3)
		p->refs++;
}

/* lru_gen_refault() */
static void refault(struct naive_mglru *n, struct naive_page *p)
{
	int refs = p->shadow_refs;

	n->counters.n[COUNT_refaults]++;
	if (p->shadow_seq != n->min_seq)
		return;
	if (p->shadow_workingset)
		refs++;
	n->tier[naive_tier_from_refs(refs)].refaulted++;
	p->refs = 3;
	p->is_workingset = true;
}

/* do_anonymous_page() or do_swap_page() */
static void handle_mm_fault(struct naive_mglru *n, uint32_t page)
{
	struct naive_page *p = &n->page[page];

	naive_clear_refs(p);
	p->is_resident = true;
	p->is_young = true;
	if (p->has_shadow)
		refault(n, p);
	else
		n->counters.n[COUNT_first_touches]++;
	p->has_shadow = false;
	n->has_table[page / NAIVE_TABLE] = true;
}

/* do_swap_page() of a folio that the swap cache still has */
static void do_swap_page(struct naive_mglru *n, struct naive_page *p)
{
	p->is_in_swap_cache = false;
	p->is_young = true;
	n->counters.n[COUNT_swap_cache_faults]++;
}

/* kvm_tdp_mmu_page_fault(), with __gfn_to_pfn_memslot() */
void naive_fault(struct naive_mglru *n, uint32_t page)
{
	struct naive_page *p = &n->page[page];

	n->counters.n[COUNT_faults]++;
	n->counters.n[COUNT_lock_read_fault]++;
	if (p->is_in_swap_cache) {
		do_swap_page(n, p);
		mark_accessed(p); /* follow_page_pte() */
		mark_accessed(p); /* kvm_release_pfn_clean() */
	} else if (p->is_resident) {
		p->is_referenced = true; /* gup_fast_pte_range() */
		mark_accessed(p);	 /* kvm_release_pfn_clean() */
	} else {
		handle_mm_fault(n, page);
		mark_accessed(p); /* follow_page_pte() */
		mark_accessed(p); /* kvm_release_pfn_clean() */
		naive_add_active(n, page);
	}
	p->has_spte = true;
	p->is_spte_young = true;
}

void naive_guest_access(struct naive_mglru *n, uint32_t page)
{
	if (n->page[page].has_spte)
		n->page[page].is_spte_young = true;
	else
		naive_fault(n, page);
}

void naive_host_access(struct naive_mglru *n, uint32_t page)
{
	if (!n->page[page].is_resident) {
		handle_mm_fault(n, page);
		naive_add_active(n, page);
	}
	if (n->page[page].is_in_swap_cache)
		do_swap_page(n, &n->page[page]);
	n->page[page].is_young = true;
}

void naive_invalidate(struct naive_mglru *n, uint32_t first, uint32_t count)
{
	bool young[NAIVE_TABLE];

	naive_zap(n, first, count, young);
	for (uint32_t i = 0; i < count; i++)
		if (young[i])
			mark_accessed(&n->page[first + i]);
}

void naive_discard(struct naive_mglru *n, uint32_t page)
{
	struct naive_page *p = &n->page[page];

	if (p->is_resident) {
		naive_zap(n, page, 1, NULL);
		naive_list_del(n, page);
		naive_forget_activation(n, page);
	}
	*p = (struct naive_page){.gen = -1};
}

/* __remove_mapping() with lru_gen_eviction() */
void naive_remove_mapping(struct naive_mglru *n, uint32_t page)
{
	struct naive_page *p = &n->page[page];
	int refs = naive_refs(p);

	n->tier[naive_tier_from_refs(refs)].evicted++;
	*p = (struct naive_page){.gen = -1,
				 .has_shadow = true,
				 .shadow_seq = n->min_seq,
				 .shadow_refs = refs > 0 ? refs - 1 : 0,
				 .shadow_workingset = refs > 0};
	n->counters.n[COUNT_evictions]++;
	n->evictions_digest = rng_mix(n->evictions_digest ^ (page + 1));
}

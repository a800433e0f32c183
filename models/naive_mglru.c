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

int naive_refs(const struct naive_mglru *n, const struct naive_page *p)
{
	if (n->version == NAIVE_7_2)
		return p->is_referenced ? p->refs + 1 : 0;
	return p->is_workingset ? p->refs + 1 : p->refs;
}

static int order_base_2(int x)
{
	int order = 0;

	while ((1 << order) < x)
		order++;
	return order;
}

/* lru_tier_from_refs() */
static int tier_from_refs(const struct naive_mglru *n, int refs,
			  bool is_workingset)
{
	if (n->version != NAIVE_7_2)
		return order_base_2(refs + 1);
	return is_workingset ? NAIVE_TIERS - 1 : order_base_2(refs);
}

int naive_tier(const struct naive_mglru *n, const struct naive_page *p)
{
	return tier_from_refs(n, naive_refs(n, p), p->is_workingset);
}

bool naive_is_saturated(const struct naive_mglru *n, const struct naive_page *p)
{
	if (n->version == NAIVE_7_2)
		return naive_refs(n, p) + p->is_workingset == 5;
	return naive_refs(n, p) == 4;
}

/* LRU_REFS_MASK and LRU_REFS_FLAGS */
void naive_clear_refs(const struct naive_mglru *n, struct naive_page *p)
{
	p->refs = 0;
	p->is_referenced = false;
	if (n->version != NAIVE_7_2)
		p->is_workingset = false;
}

/* lru_gen_folio_seq(); before 7.2 inside lru_gen_add_folio() */
uint64_t naive_folio_seq(const struct naive_mglru *n,
			 const struct naive_page *p)
{
	uint64_t age = 2;

	if (n->version != NAIVE_7_2)
		return p->is_active ? n->max_seq : n->max_seq - 1;
	if (p->is_active)
		age = p->is_workingset ? 1 : 2;
	else if (p->is_in_swapcache || p->is_unmapped)
		age = p->is_workingset || p->is_referenced ? 3 : 4;
	if (n->max_seq + 1 - age < n->min_seq)
		return n->min_seq;
	return n->max_seq + 1 - age;
}

void naive_add(struct naive_mglru *n, uint32_t page)
{
	struct naive_page *p = &n->page[page];

	p->gen = (int)(naive_folio_seq(n, p) % NAIVE_GENS);
	if (n->version == NAIVE_6_12 && p->is_active) {
		p->refs = 0;
		p->is_referenced = false;
	}
	p->is_active = false;
	naive_list_add(&n->list[p->gen], page);
}

/* lru_gen_del_folio() */
void naive_del(struct naive_mglru *n, uint32_t page)
{
	naive_list_del(n, page);
	n->page[page].gen = -1;
}

/* folio_inc_refs() */
static void inc_refs_6(struct naive_page *p)
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

/* lru_gen_inc_refs() */
static void inc_refs_7(struct naive_page *p)
{
	if (!p->is_referenced) {
		p->is_referenced = true;
		p->refs = 0;
		return;
	}
	if (p->refs == 3)
		p->is_workingset = true;
	else
		p->refs++;
}

void naive_mark_accessed(const struct naive_mglru *n, struct naive_page *p)
{
	if (n->version == NAIVE_7_2)
		inc_refs_7(p);
	else
		inc_refs_6(p);
}

/* lru_gen_test_recent() */
static bool is_recent(const struct naive_mglru *n, const struct naive_page *p)
{
	if (n->version == NAIVE_7_2)
		return n->max_seq - p->shadow_seq < NAIVE_GENS;
	return p->shadow_seq == n->min_seq;
}

/* lru_gen_refault() */
static void refault(struct naive_mglru *n, struct naive_page *p)
{
	int refs = p->shadow_refs + 1;

	n->counters.n[COUNT_refaults]++;
	if (!is_recent(n, p))
		return;
	n->counters.n[COUNT_recent_refaults]++;
	if (n->version != NAIVE_7_2)
		refs = p->shadow_refs + p->shadow_workingset;
	n->tier[tier_from_refs(n, refs, p->shadow_workingset)].refaulted++;
	if (n->version != NAIVE_7_2) {
		p->refs = 3;
		p->is_workingset = true;
	} else if (p->shadow_workingset) {
		p->is_workingset = true;
	} else {
		p->refs = refs - 1;
	}
}

/* folio_add_lru() in a fault */
static void folio_add_lru(struct naive_mglru *n, uint32_t page, bool is_write)
{
	struct naive_page *p = &n->page[page];
	uint32_t batch_size = n->version == NAIVE_6_1 ? 15 : 31;

	if (n->version != NAIVE_7_2 || p->is_workingset)
		p->is_active = true;
	else if (!p->is_referenced)
		naive_mark_accessed(n, p);
	n->nr_lru_add++;
	if (n->nr_lru_add == batch_size) { /* the folio's own batch is full */
		naive_add(n, page);
		n->nr_lru_add = 0;
	} else if (p->is_in_swapcache && is_write) { /* do_swap_page() */
		naive_add(n, page);
		naive_lru_add_drain(n);
	}
}

/* do_swap_page() of a folio that the swap cache still has */
static void map_again(struct naive_mglru *n, struct naive_page *p,
		      bool is_write)
{
	p->is_unmapped = false;
	p->is_young = true;
	p->is_read_only = n->version == NAIVE_6_1 && !is_write;
	n->counters.n[COUNT_swap_cache_faults]++;
}

/* do_anonymous_page() or do_swap_page() */
static void handle_mm_fault(struct naive_mglru *n, uint32_t page, bool is_write)
{
	struct naive_page *p = &n->page[page];

	p->refs = 0;
	p->is_referenced = p->is_workingset = false;
	p->is_resident = true;
	p->is_young = true;
	p->is_read_only = n->version == NAIVE_6_1 && p->has_shadow && !is_write;
	if (p->has_shadow)
		refault(n, p);
	else
		n->counters.n[COUNT_first_touches]++;
	p->is_in_swapcache = p->has_shadow && n->version == NAIVE_7_2;
	folio_add_lru(n, page, is_write);
	p->is_in_swapcache = false;
	p->has_shadow = false;
	if (!n->has_table[page / NAIVE_TABLE]) /* pmd_populate() */
		n->is_pmd_young[page / NAIVE_TABLE] = true;
	n->has_table[page / NAIVE_TABLE] = true;
}

/* hva_to_pfn() */
static void get_user_page(struct naive_mglru *n, uint32_t page, bool is_write)
{
	struct naive_page *p = &n->page[page];

	if (p->is_unmapped) {
		map_again(n, p, is_write);
		naive_mark_accessed(n, p); /* follow_page_pte() */
	} else if (p->is_resident && p->is_hinted &&
		   !(p->is_read_only && is_write)) {
		p->is_young = true;	   /* do_numa_page() */
		naive_mark_accessed(n, p); /* follow_page_pte() */
	} else if (p->is_resident && p->is_read_only && is_write) {
		p->is_read_only = false; /* wp_page_reuse() */
		p->is_young = true;
		naive_mark_accessed(n, p); /* follow_page_pte() */
	} else if (p->is_resident) {
		if (!n->kind.is_device)
			p->is_referenced = true; /* gup_fast_pte_range() */
	} else {
		handle_mm_fault(n, page, is_write);
		naive_mark_accessed(n, p); /* follow_page_pte() */
	}
	p->is_hinted = false;
}

/* kvm_release_pfn_clean() and the like */
static void release(struct naive_mglru *n, struct naive_page *p)
{
	for (uint32_t i = 0; i < n->kind.fault_marks; i++)
		naive_mark_accessed(n, p);
}

/* kvm_tdp_mmu_page_fault(); or gru_vtop() */
void naive_fault(struct naive_mglru *n, uint32_t page, bool is_write,
		 bool is_stale)
{
	struct naive_page *p = &n->page[page];
	bool is_new = !p->is_resident;

	n->counters.n[COUNT_faults]++;
	if (is_stale)
		n->counters.n[COUNT_stale_faults]++;
	get_user_page(n, page, is_write);
	if (is_stale) { /* the vCPU faults twice */
		if (n->version != NAIVE_7_2)
			release(n, p);
		get_user_page(n, page, is_write);
	}
	release(n, p);
	if (is_new && p->gen < 0)
		naive_add(n, page);
	naive_map(n, page);
	p->is_spte_read_only = p->is_read_only && naive_has_plain_sptes(n);
}

void naive_guest_access(struct naive_mglru *n, uint32_t page, bool is_write,
			bool is_stale)
{
	const struct naive_page *p = &n->page[page];

	if ((is_write && p->is_spte_read_only) || !naive_touch(n, page))
		naive_fault(n, page, is_write, is_stale);
}

void naive_host_access(struct naive_mglru *n, uint32_t page)
{
	if (!n->page[page].is_resident) {
		handle_mm_fault(n, page, false);
		if (n->page[page].gen < 0)
			naive_add(n, page);
	}
	if (n->page[page].is_unmapped)
		map_again(n, &n->page[page], false);
	n->page[page].is_hinted = false;
	n->page[page].is_young = true;
	n->is_pmd_young[page / NAIVE_TABLE] = true;
}

void naive_discard(struct naive_mglru *n, uint32_t page)
{
	struct naive_page *p = &n->page[page];

	if (p->is_resident) {
		naive_zap_leaving(n, page, NAIVE_GIVEN_BACK);
		naive_list_del(n, page);
		naive_forget_activation(n, page);
	}
	*p = (struct naive_page){.gen = -1};
}

/* __remove_mapping() with lru_gen_eviction() */
void naive_remove_mapping(struct naive_mglru *n, uint32_t page)
{
	struct naive_page *p = &n->page[page];
	int refs = naive_refs(n, p);
	bool is_workingset = n->version == NAIVE_7_2 ? p->is_workingset
						     : refs > 0;

	n->tier[naive_tier(n, p)].evicted++;
	*p = (struct naive_page){.gen = -1,
				 .has_shadow = true,
				 .shadow_seq = n->min_seq,
				 .shadow_refs = refs > 0 ? refs - 1 : 0,
				 .shadow_workingset = is_workingset};
	n->counters.n[COUNT_evictions]++;
	n->evictions_digest = rng_mix(n->evictions_digest ^ (page + 1));
}

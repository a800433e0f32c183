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
	for (int i = 0; i < NAIVE_TYPES * NAIVE_GENS; i++) {
		struct naive_list *l = &n->list[i / NAIVE_GENS][i % NAIVE_GENS];

		for (uint32_t k = 0; k < l->n; k++) {
			if (l->page[k] != page)
				continue;
			memmove(l->page + k, l->page + k + 1,
				(l->n - k - 1) * sizeof(*l->page));
			l->n--;
			return;
		}
	}
}

uint32_t naive_size(const struct naive_mglru *n, enum naive_type type, int gen)
{
	uint32_t size = 0;

	for (uint32_t i = 0; i < n->npages; i++)
		if (n->page[i].gen == gen && naive_type_of(n, i) == type)
			size += naive_nr_pages(n, i);
	return size;
}

uint32_t naive_resident(const struct naive_mglru *n)
{
	uint32_t resident = 0;

	for (uint32_t i = 0; i < n->npages; i++)
		if (n->page[i].is_resident)
			resident += naive_nr_pages(n, i);
	return resident;
}

void naive_init(struct naive_mglru *n)
{
	n->max_seq = 3;
	n->mm_seq = 2;
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

/* lru_gen_folio_seq() of 7.2 */
static uint64_t folio_seq_7(const struct naive_mglru *n, uint32_t page)
{
	const struct naive_page *p = &n->page[page];
	enum naive_type type = naive_type_of(n, page);
	uint64_t age = 2;

	if (p->is_active)
		age = p->is_workingset ? 1 : 2;
	else if (type == NAIVE_FILE || p->is_in_swapcache || p->is_unmapped)
		age = p->is_workingset || p->is_referenced ? 3 : 4;
	if (n->max_seq + 1 - age < n->min_seq[type])
		return n->min_seq[type];
	return n->max_seq + 1 - age;
}

/* lru_gen_add_folio() before; files are never inactive here, nor the swap cache */
uint64_t naive_folio_seq(const struct naive_mglru *n, uint32_t page)
{
	if (n->version == NAIVE_7_2)
		return folio_seq_7(n, page);
	return n->page[page].is_active ? n->max_seq : n->max_seq - 1;
}

void naive_add(struct naive_mglru *n, uint32_t page)
{
	struct naive_page *p = &n->page[page];

	p->gen = (int)(naive_folio_seq(n, page) % NAIVE_GENS);
	if (n->version == NAIVE_6_12 && p->is_active) {
		p->refs = 0;
		p->is_referenced = false;
	}
	p->is_active = false;
	naive_list_add(&n->list[naive_type_of(n, page)][p->gen], page);
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
static bool is_recent(const struct naive_mglru *n, uint32_t page)
{
	const struct naive_page *p = &n->page[page];

	if (n->version == NAIVE_7_2)
		return n->max_seq - p->shadow_seq < NAIVE_GENS;
	return p->shadow_seq == n->min_seq[naive_type_of(n, page)];
}

/* lru_gen_refault() */
void naive_refault(struct naive_mglru *n, uint32_t page)
{
	struct naive_page *p = &n->page[page];
	enum naive_type type = naive_type_of(n, page);
	int refs = p->shadow_refs + 1;

	n->counters.n[COUNT_refaults]++;
	if (type == NAIVE_FILE)
		n->counters.n[COUNT_file_refaults]++;
	if (!is_recent(n, page))
		return;
	n->counters.n[COUNT_recent_refaults]++;
	if (type == NAIVE_FILE)
		n->counters.n[COUNT_recent_file_refaults]++;
	if (n->version != NAIVE_7_2)
		refs = p->shadow_refs + p->shadow_workingset;
	n->tier[type][tier_from_refs(n, refs, p->shadow_workingset)].refaulted++;
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

/* Folios of files: do_read_fault() of a process that is no VMM */
void naive_file_access(struct naive_mglru *n, uint32_t page)
{
	struct naive_page *p = &n->page[page];
	uint32_t table = page / NAIVE_TABLE;

	if (!p->is_resident || p->is_unmapped)
		n->counters.n[COUNT_file_faults]++;
	if (!p->is_resident) {
		p->is_resident = true;
		p->refs = 0;
		p->is_referenced = p->is_workingset = false;
		if (p->has_shadow)
			naive_refault(n, page);
		else
			n->counters.n[COUNT_first_touches]++;
		p->has_shadow = false;
		folio_add_lru(n, page, false);
		if (p->gen < 0)
			naive_add(n, page);
	}
	p->is_unmapped = false;
	p->is_young = true;
	n->has_table[table] = n->is_pmd_young[table] = true;
	n->mm[NAIVE_FILE].has_run = true;
}

/* do_swap_page() of a folio that the swap cache still has */
static void map_again(struct naive_mglru *n, uint32_t page, bool is_write)
{
	struct naive_page *p = &n->page[page];

	p->is_unmapped = false;
	p->is_young = true;
	p->is_read_only = n->version == NAIVE_6_1 && !is_write;
	naive_update_readahead(n, page);
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
		naive_refault(n, page);
	else
		n->counters.n[COUNT_first_touches]++;
	p->is_in_swapcache = p->has_shadow &&
			     (n->version == NAIVE_7_2 || n->has_disk);
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

	if (naive_make_huge(n, page))
		return; /* follow_huge_pmd() marks nothing */
	if (p->is_unmapped) {
		map_again(n, page, is_write);
		naive_mark_accessed(n, p); /* follow_page_pte() */
	} else if (p->is_resident && p->is_hinted &&
		   !(p->is_read_only && is_write)) {
		p->is_young = true;	   /* do_numa_page() */
		naive_mark_accessed(n, p); /* follow_page_pte() */
	} else if (p->is_resident && p->is_read_only &&
		   (is_write || !n->kind.is_device)) {
		if (is_write) { /* wp_page_reuse() */
			p->is_read_only = false;
			p->is_young = true;
		}
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

/* After a read fault a folio stays in the swap cache, unless swap is synchronous. */
static void add_new(struct naive_mglru *n, uint32_t page, bool is_cached)
{
	struct naive_page *p = &n->page[page];

	if (p->gen >= 0)
		return;
	p->is_in_swapcache = is_cached;
	naive_add(n, page);
	p->is_in_swapcache = false;
}

/* kvm_tdp_mmu_page_fault(); or gru_vtop() */
void naive_fault(struct naive_mglru *n, uint32_t page, bool is_write,
		 bool is_stale)
{
	uint32_t folio = naive_folio(n, page);
	struct naive_page *p = &n->page[folio];
	bool is_new = !p->is_resident;
	bool is_cached = p->has_shadow && n->has_disk;

	n->counters.n[COUNT_faults]++;
	if (is_stale)
		n->counters.n[COUNT_stale_faults]++;
	get_user_page(n, folio, is_write);
	if (is_stale) { /* the vCPU faults twice */
		if (n->version != NAIVE_7_2)
			release(n, p);
		get_user_page(n, folio, is_write);
	}
	release(n, p);
	if (is_new)
		add_new(n, folio, is_cached);
	if (n->is_huge[page / NAIVE_TABLE]) {
		naive_map_huge(n, page);
		return;
	}
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
	if (naive_make_huge(n, page) || n->is_huge[page / NAIVE_TABLE]) {
		n->page[naive_folio(n, page)].is_young = true;
		return;
	}
	if (!n->page[page].is_resident) {
		bool is_cached = n->page[page].has_shadow && n->has_disk;

		handle_mm_fault(n, page, false);
		add_new(n, page, is_cached);
	}
	if (n->page[page].is_unmapped)
		map_again(n, page, false);
	n->page[page].is_hinted = false;
	n->page[page].is_young = true;
	n->is_pmd_young[page / NAIVE_TABLE] = true;
}

void naive_discard(struct naive_mglru *n, uint32_t page)
{
	struct naive_page *p = &n->page[page];

	naive_split_huge(n, page);
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
	enum naive_type type = naive_type_of(n, page);
	bool is_workingset = n->version == NAIVE_7_2 ? p->is_workingset
						     : refs > 0;

	n->tier[type][naive_tier(n, p)].evicted++;
	if (p->is_readahead)
		n->counters.n[COUNT_read_ahead_unused]++;
	*p = (struct naive_page){.gen = -1,
				 .has_shadow = true,
				 .shadow_seq = n->min_seq[type],
				 .shadow_refs = refs > 0 ? refs - 1 : 0,
				 .shadow_workingset = is_workingset};
	n->counters.n[COUNT_evictions]++;
	if (type == NAIVE_FILE)
		n->counters.n[COUNT_file_evictions]++;
	n->evictions_digest = rng_mix(n->evictions_digest ^ (page + 1));
}

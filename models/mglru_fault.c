/* SPDX-License-Identifier: MIT */
/*
 * How pages come and go: KVM's faults, swap-ins and refaults, invalidations, and what
 * remains of an evicted page.
 */
#include <string.h>

#include "models/mglru_internal.h"
#include "models/spte.h"

/*
 * An evicted page's shadow entry (mm/workingset.c pack_shadow): min_seq above two bits
 * of refs and the workingset bit.  Times of eviction are in units of 2^16 ns.
 */
enum {
	SHADOW_SEQ_SHIFT = 3,
	SHADOW_TIME_SHIFT = 16
};

void mglru_tell_refault(const struct mglru *m, uint32_t page, uint64_t now_ns)
{
	uint64_t unit_ns = UINT64_C(1) << SHADOW_TIME_SHIFT;
	/* modulo 2^32, so right for a page that was out for less */
	uint32_t units = (uint32_t)(now_ns / unit_ns) - m->evicted_at[page];
	uint64_t evicted_ns = (now_ns / unit_ns - units) * unit_ns;

	if (m->listener.refaulted)
		m->listener.refaulted(m->listener.arg, page, evicted_ns,
				      now_ns);
}

/* lru_gen_refault() */
void mglru_refault(struct mglru *m, uint32_t page, uint64_t now_ns,
		   bool is_asked)
{
	const struct mglru_version *v = m->version;
	enum mglru_type type = page_type(m, page);
	uint32_t shadow = m->where[page];
	unsigned int tier;

	m->counters->n[COUNT_refaults]++;
	m->counters->n[COUNT_file_refaults] += type == LRU_GEN_FILE;
	if (is_asked)
		mglru_tell_refault(m, page, now_ns);
	if (!v->lru_gen_test_recent(m, type, shadow >> SHADOW_SEQ_SHIFT))
		return;
	m->counters->n[COUNT_recent_refaults]++;
	m->counters->n[COUNT_recent_file_refaults] += type == LRU_GEN_FILE;
	tier = v->lru_gen_refault(&m->flags[page], shadow >> 1 & 3, shadow & 1);
	m->ctrl[type][tier].refaulted++;
}

/* handle_mm_fault() up to folio_add_lru(): the page waits in a per-CPU batch. */
static void instantiate(struct mglru *m, uint32_t page, uint64_t now_ns)
{
	bool is_refault = m->flags[page] & PAGE_SHADOW;
	uint8_t *table = &m->table[page / PTRS_PER_PTE];

	m->flags[page] = PAGE_RESIDENT | PAGE_PRIMARY_YOUNG;
	if (is_refault)
		mglru_refault(m, page, now_ns, true);
	else
		m->counters->n[COUNT_first_touches]++;
	m->version->folio_add_lru(&m->flags[page]);
	if (!(*table & TABLE_EXISTS)) /* pmd_populate() */
		*table |= TABLE_EXISTS | TABLE_PMD_YOUNG;
	m->resident++;
}

/* do_swap_page() of what the swap cache still has */
static void map_again(struct mglru *m, uint32_t page, uint64_t now_ns,
		      bool is_write)
{
	bool is_read_only = !is_write && m->version->do_swap_page_read_only;

	change_flags(&m->flags[page], PAGE_UNMAPPED | PAGE_READ_ONLY,
		     PAGE_PRIMARY_YOUNG | (is_read_only ? PAGE_READ_ONLY : 0));
	m->unmapped--;
	mglru_found_in_swap_cache(m, page, now_ns);
}

/*
 * do_anonymous_page(), do_swap_page(): the new page waits in the per-CPU batch, unless
 * it fills it or a write fault drains it.
 */
static void handle_mm_fault(struct mglru *m, uint32_t page, uint64_t now_ns,
			    bool is_write)
{
	const struct mglru_version *v = m->version;
	bool is_refault = m->flags[page] & PAGE_SHADOW;
	bool has_cache = is_refault &&
			 (v->do_swap_page_drains || m->swap.state);
	bool is_full;

	instantiate(m, page, now_ns);
	if (is_refault && !is_write && v->do_swap_page_read_only)
		m->flags[page] |= PAGE_READ_ONLY;
	is_full = ++m->lru_add == v->pagevec_size;
	if (!is_full && !(has_cache && is_write))
		return;
	m->flags[page] |= has_cache ? PAGE_SWAPCACHE : 0;
	mglru_add(m, page);
	m->flags[page] &= (uint16_t)~PAGE_SWAPCACHE;
	m->lru_add = 0;
	if (!is_full) /* else folio_test_lru() holds: nothing to drain */
		mglru_lru_add_drain(m);
}

/* The batch is drained before anybody looks at a list: that may as well be now.
 * @is_cached: it is in the swap cache, where a read fault leaves it. */
static void drain_new(struct mglru *m, uint32_t page, bool is_cached)
{
	if (page_gen(m, page) >= 0)
		return;
	m->flags[page] |= is_cached ? PAGE_SWAPCACHE : 0;
	mglru_add(m, page);
	m->flags[page] &= (uint16_t)~PAGE_SWAPCACHE;
}

static bool is_on_disk(const struct mglru *m, uint32_t page)
{
	return m->swap.state && (m->flags[page] & PAGE_SHADOW);
}

/*
 * The SPTE is as writable as the PTE.  It is taken as writable where it traps anyway
 * (huge leaves, no accessed bits), and for devices.
 */
static void map(struct mglru *m, uint32_t page)
{
	bool is_plain = m->mmu->traits.is_kvm && m->mmu->sptes->is_direct;

	if (mglru_is_huge(m, page)) {
		mmu_map_huge(m->mmu, page);
		return;
	}
	if (m->flags[page] & PAGE_SPTE_READ_ONLY)
		mmu_protect(m->mmu, page, false);
	mmu_map(m->mmu, page);
	m->flags[page] &= (uint16_t)~PAGE_SPTE_READ_ONLY;
	if (!(m->flags[page] & PAGE_READ_ONLY) || !is_plain)
		return;
	m->flags[page] |= PAGE_SPTE_READ_ONLY;
	mmu_protect(m->mmu, page, true);
}

/* Zap SPTEs, read-only ones, too.  Return: which were young. */
uint64_t mglru_zap(struct mglru *m, struct mmu_unmap *call, uint32_t first,
		   uint64_t range)
{
	uint64_t read_only = range;

	for (; read_only; read_only &= read_only - 1) {
		uint32_t page = first + (uint32_t)__builtin_ctzll(read_only);

		if (m->flags[page] & PAGE_SPTE_READ_ONLY)
			mmu_protect(m->mmu, page, false);
		m->flags[page] &= (uint16_t)~PAGE_SPTE_READ_ONLY;
	}
	return mmu_unmap_window(m->mmu, call, first, range);
}

/* Nobody asks for its age any more. */
void mglru_zap_leaving(struct mglru *m, uint32_t page, enum mmu_reason reason)
{
	uint32_t pages = mglru_weight(m, page);
	struct mmu_unmap call;

	m->counters->n[COUNT_unmap_ranges]++;
	m->counters->n[COUNT_unmap_pages] += pages;
	mmu_unmap_begin(m->mmu, &call, reason, pages);
	mglru_zap(m, &call, page, 1);
	mmu_unmap_end(m->mmu, &call);
}

/* gup_fast_pte_range(); drivers of devices look the PTE up without (gru_vtop()). */
static void touch_fast(struct mglru *m, uint32_t page)
{
	if (m->mmu->traits.is_kvm)
		m->flags[page] |= PAGE_REFERENCED;
}

/* kvm_release_pfn_clean() and the like */
static void release(struct mglru *m, uint32_t page)
{
	for (uint64_t i = 0; i < m->mmu->traits.fault_marks; i++)
		m->version->folio_mark_accessed(&m->flags[page]);
}

/*
 * GUP and KVM both mark the page.  Without a primary PTE that allows the access GUP
 * takes the slow path (FOLL_TOUCH: folio_mark_accessed), while a new page waits in its
 * batch; with one it takes the fast path, which only sets PG_referenced.  That one asks
 * for a writable PTE even if the guest reads (hva_to_pfn_fast()).
 * kvm_release_pfn_clean() follows in either case.
 */
static void get_user_page(struct mglru *m, uint32_t page, uint64_t now_ns,
			  unsigned int how, uint32_t charge)
{
	bool is_write = how & MGLRU_WRITE;

	if (charge > 1) { /* follow_huge_pmd() marks nothing */
		mglru_make_huge(m, page);
		return;
	} else if (charge) {
		handle_mm_fault(m, page, now_ns, is_write);
	} else if (m->flags[page] & PAGE_UNMAPPED) {
		map_again(m, page, now_ns, is_write);
	} else if ((m->flags[page] & PAGE_READ_ONLY) &&
		   (is_write || m->mmu->traits.is_kvm)) {
		if (is_write) /* do_wp_page() */
			change_flags(&m->flags[page], PAGE_READ_ONLY,
				     PAGE_PRIMARY_YOUNG);
		else if (how & MGLRU_HINT)
			m->flags[page] |= PAGE_PRIMARY_YOUNG;
	} else if (how & MGLRU_HINT) { /* do_numa_page() */
		m->flags[page] |= PAGE_PRIMARY_YOUNG;
	} else {
		touch_fast(m, page);
		return;
	}
	m->version->folio_mark_accessed(&m->flags[page]);
}

/* RET_PF_RETRY: the page is released, and the next fault finds its PTE. */
static void retry(struct mglru *m, uint32_t page, uint64_t now_ns,
		  unsigned int how)
{
	m->counters->n[COUNT_stale_faults]++;
	if (m->version->kvm_retry_marks_accessed)
		release(m, page);
	get_user_page(m, page, now_ns, how & MGLRU_WRITE, 0);
}

/* The page has an SPTE: hardware or a short exit has made it young. */
static bool is_done(struct mglru *m, uint32_t page)
{
	switch (mmu_touch(m->mmu, page)) {
	case MMU_TOUCH_ABSENT:
		return false;
	case MMU_TOUCH_BIT:
		return true;
	case MMU_TOUCH_FAULT:
		touch_fast(m, mglru_folio(m, page));
		break;
	case MMU_TOUCH_MARK:
		break;
	}
	m->version->folio_mark_accessed(&m->flags[mglru_folio(m, page)]);
	return true;
}

void mglru_fault(struct mglru *m, uint32_t page, uint64_t now_ns,
		 unsigned int how)
{
	uint32_t charge = mglru_needs_charge(m, page);
	uint32_t folio = mglru_folio(m, page);
	bool is_write = how & MGLRU_WRITE, is_cached = is_on_disk(m, folio);

	if (!is_write && (m->flags[folio] & PAGE_SPTE_READ_ONLY)) {
		m->mmu->pages->word[page] |= m->mmu->accessed;
		return;
	}
	if (is_done(m, page))
		return;
	m->counters->n[COUNT_faults]++;
	get_user_page(m, folio, now_ns, how, charge);
	if (how & MGLRU_STALE)
		retry(m, folio, now_ns, how);
	release(m, folio);
	if (charge)
		drain_new(m, folio, is_cached);
	map(m, page);
}

void mglru_host_access(struct mglru *m, uint32_t page, uint64_t now_ns)
{
	uint32_t folio = mglru_folio(m, page);
	bool is_cached = is_on_disk(m, folio);

	if (mglru_needs_charge(m, page) > 1) {
		mglru_make_huge(m, folio);
	} else if (mglru_needs_charge(m, page)) {
		handle_mm_fault(m, page, now_ns, false);
		drain_new(m, page, is_cached);
	} else if (m->flags[page] & PAGE_UNMAPPED) {
		map_again(m, page, now_ns, false);
	}
	m->flags[folio] |= PAGE_PRIMARY_YOUNG;
	if (!mglru_is_huge(m, page))
		m->table[page / PTRS_PER_PTE] |= TABLE_PMD_YOUNG;
}

void mglru_fall_back(struct mglru *m, uint32_t page)
{
	if (mglru_is_huge(m, page))
		m->table[page / PTRS_PER_PTE] = TABLE_EXISTS | TABLE_PMD_YOUNG;
}

void mglru_make_tables(struct mglru *m)
{
	if (m->is_huge)
		return;
	memset(m->table, TABLE_EXISTS | TABLE_PMD_YOUNG,
	       m->file_first / PTRS_PER_PTE);
}

void mglru_discard(struct mglru *m, uint32_t page)
{
	mglru_split_huge(m, page);
	if (m->flags[page] & PAGE_RESIDENT) {
		mglru_zap_leaving(m, page, MMU_DISCARD);
		if (page_gen(m, page) >= 0)
			mglru_del(m, page);
		mglru_activate_cancel(m, page);
		m->unmapped -= (m->flags[page] & PAGE_UNMAPPED) != 0;
		m->resident--;
	}
	mglru_swap_forget(m, page);
	m->flags[page] = 0;
}

/* add_to_swap() and try_to_unmap() */
void mglru_unmap(struct mglru *m, uint32_t page)
{
	bool is_file = page_type(m, page) == LRU_GEN_FILE;

	if (m->flags[page] & PAGE_UNMAPPED)
		return;
	if (!is_file)
		mglru_zap_leaving(m, page, MMU_EVICT);
	m->flags[page] |= PAGE_UNMAPPED;
	m->unmapped++;
	if (m->listener.unmapped && !is_file)
		m->listener.unmapped(m->listener.arg, page);
}

/* __remove_mapping() with workingset_eviction(): only the shadow stays. */
void mglru_forget(struct mglru *m, uint32_t page, uint64_t now_ns)
{
	const struct mglru_version *v = m->version;
	enum mglru_type type = page_type(m, page);
	uint16_t flags = m->flags[page];

	m->ctrl[type][v->folio_lru_tier(flags)].evicted++;
	m->where[page] = (uint32_t)(m->min_seq[type] << SHADOW_SEQ_SHIFT) |
			 v->lru_gen_eviction(flags);
	m->evicted_at[page] = (uint32_t)(now_ns >> SHADOW_TIME_SHIFT);
	m->unmapped -= (m->flags[page] & PAGE_UNMAPPED) != 0;
	m->counters->n[COUNT_read_ahead_unused] += mglru_is_read_ahead(m, page);
	mglru_swap_forget(m, page);
	m->flags[page] = PAGE_SHADOW;
	m->resident--;
	m->counters->n[COUNT_evictions]++;
	m->counters->n[COUNT_file_evictions] += type == LRU_GEN_FILE;
	if (m->listener.evicted)
		m->listener.evicted(m->listener.arg, page, now_ns);
}

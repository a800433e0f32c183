/* SPDX-License-Identifier: MIT */
/* Lists, generations, faults and refaults; aging and eviction are beside it. */
#include "models/mglru.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "models/mglru_internal.h"

/*
 * An evicted page's shadow entry (mm/workingset.c pack_shadow): min_seq above two bits
 * of refs and the workingset bit.  Times of eviction are in units of 2^16 ns.
 */
enum {
	DRAIN_AHEAD = 16, /* pages that a drain fetches ahead of itself */
	SHADOW_SEQ_SHIFT = 3,
	SHADOW_TIME_SHIFT = 16
};

static void set_list(struct mglru *m, uint32_t page, unsigned int gen)
{
	unsigned int flags = m->flags[page] & ~(unsigned int)PAGE_LIST_MASK;

	m->flags[page] = (uint16_t)(flags | gen << PAGE_LIST_SHIFT);
}

static bool make_room(struct mglru *m, unsigned int gen)
{
	if (!genlist_make_room(&m->list[gen], m->where))
		return true;
	m->error = -ENOMEM;
	return false;
}

void mglru_list_add(struct mglru *m, uint32_t page, unsigned int gen)
{
	if (!make_room(m, gen))
		return;
	genlist_add(&m->list[gen], m->where, page);
	set_list(m, page, gen);
}

void mglru_list_add_tail(struct mglru *m, uint32_t page, unsigned int gen)
{
	if (!make_room(m, gen))
		return;
	genlist_add_tail(&m->list[gen], m->where, page);
	set_list(m, page, gen);
}

void mglru_list_del(struct mglru *m, uint32_t page)
{
	unsigned int gen = (unsigned int)(m->flags[page] & PAGE_LIST_MASK) >>
			   PAGE_LIST_SHIFT;

	genlist_del(&m->list[gen], m->where[page]);
}

static void set_gen(struct mglru *m, uint32_t page, unsigned int gen,
		    unsigned int cleared)
{
	change_flags(&m->flags[page], cleared | PAGE_GEN_MASK, gen + 1);
	m->nr_pages[gen]++;
}

void mglru_add(struct mglru *m, uint32_t page)
{
	const struct mglru_version *v = m->version;
	unsigned int gen =
		gen_from_seq(v->lru_gen_folio_seq(m, m->flags[page]));

	assert(page_gen(m, page) < 0);
	set_gen(m, page, gen, v->lru_gen_add_folio | PAGE_ACTIVE);
	mglru_list_add(m, page, gen);
}

void mglru_del(struct mglru *m, uint32_t page)
{
	int gen = page_gen(m, page);

	assert(gen >= 0);
	mglru_list_del(m, page);
	m->nr_pages[gen]--;
	m->flags[page] &= (uint16_t)~PAGE_GEN_MASK;
}

void mglru_activate(struct mglru *m, uint32_t page)
{
	mglru_del(m, page);
	m->flags[page] |= PAGE_ACTIVE;
	mglru_add(m, page);
	m->counters->n[COUNT_promoted]++;
}

void mglru_update_gen(struct mglru *m, uint32_t page, unsigned int gen)
{
	const struct mglru_version *v = m->version;
	uint16_t *flags = &m->flags[page];
	int old = page_gen(m, page);

	if (v->folio_update_gen_looks_twice &&
	    !(*flags & (PAGE_REFERENCED | PAGE_WORKINGSET))) {
		change_flags(flags, PAGE_REFS_MASK, PAGE_REFERENCED);
		return;
	}
	if (old < 0) { /* isolated: shrink_folio_list() will keep it */
		*flags |= PAGE_REFERENCED;
		return;
	}
	m->nr_pages[old]--;
	set_gen(m, page, gen, v->lru_refs_flags);
	if (v->folio_update_gen_looks_twice)
		*flags |= PAGE_WORKINGSET;
	m->counters->n[COUNT_promoted] += (unsigned int)old != gen;
}

unsigned int mglru_inc_gen(struct mglru *m, uint32_t page)
{
	unsigned int oldest = gen_from_seq(m->min_seq);
	unsigned int gen = (unsigned int)page_gen(m, page);

	if (gen != oldest)
		return gen;
	gen = (oldest + 1) % MAX_NR_GENS;
	m->nr_pages[oldest]--;
	set_gen(m, page, gen, m->version->lru_refs_flags);
	return gen;
}

uint64_t mglru_clear_primary(struct mglru *m, uint32_t first, uint64_t mask)
{
	uint64_t young = flags_mask(m, first, PAGE_PRIMARY_YOUNG) & mask;

	for (uint64_t left = young; left; left &= left - 1)
		m->flags[first + (uint32_t)__builtin_ctzll(left)] &=
			(uint16_t)~PAGE_PRIMARY_YOUNG;
	return young;
}

bool mglru_try_to_inc_min_seq(struct mglru *m)
{
	uint64_t seq = m->min_seq;

	while (seq + MIN_NR_GENS <= m->max_seq &&
	       genlist_is_empty(&m->list[gen_from_seq(seq)]))
		seq++;
	if (seq == m->min_seq)
		return false;
	mglru_reset_ctrl(m);
	m->min_seq = seq;
	return true;
}

/* The pages of a list are anywhere in memory: ask for them early. */
static void prefetch_page(const struct mglru *m, uint32_t page)
{
	if (page == GENLIST_HOLE)
		return;
	__builtin_prefetch(&m->flags[page], 1);
	__builtin_prefetch(&m->where[page], 1);
}

/* inc_min_seq() of 7.2: not the workingset that is lazily promoted */
static void count_drained(struct mglru *m, uint16_t flags)
{
	const struct mglru_version *v = m->version;

	if (v->inc_min_seq_protects && !v->is_saturated(flags))
		m->ctrl[v->folio_lru_tier(flags)].protected ++;
}

/*
 * inc_min_seq(): taken from the tail and put at the tail, so draining into an empty
 * generation reverses the order.
 */
void mglru_drain_oldest(struct mglru *m)
{
	struct genlist *l = &m->list[gen_from_seq(m->min_seq)];

	while (!genlist_is_empty(l) && !m->error) {
		uint32_t page = genlist_tail(l);
		unsigned int to;

		prefetch_page(m, genlist_peek(l, DRAIN_AHEAD));
		count_drained(m, m->flags[page]);
		to = mglru_inc_gen(m, page);
		genlist_del(l, l->tail - 1);
		mglru_list_add_tail(m, page, to);
	}
	mglru_reset_ctrl(m);
	m->min_seq++;
}

/* lru_gen_init_lruvec(): four generations to begin with. */
int mglru_init(struct mglru *m, struct status *st)
{
	size_t words = (1u << BLOOM_FILTER_SHIFT) / 64;

	m->npages = m->mmu->pages->npages;
	assert(m->npages % PTRS_PER_PTE == 0);
	m->where = kage_calloc_pages(m->npages, sizeof(*m->where), st);
	m->evicted_at =
		kage_calloc_pages(m->npages, sizeof(*m->evicted_at), st);
	m->flags = kage_calloc_pages(m->npages, sizeof(*m->flags), st);
	m->table = kage_calloc(m->npages / PTRS_PER_PTE, 1, st);
	m->filter_memory = kage_calloc(words * NR_BLOOM_FILTERS, 8, st);
	if (!m->where || !m->evicted_at || !m->flags || !m->table ||
	    !m->filter_memory)
		return -ENOMEM;
	for (unsigned int gen = 0; gen < MAX_NR_GENS; gen++)
		if (genlist_init(&m->list[gen], st))
			return -ENOMEM;
	m->max_seq = MIN_NR_GENS + 1;
	return 0;
}

void mglru_fini(struct mglru *m)
{
	for (unsigned int gen = 0; gen < MAX_NR_GENS; gen++)
		genlist_fini(&m->list[gen]);
	free(m->where);
	free(m->evicted_at);
	free(m->flags);
	free(m->table);
	free(m->filter_memory);
}

bool mglru_needs_charge(const struct mglru *m, uint32_t page)
{
	return !(m->flags[page] & PAGE_RESIDENT);
}

/* lru_gen_refault() */
static void refault(struct mglru *m, uint32_t page, uint64_t now_ns)
{
	const struct mglru_version *v = m->version;
	uint32_t shadow = m->where[page];
	uint64_t unit_ns = UINT64_C(1) << SHADOW_TIME_SHIFT;
	/* modulo 2^32, so right for a page that was out for less */
	uint32_t units = (uint32_t)(now_ns / unit_ns) - m->evicted_at[page];
	uint64_t evicted_ns = (now_ns / unit_ns - units) * unit_ns;
	unsigned int tier;

	m->counters->n[COUNT_refaults]++;
	if (m->listener.refaulted)
		m->listener.refaulted(m->listener.arg, page, evicted_ns,
				      now_ns);
	if (!v->lru_gen_test_recent(m, shadow >> SHADOW_SEQ_SHIFT))
		return;
	m->counters->n[COUNT_recent_refaults]++;
	tier = v->lru_gen_refault(&m->flags[page], shadow >> 1 & 3, shadow & 1);
	m->ctrl[tier].refaulted++;
}

/* handle_mm_fault() up to folio_add_lru(): the page waits in a per-CPU batch. */
static void instantiate(struct mglru *m, uint32_t page, uint64_t now_ns)
{
	bool is_refault = m->flags[page] & PAGE_SHADOW;
	uint8_t *table = &m->table[page / PTRS_PER_PTE];

	m->flags[page] = PAGE_RESIDENT | PAGE_PRIMARY_YOUNG;
	if (is_refault)
		refault(m, page, now_ns);
	else
		m->counters->n[COUNT_first_touches]++;
	m->version->folio_add_lru(&m->flags[page]);
	if (!*table) /* pmd_populate() */
		*table = TABLE_EXISTS | TABLE_PMD_YOUNG;
	m->resident++;
}

void mglru_lru_add_drain(struct mglru *m)
{
	m->lru_add = 0;
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
	bool has_cache = is_refault && v->do_swap_page_drains;

	instantiate(m, page, now_ns);
	if (is_refault && !is_write && v->do_swap_page_read_only)
		m->flags[page] |= PAGE_READ_ONLY;
	if (++m->lru_add < v->pagevec_size && !(has_cache && is_write))
		return;
	m->flags[page] |= has_cache ? PAGE_SWAPCACHE : 0;
	mglru_add(m, page);
	m->flags[page] &= (uint16_t)~PAGE_SWAPCACHE;
	mglru_lru_add_drain(m);
}

/* The batch is drained before anybody looks at a list: that may as well be now. */
static void drain_new(struct mglru *m, uint32_t page)
{
	if (page_gen(m, page) < 0)
		mglru_add(m, page);
}

/* The SPTE is as writable as the PTE. */
static void map(struct mglru *m, uint32_t page)
{
	m->mmu->ops->map(m->mmu, page);
	m->flags[page] &= (uint16_t)~PAGE_SPTE_READ_ONLY;
	if (!(m->flags[page] & PAGE_READ_ONLY))
		return;
	m->flags[page] |= PAGE_SPTE_READ_ONLY;
	m->mmu->pages->word[page] &= ~m->mmu->quiet;
}

/* Invalidate SPTEs, read-only ones, too.  Return: which were young. */
static uint64_t invalidate(struct mglru *m, uint32_t first, uint64_t range)
{
	uint64_t read_only = range;

	for (; read_only; read_only &= read_only - 1) {
		uint32_t page = first + (uint32_t)__builtin_ctzll(read_only);

		if (m->flags[page] & PAGE_SPTE_READ_ONLY)
			m->mmu->pages->word[page] |= m->mmu->quiet;
		m->flags[page] &= (uint16_t)~PAGE_SPTE_READ_ONLY;
	}
	return mmu_invalidate(m->mmu, first, range);
}

/*
 * GUP and KVM both mark the page.  Without a primary PTE that allows the access GUP
 * takes the slow path (FOLL_TOUCH: folio_mark_accessed), while a new page waits in its
 * batch; with one it takes the fast path, which only sets PG_referenced.
 * kvm_release_pfn_clean() follows in either case.
 */
static void get_user_page(struct mglru *m, uint32_t page, uint64_t now_ns,
			  bool is_write)
{
	if (mglru_needs_charge(m, page)) {
		handle_mm_fault(m, page, now_ns, is_write);
	} else if (is_write && (m->flags[page] & PAGE_READ_ONLY)) {
		/* do_wp_page() */
		change_flags(&m->flags[page], PAGE_READ_ONLY,
			     PAGE_PRIMARY_YOUNG);
	} else {
		m->flags[page] |= PAGE_REFERENCED;
		return;
	}
	m->version->folio_mark_accessed(&m->flags[page]);
}

/* RET_PF_RETRY: the page is released, and the next fault finds its PTE. */
static void retry(struct mglru *m, uint32_t page)
{
	m->counters->n[COUNT_stale_faults]++;
	if (m->version->kvm_retry_marks_accessed)
		m->version->folio_mark_accessed(&m->flags[page]);
	m->flags[page] |= PAGE_REFERENCED;
}

void mglru_fault(struct mglru *m, uint32_t page, uint64_t now_ns,
		 unsigned int how)
{
	bool is_new = mglru_needs_charge(m, page), is_write = how & MGLRU_WRITE;

	if (!is_write && (m->flags[page] & PAGE_SPTE_READ_ONLY)) {
		m->mmu->pages->word[page] |= m->mmu->accessed;
		return;
	}
	m->counters->n[COUNT_faults]++;
	m->counters->n[COUNT_lock_read_fault]++;
	get_user_page(m, page, now_ns, is_write);
	if (how & MGLRU_STALE)
		retry(m, page);
	m->version->folio_mark_accessed(&m->flags[page]);
	if (is_new)
		drain_new(m, page);
	map(m, page);
}

void mglru_host_access(struct mglru *m, uint32_t page, uint64_t now_ns)
{
	if (mglru_needs_charge(m, page)) {
		handle_mm_fault(m, page, now_ns, false);
		drain_new(m, page);
	}
	m->flags[page] |= PAGE_PRIMARY_YOUNG;
	m->table[page / PTRS_PER_PTE] |= TABLE_PMD_YOUNG;
}

/* Up to 6.12 the zap of a young SPTE marks the page accessed (66bc627e7fee). */
void mglru_invalidate(struct mglru *m, uint32_t first, uint64_t range)
{
	uint64_t young = invalidate(m, first, range);

	if (!m->version->kvm_zap_marks_accessed)
		return;
	for (; young; young &= young - 1)
		m->version->folio_mark_accessed(
			&m->flags[first + (uint32_t)__builtin_ctzll(young)]);
}

void mglru_discard(struct mglru *m, uint32_t page)
{
	if (m->flags[page] & PAGE_RESIDENT) {
		invalidate(m, page, 1);
		if (page_gen(m, page) >= 0)
			mglru_del(m, page);
		m->resident--;
	}
	m->flags[page] = 0;
}

/* try_to_unmap(), __remove_mapping(), workingset_eviction(): only the shadow stays. */
void mglru_forget(struct mglru *m, uint32_t page, uint64_t now_ns)
{
	const struct mglru_version *v = m->version;
	uint16_t flags = m->flags[page];

	invalidate(m, page, 1);
	m->ctrl[v->folio_lru_tier(flags)].evicted++;
	m->where[page] = (uint32_t)(m->min_seq << SHADOW_SEQ_SHIFT) |
			 v->lru_gen_eviction(flags);
	m->evicted_at[page] = (uint32_t)(now_ns >> SHADOW_TIME_SHIFT);
	m->flags[page] = PAGE_SHADOW;
	m->resident--;
	m->counters->n[COUNT_evictions]++;
	if (m->listener.evicted)
		m->listener.evicted(m->listener.arg, page, now_ns);
}

static const char *check_list(const struct mglru *m, unsigned int gen,
			      uint64_t *listed)
{
	const struct genlist *l = &m->list[gen];
	uint32_t at = l->head, live = 0, page;

	while (genlist_next(l, &at, &page)) {
		if (page >= m->npages)
			return "a list leads to no page";
		if (m->where[page] != at - 1)
			return "a page is not where it says";
		if ((unsigned int)(m->flags[page] & PAGE_LIST_MASK) >>
			    PAGE_LIST_SHIFT !=
		    gen)
			return "a page is on a list that it does not name";
		if (page_gen(m, page) < 0)
			return "a listed page has no generation";
		live++;
	}
	*listed += live;
	return live == l->live ? NULL : "the length of a list is wrong";
}

const char *mglru_check(const struct mglru *m)
{
	int64_t sizes[MAX_NR_GENS] = {0};
	uint64_t listed = 0, resident = 0, on_lists = 0;
	const char *broken = NULL;

	if (nr_gens(m) < MIN_NR_GENS || nr_gens(m) > MAX_NR_GENS)
		return "the number of generations is out of bounds";
	for (unsigned int gen = 0; gen < MAX_NR_GENS && !broken; gen++)
		broken = check_list(m, gen, &listed);
	if (broken)
		return broken;
	for (uint32_t page = 0; page < m->npages; page++) {
		resident += (m->flags[page] & PAGE_RESIDENT) != 0;
		if (page_gen(m, page) < 0)
			continue;
		on_lists++;
		sizes[page_gen(m, page)]++;
	}
	if (on_lists != listed)
		return "a page with a generation is on no list";
	if (resident != m->resident)
		return "the count of resident pages is wrong";
	for (unsigned int gen = 0; gen < MAX_NR_GENS; gen++)
		if (sizes[gen] != m->nr_pages[gen])
			return "the size of a generation is wrong";
	return NULL;
}

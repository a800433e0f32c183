/* SPDX-License-Identifier: MIT */
/* Lists, generations, faults and refaults; aging and eviction are beside it. */
#include "models/mglru.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "models/mglru_internal.h"

/*
 * An evicted page's shadow entry (mm/workingset.c pack_shadow): min_seq above the
 * refs and the workingset bit.  Times of eviction are in units of 2^16 ns.
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
		    unsigned int cleared, enum mglru_move how)
{
	unsigned int flags = m->flags[page] & ~(cleared | PAGE_GEN_MASK);

	m->flags[page] = (uint16_t)(flags | (gen + 1));
	m->nr_pages[gen]++;
	if (m->listener.moved)
		m->listener.moved(m->listener.arg, page, gen, how);
}

void mglru_add(struct mglru *m, uint32_t page, uint64_t seq)
{
	unsigned int gen = gen_from_seq(seq);

	assert(page_gen(m, page) < 0);
	set_gen(m, page, gen, PAGE_REFS_MASK | PAGE_REFERENCED, MGLRU_ADDED);
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

void mglru_update_gen(struct mglru *m, uint32_t page, unsigned int gen)
{
	int old = page_gen(m, page);

	if (old < 0) { /* isolated: shrink_folio_list() will keep it */
		m->flags[page] |= PAGE_REFERENCED;
		return;
	}
	m->nr_pages[old]--;
	set_gen(m, page, gen, PAGE_REFS_ALL, MGLRU_PROMOTED);
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
	set_gen(m, page, gen, PAGE_REFS_ALL, MGLRU_INCREASED);
	return gen;
}

void mglru_mark_accessed(struct mglru *m, uint32_t page)
{
	uint16_t *flags = &m->flags[page];

	if (!(*flags & PAGE_REFERENCED))
		*flags |= PAGE_REFERENCED;
	else if (!(*flags & PAGE_WORKINGSET))
		*flags |= PAGE_WORKINGSET;
	else if ((*flags & PAGE_REFS_MASK) != PAGE_REFS_MASK)
		*flags = (uint16_t)(*flags + (1 << PAGE_REFS_SHIFT));
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
	m->table_exists = kage_calloc(m->npages / PTRS_PER_PTE, 1, st);
	m->filter_memory = kage_calloc(words * NR_BLOOM_FILTERS, 8, st);
	if (!m->where || !m->evicted_at || !m->flags || !m->table_exists ||
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
	free(m->table_exists);
	free(m->filter_memory);
}

bool mglru_needs_charge(const struct mglru *m, uint32_t page)
{
	return !(m->flags[page] & PAGE_RESIDENT);
}

/* lru_gen_refault(): a refault from the oldest generation still listed is recent. */
static void refault(struct mglru *m, uint32_t page, uint64_t now_ns)
{
	uint32_t shadow = m->where[page];
	uint64_t unit_ns = UINT64_C(1) << SHADOW_TIME_SHIFT;
	/* modulo 2^32, so right for a page that was out for less */
	uint32_t units = (uint32_t)(now_ns / unit_ns) - m->evicted_at[page];
	uint64_t evicted_ns = (now_ns / unit_ns - units) * unit_ns;
	unsigned int workingset = shadow & 1, refs = (shadow >> 1 & 3);

	m->counters->n[COUNT_refaults]++;
	if (m->listener.refaulted)
		m->listener.refaulted(m->listener.arg, page, evicted_ns,
				      now_ns);
	if (shadow >> SHADOW_SEQ_SHIFT !=
	    (uint32_t)(m->min_seq << SHADOW_SEQ_SHIFT) >> SHADOW_SEQ_SHIFT)
		return;
	m->ctrl[mglru_tier_from_refs(refs + workingset)].refaulted++;
	m->flags[page] |= PAGE_REFS_MASK | PAGE_WORKINGSET;
}

/* handle_mm_fault() up to folio_add_lru(): the page waits in a per-CPU batch. */
static void instantiate(struct mglru *m, uint32_t page, uint64_t now_ns)
{
	bool is_refault = m->flags[page] & PAGE_SHADOW;

	m->flags[page] = PAGE_RESIDENT | PAGE_PRIMARY_YOUNG;
	if (is_refault)
		refault(m, page, now_ns);
	else
		m->counters->n[COUNT_first_touches]++;
	m->table_exists[page / PTRS_PER_PTE] = 1;
	m->resident++;
}

/* do_swap_page() of what is still in the swap cache */
static void map_again(struct mglru *m, uint32_t page)
{
	m->flags[page] &= (uint16_t)~PAGE_UNMAPPED;
	m->flags[page] |= PAGE_PRIMARY_YOUNG;
	m->unmapped--;
	m->counters->n[COUNT_swap_cache_faults]++;
}

/* The per-CPU batch is drained: PG_active takes the page to the youngest. */
static void drain_new(struct mglru *m, uint32_t page)
{
	mglru_add(m, page, m->max_seq - m->version->fault_gens_back);
}

/*
 * GUP and KVM both mark the page.  Without a primary PTE GUP takes the slow path
 * (FOLL_TOUCH: folio_mark_accessed) while the new page waits in its batch; with one
 * it takes the fast path, which only sets PG_referenced.  kvm_release_pfn_clean()
 * follows in either case.
 */
void mglru_fault(struct mglru *m, uint32_t page, uint64_t now_ns)
{
	bool is_new = mglru_needs_charge(m, page);

	m->counters->n[COUNT_faults]++;
	m->counters->n[COUNT_lock_read_fault]++;
	if (is_new) {
		instantiate(m, page, now_ns);
		mglru_mark_accessed(m, page);
	} else if (m->flags[page] & PAGE_UNMAPPED) {
		map_again(m, page);
		mglru_mark_accessed(m, page);
	} else {
		m->flags[page] |= PAGE_REFERENCED;
	}
	mglru_mark_accessed(m, page);
	if (is_new)
		drain_new(m, page);
	m->mmu->ops->map(m->mmu, page);
}

/*
 * The page is in its per-CPU batch until the retry is over, and leaves it with its
 * references cleared (lru_gen_add_folio()): that it was marked once more does not show.
 */
void mglru_fault_stale(struct mglru *m)
{
	m->counters->n[COUNT_stale_faults]++;
}

void mglru_host_access(struct mglru *m, uint32_t page, uint64_t now_ns)
{
	if (mglru_needs_charge(m, page)) {
		instantiate(m, page, now_ns);
		drain_new(m, page);
	} else if (m->flags[page] & PAGE_UNMAPPED) {
		map_again(m, page);
	}
	m->flags[page] |= PAGE_PRIMARY_YOUNG;
}

/* Up to 6.12 the zap of a young SPTE marks the page accessed (66bc627e7fee). */
void mglru_invalidate(struct mglru *m, uint32_t first, uint64_t range)
{
	uint64_t young = mmu_invalidate(m->mmu, first, range);

	for (; young; young &= young - 1)
		mglru_mark_accessed(m,
				    first + (uint32_t)__builtin_ctzll(young));
}

void mglru_discard(struct mglru *m, uint32_t page)
{
	if (m->flags[page] & PAGE_RESIDENT) {
		mmu_invalidate(m->mmu, page, 1);
		if (page_gen(m, page) >= 0)
			mglru_del(m, page);
		mglru_activate_cancel(m, page);
		m->unmapped -= (m->flags[page] & PAGE_UNMAPPED) != 0;
		m->resident--;
	}
	m->flags[page] = 0;
}

/* __remove_mapping() with workingset_eviction(): only the shadow stays. */
void mglru_forget(struct mglru *m, uint32_t page, uint64_t now_ns)
{
	unsigned int refs = mglru_refs(m->flags[page]);

	m->ctrl[mglru_tier_from_refs(refs)].evicted++;
	m->where[page] = (uint32_t)(m->min_seq << SHADOW_SEQ_SHIFT) |
			 (refs ? refs - 1 : 0) << 1 | (refs != 0);
	m->evicted_at[page] = (uint32_t)(now_ns >> SHADOW_TIME_SHIFT);
	m->unmapped -= (m->flags[page] & PAGE_UNMAPPED) != 0;
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
	uint64_t listed = 0, resident = 0, unmapped = 0, on_lists = 0;
	const char *broken = NULL;

	if (nr_gens(m) < MIN_NR_GENS || nr_gens(m) > MAX_NR_GENS)
		return "the number of generations is out of bounds";
	for (unsigned int gen = 0; gen < MAX_NR_GENS && !broken; gen++)
		broken = check_list(m, gen, &listed);
	if (broken)
		return broken;
	for (uint32_t page = 0; page < m->npages; page++) {
		resident += (m->flags[page] & PAGE_RESIDENT) != 0;
		unmapped += (m->flags[page] & PAGE_UNMAPPED) != 0;
		if (page_gen(m, page) < 0)
			continue;
		on_lists++;
		sizes[page_gen(m, page)]++;
	}
	if (on_lists != listed)
		return "a page with a generation is on no list";
	if (resident != m->resident || unmapped != m->unmapped)
		return "the count of resident or unmapped pages is wrong";
	for (unsigned int gen = 0; gen < MAX_NR_GENS; gen++)
		if (sizes[gen] != m->nr_pages[gen])
			return "the size of a generation is wrong";
	return NULL;
}

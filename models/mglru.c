/* SPDX-License-Identifier: MIT */
/* Lists and generations; faults, aging and eviction are beside it. */
#include "models/mglru.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "models/mglru_internal.h"

enum {
	LARGE_GUEST =
		1 << 24, /* pages: from here on memory counts more than speed */
};

static void set_list(struct mglru *m, uint32_t page, unsigned int gen)
{
	unsigned int flags = m->flags[page] & ~(unsigned int)PAGE_LIST_MASK;

	m->flags[page] = (uint16_t)(flags | gen << PAGE_LIST_SHIFT);
}

static bool make_room(struct mglru *m, struct genlist *l)
{
	if (!genlist_make_room(l, m->where))
		return true;
	m->error = -ENOMEM;
	return false;
}

void mglru_list_add(struct mglru *m, uint32_t page, unsigned int gen)
{
	struct genlist *l = &m->list[page_type(m, page)][gen];

	if (!make_room(m, l))
		return;
	genlist_add(l, m->where, page);
	set_list(m, page, gen);
}

void mglru_list_add_tail(struct mglru *m, uint32_t page, unsigned int gen)
{
	struct genlist *l = &m->list[page_type(m, page)][gen];

	if (!make_room(m, l))
		return;
	genlist_add_tail(l, m->where, page);
	set_list(m, page, gen);
}

void mglru_list_del(struct mglru *m, uint32_t page)
{
	unsigned int gen = (unsigned int)(m->flags[page] & PAGE_LIST_MASK) >>
			   PAGE_LIST_SHIFT;

	genlist_del(&m->list[page_type(m, page)][gen], m->where[page]);
}

static void set_gen(struct mglru *m, uint32_t page, unsigned int gen,
		    unsigned int cleared, enum mglru_move how)
{
	change_flags(&m->flags[page], cleared | PAGE_GEN_MASK, gen + 1);
	m->nr_pages[page_type(m, page)][gen] += mglru_weight(m, page);
	if (m->listener.moved)
		m->listener.moved(m->listener.arg, page, gen, how);
}

void mglru_add(struct mglru *m, uint32_t page)
{
	const struct mglru_version *v = m->version;
	unsigned int gen = gen_from_seq(
		v->lru_gen_folio_seq(m, page_type(m, page), m->flags[page]));

	assert(page_gen(m, page) < 0);
	set_gen(m, page, gen, v->lru_gen_add_folio | PAGE_ACTIVE, MGLRU_ADDED);
	mglru_list_add(m, page, gen);
}

void mglru_del(struct mglru *m, uint32_t page)
{
	int gen = page_gen(m, page);

	assert(gen >= 0);
	mglru_list_del(m, page);
	m->nr_pages[page_type(m, page)][gen] -= mglru_weight(m, page);
	m->flags[page] &= (uint16_t)~PAGE_GEN_MASK;
}

void mglru_update_gen(struct mglru *m, uint32_t page, unsigned int gen)
{
	const struct mglru_version *v = m->version;
	uint16_t *flags = &m->flags[page];
	int old = page_gen(m, page);

	if (v->folio_update_gen_looks_twice &&
	    !(*flags & (PAGE_REFERENCED | PAGE_WORKINGSET))) {
		change_flags(flags, PAGE_REFS_MASK, PAGE_REFERENCED);
		m->counters->n[COUNT_first_looks] += mglru_weight(m, page);
		return;
	}
	if (old < 0) { /* isolated: shrink_folio_list() will keep it */
		*flags |= PAGE_REFERENCED;
		return;
	}
	m->nr_pages[page_type(m, page)][old] -= mglru_weight(m, page);
	set_gen(m, page, gen, v->lru_refs_flags, MGLRU_PROMOTED);
	if (v->folio_update_gen_looks_twice)
		*flags |= PAGE_WORKINGSET;
	if ((unsigned int)old != gen)
		m->counters->n[COUNT_promoted] += mglru_weight(m, page);
}

unsigned int mglru_inc_gen(struct mglru *m, uint32_t page)
{
	enum mglru_type type = page_type(m, page);
	unsigned int oldest = gen_from_seq(m->min_seq[type]);
	unsigned int gen = (unsigned int)page_gen(m, page);

	if (gen != oldest)
		return gen;
	gen = (oldest + 1) % MAX_NR_GENS;
	m->nr_pages[type][oldest] -= mglru_weight(m, page);
	set_gen(m, page, gen, m->version->lru_refs_flags, MGLRU_INCREASED);
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

/* Past the empty generations that are old enough. */
static uint64_t oldest_populated(const struct mglru *m, enum mglru_type type)
{
	uint64_t seq = m->min_seq[type];

	while (seq + MIN_NR_GENS <= m->max_seq &&
	       genlist_is_empty(&m->list[type][gen_from_seq(seq)]))
		seq++;
	return seq;
}

bool mglru_try_to_inc_min_seq(struct mglru *m)
{
	uint64_t seq[ANON_AND_FILE] = {m->min_seq[0], m->min_seq[1]};
	bool has_changed = false, success = false;

	for (enum mglru_type t = min_type(m); t <= max_type(m); t++) {
		seq[t] = oldest_populated(m, t);
		has_changed |= seq[t] != m->min_seq[t];
	}
	if (!has_changed)
		return false;
	m->version->try_to_inc_min_seq(m, seq);
	for (enum mglru_type t = min_type(m); t <= max_type(m); t++) {
		if (seq[t] <= m->min_seq[t])
			continue;
		mglru_reset_ctrl(m, t);
		m->min_seq[t] = seq[t];
		success = true;
	}
	return success;
}

/* inc_min_seq(): whether swappiness lets pages of @type be evicted, or they stay where
 * they are, though that will be the youngest generation. */
static bool is_drained(const struct mglru *m, enum mglru_type type)
{
	return type >= min_type(m) && type <= max_type(m);
}

/* inc_min_seq() of 7.2: not the workingset that is lazily promoted */
static void count_drained(struct mglru *m, enum mglru_type type, uint32_t page)
{
	const struct mglru_version *v = m->version;
	uint16_t flags = m->flags[page];

	if (v->inc_min_seq_protects && !v->is_saturated(flags))
		m->ctrl[type][v->folio_lru_tier(flags)].protected +=
			mglru_weight(m, page);
}

/*
 * inc_min_seq(): taken from the tail and put at the tail, so draining into an empty
 * generation reverses the order.
 */
void mglru_inc_min_seq(struct mglru *m, enum mglru_type type)
{
	struct genlist *l = &m->list[type][gen_from_seq(m->min_seq[type])];

	while (is_drained(m, type) && !genlist_is_empty(l) && !m->error) {
		uint32_t page = genlist_tail(l);
		unsigned int to;

		mglru_prefetch_listed(m, l);
		count_drained(m, type, page);
		to = mglru_inc_gen(m, page);
		genlist_del(l, l->tail - 1);
		mglru_list_add_tail(m, page, to);
	}
	if (m->npages >= LARGE_GUEST)
		genlist_shrink(l);
	mglru_reset_ctrl(m, type);
	m->min_seq[type]++;
}

/* lru_gen_init_lruvec(): four generations to begin with. */
int mglru_init(struct mglru *m, struct status *st)
{
	size_t words = (1u << BLOOM_FILTER_SHIFT) / 64;

	m->npages = m->mmu->pages->npages;
	assert(m->npages % PTRS_PER_PTE == 0);
	m->where = kage_calloc_pages(m->npages, sizeof(*m->where), st);
	/* only evicted pages use it: huge pages would be mostly empty */
	m->evicted_at =
		m->npages < LARGE_GUEST
			? kage_calloc_pages(m->npages, sizeof(*m->evicted_at),
					    st)
			: kage_calloc(m->npages, sizeof(*m->evicted_at), st);
	m->flags = kage_calloc_pages(m->npages, sizeof(*m->flags), st);
	m->table = kage_calloc(m->npages / PTRS_PER_PTE, 1, st);
	m->filter_memory = kage_calloc(words * NR_BLOOM_FILTERS, 8, st);
	if (!m->where || !m->evicted_at || !m->flags || !m->table ||
	    !m->filter_memory)
		return -ENOMEM;
	if (m->mmu->traits.has_huge) {
		m->is_huge = kage_calloc(m->npages / PTRS_PER_PTE,
					 sizeof(*m->is_huge), st);
		if (!m->is_huge)
			return -ENOMEM;
	}
	for (int i = 0; i < ANON_AND_FILE * MAX_NR_GENS; i++)
		if (genlist_init(&m->list[i / MAX_NR_GENS][i % MAX_NR_GENS],
				 st))
			return -ENOMEM;
	m->file_first = m->npages - m->mmu->pages->file_pages;
	assert(m->file_first % PTRS_PER_PTE == 0);
	for (uint32_t page = m->file_first; page < m->npages;
	     page += PTRS_PER_PTE)
		m->table[page / PTRS_PER_PTE] = TABLE_PARTIAL;
	m->max_seq = MIN_NR_GENS + 1;
	m->mm_seq = MIN_NR_GENS;
	return 0;
}

void mglru_fini(struct mglru *m)
{
	for (int i = 0; i < ANON_AND_FILE * MAX_NR_GENS; i++)
		genlist_fini(&m->list[i / MAX_NR_GENS][i % MAX_NR_GENS]);
	free(m->where);
	free(m->evicted_at);
	free(m->flags);
	free(m->table);
	free(m->swap.state);
	free(m->is_huge);
	free(m->filter_memory);
}

static const char *check_list(const struct mglru *m, enum mglru_type type,
			      unsigned int gen, uint64_t *listed)
{
	const struct genlist *l = &m->list[type][gen];
	uint32_t at = l->head, live = 0, page;

	while (genlist_next(l, &at, &page)) {
		if (page >= m->npages)
			return "a list leads to no page";
		if (page_type(m, page) != type)
			return "a page is on a list of the other type";
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

/* Return: what is broken of the lists and generations of @type, or NULL. */
static const char *check_type(const struct mglru *m, enum mglru_type type,
			      uint64_t *listed)
{
	const char *broken = NULL;

	if (nr_gens(m, type) < MIN_NR_GENS || nr_gens(m, type) > MAX_NR_GENS)
		return "the number of generations is out of bounds";
	for (unsigned int gen = 0; gen < MAX_NR_GENS && !broken; gen++)
		broken = check_list(m, type, gen, listed);
	return broken;
}

const char *mglru_check(const struct mglru *m)
{
	int64_t sizes[ANON_AND_FILE][MAX_NR_GENS] = {{0}};
	uint64_t listed = 0, resident = 0, unmapped = 0, on_lists = 0;
	const char *broken = check_type(m, LRU_GEN_ANON, &listed);

	if (!broken)
		broken = check_type(m, LRU_GEN_FILE, &listed);
	if (broken)
		return broken;
	for (uint32_t page = 0; page < m->npages; page++) {
		uint32_t weight = mglru_weight(m, page);

		if (m->flags[page] & PAGE_RESIDENT)
			resident += weight;
		unmapped += (m->flags[page] & PAGE_UNMAPPED) != 0;
		if (page_gen(m, page) < 0)
			continue;
		on_lists++;
		sizes[page_type(m, page)][page_gen(m, page)] += weight;
	}
	if (on_lists != listed)
		return "a page with a generation is on no list";
	if (resident != m->resident || unmapped != m->unmapped)
		return "the count of resident or unmapped pages is wrong";
	if (memcmp(sizes, m->nr_pages, sizeof(sizes)) != 0)
		return "the size of a generation is wrong";
	return NULL;
}

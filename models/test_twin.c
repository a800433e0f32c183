/* SPDX-License-Identifier: MIT */
/* All state of a model against that of its naive twin; see test_twin.h. */
#include "models/test_twin.h"

#include "base/test.h"
#include "models/mglru_internal.h"
#include "models/spte.h"

void twin_same(const struct twin *t, const char *what, uint64_t at,
	       uint64_t model, uint64_t naive)
{
	if (model != naive)
		fail_msg(
			"%s seed %llu event %llu: %s[%llu] is %llu, naive %llu",
			t->lane.m.version->name, (unsigned long long)t->seed,
			(unsigned long long)t->events, what,
			(unsigned long long)at, (unsigned long long)model,
			(unsigned long long)naive);
}

/* Its flags, whether it has an SPTE, whether that is young. */
static uint64_t model_page(const struct twin *t, uint32_t page)
{
	const struct mmu *mmu = &t->lane.mmu;
	uint64_t present = mmu->sptes->present(mmu, page, 1);
	uint64_t young = mmu->traits.has_young
				 ? mmu->sptes->test_young(mmu, page, 1)
				 : 0;
	uint64_t flags = t->lane.m.flags[page] & ~(unsigned int)PAGE_LIST_MASK;

	return flags << 2 | present << 1 | young;
}

/* The same encoding, from bools. */
static uint64_t naive_page(const struct naive_page *p)
{
	unsigned int flags = (unsigned int)(p->gen + 1) |
			     (unsigned int)p->refs << PAGE_REFS_SHIFT;

	flags |= p->is_referenced ? PAGE_REFERENCED : 0;
	flags |= p->is_workingset ? PAGE_WORKINGSET : 0;
	flags |= p->is_young ? PAGE_PRIMARY_YOUNG : 0;
	flags |= p->is_resident ? PAGE_RESIDENT : 0;
	flags |= p->is_unmapped ? PAGE_UNMAPPED : 0;
	flags |= p->has_shadow ? PAGE_SHADOW : 0;
	flags |= p->is_active ? PAGE_ACTIVE : 0;
	flags |= p->is_read_only ? PAGE_READ_ONLY : 0;
	flags |= p->is_spte_read_only ? PAGE_SPTE_READ_ONLY : 0;
	return (uint64_t)flags << 2 | (uint64_t)p->has_spte << 1 |
	       p->is_spte_young;
}

static void compare_list(const struct twin *t, unsigned int type,
			 unsigned int gen)
{
	const struct genlist *model = &t->lane.m.list[type][gen];
	const struct naive_list *l = &t->naive.list[type][gen];
	uint32_t at = model->head, page;

	for (uint32_t i = 0; i < l->n; i++) {
		page = UINT32_MAX;
		genlist_next(model, &at, &page);
		twin_same(t, "list", gen, page, l->page[i]);
	}
	twin_same(t, "length", gen, model->live, l->n);
	twin_same(t, "size", gen, (uint64_t)t->lane.m.nr_pages[type][gen],
		  naive_size(&t->naive, (enum naive_type)type, (int)gen));
}

static void compare_tiers(const struct twin *t, unsigned int type)
{
	for (unsigned int i = 0; i < MAX_NR_TIERS; i++) {
		const struct mglru_ctrl *model = &t->lane.m.ctrl[type][i];
		const struct naive_tier *naive = &t->naive.tier[type][i];

		twin_same(t, "refaulted", i, model->refaulted,
			  naive->refaulted);
		twin_same(t, "evicted", i, model->evicted, naive->evicted);
		twin_same(t, "protected", i, model->protected,
			  naive->protected);
		twin_same(t, "avg_refaulted", i, model->avg_refaulted,
			  naive->avg_refaulted);
		twin_same(t, "avg_total", i, model->avg_total,
			  naive->avg_total);
	}
}

static void compare_types(const struct twin *t)
{
	for (unsigned int type = 0; type < ANON_AND_FILE; type++) {
		twin_same(t, "min_seq", type, t->lane.m.min_seq[type],
			  t->naive.min_seq[type]);
		for (unsigned int gen = 0; gen < MAX_NR_GENS; gen++)
			compare_list(t, type, gen);
		compare_tiers(t, type);
	}
}

static void compare_filters(const struct twin *t)
{
	for (unsigned int i = 0; i < NR_BLOOM_FILTERS; i++)
		for (uint32_t table = 0; table < TWIN_TABLES; table++)
			twin_same(t, "filter", table,
				  mglru_bloom_test(&t->lane.m, i, table),
				  !t->naive.has_filter[i] ||
					  t->naive.filter[i][table]);
}

static void compare_readahead(const struct twin *t)
{
	const struct mglru_swap *swap = &t->lane.m.swap;

	if (!swap->state)
		return;
	if (naive_ra_page(&t->naive) >= 0)
		twin_same(t, "last swap-in", 0, swap->prev,
			  (uint64_t)naive_ra_page(&t->naive));
	twin_same(t, "window", 0, swap->win, naive_ra_win(&t->naive));
	twin_same(t, "hits", 0, swap->hits, naive_ra_hits(&t->naive));
	for (uint32_t page = 0; page < TWIN_PAGES; page++)
		twin_same(t, "read ahead", page,
			  mglru_is_read_ahead(&t->lane.m, page),
			  t->naive.page[page].is_readahead);
}

void twin_compare(const struct twin *t)
{
	const struct mglru *m = &t->lane.m;

	twin_same(t, "max_seq", 0, m->max_seq, t->naive.max_seq);
	twin_same(t, "has_run", 0, m->has_run, t->naive.mm[0].has_run);
	twin_same(t, "has_run", 1, m->has_file_run, t->naive.mm[1].has_run);
	twin_same(t, "is_tail", 0, m->is_tail, t->naive.is_at_tail);
	twin_same(t, "mm_seq", 0, m->mm_seq, t->naive.mm_seq);
	twin_same(t, "lru_add", 0, m->lru_add, t->naive.nr_lru_add);
	twin_same(t, "evictions", 0, t->lane.decisions,
		  t->naive.evictions_digest);
	for (unsigned int i = 0; i < NR_COUNTERS; i++)
		twin_same(t, counter_info[i].name, i, t->lane.counters.n[i],
			  t->naive.counters.n[i]);
	for (uint32_t page = 0; page < TWIN_PAGES; page++)
		twin_same(t, "page", page, model_page(t, page),
			  naive_page(&t->naive.page[page]));
	compare_types(t);
	compare_filters(t);
	compare_readahead(t);
	twin_compare_numa(t);
	assert_null(mglru_check(m));
}

/* SPDX-License-Identifier: MIT */
/* Folios of 2 MiB: how they come, are asked, go, and what comes back. */
#include <string.h>

#include "base/rng.h"
#include "base/test.h"
#include "models/invalidate.h"
#include "models/mglru_internal.h"
#include "models/spte.h"
#include "models/test_lane.h"

enum {
	TABLES = 6,
	NPAGES = TABLES * PTRS_PER_PTE,
	HEAD = 2 * PTRS_PER_PTE,
	ANY = HEAD + 77, /* a page of the third table */
	ACCESSES = 20000,
	ROOM = 1 << 20, /* pages: all that there is */
};

struct fixture {
	uint64_t word[NPAGES];
	struct pages pages;
	struct rng rng;
	struct lane lane;
	const uint64_t *n;
};

static void set_up(struct fixture *f, size_t version, const char *policy,
		   const char *mmu, uint64_t limit)
{
	*f = (struct fixture){.rng = {5}};
	f->pages = (struct pages){.word = f->word, .npages = NPAGES};
	assert_int_equal(lane_init_mmu(&f->lane, &f->pages, 3, policy, NULL,
				       limit, mmu, "level=thp",
				       mglru_versions[version]->name),
			 0);
	f->lane.m.version = mglru_versions[version];
	f->n = f->lane.counters.n;
}

static uint64_t listed(const struct mglru *m)
{
	uint64_t live = 0;

	for (unsigned int gen = 0; gen < MAX_NR_GENS; gen++)
		live += m->list[LRU_GEN_ANON][gen].live;
	return live;
}

static void tear_down(struct fixture *f)
{
	assert_null(mglru_check(&f->lane.m));
	lane_fini(&f->lane);
}

static void age(struct fixture *f)
{
	lane_reclaim(&f->lane, RECLAIM_AGE, 0, true);
}

/* Age until reclaim finds what nobody touches, and evict that. */
static void evict(struct fixture *f)
{
	for (int i = 0; i < 4; i++)
		age(f);
	lane_reclaim(&f->lane, RECLAIM_PROACTIVE, 1, false);
}

static void the_first_fault_brings_all_of_it(void **state)
{
	(void)state;
	for (size_t v = 0; mglru_versions[v]; v++) {
		struct fixture f;

		set_up(&f, v, "batched", "tdp", ROOM);
		assert_int_equal(mglru_needs_charge(&f.lane.m, ANY), 512);
		lane_access(&f.lane, ANY);
		for (uint32_t i = 0; i < PTRS_PER_PTE; i++)
			lane_access(&f.lane, HEAD + i);
		assert_int_equal(f.n[COUNT_faults], 1);
		assert_int_equal(f.n[COUNT_first_touches], 1);
		assert_int_equal(f.lane.m.resident, 512);
		assert_int_equal(listed(&f.lane.m), 1);
		assert_int_equal(mglru_evictable_size(&f.lane.m), 512);
		assert_int_equal(mglru_needs_charge(&f.lane.m, 0), 512);
		tear_down(&f);
	}
}

static void it_has_one_accessed_bit(void **state)
{
	static const char *const kinds[] = {"tdp", "tdp-noad", "shadow"};

	(void)state;
	for (size_t k = 0; k < 3; k++) {
		struct fixture f;

		set_up(&f, 1, "batched", kinds[k], ROOM);
		lane_access(&f.lane, ANY);
		age(&f);
		age(&f);
		assert_int_equal(f.n[COUNT_calls_aging], 2);
		assert_int_equal(f.n[COUNT_sptes], 2);
		assert_int_equal(f.n[COUNT_sptes_young], 1);
		lane_access(&f.lane, ANY + 300);
		assert_int_equal(f.n[COUNT_faults], 1);
		age(&f);
		assert_int_equal(f.n[COUNT_sptes_young], 2);
		assert_int_equal(f.n[COUNT_aging_young], 2 * 512);
		assert_int_equal(f.n[COUNT_aging_ptes], 3);
		assert_int_equal(f.n[COUNT_tables], 0);
		lane_access(&f.lane, ANY);
		/* who asks page after page has it once */
		assert_true(mmu_test_young(&f.lane.mmu, HEAD, UINT64_MAX) ==
			    UINT64_MAX);
		assert_true(mmu_clear_young(&f.lane.mmu, HEAD, UINT64_MAX) ==
			    1);
		assert_true(!mmu_test_young(&f.lane.mmu, HEAD, UINT64_MAX));
		tear_down(&f);
	}
}

static void it_goes_whole_and_comes_back_page_by_page(void **state)
{
	(void)state;
	for (size_t v = 0; mglru_versions[v]; v++) {
		struct fixture f;
		bool is_6_1 = !strcmp(mglru_versions[v]->name, "6.1");

		set_up(&f, v, "rmap", "tdp", ROOM);
		lane_access(&f.lane, ANY);
		evict(&f);
		assert_int_equal(f.n[COUNT_evictions], 512);
		assert_int_equal(f.n[COUNT_calls_unmap], is_6_1 ? 2 : 1);
		assert_int_equal(f.lane.m.resident, 0);
		lane_access(&f.lane, ANY);
		lane_access(&f.lane, ANY);
		assert_int_equal(f.n[COUNT_refaults], 1);
		lane_access(&f.lane, ANY + 1);
		assert_int_equal(f.n[COUNT_refaults], 2);
		assert_int_equal(f.lane.m.resident, 2);
		assert_int_equal(mglru_needs_charge(&f.lane.m, ANY + 2), 1);
		tear_down(&f);
	}
}

static void a_page_given_back_splits_it(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, 1, "batched", "tdp", ROOM);
	lane_access(&f.lane, ANY);
	mglru_discard(&f.lane.m, ANY);
	assert_int_equal(f.lane.m.resident, 511);
	assert_int_equal(listed(&f.lane.m), 511);
	assert_int_equal(mglru_needs_charge(&f.lane.m, ANY), 1);
	assert_int_equal(mglru_needs_charge(&f.lane.m, ANY + 1), 0);
	lane_access(&f.lane, ANY + 1); /* its SPTE went with the huge one */
	assert_int_equal(f.n[COUNT_faults], 2);
	tear_down(&f);
}

static void an_invalidation_leaves_it_huge(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, 1, "batched", "tdp", ROOM);
	lane_access(&f.lane, ANY);
	mglru_invalidate(&f.lane.m, ANY, ANY + 2, MMU_TRACE);
	lane_access(&f.lane, ANY + 9);
	lane_access(&f.lane, ANY);
	assert_int_equal(f.n[COUNT_faults], 2);
	assert_int_equal(f.lane.m.resident, 512);
	tear_down(&f);
}

/* Its SPTE is one, with one age, whatever part of it a range has. */
static void it_is_zapped_once_in_a_range(void **state)
{
	static const enum mmu_chunk chunks[] = {
		MMU_CHUNK_RANGE, MMU_CHUNK_TABLE, MMU_CHUNK_PAGE};

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct fixture f;

		set_up(&f, 1, "batched", "tdp", ROOM);
		f.lane.mmu.chunk = chunks[i];
		lane_access(&f.lane, ANY);
		mglru_invalidate(&f.lane.m, ANY - 1, HEAD + 512, MMU_TRACE);
		assert_int_equal(f.n[COUNT_calls_unmap], 1);
		assert_int_equal(f.n[COUNT_unmap_visited], 1);
		assert_int_equal(f.n[COUNT_unmap_sptes], 1);
		assert_int_equal(f.n[COUNT_unmap_zapped], 512);
		assert_int_equal(f.n[COUNT_ages_marked], 1);
		lane_access(&f.lane, HEAD);
		assert_int_equal(f.n[COUNT_zap_faults], 1);
		mglru_invalidate(&f.lane.m, HEAD, HEAD + 1, MMU_TRACE);
		evict(&f); /* now no invalidation is to blame */
		lane_access(&f.lane, ANY);
		assert_int_equal(f.n[COUNT_zap_faults], 1);
		tear_down(&f);
	}
}

static void small_ones_come_where_it_cannot(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, 1, "batched", "tdp", 300);
	lane_access(&f.lane, ANY);
	assert_int_equal(f.lane.m.resident, 1);
	lane_access(&f.lane, ANY + 1);
	assert_int_equal(f.lane.m.resident, 2);
	tear_down(&f);
	set_up(&f, 1, "batched", "tdp", ROOM);
	f.lane.m.table[2] = TABLE_PARTIAL;
	lane_access(&f.lane, ANY);
	assert_int_equal(f.lane.m.resident, 1);
	lane_access(&f.lane, 0);
	assert_int_equal(f.lane.m.resident, 513);
	tear_down(&f);
}

/* kswapd raises its priority by what it has scanned, in pages: sc->nr_scanned. */
static void kswapd_scans_pages(void **state)
{
	(void)state;
	for (size_t v = 0; mglru_versions[v]; v++) {
		struct reclaim_node node = {.high = PTRS_PER_PTE};
		struct fixture f;
		struct reclaim r;

		set_up(&f, v, "none", "tdp", ROOM);
		for (uint32_t t = 0; t < TABLES; t++)
			lane_access(&f.lane, t * PTRS_PER_PTE);
		for (int i = 0; i < 4; i++)
			age(&f);
		node.pages = f.lane.m.resident;
		reclaim_begin_kswapd(&r, &f.lane.m, &node);
		do {
			reclaim_step(&r, &f.lane.m, f.lane.now_ns);
			assert_true(r.state == RECLAIM_VERDICT ||
				    r.nr_isolated >= r.nr_reclaimed);
		} while (r.state != RECLAIM_IDLE);
		assert_true(f.n[COUNT_evictions] >= PTRS_PER_PTE);
		tear_down(&f);
	}
}

static uint64_t pages_out(const struct mglru *m)
{
	uint64_t n = 0;

	for (uint32_t page = 0; page < m->npages; page++)
		n += (m->flags[page] & PAGE_SHADOW) != 0;
	return n;
}

/* As of single pages (mglru_property_test.c), with what a folio brings beyond one. */
static void counters_add_up(struct fixture *f)
{
	const struct mglru *m = &f->lane.m;

	assert_int_equal(f->n[COUNT_scanned], f->n[COUNT_evictions] +
						      f->n[COUNT_kept] +
						      f->n[COUNT_busy]);
	assert_int_equal(f->n[COUNT_evictions] - f->n[COUNT_refaults],
			 pages_out(m));
	assert_int_equal(mglru_evictable_size(m), m->resident);
	assert_true(f->n[COUNT_faults] >=
		    f->n[COUNT_refaults] + f->n[COUNT_first_touches]);
	assert_true(m->resident + pages_out(m) > f->n[COUNT_first_touches]);
}

static void random_traces_add_up(void **state)
{
	uint64_t evicted = 0, kept = 0;

	(void)state;
	for (size_t v = 0; mglru_versions[v]; v++)
		for (size_t p = 0; policies[p].name; p++) {
			struct fixture f;

			set_up(&f, v, policies[p].name,
			       p % 2 ? "tdp" : "tdp-noad",
			       PTRS_PER_PTE * (2 + p));
			for (int i = 0; i < ACCESSES; i++) {
				double u = rng_unit(&f.rng);

				lane_access(&f.lane,
					    (uint32_t)(u * u * NPAGES));
				if (rng_below(&f.rng, 500) == 0)
					age(&f);
			}
			counters_add_up(&f);
			evicted += f.n[COUNT_evictions];
			kept += f.n[COUNT_kept];
			tear_down(&f);
		}
	assert_true(evicted > 100 * PTRS_PER_PTE);
	assert_true(kept > 10 * PTRS_PER_PTE);
}

static void levels_are_not_mixed(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f, 1, "none", "tdp", ROOM);
	assert_int_equal(f.lane.mmu.traits.order, 9);
	assert_true(f.lane.mmu.sptes == &spte_huge);
	tear_down(&f);
	set_up(&f, 1, "none", "tdp-noad", ROOM);
	assert_true(f.lane.mmu.sptes == &spte_trap);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_fault_brings_all_of_it),
		cmocka_unit_test(it_has_one_accessed_bit),
		cmocka_unit_test(it_goes_whole_and_comes_back_page_by_page),
		cmocka_unit_test(a_page_given_back_splits_it),
		cmocka_unit_test(an_invalidation_leaves_it_huge),
		cmocka_unit_test(it_is_zapped_once_in_a_range),
		cmocka_unit_test(small_ones_come_where_it_cannot),
		cmocka_unit_test(kswapd_scans_pages),
		cmocka_unit_test(random_traces_add_up),
		cmocka_unit_test(levels_are_not_mixed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

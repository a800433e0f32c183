/* SPDX-License-Identifier: MIT */
/* What tdp-alt changes, worked out by hand: zaps that keep ages, races, folios. */
#include "base/test.h"
#include "models/invalidate.h"
#include "models/spte.h"
#include "models/test_lane.h"

enum {
	PAGES = 8,  /* touched where any will do */
	APART = 16, /* pages from one that is young to the next */
	FEW = PTRS_PER_PTE / APART, /* 32 of 512: too few for the filter */
};

struct host {
	uint64_t word[PTRS_PER_PTE];
	struct pages pages;
	struct lane lane;
};

static void start(struct host *h, const char *params, const char *kernel,
		  uint32_t touched)
{
	*h = (struct host){.pages = {.word = h->word, .npages = PTRS_PER_PTE}};
	assert_int_equal(lane_init_mmu(&h->lane, &h->pages, 0, "batched", NULL,
				       PTRS_PER_PTE, "tdp-alt", params, kernel),
			 0);
	h->lane.m.version = mglru_version_find(kernel);
	for (uint32_t page = 0; page < touched; page++)
		lane_access(&h->lane, page);
}

static uint64_t count(const struct host *h, enum counter counter)
{
	return h->lane.counters.n[counter];
}

static void age(struct host *h)
{
	struct mglru_walk walk;

	mglru_walk_begin(&h->lane.m, &walk, true);
	while (mglru_walk_step(&h->lane.m, &walk))
		;
	assert_true(mglru_walk_end(&h->lane.m, &walk, h->lane.now_ns));
}

/* Whom a zap of PAGES young SPTEs tells, by who sends it. */
static void zaps_do_what_is_asked_for(void **state)
{
	static const struct {
		const char *params, *kernel;
		enum mmu_reason reason;
		unsigned int marked, erased, kept;
	} cases[] = {
		{NULL, "6.12", MMU_NUMA, PAGES, 0, 0},
		{NULL, "7.2", MMU_NUMA, 0, PAGES, 0},
		{"zap=mark", "7.2", MMU_NUMA, PAGES, 0, 0},
		{"zap=drop", "6.12", MMU_TRACE, 0, PAGES, 0},
		{"zap=keep", "7.2", MMU_NUMA, 0, 0, PAGES},
		{"zap=keep", "7.2", MMU_TRACE, 0, PAGES, 0},
		{"zap=keep", "6.12", MMU_MIGRATE, PAGES, 0, 0},
	};
	struct host h;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start(&h, cases[i].params, cases[i].kernel, PAGES);
		mglru_invalidate(&h.lane.m, 0, PAGES, cases[i].reason);
		assert_int_equal(count(&h, COUNT_ages_marked), cases[i].marked);
		assert_int_equal(count(&h, COUNT_ages_erased), cases[i].erased);
		assert_int_equal(count(&h, COUNT_ages_kept), cases[i].kept);
		lane_fini(&h.lane);
	}
}

/* The age is there once, without an SPTE, and the next zap does not count it anew. */
static void kept_ages_are_found_once(void **state)
{
	const uint64_t all = (1 << PAGES) - 1;
	struct host h;

	(void)state;
	start(&h, "zap=keep", "7.2", PAGES);
	mglru_invalidate(&h.lane.m, 0, PAGES, MMU_NUMA);
	mglru_invalidate(&h.lane.m, 0, PAGES, MMU_NUMA);
	assert_int_equal(count(&h, COUNT_ages_kept), PAGES);
	assert_int_equal(h.lane.mmu.sptes->present(&h.lane.mmu, 0, all), 0);
	assert_int_equal(mmu_clear_young(&h.lane.mmu, 0, all), all);
	assert_int_equal(mmu_clear_young(&h.lane.mmu, 0, all), 0);
	lane_access(&h.lane, 3);
	assert_int_equal(mmu_clear_young(&h.lane.mmu, 0, all), 1 << 3);
	lane_fini(&h.lane);
}

static void races_leave_the_bit_or_lose_it(void **state)
{
	const uint64_t all = (1 << PAGES) - 1;
	struct host h;

	(void)state;
	start(&h, "race=1000000", "7.2", PAGES);
	for (unsigned int i = 1; i < 4; i++) {
		assert_int_equal(mmu_clear_young(&h.lane.mmu, 0, all), all);
		assert_int_equal(count(&h, COUNT_sptes_raced), i * PAGES);
	}
	assert_int_equal(count(&h, COUNT_sptes_young), 0);
	lane_fini(&h.lane);

	start(&h, "race=1000000,raced=old", "7.2", PAGES);
	assert_int_equal(mmu_clear_young(&h.lane.mmu, 0, all), 0);
	assert_int_equal(mmu_test_young(&h.lane.mmu, 0, all), 0);
	assert_int_equal(count(&h, COUNT_sptes_raced), PAGES);
	lane_fini(&h.lane);
}

/* One page of APART is young, after a pass that made all of them old. */
static void folios_count_whole_or_by_their_ptes(void **state)
{
	static const struct {
		const char *params;
		unsigned int young, inflated;
	} cases[] = {
		{NULL, FEW, 0},
		{"folio=3", FEW * 8, 1},
		{"folio=3,counts=pte", FEW, 0},
		{"folio=9", PTRS_PER_PTE, 1},
		{"folio=9,counts=pte", FEW, 0},
	};
	struct host h;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t young;

		start(&h, cases[i].params, "7.2", PTRS_PER_PTE);
		age(&h);
		young = count(&h, COUNT_aging_young);
		for (uint32_t page = 5; page < PTRS_PER_PTE; page += APART)
			lane_access(&h.lane, page);
		age(&h);
		assert_int_equal(count(&h, COUNT_aging_young) - young,
				 cases[i].young);
		assert_int_equal(count(&h, COUNT_tables_inflated),
				 cases[i].inflated);
		lane_fini(&h.lane);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zaps_do_what_is_asked_for),
		cmocka_unit_test(kept_ages_are_found_once),
		cmocka_unit_test(races_leave_the_bit_or_lose_it),
		cmocka_unit_test(folios_count_whole_or_by_their_ptes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

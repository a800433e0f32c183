/* SPDX-License-Identifier: MIT */
/* Two types in one memcg: what swappiness must and must not do, on every kernel. */
#include "base/rng.h"
#include "base/test.h"
#include "models/mglru_internal.h"
#include "models/test_lane.h"

enum {
	GUEST = 2 * PTRS_PER_PTE,
	FILES = PTRS_PER_PTE,
	NPAGES = GUEST + FILES,
	ANON_USED = 500,
	FILES_USED = 400,
	LIMIT = 600,
	ACCESSES = 20000,
};

struct fixture {
	uint64_t word[NPAGES];
	struct pages pages;
	struct rng rng;
	struct lane lane;
};

static void set_up(struct fixture *f, const struct mglru_version *version,
		   unsigned int swappiness)
{
	*f = (struct fixture){.rng = {11}};
	f->pages = (struct pages){
		.word = f->word, .npages = NPAGES, .file_pages = FILES};
	assert_int_equal(
		lane_init(&f->lane, &f->pages, 0, "batched", NULL, LIMIT), 0);
	f->lane.m.version = version;
	f->lane.m.swappiness = swappiness;
}

static void read_file(struct lane *l, uint32_t page)
{
	l->now_ns += 1000;
	for (int i = 0; i < 4 && mglru_needs_charge(&l->m, page) &&
			l->m.resident >= l->limit;
	     i++)
		lane_reclaim(l, RECLAIM_DIRECT, 1, false);
	mglru_file_access(&l->m, page, l->now_ns);
}

static uint32_t pick(struct rng *rng, uint32_t used)
{
	double u = rng_unit(rng);

	return (uint32_t)(u * u * used);
}

static void run(struct fixture *f, const struct mglru_version *version,
		unsigned int swappiness)
{
	set_up(f, version, swappiness);
	for (int i = 0; i < ACCESSES; i++) {
		lane_access(&f->lane, 2 * pick(&f->rng, ANON_USED));
		read_file(&f->lane, GUEST + pick(&f->rng, FILES_USED));
		if (i % 2000 == 0)
			lane_reclaim(&f->lane, RECLAIM_AGE, 0, true);
		assert_null(i % 1000 ? NULL : mglru_check(&f->lane.m));
	}
}

static void zero_evicts_files_only(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t v = 0; mglru_versions[v]; v++) {
		const uint64_t *n = f.lane.counters.n;

		run(&f, mglru_versions[v], 0);
		assert_true(n[COUNT_file_evictions] > FILES_USED);
		assert_int_equal(n[COUNT_evictions], n[COUNT_file_evictions]);
		assert_int_equal(n[COUNT_calls_victim], 0);
		assert_int_equal(n[COUNT_calls_aging], 0);
		lane_fini(&f.lane);
	}
}

/* 7.2 has a value for it; others know none. */
static void anon_only_evicts_no_file(void **state)
{
	struct fixture f;
	int nr_versions = 0;

	(void)state;
	for (size_t v = 0; mglru_versions[v]; v++) {
		const uint64_t *n = f.lane.counters.n;

		if (!mglru_versions[v]->has_swappiness_anon_only)
			continue;
		nr_versions++;
		run(&f, mglru_versions[v], SWAPPINESS_ANON_ONLY);
		assert_true(n[COUNT_evictions] > ANON_USED);
		assert_int_equal(n[COUNT_file_evictions], 0);
		assert_int_equal(n[COUNT_file_refaults], 0);
		lane_fini(&f.lane);
	}
	assert_int_equal(nr_versions, 1);
}

static uint64_t file_evictions(const struct mglru_version *version,
			       unsigned int swappiness)
{
	struct fixture f;
	uint64_t evictions;

	run(&f, version, swappiness);
	evictions = f.lane.counters.n[COUNT_file_evictions];
	assert_true(evictions < f.lane.counters.n[COUNT_evictions]);
	lane_fini(&f.lane);
	return evictions;
}

/* Up to 6.12 one type cannot be spared for long: min_seq of files may not fall behind,
 * nor be far ahead. */
static void files_are_dropped_more_when_swapping_is_dear(void **state)
{
	(void)state;
	for (size_t v = 0; mglru_versions[v]; v++)
		assert_true(file_evictions(mglru_versions[v], 1) >
			    file_evictions(mglru_versions[v], 200));
}

static void nobody_is_asked_about_files(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t v = 0; mglru_versions[v]; v++) {
		const uint64_t *n = f.lane.counters.n;

		set_up(&f, mglru_versions[v], DEF_SWAPPINESS);
		f.lane.limit = FILES_USED / 2;
		for (int i = 0; i < ACCESSES; i++)
			read_file(&f.lane, GUEST + pick(&f.rng, FILES_USED));
		assert_true(n[COUNT_file_evictions] > FILES_USED);
		assert_true(n[COUNT_kept] + n[COUNT_sorted] > 0);
		assert_int_equal(n[COUNT_calls_aging] + n[COUNT_calls_victim] +
					 n[COUNT_calls_window] +
					 n[COUNT_calls_unmap] + n[COUNT_sptes],
				 0);
		assert_int_equal(n[COUNT_refaults], n[COUNT_file_refaults]);
		/* each brings a page, unless that was unmapped but not freed */
		assert_in_range(n[COUNT_first_touches] + n[COUNT_refaults], 1,
				n[COUNT_file_faults]);
		assert_int_equal(n[COUNT_first_touches] + n[COUNT_refaults],
				 n[COUNT_evictions] + f.lane.m.resident);
		lane_fini(&f.lane);
	}
}

/* Where a fault puts a page of a file, counted from the youngest generation. */
static void a_new_file_page_goes_where_the_kernel_puts_it(void **state)
{
	static const unsigned int age[] = {0, 0, 2};
	struct fixture f;

	(void)state;
	for (size_t v = 0; mglru_versions[v]; v++) {
		struct mglru *m = &f.lane.m;

		set_up(&f, mglru_versions[v], DEF_SWAPPINESS);
		lane_access(&f.lane, 0); /* keeps min_seq where it is */
		read_file(&f.lane, GUEST);
		assert_int_equal(page_gen(m, GUEST),
				 (m->max_seq - age[v]) % MAX_NR_GENS);
		lane_fini(&f.lane);
	}
}

/* Anonymous pages are not drained if they cannot be evicted: a generation moves on
 * under them, and they are in the youngest one ("cold/hot inversion"). */
static void what_cannot_be_evicted_is_not_drained(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t v = 0; mglru_versions[v]; v++) {
		struct mglru *m = &f.lane.m;
		int gen;

		set_up(&f, mglru_versions[v], 0);
		lane_access(&f.lane, 0);
		gen = page_gen(m, 0);
		for (int i = 0; i < MAX_NR_GENS; i++)
			lane_reclaim(&f.lane, RECLAIM_AGE, 0, true);
		assert_int_equal(page_gen(m, 0), gen);
		assert_null(mglru_check(m));
		lane_fini(&f.lane);
	}
}

/* Two walks at a time: the second takes the mm that the first has not come to, and 6.1
 * leaves the generation to the last of them. */
static void a_second_walk_takes_the_other_mm(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t v = 0; mglru_versions[v]; v++) {
		bool waits = mglru_versions[v]->iterate_mm_list ==
			     mglru_iterate_mm_list_6_1;
		struct mglru *m = &f.lane.m;
		struct mglru_walk first, second;

		set_up(&f, mglru_versions[v], DEF_SWAPPINESS);
		lane_access(&f.lane, 0);
		read_file(&f.lane, GUEST);
		mglru_walk_begin(m, &first, true);
		mglru_walk_begin(m, &second, true);
		assert_int_equal(first.mm, MGLRU_MM_VMM);
		assert_int_equal(second.mm, MGLRU_MM_FILES);
		while (mglru_walk_step(m, &second))
			;
		assert_int_equal(mglru_walk_end(m, &second, 0), !waits);
		while (mglru_walk_step(m, &first))
			;
		assert_int_equal(mglru_walk_end(m, &first, 0), waits);
		lane_fini(&f.lane);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zero_evicts_files_only),
		cmocka_unit_test(anon_only_evicts_no_file),
		cmocka_unit_test(files_are_dropped_more_when_swapping_is_dear),
		cmocka_unit_test(nobody_is_asked_about_files),
		cmocka_unit_test(a_new_file_page_goes_where_the_kernel_puts_it),
		cmocka_unit_test(what_cannot_be_evicted_is_not_drained),
		cmocka_unit_test(a_second_walk_takes_the_other_mm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * What the policies ask and pay for, on tables made by hand: calls, locks, which
 * accessed bits are gone afterwards.
 */
#include <string.h>

#include "base/rng.h"
#include "base/test.h"
#include "models/spte.h"
#include "models/test_lane.h"

struct host {
	uint64_t word[PTRS_PER_PTE];
	struct pages pages;
	struct counters counters;
	uint64_t mmu_params[MMU_PARAMS_MAX / sizeof(uint64_t)];
	struct mmu mmu;
	const struct policy_ops *policy;
	uint64_t params[POLICY_PARAMS_MAX / sizeof(uint64_t)];
};

/* A table of which all pages are mapped and young. */
static void setup(struct host *h, const char *policy, const char *params,
		  bool is_lockless)
{
	mmu_fini(&h->mmu); /* of the case before, or zero */
	*h = (struct host){.policy = policy_find(policy)->ops};
	h->pages = (struct pages){.word = h->word, .npages = PTRS_PER_PTE};
	param_defaults(mmu_find("tdp")->ops->params, h->mmu_params);
	assert_int_equal(mmu_init(&h->mmu, mmu_find("tdp")->ops, h->mmu_params,
				  "6.12", &h->pages, 3, &h->counters, NULL),
			 0);
	if (!is_lockless)
		h->mmu.traits.young_lock = MMU_LOCK_WRITE;
	assert_int_equal(param_parse(h->policy->params, h->params, policy,
				     params, NULL),
			 0);
	for (uint32_t page = 0; page < PTRS_PER_PTE; page++)
		h->mmu.sptes->map(&h->mmu, page);
}

/* Make the pages old of which @young has no bit. */
static void make_old(struct host *h, uint64_t young)
{
	for (uint32_t w = 0; w < TABLE_WINDOWS; w++)
		h->mmu.sptes->clear_young(&h->mmu, w * WINDOW, ~young);
}

static uint64_t still_young(struct host *h, uint32_t window)
{
	return h->mmu.sptes->test_young(&h->mmu, window * WINDOW, UINT64_MAX);
}

/* Ask about the pages of @want in every window.  Return: those of the first. */
static uint64_t age(struct host *h, uint64_t want)
{
	uint64_t wants[TABLE_WINDOWS], young[TABLE_WINDOWS] = {0};

	for (int w = 0; w < TABLE_WINDOWS; w++)
		wants[w] = want;
	h->policy->age_table(h->params, &h->mmu, 0, wants, young);
	for (int w = 1; w < TABLE_WINDOWS; w++)
		assert_int_equal(young[w], young[0]);
	return young[0];
}

static uint64_t count(const struct host *h, enum counter counter)
{
	return h->counters.n[counter];
}

static void pages_that_are_not_meant_keep_their_accessed_bit(void **state)
{
	static const char *const params[] = {"calls=1",
					     "calls=2",
					     "batch=1",
					     "batch=1,calls=2",
					     "batch=512,calls=2",
					     "batch=100,lock=none",
					     "batch=3,lock=read,calls=2"};
	const uint64_t want = UINT64_C(0x00ff0f0f3333aaaa);
	struct host h = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
		setup(&h, "batched", params[i], true);
		assert_int_equal(age(&h, want), want);
		for (uint32_t w = 0; w < TABLE_WINDOWS; w++)
			assert_int_equal(still_young(&h, w), ~want);
	}
	setup(&h, "fast-only", NULL, true);
	assert_int_equal(age(&h, want), want);
	assert_int_equal(still_young(&h, 0), ~want);
	mmu_fini(&h.mmu);
}

static void a_full_table_takes_its_pages_by_the_batch(void **state)
{
	static const struct {
		const char *params;
		uint64_t calls, sptes;
	} cases[] = {{"batch=1", 512, 512}, {"batch=64", 8, 512},
		     {"batch=100", 6, 512}, {"batch=512", 1, 512},
		     {"calls=2", 16, 1024}, {"batch=512,calls=2", 2, 1024},
		     {"batch=63", 9, 512},  {"batch=1,calls=2", 1024, 1024}};
	struct host h = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup(&h, "batched", cases[i].params, true);
		assert_int_equal(age(&h, UINT64_MAX), UINT64_MAX);
		assert_int_equal(count(&h, COUNT_calls_aging), cases[i].calls);
		assert_int_equal(count(&h, COUNT_lock_write_young),
				 cases[i].calls);
		assert_int_equal(count(&h, COUNT_sptes), cases[i].sptes);
	}
	mmu_fini(&h.mmu);
}

/* One batch of 64 from page 40 on holds all of two pages, 48 apart. */
static void batches_begin_where_pages_are(void **state)
{
	uint64_t wants[TABLE_WINDOWS] = {UINT64_C(1) << 40, UINT64_C(1) << 24};
	uint64_t young[TABLE_WINDOWS] = {0};
	struct host h = {0};

	(void)state;
	setup(&h, "batched", "batch=64", true);
	h.policy->age_table(h.params, &h.mmu, 0, wants, young);
	assert_memory_equal(young, wants, sizeof(young));
	assert_int_equal(count(&h, COUNT_calls_aging), 1);
	setup(&h, "batched", "batch=48", true);
	memset(young, 0, sizeof(young));
	h.policy->age_table(h.params, &h.mmu, 0, wants, young);
	assert_memory_equal(young, wants, sizeof(young));
	assert_int_equal(count(&h, COUNT_calls_aging), 2);
	mmu_fini(&h.mmu);
}

/* The second call spans the young: 512 tested, then pages 8 to 15 of a window. */
static void the_second_call_spans_what_the_first_one_found(void **state)
{
	const uint64_t young = UINT64_C(0x8100);
	struct host h = {0};

	(void)state;
	setup(&h, "batched", "calls=2", true);
	make_old(&h, young);
	assert_int_equal(age(&h, UINT64_MAX), young);
	assert_int_equal(count(&h, COUNT_calls_aging), 2 * TABLE_WINDOWS);
	assert_int_equal(count(&h, COUNT_sptes), 512 + 8 * TABLE_WINDOWS);
	assert_int_equal(count(&h, COUNT_sptes_young), 2 * TABLE_WINDOWS);
	assert_int_equal(age(&h, UINT64_MAX), 0);
	assert_int_equal(count(&h, COUNT_calls_aging), 3 * TABLE_WINDOWS);
	mmu_fini(&h.mmu);
}

static void a_bitmap_gets_nothing_where_there_is_no_fast_path(void **state)
{
	struct host h = {0};

	(void)state;
	setup(&h, "batched", "lock=none", false);
	assert_int_equal(age(&h, UINT64_MAX), 0);
	assert_int_equal(still_young(&h, 0), UINT64_MAX);
	assert_int_equal(count(&h, COUNT_calls_aging), TABLE_WINDOWS);
	assert_int_equal(count(&h, COUNT_sptes), 0);
	assert_int_equal(count(&h, COUNT_lock_write_young), 0);
	assert_false(h.policy->looks_around(h.params, &h.mmu));
	/* without a bitmap the slow path remains */
	assert_true(h.policy->age_victim(h.params, &h.mmu, 5));
	assert_int_equal(count(&h, COUNT_lock_write_young), 1);
	setup(&h, "batched", "batch=1,lock=none", false);
	assert_int_equal(age(&h, UINT64_MAX), UINT64_MAX);
	assert_int_equal(count(&h, COUNT_lock_write_young), PTRS_PER_PTE);
	assert_true(h.policy->looks_around(h.params, &h.mmu));
	mmu_fini(&h.mmu);
}

/* 7.2 ages these without lock, too, but page by page. */
static void a_bitmap_gets_nothing_of_shadow_pages(void **state)
{
	static const struct {
		const char *kind, *params;
		bool answers;
	} cases[] = {{"tdp", NULL, true},
		     {"tdp-noad", NULL, false},
		     {"shadow", NULL, false},
		     {"shadow-nested", "share=1", false}};
	struct host h = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct mmu_ops *ops = mmu_find(cases[i].kind)->ops;
		uint64_t params[MMU_PARAMS_MAX / sizeof(uint64_t)];

		setup(&h, "batched", "lock=none", true);
		assert_int_equal(param_parse(ops->params, params, "mmu",
					     cases[i].params, NULL),
				 0);
		h.mmu.traits = ops->traits(params, mmu_kernel(7, 2));
		assert_true(mmu_is_lockless(&h.mmu));
		assert_int_equal(h.policy->looks_around(h.params, &h.mmu),
				 cases[i].answers);
		assert_int_equal(age(&h, UINT64_MAX),
				 cases[i].answers ? UINT64_MAX : 0);
	}
	mmu_fini(&h.mmu);
}

static void no_lock_is_held_where_none_is_needed(void **state)
{
	struct host h = {0};

	(void)state;
	setup(&h, "batched", "batch=1,lock=none", true);
	assert_int_equal(age(&h, UINT64_MAX), UINT64_MAX);
	h.policy->age_victim(h.params, &h.mmu, 5);
	assert_int_equal(count(&h, COUNT_calls_aging), PTRS_PER_PTE);
	assert_int_equal(count(&h, COUNT_lock_write_young), 0);
	assert_int_equal(count(&h, COUNT_lock_read_young), 0);
	mmu_fini(&h.mmu);
}

static void fast_only_asks_nobody_who_is_slow_but_about_victims(void **state)
{
	struct host h = {0};

	(void)state;
	setup(&h, "fast-only", NULL, false);
	assert_int_equal(age(&h, UINT64_MAX), 0);
	assert_int_equal(h.policy->age_window(h.params, &h.mmu, 0, UINT64_MAX),
			 0);
	assert_int_equal(count(&h, COUNT_calls_aging), 0);
	assert_int_equal(count(&h, COUNT_calls_window), 0);
	assert_true(h.policy->age_victim(h.params, &h.mmu, 5));
	assert_int_equal(count(&h, COUNT_lock_write_young), 1);
	assert_false(h.policy->looks_around(h.params, &h.mmu));
	setup(&h, "fast-only", NULL, true);
	assert_true(h.policy->looks_around(h.params, &h.mmu));
	assert_true(h.policy->age_victim(h.params, &h.mmu, 5));
	assert_int_equal(count(&h, COUNT_lock_write_young), 0);
	mmu_fini(&h.mmu);
}

/* 6.12 on x86 flushes for a candidate that was young. */
static void a_young_candidate_is_flushed_for_as_asked(void **state)
{
	static const struct {
		const char *params;
		uint64_t flushes;
	} cases[] = {
		{NULL, 1},
		{"flush=kernel", 1},
		{"flush=on", 1},
		{"flush=off", 0},
	};
	struct host h = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup(&h, "rmap", cases[i].params, true);
		assert_true(h.policy->age_victim(h.params, &h.mmu, 5));
		assert_false(h.policy->age_victim(h.params, &h.mmu, 5));
		assert_int_equal(count(&h, COUNT_flushes), cases[i].flushes);
		h.mmu.traits.flushes_young = false;
		assert_true(h.policy->age_victim(h.params, &h.mmu, 6));
		assert_int_equal(count(&h, COUNT_flushes),
				 cases[i].flushes + (i == 2));
	}
	mmu_fini(&h.mmu);
}

/* Evictions of a zipf-like trace under a limit, aged now and then. */
static uint64_t decisions(const char *policy, const char *params)
{
	static uint64_t word[4 * PTRS_PER_PTE];
	struct pages pages = {.word = word, .npages = 4 * PTRS_PER_PTE};
	struct rng rng = {11};
	struct lane l;

	memset(word, 0, sizeof(word));
	assert_int_equal(lane_init(&l, &pages, 0, policy, params, 700), 0);
	for (int i = 0; i < 20000; i++) {
		double u = rng_unit(&rng);

		lane_access(&l, (uint32_t)(u * u * 4 * PTRS_PER_PTE));
		if (i % 2000 == 1999)
			lane_reclaim(&l, RECLAIM_AGE, 0, i % 4000 == 1999);
	}
	assert_true(l.counters.n[COUNT_evictions] > 1000);
	lane_fini(&l);
	return l.decisions;
}

static void without_the_walk_batched_decides_as_rmap(void **state)
{
	(void)state;
	assert_int_equal(decisions("batched", "walk=0"),
			 decisions("rmap", NULL));
	assert_int_equal(decisions("batched", "walk=0,lock=none,batch=1"),
			 decisions("rmap", NULL));
	assert_int_not_equal(decisions("batched", NULL),
			     decisions("rmap", NULL));
}

static void batches_and_locks_change_the_price_alone(void **state)
{
	const uint64_t expected = decisions("batched", NULL);

	(void)state;
	assert_int_equal(decisions("batched", "batch=1"), expected);
	assert_int_equal(decisions("batched", "batch=511,calls=2"), expected);
	assert_int_equal(decisions("batched", "batch=7,lock=none"), expected);
	assert_int_equal(decisions("fast-only", NULL), expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			pages_that_are_not_meant_keep_their_accessed_bit),
		cmocka_unit_test(a_full_table_takes_its_pages_by_the_batch),
		cmocka_unit_test(batches_begin_where_pages_are),
		cmocka_unit_test(
			the_second_call_spans_what_the_first_one_found),
		cmocka_unit_test(
			a_bitmap_gets_nothing_where_there_is_no_fast_path),
		cmocka_unit_test(a_bitmap_gets_nothing_of_shadow_pages),
		cmocka_unit_test(no_lock_is_held_where_none_is_needed),
		cmocka_unit_test(
			fast_only_asks_nobody_who_is_slow_but_about_victims),
		cmocka_unit_test(a_young_candidate_is_flushed_for_as_asked),
		cmocka_unit_test(without_the_walk_batched_decides_as_rmap),
		cmocka_unit_test(batches_and_locks_change_the_price_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Single rules of MGLRU 6.12 that are easily got wrong. */
#include <stdlib.h>

#include "base/test.h"
#include "models/mglru_internal.h"
#include "models/test_lane.h"

enum {
	TABLES = 16, /* more pages than MAX_LRU_BATCH */
	NPAGES = TABLES * PTRS_PER_PTE,
	NO_LIMIT = 1 << 20,
};

struct fixture {
	uint64_t word[NPAGES];
	struct pages pages;
	struct lane lane;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	f->pages = (struct pages){.word = f->word, .npages = NPAGES};
	*state = f;
	return lane_init(&f->lane, &f->pages, 0, "batched", NULL, NO_LIMIT);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	lane_fini(&f->lane);
	free(f);
	return 0;
}

/* Only GUP and KVM mark a page accessed; a fault of the VMM's own does not. */
static void host_fault_leaves_a_page_in_the_first_tier(void **state)
{
	struct mglru *m = &((struct fixture *)*state)->lane.m;

	mglru_host_access(m, 3, 0);
	assert_int_equal(m->flags[3] & PAGE_REFS_ALL, 0);
	assert_true(m->flags[3] & PAGE_PRIMARY_YOUNG);
	mglru_fault(m, 4, 0, true);
	assert_int_equal(m->flags[4] & PAGE_REFS_ALL, PAGE_WORKINGSET);
}

/* GUP-fast sets PG_referenced; only KVM's release counts an access. */
static void fault_on_a_mapped_page_counts_one_access(void **state)
{
	struct mglru *m = &((struct fixture *)*state)->lane.m;

	mglru_host_access(m, 3, 0);
	mglru_fault(m, 3, 0, true);
	assert_int_equal(m->flags[3] & PAGE_REFS_ALL,
			 PAGE_REFERENCED | PAGE_WORKINGSET);
	mglru_invalidate(m, 0, 1 << 3);
	assert_int_equal(page_refs(m->flags[3]), 1);
	mglru_fault(m, 3, 0, true);
	assert_int_equal(page_refs(m->flags[3]), 2);
}

/* The filter that the first pass fills must survive, too. */
static void second_pass_makes_the_generation_without_walking(void **state)
{
	struct mglru *m = &((struct fixture *)*state)->lane.m;
	struct mglru_walk first, second;

	for (uint32_t page = 0; page < NPAGES; page++)
		mglru_fault(m, page, 0, true);
	mglru_walk_begin(m, &first, false);
	assert_int_equal(mglru_walk_step(m, &first), PTRS_PER_PTE);
	mglru_walk_begin(m, &second, false);
	assert_int_equal(mglru_walk_step(m, &second), 0);
	assert_true(mglru_walk_end(m, &second, 0));
	assert_true(mglru_bloom_test(m, m->max_seq, 0));
	assert_int_equal(mglru_walk_step(m, &first), 0);
	assert_false(mglru_walk_end(m, &first, 0));
	mglru_walk_begin(m, &first, false);
	assert_int_equal(mglru_walk_step(m, &first), PTRS_PER_PTE);
	assert_true(mglru_walk_end(m, &first, 0));
}

static void unforced_aging_is_refused_at_four_generations(void **state)
{
	struct lane *l = &((struct fixture *)*state)->lane;

	mglru_fault(&l->m, 0, 0, true);
	lane_reclaim(l, RECLAIM_AGE, 0, false);
	assert_int_equal(l->counters.n[COUNT_passes], 0);
	lane_reclaim(l, RECLAIM_AGE, 0, true);
	assert_int_equal(l->counters.n[COUNT_passes], 1);
}

static void request_for_nothing_does_nothing(void **state)
{
	struct lane *l = &((struct fixture *)*state)->lane;

	for (uint32_t page = 0; page < NPAGES; page++)
		mglru_fault(&l->m, page, 0, true);
	lane_reclaim(l, RECLAIM_PROACTIVE, 0, false);
	assert_int_equal(l->counters.n[COUNT_reclaims], 0);
	assert_int_equal(l->m.resident, NPAGES);
}

/* refaulted * (0 + 64) * 1 <= (0 + 1) * total * 2, once refaulted reaches 64. */
static void tiers_are_protected_above_twice_the_refaults(void **state)
{
	struct mglru *m = &((struct fixture *)*state)->lane.m;
	struct mglru_ctrl *second = &m->ctrl[1];

	second->avg_refaulted = 63;
	assert_int_equal(mglru_tier_idx(m), 3);
	second->refaulted = 1;
	assert_int_equal(mglru_tier_idx(m), 0);
	second->avg_total = 2047;
	assert_int_equal(mglru_tier_idx(m), 0);
	second->protected = 1;
	assert_int_equal(mglru_tier_idx(m), 3);
}

static void note_age(void *arg, uint32_t page, uint64_t evicted_ns,
		     uint64_t now_ns)
{
	(void)page;
	*(uint64_t *)arg = now_ns - evicted_ns;
}

/* Times of eviction are kept in 32 bits of 65,536 ns: three days. */
static void time_out_is_right_after_three_days(void **state)
{
	struct mglru *m = &((struct fixture *)*state)->lane.m;
	const uint64_t late_ns = (UINT64_C(1) << 48) + 1000000;
	uint64_t age_ns = 0;

	m->listener =
		(struct mglru_listener){.refaulted = note_age, .arg = &age_ns};
	mglru_fault(m, 0, 0, true);
	mglru_del(m, 0);
	mglru_forget(m, 0, late_ns);
	mglru_fault(m, 0, late_ns + 5000000, true);
	assert_in_range(age_ns, 5000000, 5000000 + 65536);
}

static void only_generations_as_old_are_evicted(void **state)
{
	struct lane *l = &((struct fixture *)*state)->lane;

	for (uint32_t page = 0; page < 100; page++)
		mglru_fault(&l->m, page, 0, true);
	lane_reclaim(l, RECLAIM_AGE, 0, true);
	lane_reclaim(l, RECLAIM_AGE, 0, true); /* two older than the youngest */
	for (uint32_t page = 100; page < 200; page++)
		mglru_fault(&l->m, page, 0, true);
	lane_reclaim(l, RECLAIM_GENERATIONS, 1, false); /* -EINVAL */
	lane_reclaim(l, RECLAIM_GENERATIONS, l->m.max_seq + 1, false);
	lane_reclaim(l, RECLAIM_GENERATIONS, 3, false); /* it is empty */
	assert_int_equal(l->counters.n[COUNT_evictions], 0);
	for (int again = 0; again < 2; again++) {
		lane_reclaim(l, RECLAIM_GENERATIONS, 2, false);
		assert_int_equal(l->counters.n[COUNT_evictions], 100);
	}
	for (uint32_t page = 0; page < 200; page++)
		assert_int_equal(!!(l->m.flags[page] & PAGE_RESIDENT),
				 page >= 100);
	assert_int_equal(l->m.max_seq - l->m.min_seq + 1, MIN_NR_GENS);
	assert_null(mglru_check(&l->m));
}

static void isolate_once(struct mglru *m, struct mglru_batch *batch,
			 uint64_t scanned)
{
	*batch = (struct mglru_batch){0};
	assert_int_equal(mglru_isolate(m, batch, MIN_LRU_BATCH), scanned);
}

/* Promoted pages are sorted 4096 at a time, which is progress by itself. */
static void sorting_stops_at_the_largest_batch(void **state)
{
	struct lane *l = &((struct fixture *)*state)->lane;
	struct mglru_batch batch;

	for (uint32_t page = 0; page < NPAGES; page++)
		lane_access(l, page);
	isolate_once(&l->m, &batch, 0); /* leaves two generations */
	lane_reclaim(l, RECLAIM_AGE, 0, true);
	for (uint32_t page = 0; page < NPAGES; page++)
		lane_access(l, page);
	lane_reclaim(l, RECLAIM_AGE, 0, true);
	isolate_once(&l->m, &batch, 1); /* min_seq moves to their list */
	isolate_once(&l->m, &batch, MAX_LRU_BATCH);
	assert_int_equal(batch.n, 0);
	assert_int_equal(l->counters.n[COUNT_sorted], MAX_LRU_BATCH);
}

/* The first round of priorities only frees the empty generations. */
static void reclaim_that_frees_nothing_is_retried_once(void **state)
{
	struct lane *l = &((struct fixture *)*state)->lane;

	lane_access(l, 0);
	assert_int_equal(lane_reclaim(l, RECLAIM_DIRECT, 1, false), 0);
	assert_int_equal(l->counters.n[COUNT_passes], 2);
}

/* Then "cannot tell" is not young, and only the victim is worth the lock. */
static void fast_only_asks_a_slow_mmu_about_victims_only(void **state)
{
	struct lane *l = &((struct fixture *)*state)->lane;
	const struct policy_ops *fast_only = policy_find("fast-only")->ops;
	struct mmu_ops slow = *l->mmu.ops;
	const uint64_t want[TABLE_WINDOWS] = {1};
	uint64_t young[TABLE_WINDOWS];

	slow.is_lockless = false;
	l->mmu.ops = &slow;
	lane_access(l, 0);
	fast_only->age_table(NULL, &l->mmu, 0, want, young);
	assert_int_equal(young[0], 0);
	assert_int_equal(fast_only->age_window(NULL, &l->mmu, 0, 1), 0);
	assert_int_equal(l->counters.n[COUNT_sptes], 0);
	assert_true(fast_only->age_victim(NULL, &l->mmu, 0));
	assert_int_equal(l->counters.n[COUNT_lock_write_young], 1);
}

#define on_fresh_lane(test)                                                    \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_fresh_lane(host_fault_leaves_a_page_in_the_first_tier),
		on_fresh_lane(fault_on_a_mapped_page_counts_one_access),
		on_fresh_lane(second_pass_makes_the_generation_without_walking),
		on_fresh_lane(unforced_aging_is_refused_at_four_generations),
		on_fresh_lane(request_for_nothing_does_nothing),
		on_fresh_lane(only_generations_as_old_are_evicted),
		on_fresh_lane(tiers_are_protected_above_twice_the_refaults),
		on_fresh_lane(time_out_is_right_after_three_days),
		on_fresh_lane(sorting_stops_at_the_largest_batch),
		on_fresh_lane(reclaim_that_frees_nothing_is_retried_once),
		on_fresh_lane(fast_only_asks_a_slow_mmu_about_victims_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

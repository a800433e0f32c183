/* SPDX-License-Identifier: MIT */
/* Single rules of MGLRU, of 6.12 where nothing else is said, that are easily got wrong. */
#include <stdlib.h>

#include "base/test.h"
#include "models/invalidate.h"
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
	mglru_fault(m, 4, 0, MGLRU_WRITE);
	assert_int_equal(m->flags[4] & PAGE_REFS_ALL, PAGE_WORKINGSET);
}

/* GUP-fast sets PG_referenced; only KVM's release counts an access. */
static void fault_on_a_mapped_page_counts_one_access(void **state)
{
	struct mglru *m = &((struct fixture *)*state)->lane.m;

	mglru_host_access(m, 3, 0);
	mglru_fault(m, 3, 0, MGLRU_WRITE);
	assert_int_equal(m->flags[3] & PAGE_REFS_ALL,
			 PAGE_REFERENCED | PAGE_WORKINGSET);
	mglru_invalidate(m, 3, 4, MMU_TRACE);
	assert_int_equal(page_refs(m->flags[3]), 1);
	mglru_fault(m, 3, 0, MGLRU_WRITE);
	assert_int_equal(page_refs(m->flags[3]), 2);
}

/* The filter that the first pass fills must survive, too. */
static void second_pass_makes_the_generation_without_walking(void **state)
{
	struct mglru *m = &((struct fixture *)*state)->lane.m;
	struct mglru_walk first, second;

	for (uint32_t page = 0; page < NPAGES; page++)
		mglru_fault(m, page, 0, MGLRU_WRITE);
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
	assert_int_equal(mglru_walk_step(m, &first), 0);
	assert_true(mglru_walk_end(m, &first, 0));
}

static void unforced_aging_is_refused_at_four_generations(void **state)
{
	struct lane *l = &((struct fixture *)*state)->lane;

	mglru_fault(&l->m, 0, 0, MGLRU_WRITE);
	lane_reclaim(l, RECLAIM_AGE, 0, false);
	assert_int_equal(l->counters.n[COUNT_passes], 0);
	lane_reclaim(l, RECLAIM_AGE, 0, true);
	assert_int_equal(l->counters.n[COUNT_passes], 1);
}

static void request_for_nothing_does_nothing(void **state)
{
	struct lane *l = &((struct fixture *)*state)->lane;

	for (uint32_t page = 0; page < NPAGES; page++)
		mglru_fault(&l->m, page, 0, MGLRU_WRITE);
	lane_reclaim(l, RECLAIM_PROACTIVE, 0, false);
	assert_int_equal(l->counters.n[COUNT_reclaims], 0);
	assert_int_equal(l->m.resident, NPAGES);
}

/* refaulted * (0 + 64) * 1 <= (0 + 1) * total * 2, once refaulted reaches 64. */
static void tiers_are_protected_above_twice_the_refaults(void **state)
{
	struct mglru *m = &((struct fixture *)*state)->lane.m;
	struct mglru_ctrl *second = &m->ctrl[LRU_GEN_ANON][1];

	second->avg_refaulted = 63;
	assert_int_equal(mglru_tier_idx(m, LRU_GEN_ANON), 3);
	second->refaulted = 1;
	assert_int_equal(mglru_tier_idx(m, LRU_GEN_ANON), 0);
	second->avg_total = 2047;
	assert_int_equal(mglru_tier_idx(m, LRU_GEN_ANON), 0);
	second->protected = 1;
	assert_int_equal(mglru_tier_idx(m, LRU_GEN_ANON), 3);
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
	mglru_fault(m, 0, 0, MGLRU_WRITE);
	mglru_del(m, 0);
	mglru_forget(m, 0, late_ns);
	mglru_fault(m, 0, late_ns + 5000000, MGLRU_WRITE);
	assert_in_range(age_ns, 5000000, 5000000 + 65536);
}

static void only_generations_as_old_are_evicted(void **state)
{
	struct lane *l = &((struct fixture *)*state)->lane;

	for (uint32_t page = 0; page < 100; page++)
		mglru_fault(&l->m, page, 0, MGLRU_WRITE);
	lane_reclaim(l, RECLAIM_AGE, 0, true);
	lane_reclaim(l, RECLAIM_AGE, 0, true); /* two older than the youngest */
	for (uint32_t page = 100; page < 200; page++)
		mglru_fault(&l->m, page, 0, MGLRU_WRITE);
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
	assert_int_equal(l->m.max_seq - l->m.min_seq[LRU_GEN_ANON] + 1,
			 MIN_NR_GENS);
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
#define on_fresh_lane(test)                                                    \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* Begin again as another kernel. */
static struct mglru *as_kernel(void **state, const char *name)
{
	struct mglru *m = &((struct fixture *)*state)->lane.m;

	m->version = mglru_version_find(name);
	assert_non_null(m->version);
	return m;
}

static void evict_one(struct mglru *m, uint32_t page)
{
	mglru_del(m, page);
	mglru_forget(m, page, 0);
}

static uint64_t seq_of(const struct mglru *m, uint32_t page)
{
	for (uint64_t seq = m->min_seq[LRU_GEN_ANON]; seq <= m->max_seq; seq++)
		if (page_gen(m, page) == (int)gen_from_seq(seq))
			return seq;
	return UINT64_MAX;
}

/* Two marks of GUP and KVM after PG_referenced of folio_add_lru(): tier 2. */
static void a_new_page_of_7_2_is_in_the_second_youngest(void **state)
{
	struct mglru *m = as_kernel(state, "7.2");

	mglru_fault(m, 3, 0, MGLRU_WRITE);
	assert_int_equal(seq_of(m, 3), m->max_seq - 1);
	assert_int_equal(m->version->folio_lru_tier(m->flags[3]), 2);
	mglru_invalidate(m, 3, 4, MMU_TRACE); /* does not mark it */
	assert_int_equal(page_refs(m->flags[3]), 2);
}

/* An age of its own: the write drains it from the swap cache. */
static void refaults_of_7_2_by_reads_and_writes_differ(void **state)
{
	struct mglru *m = as_kernel(state, "7.2");

	for (uint32_t page = 0; page < 3; page++) {
		mglru_fault(m, page, 0, MGLRU_WRITE);
		if (page == 2)
			m->flags[page] |= PAGE_WORKINGSET;
		evict_one(m, page);
		mglru_fault(m, page, 0, page ? MGLRU_WRITE : 0);
	}
	assert_int_equal(seq_of(m, 0), m->max_seq - 1);
	assert_int_equal(seq_of(m, 1), m->max_seq - 2);
	assert_int_equal(seq_of(m, 2), m->max_seq);
	assert_int_equal(m->ctrl[LRU_GEN_ANON][2].refaulted, 2);
	assert_int_equal(m->ctrl[LRU_GEN_ANON][3].refaulted, 1);
}

/* Whoever fills the batch of 31 is listed while it is in the swap cache. */
static void every_31st_read_refault_of_7_2_is_older(void **state)
{
	struct mglru *m = as_kernel(state, "7.2");

	for (uint32_t page = 0; page < 62; page++) {
		mglru_fault(m, page, 0, MGLRU_WRITE);
		evict_one(m, page);
	}
	mglru_lru_add_drain(m);
	for (uint32_t page = 0; page < 62; page++)
		mglru_fault(m, page, 0, 0);
	assert_int_equal(
		m->nr_pages[LRU_GEN_ANON][gen_from_seq(m->max_seq - 1)], 60);
	assert_int_equal(seq_of(m, 30), m->max_seq - 2);
	assert_int_equal(seq_of(m, 61), m->max_seq - 2);
}

/* Neither KVM's fault nor GUP had it: only the VMM's page tables. */
static void promotion_of_7_2_wants_a_second_look_or_a_fault(void **state)
{
	struct mglru *m = as_kernel(state, "7.2");
	uint64_t seq;

	mglru_host_access(m, 3, 0);
	m->flags[3] &= (uint16_t)~PAGE_REFERENCED;
	seq = seq_of(m, 3);
	mglru_update_gen(m, 3, gen_from_seq(m->max_seq));
	assert_int_equal(seq_of(m, 3), seq);
	mglru_update_gen(m, 3, gen_from_seq(m->max_seq));
	assert_int_equal(seq_of(m, 3), m->max_seq);
	assert_int_equal(m->flags[3] & PAGE_REFS_ALL, PAGE_WORKINGSET);
}

/* The VM's accesses do not set it, the VMM's do. */
static void aging_of_6_1_leaves_out_tables_with_an_old_pmd(void **state)
{
	struct lane *l = &((struct fixture *)*state)->lane;
	struct mglru *m = as_kernel(state, "6.1");

	m->policy = policy_find("rmap")->ops;
	mglru_fault(m, 0, 0, MGLRU_WRITE);
	lane_reclaim(l, RECLAIM_AGE, 0, true);
	assert_int_equal(l->counters.n[COUNT_tables], 1);
	mglru_fault(m, 1, 0, MGLRU_WRITE);
	lane_reclaim(l, RECLAIM_AGE, 0, true);
	assert_int_equal(l->counters.n[COUNT_tables], 1);
	assert_int_equal(l->counters.n[COUNT_tables_skipped], 1);
	mglru_host_access(m, 0, 0);
	lane_reclaim(l, RECLAIM_AGE, 0, true);
	assert_int_equal(l->counters.n[COUNT_tables], 2);
}

/* Released once more, the page is in a tier of its own. */
static void a_retried_fault_marks_once_more_until_6_12(void **state)
{
	static const char *const names[] = {"6.1", "7.2"};
	struct lane *l = &((struct fixture *)*state)->lane;

	for (uint32_t page = 0; page < 4; page++) {
		struct mglru *m = as_kernel(state, names[page / 2]);

		mglru_fault(m, page, 0,
			    MGLRU_WRITE | (page % 2 ? MGLRU_STALE : 0));
	}
	assert_int_equal(page_refs(l->m.flags[0]), 0);
	assert_int_equal(page_refs(l->m.flags[1]), 1);
	assert_int_equal(page_refs(l->m.flags[2]), page_refs(l->m.flags[3]));
	assert_int_equal(l->counters.n[COUNT_faults], 4);
	assert_int_equal(l->counters.n[COUNT_stale_faults], 2);
}

/* A write to it faults once, whoever reads meanwhile. */
static void read_swap_ins_of_6_1_are_read_only(void **state)
{
	struct lane *l = &((struct fixture *)*state)->lane;
	const uint64_t *faults = &l->counters.n[COUNT_faults];
	struct mglru *m = as_kernel(state, "6.1");

	mglru_fault(m, 0, 0, MGLRU_WRITE);
	evict_one(m, 0);
	mglru_fault(m, 0, 0, 0);
	assert_int_equal(*faults, 2);
	mglru_fault(m, 0, 0, 0);
	assert_int_equal(*faults, 2);
	mglru_fault(m, 0, 0, MGLRU_WRITE);
	assert_int_equal(*faults, 3);
	assert_true(l->mmu.pages->word[0] & l->mmu.quiet);
}

/* Its PTE does not do for hva_to_pfn_fast(): each try walks the page tables. */
static void a_retried_read_of_6_1_marks_twice_more(void **state)
{
	struct lane *l = &((struct fixture *)*state)->lane;
	struct mglru *m = as_kernel(state, "6.1");

	for (uint32_t page = 0; page < 2; page++) {
		mglru_fault(m, page, 0, MGLRU_WRITE);
		evict_one(m, page);
	}
	while (!m->min_seq[LRU_GEN_ANON]) /* the refault is not recent */
		lane_reclaim(l, RECLAIM_AGE, 0, true);
	mglru_fault(m, 0, 0, 0);
	mglru_fault(m, 1, 0, MGLRU_STALE);
	assert_int_equal(page_refs(m->flags[0]), 0);
	assert_int_equal(page_refs(m->flags[1]), 2);
}

/* get_next_mm() */
static void an_mm_that_slept_is_walked_by_force_only(void **state)
{
	struct lane *l = &((struct fixture *)*state)->lane;
	const uint64_t *tables = &l->counters.n[COUNT_tables];

	as_kernel(state, "7.2")->never_sleeps = false;
	mglru_fault(&l->m, 0, 0, MGLRU_WRITE);
	lane_reclaim(l, RECLAIM_AGE, 0, false); /* never walked before */
	lane_reclaim(l, RECLAIM_AGE, 0, false);
	assert_int_equal(*tables, 1);
	lane_reclaim(l, RECLAIM_AGE, 0, true);
	assert_int_equal(*tables, 2);
	l->m.has_run = true;
	mglru_bloom_add(&l->m, l->m.max_seq, 0);
	lane_reclaim(l, RECLAIM_AGE, 0, false);
	assert_int_equal(*tables, 3);
	assert_int_equal(l->counters.n[COUNT_passes], 4);
}

/* memory.reclaim: 6.1 asks for all and stops with the batch that reaches it; 7.2 asks
 * for quarters, down to 32 pages, and stops each time. */
static void reclaim_stops_at_its_target(void **state)
{
	struct lane *l = &((struct fixture *)*state)->lane;

	for (uint32_t page = 0; page < NPAGES; page++)
		mglru_fault(&l->m, page, 0, MGLRU_WRITE);
	for (int i = 0; i < 3; i++)
		lane_reclaim(l, RECLAIM_AGE, 0, true);
	as_kernel(state, "6.1");
	assert_int_equal(lane_reclaim(l, RECLAIM_PROACTIVE, 1000, false), 1024);
	as_kernel(state, "7.2");
	assert_in_range(lane_reclaim(l, RECLAIM_PROACTIVE, 1000, false), 1000,
			1000 + MIN_LRU_BATCH - 1);
}

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
		on_fresh_lane(a_new_page_of_7_2_is_in_the_second_youngest),
		on_fresh_lane(refaults_of_7_2_by_reads_and_writes_differ),
		on_fresh_lane(every_31st_read_refault_of_7_2_is_older),
		on_fresh_lane(promotion_of_7_2_wants_a_second_look_or_a_fault),
		on_fresh_lane(aging_of_6_1_leaves_out_tables_with_an_old_pmd),
		on_fresh_lane(a_retried_fault_marks_once_more_until_6_12),
		on_fresh_lane(read_swap_ins_of_6_1_are_read_only),
		on_fresh_lane(a_retried_read_of_6_1_marks_twice_more),
		on_fresh_lane(an_mm_that_slept_is_walked_by_force_only),
		on_fresh_lane(reclaim_stops_at_its_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Swap on a disk: what is read ahead, and what becomes of it, by hand. */
#include "base/test.h"
#include "models/mglru_internal.h"
#include "models/test_lane.h"

enum {
	NPAGES = 2 * PTRS_PER_PTE,
	END = 600, /* pages of the guest that were ever touched */
	PLENTY = 4 * NPAGES,
};

struct fixture {
	uint64_t word[NPAGES];
	struct pages pages;
	struct lane lane;
};

/* All of the guest's pages are swapped out. */
static struct lane *set_up(struct fixture *f,
			   const struct mglru_version *version)
{
	struct lane *l = &f->lane;

	*f = (struct fixture){.word = {0}};
	f->pages = (struct pages){.word = f->word, .npages = NPAGES};
	assert_int_equal(lane_init(l, &f->pages, 0, "batched", NULL, PLENTY),
			 0);
	l->m.version = version;
	assert_int_equal(mglru_use_ssd(&l->m, PAGE_CLUSTER, NULL), 0);
	for (uint32_t page = 0; page < END; page++)
		lane_access(l, page);
	for (int i = 0; i < 200 && l->m.resident; i++) {
		lane_reclaim(l, RECLAIM_AGE, 0, true);
		lane_reclaim(l, RECLAIM_PROACTIVE, 100, false);
	}
	assert_int_equal(l->m.resident, 0);
	assert_int_equal(l->counters.n[COUNT_refaults], 0);
	return l;
}

static void assert_resident(const struct lane *l, uint32_t first, uint32_t end)
{
	for (uint32_t page = 0; page < NPAGES; page++)
		assert_int_equal((l->m.flags[page] & PAGE_RESIDENT) != 0,
				 page >= first && page < end);
	assert_null(mglru_check(&l->m));
}

static void window_grows_on_hits_and_shrinks_without(void **state)
{
	struct fixture f;

	(void)state;
	for (const struct mglru_version *const *v = mglru_versions; *v; v++) {
		struct lane *l = set_up(&f, *v);
		const uint64_t *n = l->counters.n;

		/* four hits to begin with: 8 pages, 3 of them before it */
		lane_access(l, 100);
		assert_resident(l, 97, 105);
		assert_int_equal(n[COUNT_read_ahead], 7);
		assert_int_equal(n[COUNT_refaults], 8);
		assert_int_equal(n[COUNT_read_ahead_hits], 0);
		assert_int_equal(n[COUNT_swap_cache_faults], 0);

		/* no hit: half the window, then a half of that, then one page */
		lane_access(l, 200);
		assert_int_equal(l->m.resident, 8 + 4);
		lane_access(l, 300);
		assert_int_equal(l->m.resident, 12 + 2);
		lane_access(l, 400);
		assert_int_equal(l->m.resident, 14 + 1);

		/* neighbours read on, in either direction */
		lane_access(l, 401);
		assert_int_equal(l->m.resident, 15 + 2);
		assert_int_equal(n[COUNT_read_ahead_hits], 0);

		/* three hits are 5 pages: 8 */
		for (uint32_t page = 101; page < 104; page++)
			lane_access(l, page);
		assert_int_equal(n[COUNT_read_ahead_hits], 3);
		assert_int_equal(n[COUNT_swap_cache_faults], 3);
		assert_int_equal(l->m.resident, 17);
		lane_access(l, 450);
		assert_int_equal(l->m.resident, 17 + 8);
		lane_fini(l);
	}
}

static void a_window_looks_where_the_faults_go(void **state)
{
	struct fixture f;
	struct lane *l = set_up(&f, &mglru_6_12);

	(void)state;
	lane_access(l, 100); /* 97 to 104 */
	lane_access(l, 104); /* a hit */
	lane_access(l, 105); /* and on: 105 to 108 */
	assert_resident(l, 97, 109);
	lane_access(l, 97);
	lane_access(l, 96); /* down: 93 to 96 */
	assert_resident(l, 93, 109);
	lane_fini(l);
}

static void nothing_is_read_beyond_table_and_memory(void **state)
{
	struct fixture f;
	struct lane *l = set_up(&f, &mglru_7_2);

	(void)state;
	lane_access(l, 1);
	assert_resident(l, 0, 6);
	lane_fini(l);
	l = set_up(&f, &mglru_7_2);
	lane_access(l, PTRS_PER_PTE - 2);
	assert_resident(l, PTRS_PER_PTE - 5, PTRS_PER_PTE);
	lane_fini(l);
	l = set_up(&f, &mglru_7_2);
	lane_access(l, END - 2); /* what was never swapped out is not read */
	assert_resident(l, END - 5, END);
	lane_fini(l);
}

/* Not even a rmap walk: there is no PTE.  Its refault tells nobody. */
static void what_nobody_touches_goes_quietly(void **state)
{
	struct fixture f;

	(void)state;
	for (const struct mglru_version *const *v = mglru_versions; *v; v++) {
		struct lane *l = set_up(&f, *v);
		const uint64_t *n = l->counters.n;
		uint64_t evictions = n[COUNT_evictions];
		uint64_t unmaps = n[COUNT_calls_unmap];

		lane_access(l, 100);
		mglru_discard(&l->m, 100);
		unmaps = n[COUNT_calls_unmap];
		f.lane.counters.n[COUNT_rmap_walks] = 0;
		for (int i = 0; i < 50 && l->m.resident; i++) {
			lane_reclaim(l, RECLAIM_AGE, 0, true);
			lane_reclaim(l, RECLAIM_PROACTIVE, 100, false);
		}
		assert_resident(l, 0, 0);
		assert_int_equal(n[COUNT_evictions], evictions + 7);
		assert_int_equal(n[COUNT_read_ahead_unused], 7);
		assert_int_equal(n[COUNT_calls_unmap], unmaps);
		assert_int_equal(n[COUNT_rmap_walks], 0);
		assert_int_equal(l->m.unmapped, 0);
		lane_fini(l);
	}
}

static void a_limit_holds_for_what_is_read_ahead(void **state)
{
	struct fixture f;
	struct lane *l = set_up(&f, &mglru_6_1);

	(void)state;
	l->limit = 200;
	for (uint32_t page = 0; page < END; page++) {
		lane_access(l, page);
		assert_true(l->m.resident <= l->limit);
	}
	assert_true(l->counters.n[COUNT_read_ahead_hits] > END / 2);
	assert_null(mglru_check(&l->m));
	lane_fini(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(window_grows_on_hits_and_shrinks_without),
		cmocka_unit_test(a_window_looks_where_the_faults_go),
		cmocka_unit_test(nothing_is_read_beyond_table_and_memory),
		cmocka_unit_test(what_nobody_touches_goes_quietly),
		cmocka_unit_test(a_limit_holds_for_what_is_read_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

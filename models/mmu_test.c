/* SPDX-License-Identifier: MIT */
/* Facts about single kinds of secondary MMU, each from the kernel's source. */
#include "base/test.h"
#include "models/spte.h"
#include "models/test_lane.h"

enum {
	NPAGES = 4 * PTRS_PER_PTE,
	HUGE = PTRS_PER_PTE, /* first page of the second leaf table */
};

struct host {
	uint64_t word[NPAGES];
	struct pages pages;
	struct counters counters;
	struct mmu mmu;
	uint64_t params[MMU_PARAMS_MAX / sizeof(uint64_t)];
};

static void setup(struct host *h, const char *kind, const char *params,
		  const char *kernel)
{
	const struct mmu_ops *ops = mmu_find(kind)->ops;

	*h = (struct host){.pages = {h->word, NPAGES}};
	assert_int_equal(
		param_parse(ops->params, h->params, kind, params, NULL), 0);
	assert_int_equal(mmu_init(&h->mmu, ops, h->params, kernel, &h->pages, 0,
				  &h->counters, NULL),
			 0);
}

static uint64_t count(const struct host *h, enum counter counter)
{
	return h->counters.n[counter];
}

/* As the engine, for a page that is resident already. */
static enum mmu_touch touch(struct host *h, uint32_t page)
{
	enum mmu_touch touch = MMU_TOUCH_BIT;

	h->word[page] |= h->mmu.accessed;
	if (!(h->word[page] & h->mmu.quiet))
		touch = mmu_touch(&h->mmu, page);
	if (touch == MMU_TOUCH_ABSENT)
		mmu_map(&h->mmu, page);
	return touch;
}

static void map_all(struct host *h)
{
	for (uint32_t page = 0; page < NPAGES; page++)
		assert_int_equal(touch(h, page), MMU_TOUCH_ABSENT);
}

static uint64_t young_pages(struct host *h, uint32_t from, uint32_t to)
{
	uint64_t n = 0;

	for (uint32_t page = from; page < to; page++)
		n += mmu_clear_young(&h->mmu, page, 1);
	return n;
}

/* Aging one 4 KiB range takes the bit of all 512. */
static void first_to_ask_about_a_huge_leaf_gets_its_bit(void **state)
{
	static const char *const kinds[] = {"tdp", "tdp-noad", "arm64",
					    "shadow"};
	struct host h;

	(void)state;
	for (int i = 0; i < 4; i++) {
		setup(&h, kinds[i], "level=2M", "6.12");
		map_all(&h);
		assert_true(mmu_clear_young(&h.mmu, HUGE + 77, 1));
		assert_int_equal(young_pages(&h, HUGE, HUGE + 512), 0);
		assert_int_equal(young_pages(&h, 0, NPAGES), 3);
		touch(&h, HUGE + 500);
		assert_int_equal(mmu_clear_young(&h.mmu, HUGE + 64, UINT64_MAX),
				 1);
		assert_int_equal(young_pages(&h, 0, NPAGES), 0);
		mmu_fini(&h.mmu);
	}
	setup(&h, "tdp", "level=1G", "6.12");
	map_all(&h);
	assert_int_equal(young_pages(&h, 0, NPAGES), 1);
	mmu_fini(&h.mmu);
}

/* The primary mapping was split: 4 KiB leaves from then on. */
static void zapping_a_part_of_a_huge_leaf_splits_it(void **state)
{
	struct host h;

	(void)state;
	setup(&h, "tdp", "level=2M", "6.12");
	map_all(&h);
	assert_int_equal(mmu_invalidate(&h.mmu, HUGE + 3, 1), 1);
	for (uint32_t page = HUGE; page < HUGE + 512; page++)
		assert_int_equal(touch(&h, page), MMU_TOUCH_ABSENT);
	assert_int_equal(young_pages(&h, HUGE, HUGE + 512), 512);
	assert_int_equal(young_pages(&h, 0, HUGE), 1);
	mmu_fini(&h.mmu);
}

/* fast_page_fault() is short, handle_access_fault() marks, L2's exit is a fault. */
static void access_after_aging_exits_without_accessed_bits(void **state)
{
	static const struct {
		const char *kind, *params, *kernel;
		enum mmu_touch does;
		enum counter lock;
		uint64_t locks, exits;
	} cases[] = {
		{"tdp", NULL, "6.12", MMU_TOUCH_BIT, COUNT_lock_read_fault, 0,
		 0},
		{"tdp-noad", NULL, "6.12", MMU_TOUCH_BIT, COUNT_lock_read_fault,
		 0, 1},
		{"arm64", "af=hw", "6.12", MMU_TOUCH_BIT, COUNT_lock_read_fault,
		 0, 0},
		{"arm64", "af=fault", "6.1", MMU_TOUCH_MARK,
		 COUNT_lock_write_fault, 1, 1},
		{"arm64", "af=fault", "6.12", MMU_TOUCH_MARK,
		 COUNT_lock_read_fault, 1, 1},
		{"arm64", "af=fault", "7.2", MMU_TOUCH_BIT,
		 COUNT_lock_read_fault, 1, 1},
		{"shadow-nested", "ad=off", "7.2", MMU_TOUCH_FAULT,
		 COUNT_lock_write_fault, 1, 1},
		{"shadow-nested", "ad=on", "7.2", MMU_TOUCH_BIT,
		 COUNT_lock_write_fault, 0, 0},
	};
	struct host h;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t locks;

		setup(&h, cases[i].kind, cases[i].params, cases[i].kernel);
		touch(&h, 9);
		locks = count(&h, cases[i].lock);
		assert_true(mmu_clear_young(&h.mmu, 9, 1));
		assert_int_equal(touch(&h, 9), cases[i].does);
		assert_int_equal(touch(&h, 9), MMU_TOUCH_BIT);
		assert_int_equal(count(&h, COUNT_track_exits), cases[i].exits);
		assert_int_equal(count(&h, cases[i].lock) - locks,
				 cases[i].locks);
		mmu_fini(&h.mmu);
	}
}

/* What the policy asks for, unless the kind needs more. */
static void young_calls_hold_what_policy_and_kind_need(void **state)
{
	static const struct {
		const char *kind, *params, *kernel;
		enum mmu_lock least;
	} cases[] = {
		{"tdp", NULL, "6.1", MMU_LOCK_NONE},
		{"tdp-noad", NULL, "7.2", MMU_LOCK_NONE},
		{"shadow", NULL, "6.12", MMU_LOCK_WRITE},
		{"shadow", NULL, "7.2", MMU_LOCK_NONE},
		{"shadow-nested", NULL, "6.1", MMU_LOCK_WRITE},
		{"shadow-nested", NULL, "7.2", MMU_LOCK_NONE},
		{"arm64", NULL, "7.2", MMU_LOCK_WRITE},
		{"arm64", "lock=read", "7.2", MMU_LOCK_READ},
		{"arm64", "lock=rcu", "6.12", MMU_LOCK_NONE},
	};
	struct host h;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup(&h, cases[i].kind, cases[i].params, cases[i].kernel);
		assert_int_equal(mmu_is_lockless(&h.mmu),
				 cases[i].least == MMU_LOCK_NONE);
		mmu_calls(&h.mmu, COUNT_calls_aging, MMU_LOCK_NONE, 5);
		mmu_calls(&h.mmu, COUNT_calls_aging, MMU_LOCK_READ, 70);
		mmu_calls(&h.mmu, COUNT_calls_aging, MMU_LOCK_WRITE, 900);
		assert_int_equal(count(&h, COUNT_calls_aging), 975);
		assert_int_equal(count(&h, COUNT_lock_write_young),
				 cases[i].least == MMU_LOCK_WRITE ? 975 : 900);
		assert_int_equal(count(&h, COUNT_lock_read_young),
				 cases[i].least == MMU_LOCK_WRITE  ? 0
				 : cases[i].least == MMU_LOCK_READ ? 75
								   : 70);
		mmu_fini(&h.mmu);
	}
}

/* An empty rmap is not locked; a chain is walked to its end. */
static void rmaps_are_walked_and_locked_where_they_have_sptes(void **state)
{
	struct host h;

	(void)state;
	setup(&h, "shadow", "chain=3", "7.2");
	touch(&h, 4);
	touch(&h, 6);
	assert_int_equal(mmu_clear_young(&h.mmu, 0, 0xff), 0x50);
	assert_int_equal(mmu_test_young(&h.mmu, 0, 0xff), 0);
	assert_int_equal(count(&h, COUNT_sptes), 12);
	assert_int_equal(count(&h, COUNT_lock_rmap), 4);
	assert_int_equal(count(&h, COUNT_sptes_young), 2);
	mmu_fini(&h.mmu);
	setup(&h, "shadow", "chain=3", "6.12");
	touch(&h, 4);
	mmu_clear_young(&h.mmu, 0, 0xff);
	assert_int_equal(count(&h, COUNT_sptes), 3);
	assert_int_equal(count(&h, COUNT_lock_rmap), 0);
	mmu_fini(&h.mmu);
}

/* Where L1 gave L2's pages no accessed bits, fast-only calls see that one is young and
 * cannot change it. */
static void fast_only_leaves_access_tracked_l2_young(void **state)
{
	static const char *const params[] = {"ad=off", "ad=on"};
	struct host h;

	(void)state;
	for (int i = 0; i < 2; i++) {
		setup(&h, "shadow-nested", params[i], "7.2");
		touch(&h, 1);
		assert_int_equal(mmu_clear_young_fast(&h.mmu, 0, 3), 2);
		assert_int_equal(mmu_clear_young_fast(&h.mmu, 0, 3), i ? 0 : 2);
		assert_int_equal(mmu_clear_young(&h.mmu, 0, 3), i ? 0 : 2);
		assert_int_equal(mmu_clear_young_fast(&h.mmu, 0, 3), 0);
		mmu_fini(&h.mmu);
	}
}

/* The series brings locks of rmaps along, also where the kernel has none. */
static void fast_only_locks_rmaps_of_any_kernel(void **state)
{
	static const char *const kernels[] = {"6.1", "6.12", "7.2"};
	struct host h;

	(void)state;
	for (int i = 0; i < 3; i++) {
		setup(&h, "shadow", NULL, kernels[i]);
		assert_true(mmu_has_fast_aging(&h.mmu));
		touch(&h, 4);
		touch(&h, 6);
		mmu_calls_fast(&h.mmu, COUNT_calls_aging, 8);
		assert_int_equal(mmu_clear_young_fast(&h.mmu, 0, 0xff), 0x50);
		assert_int_equal(mmu_clear_young_fast(&h.mmu, 0, 0xff), 0);
		assert_int_equal(count(&h, COUNT_calls_aging), 8);
		assert_int_equal(count(&h, COUNT_lock_rmap), 4);
		assert_int_equal(count(&h, COUNT_lock_write_young), 0);
		mmu_fini(&h.mmu);
	}
	setup(&h, "arm64", NULL, "7.2");
	assert_false(mmu_has_fast_aging(&h.mmu));
	mmu_fini(&h.mmu);
}

/* Not quiet, so that a write is heard of; rmaps have it all the same. */
static void a_read_only_spte_is_there(void **state)
{
	struct host h;

	(void)state;
	setup(&h, "shadow", NULL, "6.1");
	mmu_map(&h.mmu, 9);
	mmu_protect(&h.mmu, 9, true);
	assert_int_equal(h.mmu.pages->word[9] & h.mmu.quiet, 0);
	assert_int_equal(mmu_clear_young(&h.mmu, 0, 0x3ff), 0x200);
	assert_int_equal(count(&h, COUNT_sptes), 1);
	mmu_protect(&h.mmu, 9, false);
	assert_int_not_equal(h.mmu.pages->word[9] & h.mmu.quiet, 0);
	mmu_invalidate(&h.mmu, 0, 0x3ff);
	assert_int_equal(mmu_clear_young(&h.mmu, 0, 0x3ff), 0);
	assert_int_equal(count(&h, COUNT_sptes), 1);
	mmu_fini(&h.mmu);
}

/* CONFIG_KVM_ELIDE_TLB_FLUSH_IF_YOUNG since 6.13, on x86 only. */
static void newer_x86_does_not_flush_for_a_young_page(void **state)
{
	static const struct {
		const char *kind, *kernel;
		uint64_t flushes;
	} cases[] = {
		{"tdp", "6.12", 1},   {"tdp", "7.2", 0},   {"shadow", "6.1", 1},
		{"shadow", "7.2", 0}, {"arm64", "7.2", 1}, {"gru", "6.12", 0},
	};
	struct host h;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup(&h, cases[i].kind, NULL, cases[i].kernel);
		touch(&h, 1);
		mmu_clear_flush_young(&h.mmu, 1);
		mmu_clear_flush_young(&h.mmu, 1);
		assert_int_equal(count(&h, COUNT_flushes), cases[i].flushes);
		mmu_fini(&h.mmu);
	}
}

/* A notifier that is called for nothing, and flushes whatever is invalidated. */
static void devices_never_tell_and_always_flush(void **state)
{
	struct host h;

	(void)state;
	setup(&h, "gru", "grus=3", "6.12");
	touch(&h, 1);
	mmu_calls(&h.mmu, COUNT_calls_aging, MMU_LOCK_WRITE, 2);
	assert_int_equal(mmu_clear_young(&h.mmu, 0, UINT64_MAX), 0);
	assert_int_equal(count(&h, COUNT_calls_aging), 2);
	assert_int_equal(count(&h, COUNT_sptes), 0);
	assert_int_equal(count(&h, COUNT_lock_write_young), 0);
	assert_int_equal(mmu_invalidate(&h.mmu, 0, 3), 0);
	assert_int_equal(mmu_invalidate(&h.mmu, 0, 3), 0);
	assert_int_equal(count(&h, COUNT_device_flushes), 6);
	assert_int_equal(count(&h, COUNT_flushes), 0);
	assert_int_equal(count(&h, COUNT_lock_write_unmap), 0);
	assert_int_equal(touch(&h, 1), MMU_TOUCH_ABSENT);
	mmu_fini(&h.mmu);
}

/* Under the page-table lock XPMEM could let nothing go. */
static void nothing_is_evicted_where_a_sleeper_may_not_sleep(void **state)
{
	uint64_t word[PTRS_PER_PTE] = {0};
	struct pages pages = {.word = word, .npages = PTRS_PER_PTE};
	struct lane l;

	(void)state;
	assert_int_equal(lane_init_mmu(&l, &pages, 0, "batched", NULL, 50,
				       "xpmem", "blockable=no", "6.12"),
			 0);
	for (uint32_t page = 0; page < 100; page++)
		lane_access(&l, page);
	assert_int_equal(l.counters.n[COUNT_evictions], 0);
	assert_true(l.counters.n[COUNT_unmap_refused] > 50);
	assert_int_equal(l.m.resident, 100);
	lane_fini(&l);
	assert_int_equal(lane_init_mmu(&l, &pages, 1, "batched", NULL, 50,
				       "xpmem", NULL, "6.12"),
			 0);
	for (uint32_t page = 0; page < 100; page++)
		lane_access(&l, page);
	assert_true(l.counters.n[COUNT_evictions] >= 50);
	assert_int_equal(l.counters.n[COUNT_unmap_sleeps],
			 l.counters.n[COUNT_evictions]);
	lane_fini(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_to_ask_about_a_huge_leaf_gets_its_bit),
		cmocka_unit_test(zapping_a_part_of_a_huge_leaf_splits_it),
		cmocka_unit_test(
			access_after_aging_exits_without_accessed_bits),
		cmocka_unit_test(young_calls_hold_what_policy_and_kind_need),
		cmocka_unit_test(
			rmaps_are_walked_and_locked_where_they_have_sptes),
		cmocka_unit_test(fast_only_leaves_access_tracked_l2_young),
		cmocka_unit_test(fast_only_locks_rmaps_of_any_kernel),
		cmocka_unit_test(a_read_only_spte_is_there),
		cmocka_unit_test(newer_x86_does_not_flush_for_a_young_page),
		cmocka_unit_test(devices_never_tell_and_always_flush),
		cmocka_unit_test(
			nothing_is_evicted_where_a_sleeper_may_not_sleep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

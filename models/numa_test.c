/* SPDX-License-Identifier: MIT */
/*
 * NUMA balancing worked out by hand for 6.1, 6.12 and 7.2: what is sent, what is
 * zapped, what changes.
 */
#include "models/numa.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "base/test.h"
#include "models/spte.h"
#include "models/test_lane.h"

enum {
	NPAGES = 1 << 19, /* two PUD entries */
	TABLE = PTRS_PER_PTE,
	PUD = 1 << 18,
	MS = 1000000,
};

static const char *const kernels[] = {"6.1", "6.12", "7.2"};

struct host {
	uint64_t *word;
	struct pages pages;
	struct lane lane;
	struct numa_params params;
	struct numa_vma vma;
	struct numa numa;
};

struct setup {
	const char *kernel, *mmu, *mmu_params;
	enum numa_mode mode;
	const char *params; /* of NUMA balancing */
	enum mmu_chunk chunk;
	uint32_t npages; /* 0: four tables */
};

static void start(struct host *h, const struct setup *s)
{
	uint32_t npages = s->npages ? s->npages : 4 * TABLE;

	*h = (struct host){.word = calloc(npages, sizeof(*h->word)),
			   .vma = {0, npages}};
	assert_non_null(h->word);
	h->pages = (struct pages){.word = h->word, .npages = npages};
	assert_int_equal(lane_init_mmu(&h->lane, &h->pages, 0, "batched", NULL,
				       npages, s->mmu ? s->mmu : "tdp",
				       s->mmu_params, s->kernel),
			 0);
	h->lane.m.version = mglru_version_find(s->kernel);
	h->lane.mmu.chunk = s->chunk;
	assert_int_equal(param_parse(numa_specs, &h->params, "numa", s->params,
				     NULL),
			 0);
	assert_int_equal(numa_init(&h->numa, s->mode, &h->params, &h->lane.m,
				   &h->vma, 1, 100, NULL),
			 0);
}

static void stop(struct host *h)
{
	numa_fini(&h->numa);
	lane_fini(&h->lane);
	free(h->word);
}

static uint64_t count(const struct host *h, enum counter counter)
{
	return h->lane.counters.n[counter];
}

/* As the engine: the guest writes to @page. */
static void touch(struct host *h, uint32_t page)
{
	if (numa_is_prot_none(&h->numa, page)) {
		numa_fault(&h->numa, &h->lane.m, page, h->lane.now_ns);
		mglru_fault(&h->lane.m, page, h->lane.now_ns,
			    MGLRU_WRITE | MGLRU_HINT);
	} else {
		lane_access(&h->lane, page);
	}
}

static void touch_all(struct host *h, uint32_t first, uint32_t end)
{
	for (uint32_t page = first; page < end; page++)
		touch(h, page);
}

/*
 * 1,000 pages of three tables, of which the second has none: all are zapped and
 * change, in one call (of all four tables: the last ones are of the range, too).
 */
static void a_scan_protects_what_is_there(void **state)
{
	(void)state;
	for (int k = 0; k < 3; k++)
		for (int mode = NUMA_RANGE; mode <= NUMA_PRECISE; mode++) {
			const struct setup s = {.kernel = kernels[k],
						.mode = (enum numa_mode)mode};
			bool is_precise = mode == NUMA_PRECISE;
			struct host h;

			start(&h, &s);
			touch_all(&h, 0, TABLE);
			touch_all(&h, 2 * TABLE, 2 * TABLE + 488);
			numa_scan(&h.numa, &h.lane.m);
			assert_int_equal(count(&h, COUNT_numa_updates), 1000);
			assert_int_equal(count(&h, COUNT_unmap_zapped), 1000);
			assert_int_equal(count(&h, COUNT_unmap_unchanged), 0);
			assert_int_equal(count(&h, COUNT_numa_ptes), 2 * TABLE);
			assert_int_equal(count(&h, COUNT_calls_unmap_numa), 1);
			assert_int_equal(count(&h, COUNT_unmap_pages),
					 4 * TABLE);
			assert_int_equal(count(&h, COUNT_calls_protect),
					 is_precise);
			assert_int_equal(count(&h, COUNT_lock_write_unmap),
					 2 + is_precise);
			assert_int_equal(count(&h, COUNT_flushes_unmap), 1);
			stop(&h);
		}
}

/* 6.1 and 6.12 mark the pages of young SPTEs; since 6.13 their age is gone; on arm64
 * it always was. */
static void a_zap_takes_the_age(void **state)
{
	(void)state;
	for (int k = 0; k < 3; k++)
		for (int arm = 0; arm < 2; arm++) {
			const struct setup s = {.kernel = kernels[k],
						.mmu = arm ? "arm64" : "tdp",
						.mode = NUMA_RANGE};
			bool marks = k < 2 && !arm;
			struct host h;

			start(&h, &s);
			touch_all(&h, 0, 10);
			assert_int_equal(mmu_clear_young(&h.lane.mmu, 0, 7), 7);
			numa_scan(&h.numa, &h.lane.m);
			assert_int_equal(count(&h, COUNT_ages_marked),
					 marks ? 7 : 0);
			assert_int_equal(count(&h, COUNT_ages_erased),
					 marks ? 0 : 7);
			stop(&h);
		}
}

/* Two blocks of 100 pages: seed 4 pins the first, 5 the second. */
static void pinned_pages_are_zapped_for_nothing(void **state)
{
	static const struct {
		int seed;
		enum numa_mode mode;
		uint64_t zapped, unchanged, covers;
	} cases[] = {
		{4, NUMA_RANGE, 200, 100, 200},
		{4, NUMA_DEFERRED, 100, 0, 100},
		{4, NUMA_PRECISE, 100, 0, 200},
		{5, NUMA_RANGE, 200, 100, 200},
		{5, NUMA_DEFERRED, 200, 100, 200},
		{5, NUMA_PRECISE, 100, 0, 200},
	};

	(void)state;
	for (size_t i = 0; i < 3 * sizeof(cases) / sizeof(*cases); i++) {
		struct setup s = {.kernel = kernels[i % 3],
				  .mode = cases[i / 3].mode};
		char params[64];
		struct host h;

		snprintf(params, sizeof(params), "pinned=50,block=100,seed=%d",
			 cases[i / 3].seed);
		s.params = params;
		start(&h, &s);
		h.vma.end = 200;
		touch_all(&h, 0, 200);
		numa_scan(&h.numa, &h.lane.m);
		assert_int_equal(count(&h, COUNT_numa_updates), 100);
		assert_int_equal(count(&h, COUNT_unmap_zapped),
				 cases[i / 3].zapped);
		assert_int_equal(count(&h, COUNT_unmap_unchanged),
				 cases[i / 3].unchanged);
		assert_int_equal(count(&h, COUNT_unmap_pages),
				 cases[i / 3].covers);
		touch_all(&h, 0, 200);
		assert_int_equal(count(&h, COUNT_zap_faults),
				 cases[i / 3].zapped);
		assert_int_equal(count(&h, COUNT_numa_faults), 100);
		stop(&h);
	}
}

/* All of a VM with assigned devices is pinned: only range sends anything. */
static void nothing_changes_where_all_is_pinned(void **state)
{
	(void)state;
	for (int i = 0; i < 9; i++) {
		const struct setup s = {.kernel = kernels[i % 3],
					.mode = (enum numa_mode)(1 + i / 3),
					.params = "pinned=100"};
		bool is_range = s.mode == NUMA_RANGE;
		struct host h;

		start(&h, &s);
		touch_all(&h, 0, 300);
		numa_scan(&h.numa, &h.lane.m);
		assert_int_equal(count(&h, COUNT_unmap_zapped),
				 is_range ? 300 : 0);
		assert_int_equal(count(&h, COUNT_unmap_unchanged),
				 is_range ? 300 : 0);
		assert_int_equal(count(&h, COUNT_flushes_unmap), is_range);
		assert_int_equal(count(&h, COUNT_calls_unmap),
				 s.mode != NUMA_DEFERRED);
		stop(&h);
	}
}

/* change_pmd_range() of 6.1 sends one per GiB, from the first table that exists;
 * change_pud_range() one for both, from the first GiB that has any. */
static void kernels_differ_in_how_far_a_range_goes(void **state)
{
	(void)state;
	for (int k = 0; k < 3; k++) {
		const struct setup s = {.kernel = kernels[k],
					.mode = NUMA_RANGE,
					.params = "size=2G",
					.npages = NPAGES};
		struct host h;

		start(&h, &s);
		touch(&h, 3 * TABLE + 5);
		touch(&h, PUD + 7 * TABLE);
		numa_scan(&h.numa, &h.lane.m);
		assert_int_equal(count(&h, COUNT_calls_unmap_numa), k ? 1 : 2);
		assert_int_equal(count(&h, COUNT_unmap_pages),
				 k ? NPAGES : NPAGES - 10 * TABLE);
		assert_int_equal(count(&h, COUNT_unmap_visited), 2 * TABLE);
		assert_int_equal(count(&h, COUNT_numa_updates), 2);
		stop(&h);
	}
}

/* Two pages in each of three tables: calls differ, what is zapped does not. */
static void chunks_change_calls_only(void **state)
{
	static const uint64_t calls[] = {1, 3, 6};

	(void)state;
	for (int i = 0; i < 9; i++) {
		const struct setup s = {.kernel = kernels[i / 3],
					.mode = NUMA_RANGE,
					.chunk = (enum mmu_chunk)(i % 3)};
		struct host h;

		start(&h, &s);
		for (uint32_t table = 0; table < 3; table++)
			touch_all(&h, table * TABLE + 9, table * TABLE + 11);
		numa_scan(&h.numa, &h.lane.m);
		assert_int_equal(count(&h, COUNT_calls_unmap), calls[i % 3]);
		assert_int_equal(count(&h, COUNT_lock_write_unmap),
				 2 * calls[i % 3]);
		assert_int_equal(count(&h, COUNT_flushes_unmap), calls[i % 3]);
		assert_int_equal(count(&h, COUNT_unmap_zapped), 6);
		assert_int_equal(count(&h, COUNT_unmap_ranges), 1);
		stop(&h);
	}
}

/* RFC v2 as posted: one numa_protect(), one lock and one flush for each page. */
static void precise_page_by_page_flushes_for_each(void **state)
{
	const struct setup s = {.kernel = "6.12",
				.mode = NUMA_PRECISE,
				.chunk = MMU_CHUNK_PAGE};
	struct host h;

	(void)state;
	start(&h, &s);
	touch_all(&h, 0, 100);
	numa_scan(&h.numa, &h.lane.m);
	assert_int_equal(count(&h, COUNT_calls_unmap), 1);
	assert_int_equal(count(&h, COUNT_calls_protect), 100);
	assert_int_equal(count(&h, COUNT_lock_write_unmap), 102);
	assert_int_equal(count(&h, COUNT_flushes_unmap), 100);
	stop(&h);
}

/* 256 MiB are 128 tables; what is there already counts eight times as far. */
static void a_scan_goes_as_far_as_it_may(void **state)
{
	const struct setup s = {.kernel = "6.12",
				.mode = NUMA_RANGE,
				.params = "size=2M",
				.npages = 16 * TABLE};
	struct host h;

	(void)state;
	start(&h, &s);
	touch_all(&h, 0, 3 * TABLE);
	for (uint32_t i = 1; i <= 3; i++) {
		numa_scan(&h.numa, &h.lane.m);
		assert_int_equal(h.numa.offset, i * TABLE);
		assert_int_equal(count(&h, COUNT_numa_updates), i * TABLE);
	}
	numa_scan(&h.numa, &h.lane.m); /* eight tables without a page */
	assert_int_equal(h.numa.offset, 11 * TABLE);
	numa_scan(&h.numa, &h.lane.m);
	assert_int_equal(h.numa.offset, 0);
	assert_int_equal(h.numa.seq, 1);
	stop(&h);
}

/* Six windows of 2 MiB make the period a sixth; private faults stretch it by 3/10. */
static void the_period_follows_size_and_faults(void **state)
{
	const struct setup s = {.kernel = "6.12",
				.mode = NUMA_RANGE,
				.params = "size=2M,min=6s,max=60s"};
	struct host h;

	(void)state;
	start(&h, &s);
	touch_all(&h, 0, 4 * TABLE);
	numa_scan(&h.numa, &h.lane.m);
	assert_int_equal(h.numa.period_ns, 1500 * (uint64_t)MS);
	assert_int_equal(h.numa.next_ns, 2500 * (uint64_t)MS);
	while (!h.numa.seq)
		numa_scan(&h.numa, &h.lane.m);
	touch(&h, 0); /* nobody had faulted: the period doubles */
	assert_int_equal(h.numa.period_ns, 3000 * (uint64_t)MS);
	for (uint64_t seq = h.numa.seq; h.numa.seq == seq;)
		numa_scan(&h.numa, &h.lane.m);
	touch(&h, 1);
	assert_int_equal(h.numa.period_ns, 3900 * (uint64_t)MS);
	stop(&h);
}

static void who_must_sleep_refuses_under_a_spinlock(void **state)
{
	static const enum numa_mode modes[] = {NUMA_RANGE, NUMA_DEFERRED,
					       NUMA_PRECISE};

	(void)state;
	for (int i = 0; i < 3; i++) {
		const struct setup s = {
			.kernel = "6.12", .mmu = "xpmem", .mode = modes[i]};
		struct host h;

		start(&h, &s);
		touch_all(&h, 0, 50);
		numa_scan(&h.numa, &h.lane.m);
		assert_int_equal(count(&h, COUNT_numa_refused), i > 0);
		assert_int_equal(count(&h, COUNT_numa_updates), i ? 0 : 50);
		assert_int_equal(count(&h, COUNT_unmap_sleeps), i == 0);
		stop(&h);
	}
}

/* A GRU flushes 1,024 pages of a longer range, whatever changed in it. */
static void a_gru_flushes_ranges(void **state)
{
	const struct setup s = {.kernel = "6.12",
				.mmu = "gru",
				.mmu_params = "grus=3",
				.mode = NUMA_PRECISE,
				.params = "pinned=100"};
	struct setup idle = s;
	struct host h;

	(void)state;
	start(&h, &s);
	touch_all(&h, 0, 50);
	numa_scan(&h.numa, &h.lane.m);
	assert_int_equal(count(&h, COUNT_device_flushes), 3);
	assert_int_equal(count(&h, COUNT_device_pages), 3 * 1024);
	assert_int_equal(count(&h, COUNT_device_clipped), 3 * 1024);
	assert_int_equal(count(&h, COUNT_lock_write_unmap), 0);
	stop(&h);
	idle.mmu_params = "grus=3,idle=100";
	start(&h, &idle);
	touch_all(&h, 0, 50);
	numa_scan(&h.numa, &h.lane.m);
	assert_int_equal(count(&h, COUNT_device_flushes), 0);
	assert_int_equal(count(&h, COUNT_device_idle), 3);
	stop(&h);
}

/* The range is invalid while the walk goes on: 100 ns for each of 512 PTEs. */
static void faults_retry_while_their_range_is_invalid(void **state)
{
	const struct setup s = {.kernel = "6.12", .mode = NUMA_RANGE};
	const struct setup arm = {
		.kernel = "6.12", .mmu = "arm64", .mode = NUMA_RANGE};
	const uint64_t begin = 1000 * (uint64_t)MS;
	struct host h;

	(void)state;
	start(&h, &s);
	h.vma.end = TABLE;
	touch_all(&h, 0, 5);
	numa_scan(&h.numa, &h.lane.m);
	assert_true(numa_is_busy(&h.numa, &h.lane.mmu, 3, begin));
	assert_true(numa_is_busy(&h.numa, &h.lane.mmu, 511, begin + 51199));
	assert_false(numa_is_busy(&h.numa, &h.lane.mmu, 3, begin + 51200));
	assert_false(numa_is_busy(&h.numa, &h.lane.mmu, 512, begin));
	h.lane.mmu.chunk = MMU_CHUNK_PAGE;
	assert_false(numa_is_busy(&h.numa, &h.lane.mmu, 3, begin));
	assert_true(numa_is_busy(&h.numa, &h.lane.mmu, 3, begin + 350));
	stop(&h);
	start(&h, &arm);
	h.vma.end = TABLE;
	touch(&h, 0);
	numa_scan(&h.numa, &h.lane.m);
	assert_true(numa_is_busy(&h.numa, &h.lane.mmu, 512, begin));
	stop(&h);
}

/* Half of the pages that fault move: each is invalidated once more. */
static void a_page_that_moves_is_invalidated_again(void **state)
{
	const struct setup s = {.kernel = "6.12",
				.mode = NUMA_RANGE,
				.params = "migratable=50"};
	struct host h;

	(void)state;
	start(&h, &s);
	touch_all(&h, 0, 1000);
	numa_scan(&h.numa, &h.lane.m);
	touch_all(&h, 0, 1000);
	assert_int_equal(count(&h, COUNT_numa_faults), 1000);
	assert_in_range(count(&h, COUNT_numa_migrations), 400, 600);
	assert_int_equal(count(&h, COUNT_calls_unmap_migrate),
			 count(&h, COUNT_numa_migrations));
	assert_int_equal(count(&h, COUNT_zap_faults), 1000);
	assert_int_equal(count(&h, COUNT_first_touches), 1000);
	stop(&h);
}

/* After the same past, precise zaps no more than deferred, and that no more than
 * range; and chunks never change what is zapped. */
static void precise_zaps_least_and_range_most(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < 60; seed++) {
		uint64_t zapped[3][3] = {{0}};

		for (int i = 0; i < 9; i++) {
			char params[96];
			const struct setup s = {
				.kernel = kernels[seed % 3],
				.mode = (enum numa_mode)(1 + i / 3),
				.params = params,
				.chunk = (enum mmu_chunk)(i % 3)};
			struct rng rng = {seed};
			struct host h;

			snprintf(params, sizeof(params),
				 "size=2M,pinned=%u,block=%u,seed=%u",
				 seed * 7 % 101, 1 + seed * 37 % 300, seed);
			start(&h, &s);
			for (int n = 0; n < 1500; n++)
				touch(&h, (uint32_t)rng_below(&rng, 4 * TABLE));
			numa_scan(&h.numa, &h.lane.m);
			zapped[i / 3][i % 3] = count(&h, COUNT_unmap_zapped);
			assert_int_equal(zapped[i / 3][i % 3],
					 zapped[i / 3][0]);
			stop(&h);
		}
		assert_true(zapped[2][0] <= zapped[1][0]);
		assert_true(zapped[1][0] <= zapped[0][0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scan_protects_what_is_there),
		cmocka_unit_test(a_zap_takes_the_age),
		cmocka_unit_test(pinned_pages_are_zapped_for_nothing),
		cmocka_unit_test(nothing_changes_where_all_is_pinned),
		cmocka_unit_test(kernels_differ_in_how_far_a_range_goes),
		cmocka_unit_test(chunks_change_calls_only),
		cmocka_unit_test(precise_page_by_page_flushes_for_each),
		cmocka_unit_test(a_scan_goes_as_far_as_it_may),
		cmocka_unit_test(the_period_follows_size_and_faults),
		cmocka_unit_test(who_must_sleep_refuses_under_a_spinlock),
		cmocka_unit_test(a_gru_flushes_ranges),
		cmocka_unit_test(faults_retry_while_their_range_is_invalid),
		cmocka_unit_test(a_page_that_moves_is_invalidated_again),
		cmocka_unit_test(precise_zaps_least_and_range_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

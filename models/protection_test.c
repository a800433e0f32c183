/* SPDX-License-Identifier: MIT */
/* memory.min, memory.low, min_ttl_ms and kswapd, on every kernel. */
#include "base/test.h"
#include "models/mglru_internal.h"
#include "models/test_lane.h"

enum {
	NPAGES = 2 * PTRS_PER_PTE,
	USED = 800,
};

struct fixture {
	uint64_t word[NPAGES];
	struct pages pages;
	struct lane lane;
};

static void set_up(struct fixture *f, const struct mglru_version *version)
{
	*f = (struct fixture){.pages = {.word = f->word, .npages = NPAGES}};
	assert_int_equal(lane_init(&f->lane, &f->pages, 0, "batched", NULL,
				   UINT64_MAX),
			 0);
	f->lane.m.version = version;
	for (uint32_t page = 0; page < USED; page++)
		lane_access(&f->lane, page);
}

static uint64_t evictions(const struct fixture *f)
{
	return f->lane.counters.n[COUNT_evictions];
}

/* A node with @free pages, of which kswapd wants more than @high. */
static struct reclaim balance(struct fixture *f, uint64_t free, uint64_t high,
			      uint64_t min_ttl_ns)
{
	const struct reclaim_node node = {.pages = f->lane.m.resident + free,
					  .high = high,
					  .min_ttl_ns = min_ttl_ns};
	struct reclaim r;

	reclaim_begin_kswapd(&r, &f->lane.m, &node);
	while (reclaim_step(&r, &f->lane.m, f->lane.now_ns))
		;
	return r;
}

static void nobody_takes_what_memory_min_keeps(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t v = 0; mglru_versions[v]; v++) {
		set_up(&f, mglru_versions[v]);
		f.lane.m.is_nested = true;
		f.lane.m.memory_min = USED - 100;
		lane_reclaim(&f.lane, RECLAIM_PROACTIVE, USED, false);
		balance(&f, 0, USED, 0);
		/* each batch may be judged to its end */
		assert_in_range(f.lane.m.resident, USED - 100 - MIN_LRU_BATCH,
				USED - 100);
		assert_true(f.lane.counters.n[COUNT_protected_skips] > 0);
		lane_fini(&f.lane);
	}
}

/* memory.low gives way if there is nothing else. */
static void memory_low_yields_in_the_end(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t v = 0; mglru_versions[v]; v++) {
		set_up(&f, mglru_versions[v]);
		f.lane.m.is_nested = true;
		f.lane.m.memory_low = 2 * USED;
		lane_reclaim(&f.lane, RECLAIM_DIRECT, 1, false);
		assert_true(f.lane.counters.n[COUNT_protected_skips] > 0);
		assert_true(evictions(&f) >= SWAP_CLUSTER_MAX);
		lane_fini(&f.lane);
	}
}

static void a_memcg_is_not_protected_from_its_own_limit(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t v = 0; mglru_versions[v]; v++) {
		set_up(&f, mglru_versions[v]);
		f.lane.m.memory_min = f.lane.m.memory_low = 2 * USED;
		lane_reclaim(&f.lane, RECLAIM_DIRECT, 1, false);
		assert_int_equal(f.lane.counters.n[COUNT_protected_skips], 0);
		assert_true(evictions(&f) >= SWAP_CLUSTER_MAX);
		lane_fini(&f.lane);
	}
}

/* Nothing charged is within nothing protected: 6.1 does not ask who reclaims, and
 * leaves alone what 6.12 ages.  Return: the generations that one attempt added. */
static uint64_t ages_of_an_empty_memcg(const struct mglru_version *version)
{
	struct fixture f;
	uint64_t max_seq;

	set_up(&f, version);
	while (f.lane.m.resident)
		lane_reclaim(&f.lane, RECLAIM_PROACTIVE, USED, false);
	max_seq = f.lane.m.max_seq;
	lane_reclaim(&f.lane, RECLAIM_PROACTIVE, 1, false);
	max_seq = f.lane.m.max_seq - max_seq;
	lane_fini(&f.lane);
	return max_seq;
}

static void only_6_1_leaves_an_empty_memcg_alone(void **state)
{
	(void)state;
	assert_int_equal(ages_of_an_empty_memcg(&mglru_6_1), 0);
	assert_true(ages_of_an_empty_memcg(&mglru_6_12) > 0);
}

/* Only 7.2 scans less of a memcg the more of it is protected. */
static void a_share_is_spared_in_7_2(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t v = 0; mglru_versions[v]; v++) {
		uint64_t all, rest;

		set_up(&f, mglru_versions[v]);
		f.lane.m.is_nested = true;
		lane_reclaim(&f.lane, RECLAIM_DIRECT, 300, false);
		all = evictions(&f);
		lane_fini(&f.lane);
		set_up(&f, mglru_versions[v]);
		f.lane.m.is_nested = true;
		f.lane.m.memory_low = USED / 2;
		lane_reclaim(&f.lane, RECLAIM_DIRECT, 300, false);
		rest = evictions(&f);
		lane_fini(&f.lane);
		if (mglru_versions[v]->apply_proportional_protection)
			assert_int_not_equal(all, rest);
		else
			assert_int_equal(all, rest);
	}
}

static void kswapd_stops_above_the_high_watermark(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t v = 0; mglru_versions[v]; v++) {
		struct reclaim r = {.reclaimed = 0};

		set_up(&f, mglru_versions[v]);
		balance(&f, 101, 100, 0); /* balanced already */
		assert_int_equal(evictions(&f), 0);
		/* all is young: it may take more than one attempt */
		for (int i = 0; i < 16 && f.lane.m.resident == USED; i++)
			r = balance(&f, 20, 100, 0);
		assert_true(r.node.pages - f.lane.m.resident > 100);
		assert_true(f.lane.m.resident > USED / 2);
		assert_int_equal(r.reclaimed, evictions(&f));
		lane_fini(&f.lane);
	}
}

/* kswapd calls the OOM killer if the oldest generation is younger than that. */
static void min_ttl_calls_the_oom_killer(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t v = 0; mglru_versions[v]; v++) {
		const uint64_t *ooms = &f.lane.counters.n[COUNT_min_ttl_ooms];

		set_up(&f, mglru_versions[v]);
		balance(&f, 0, 100, 0);
		assert_int_equal(*ooms, 0);
		balance(&f, 0, 100, 1000 * f.lane.now_ns);
		assert_true(*ooms > 0);
		lane_fini(&f.lane);
	}
}

/* 6.1 ages before it evicts; later kernels leave aging to the eviction. */
static void only_6_1_ages_beforehand(void **state)
{
	struct fixture f;
	int nr_agers = 0;

	(void)state;
	for (size_t v = 0; mglru_versions[v]; v++) {
		struct reclaim r = {.kind = RECLAIM_AGE};
		const struct reclaim_node node = {.pages = USED, .high = 1};

		set_up(&f, mglru_versions[v]);
		reclaim_begin_kswapd(&r, &f.lane.m, &node);
		while (reclaim_step(&r, &f.lane.m, 0) && !r.ages_node)
			;
		nr_agers += r.ages_node;
		assert_int_equal(r.ages_node,
				 mglru_versions[v]->lru_gen_age_node);
		lane_fini(&f.lane);
	}
	assert_int_equal(nr_agers, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_takes_what_memory_min_keeps),
		cmocka_unit_test(memory_low_yields_in_the_end),
		cmocka_unit_test(a_memcg_is_not_protected_from_its_own_limit),
		cmocka_unit_test(only_6_1_leaves_an_empty_memcg_alone),
		cmocka_unit_test(a_share_is_spared_in_7_2),
		cmocka_unit_test(kswapd_stops_above_the_high_watermark),
		cmocka_unit_test(min_ttl_calls_the_oom_killer),
		cmocka_unit_test(only_6_1_ages_beforehand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

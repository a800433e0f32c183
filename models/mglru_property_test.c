/* SPDX-License-Identifier: MIT */
/* What the counters of a lane must add up to, for every policy on every kernel. */
#include "base/rng.h"
#include "base/test.h"
#include "models/mglru_internal.h"
#include "models/test_lane.h"

enum {
	NPAGES = 2 * PTRS_PER_PTE,
	FOOTPRINT = 400,
	LIMIT = 250,
	ACCESSES = 20000,
};

struct fixture {
	uint64_t word[NPAGES];
	struct pages pages;
	struct rng rng;
	struct lane lane;
};

/* All policies on all kernels, one after the other.  Return: false at the end. */
struct combination {
	size_t version, policy;
};

static bool next(struct combination *c)
{
	if (c->policy && !policies[c->policy].name) {
		c->policy = 0;
		c->version++;
	}
	return mglru_versions[c->version] != NULL;
}

static void set_up(struct fixture *f, struct combination *c, uint64_t limit)
{
	const char *policy = policies[c->policy++].name;

	*f = (struct fixture){.rng = {5}};
	f->pages = (struct pages){.word = f->word, .npages = NPAGES};
	assert_int_equal(lane_init(&f->lane, &f->pages, 0, policy, NULL, limit),
			 0);
	f->lane.m.version = mglru_versions[c->version];
}

/* Hot pages first, spread over both tables. */
static uint32_t pick(struct rng *rng)
{
	double u = rng_unit(rng);

	return (uint32_t)(u * u * FOOTPRINT) * 2;
}

static void access_pages(struct fixture *f, int n)
{
	while (n--)
		lane_access(&f->lane, pick(&f->rng));
}

static uint64_t pages_with(const struct mglru *m, uint16_t flag)
{
	uint64_t n = 0;

	for (uint32_t page = 0; page < m->npages; page++)
		n += (m->flags[page] & flag) != 0;
	return n;
}

static void faults_and_evictions_add_up(void **state)
{
	struct combination c = {0};
	struct fixture f;

	(void)state;
	while (next(&c)) {
		const uint64_t *n = f.lane.counters.n;

		set_up(&f, &c, LIMIT);
		access_pages(&f, ACCESSES);
		assert_true(n[COUNT_evictions] > FOOTPRINT);
		assert_int_equal(n[COUNT_refaults] + n[COUNT_first_touches] +
					 n[COUNT_swap_cache_faults],
				 n[COUNT_faults]);
		assert_int_equal(n[COUNT_evictions] - n[COUNT_refaults],
				 pages_with(&f.lane.m, PAGE_SHADOW));
		assert_int_equal(n[COUNT_faults] - n[COUNT_swap_cache_faults] -
					 n[COUNT_evictions],
				 f.lane.m.resident);
		assert_int_equal(n[COUNT_scanned], n[COUNT_evictions] +
							   n[COUNT_kept] +
							   n[COUNT_busy]);
		assert_int_equal(n[COUNT_lock_write_unmap],
				 2 * n[COUNT_calls_unmap]);
		lane_fini(&f.lane);
	}
}

/* A page may be given back between its isolation and its verdict. */
static void only_discards_escape_their_verdict(void **state)
{
	struct combination c = {0};
	struct fixture f;
	uint64_t escaped = 0;

	(void)state;
	while (next(&c)) {
		const uint64_t *n = f.lane.counters.n;
		uint64_t discarded = 0, judged;
		struct reclaim r;

		set_up(&f, &c, UINT64_MAX);
		access_pages(&f, ACCESSES);
		reclaim_begin(&r, &f.lane.m, RECLAIM_PROACTIVE, LIMIT, false);
		while (reclaim_step(&r, &f.lane.m, 0)) {
			uint32_t page = pick(&f.rng);
			uint16_t flags = f.lane.m.flags[page];

			if (rng_below(&f.rng, 4))
				continue;
			discarded += (flags & PAGE_RESIDENT) &&
				     page_gen(&f.lane.m, page) < 0 &&
				     r.batch.at < r.batch.n;
			mglru_discard(&f.lane.m, page);
		}
		judged = n[COUNT_evictions] + n[COUNT_kept] + n[COUNT_busy];
		assert_in_range(n[COUNT_scanned], judged, judged + discarded);
		escaped += n[COUNT_scanned] - judged;
		lane_fini(&f.lane);
	}
	assert_true(escaped > 0);
}

static void enough_memory_means_no_eviction(void **state)
{
	struct combination c = {0};
	struct fixture f;

	(void)state;
	while (next(&c)) {
		const uint64_t *n = f.lane.counters.n;

		set_up(&f, &c, FOOTPRINT);
		access_pages(&f, ACCESSES);
		assert_int_equal(n[COUNT_evictions], 0);
		assert_int_equal(n[COUNT_reclaims], 0);
		assert_int_equal(n[COUNT_faults], n[COUNT_first_touches]);
		lane_fini(&f.lane);
	}
}

static void an_idle_pass_finds_nothing_young(void **state)
{
	struct combination c = {0};
	struct fixture f;

	(void)state;
	while (next(&c)) {
		const uint64_t *n = f.lane.counters.n;
		uint64_t young;

		set_up(&f, &c, UINT64_MAX);
		access_pages(&f, ACCESSES);
		lane_reclaim(&f.lane, RECLAIM_AGE, 0, true);
		young = n[COUNT_aging_young];
		assert_int_equal(young, f.lane.m.resident);
		lane_reclaim(&f.lane, RECLAIM_AGE, 0, true);
		assert_int_equal(n[COUNT_aging_young], young);
		lane_fini(&f.lane);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_and_evictions_add_up),
		cmocka_unit_test(only_discards_escape_their_verdict),
		cmocka_unit_test(enough_memory_means_no_eviction),
		cmocka_unit_test(an_idle_pass_finds_nothing_young),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

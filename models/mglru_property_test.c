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

/* Return: the digest of the evictions of a lane with aging passes. */
static uint64_t decisions(const char *policy, const char *mmu,
			  const char *params, const char *kernel)
{
	static struct fixture f;
	uint64_t digest;

	f = (struct fixture){.rng = {8}};
	f.pages = (struct pages){.word = f.word, .npages = NPAGES};
	assert_int_equal(lane_init_mmu(&f.lane, &f.pages, 0, policy, NULL,
				       LIMIT, mmu, params, kernel),
			 0);
	for (int i = 0; i < 20; i++) {
		access_pages(&f, ACCESSES / 20);
		lane_reclaim(&f.lane, RECLAIM_AGE, 0, true);
	}
	assert_true(f.lane.counters.n[COUNT_evictions] > FOOTPRINT);
	digest = f.lane.decisions;
	lane_fini(&f.lane);
	return digest;
}

/* Exits, rmaps and locks are a price, not an answer. */
static void kinds_that_tell_the_same_evict_the_same(void **state)
{
	static const struct {
		const char *mmu, *params, *kernel;
	} same[] = {
		{"tdp", NULL, "7.2"},
		{"tdp-noad", NULL, "6.12"},
		{"shadow", "chain=5", "7.2"},
		{"shadow-nested", "ad=on", "7.2"},
		{"arm64", "lock=rcu", "6.12"},
		{"arm64", "lock=rcu,af=fault", "7.2"},
	};

	(void)state;
	for (const struct policy_entry *e = policies; e->name; e++) {
		uint64_t digest = decisions(e->name, "tdp", NULL, "6.12");

		for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
			assert_int_equal(decisions(e->name, same[i].mmu,
						   same[i].params,
						   same[i].kernel),
					 digest);
	}
}

/* Nobody hears of their accesses, so it is all the same who is asked. */
static void devices_make_all_policies_evict_the_same(void **state)
{
	static const char *const devices[] = {"gru", "xpmem"};
	uint64_t digest = decisions(policies[0].name, "gru", NULL, "6.12");

	(void)state;
	assert_int_not_equal(digest, decisions("batched", "tdp", NULL, "6.12"));
	for (const struct policy_entry *e = policies; e->name; e++)
		for (int i = 0; i < 2; i++)
			assert_int_equal(decisions(e->name, devices[i], NULL,
						   "6.12"),
					 digest);
}

/* Who is not asked leaves what a policy learns from its candidates. */
static void fast_only_on_a_locked_kind_evicts_as_rmap(void **state)
{
	(void)state;
	assert_int_equal(decisions("fast-only", "arm64", NULL, "6.12"),
			 decisions("rmap", "arm64", NULL, "6.12"));
	assert_int_not_equal(decisions("fast-only", "arm64", "lock=rcu",
				       "6.12"),
			     decisions("rmap", "arm64", NULL, "6.12"));
}

/* The shadow MMU of any kernel answers: with hardware's bits as the TDP MMU does. */
static void fast_only_on_a_shadow_mmu_decides_as_on_tdp(void **state)
{
	static const char *const kernels[] = {"6.1", "6.12", "7.2"};

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			decisions("fast-only", "shadow", NULL, kernels[i]),
			decisions("fast-only", "tdp", NULL, kernels[i]));
	assert_int_not_equal(decisions("fast-only", "shadow", NULL, "6.12"),
			     decisions("rmap", "shadow", NULL, "6.12"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_and_evictions_add_up),
		cmocka_unit_test(only_discards_escape_their_verdict),
		cmocka_unit_test(enough_memory_means_no_eviction),
		cmocka_unit_test(an_idle_pass_finds_nothing_young),
		cmocka_unit_test(kinds_that_tell_the_same_evict_the_same),
		cmocka_unit_test(devices_make_all_policies_evict_the_same),
		cmocka_unit_test(fast_only_on_a_locked_kind_evicts_as_rmap),
		cmocka_unit_test(fast_only_on_a_shadow_mmu_decides_as_on_tdp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

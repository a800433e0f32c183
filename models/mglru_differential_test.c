/* SPDX-License-Identifier: MIT */
/*
 * The model against its naive twin: both get the same random events and must agree
 * on all state after each of them.  The twin runs a request as plain loops; at each
 * of its pauses the model takes one step and further events may strike
 * (test_twin_events.c).
 */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/test.h"
#include "models/mglru_internal.h"
#include "models/naive_kinds.h"
#include "models/spte.h"
#include "models/test_twin.h"

/* Sanitizers, which take ten times as long, get a part: what they look for is on every
 * path, while that rare events come together is asked of plain builds. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum {
	IS_WHOLE = 0,
	SEEDS = 1,
	EVENTS = 800,
	KIND_EVENTS = 150, /* per policy on each kind */
	HUGE_RUNS = 24,
	FOLIO_RUNS = 8,
};
#else
enum {
	IS_WHOLE = 1,
	SEEDS = 6,
	EVENTS = 1500,
	KIND_EVENTS = 400,
	HUGE_RUNS = 48,
	FOLIO_RUNS = 24,
};
#endif

enum {
	HUGE_EVENTS = 200,
	FOLIO_EVENTS = 1500,
};

struct config {
	const char *name;
	enum naive_policy policy;
	char params[64];
	uint32_t batch;
	enum naive_lock lock;
	bool has_two_calls, has_no_walk;
	bool has_flush, must_flush, must_not_flush;
	const struct naive_kind_case *kind; /* NULL: the first one */
};

static const struct config configs[] = {
	{"none", NAIVE_NONE, .params = ""},
	{"rmap", NAIVE_RMAP, .params = ""},
	{"rmap", NAIVE_RMAP, "flush=on", .must_flush = true},
	{"rmap", NAIVE_RMAP, "flush=off", .must_not_flush = true},
	{"batched", NAIVE_BATCHED, .batch = 64},
	{"batched", NAIVE_BATCHED, "batch=1,lock=read", .batch = 1,
	 .lock = NAIVE_LOCK_READ},
	{"batched", NAIVE_BATCHED, "batch=7,calls=2", .batch = 7,
	 .has_two_calls = true},
	{"batched", NAIVE_BATCHED, "walk=0", .batch = 64, .has_no_walk = true},
	{"fast-only", NAIVE_FAST_ONLY, .params = ""},
	{"fast-only", NAIVE_FAST_ONLY, "walk=0", .has_no_walk = true},
	{.name = NULL},
};

/* Mostly with files, at the ends of swappiness and in between. */
static void mix(struct twin *t, enum naive_version version)
{
	static const unsigned int ends[] = {0, 1, 2, DEF_SWAPPINESS, 199, 200};
	unsigned int swappiness = (unsigned int)rng_below(&t->rng, 201);

	if (rng_below(&t->rng, 2))
		swappiness = ends[rng_below(&t->rng, 6)];
	if (version == NAIVE_7_2 && rng_below(&t->rng, 8) == 0)
		swappiness = SWAPPINESS_ANON_ONLY;
	t->lane.m.is_nested = t->naive.is_nested = rng_below(&t->rng, 2);
	if (rng_below(&t->rng, 2) == 0) {
		t->lane.m.memory_min = rng_below(&t->rng, TWIN_USED / 3);
		t->lane.m.memory_low = rng_below(&t->rng, TWIN_USED / 2);
	}
	t->naive.memory_min = t->lane.m.memory_min;
	t->naive.memory_low = t->lane.m.memory_low;
	t->naive.now_ns = &t->lane.now_ns;
	t->naive.nr_anon = TWIN_PAGES;
	if (rng_below(&t->rng, 2))
		t->naive.nr_anon = TWIN_ANON;
	else if (!swappiness)
		swappiness = DEF_SWAPPINESS;
	t->naive.swappiness = (int)swappiness;
	t->lane.m.swappiness = swappiness;
	t->lane.m.file_first = t->naive.nr_anon;
}

/* A third of the runs swap to a disk, with windows of 1 to 32 pages. */
static void use_ssd(struct twin *t)
{
	unsigned int page_cluster = (unsigned int)(rng_mix(t->seed) % 7);

	if (t->seed % 3 != 1)
		return;
	t->naive.has_disk = true;
	t->naive.page_cluster = page_cluster;
	assert_int_equal(mglru_use_ssd(&t->lane.m, page_cluster, NULL), 0);
}

static void run(const struct config *c, enum naive_version version,
		uint64_t seed, int events, struct counters *sum)
{
	const struct naive_kind_case *kind = c->kind ? c->kind : naive_kinds;
	struct twin *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->seed = t->rng.state = seed;
	t->pages = (struct pages){.word = t->word, .npages = TWIN_PAGES};
	assert_int_equal(
		lane_init_mmu(&t->lane, &t->pages, 5, c->name, c->params,
			      TWIN_USED / 4 + rng_below(&t->rng, TWIN_USED),
			      kind->name, kind->params, kind->kernel),
		0);
	if (kind->is.is_thp)
		t->lane.limit *= 4;
	t->lane.m.version = mglru_versions[version];
	t->lane.m.never_sleeps = false;
	t->naive.version = version;
	t->naive.policy = c->policy;
	t->naive.batch = c->batch;
	t->naive.lock = c->lock;
	t->naive.has_two_calls = c->has_two_calls;
	t->naive.has_no_walk = c->has_no_walk;
	t->naive.must_flush = c->must_flush;
	t->naive.must_not_flush = c->must_not_flush;
	t->naive.has_flush = c->has_flush;
	t->naive.kind = kind->is;
	for (uint32_t table = 0; table < TWIN_TABLES; table++)
		t->naive.kind.is_nested[table] = rng_mix(table + 1) % 100 <
						 kind->nested_share;
	t->naive.npages = TWIN_PAGES;
	mix(t, version);
	use_ssd(t);
	t->naive.pause = twin_pause;
	t->naive.arg = t;
	twin_balance(t);
	naive_init(&t->naive);
	for (int i = 0; i < events; i++)
		twin_next_event(t);
	for (int i = 0; i < NR_COUNTERS; i++)
		sum->n[i] += t->lane.counters.n[i];
	twin_balance_end(t);
	lane_fini(&t->lane);
	free(t);
}

/* A trace that reaches less compares less. */
static void assert_reached(enum naive_version version,
			   const struct counters *sum)
{
	static const enum counter engines[] = {COUNT_accesses,
					       COUNT_wrong_evictions,
					       COUNT_wrong_evictions_120s,
					       COUNT_same_epoch_evictions,
					       COUNT_failed_reclaims,
					       COUNT_retried_faults,
					       COUNT_tables_inflated,
					       COUNT_first_looks};
	/* before 7.2 one look is enough */
	size_t nr_expected =
		sizeof(engines) / sizeof(engines[0]) - (version == NAIVE_7_2);
	size_t nr_unreached = 0;

	for (int i = 0; i < NR_COUNTERS; i++) {
		bool is_expected = false;

		for (size_t k = 0; k < nr_expected; k++)
			is_expected |= engines[k] == (enum counter)i;
		if (sum->n[i] < 100 && !is_expected)
			fail_msg("%s: only %llu %s",
				 mglru_versions[version]->name,
				 (unsigned long long)sum->n[i],
				 counter_info[i].name);
		nr_unreached += sum->n[i] < 100;
	}
	assert_int_equal(nr_unreached, nr_expected);
}

static void run_kinds(enum naive_version version, struct counters *sum)
{
	for (const struct naive_kind_case *k = naive_kinds + 1; k->name; k++)
		for (size_t i = 0; configs[i].name; i++) {
			struct config c = configs[i];

			c.kind = k;
			run(&c, version, 3000 + i, KIND_EVENTS, sum);
		}
}

static void model_and_naive_twin_agree(void **state)
{
	(void)state;
	for (enum naive_version v = NAIVE_6_1; v <= NAIVE_7_2; v++) {
		struct counters sum = {0};

		for (size_t i = 0; configs[i].name; i++)
			for (uint64_t seed = 0; seed < SEEDS; seed++)
				run(&configs[i], v, 100 * i + seed, EVENTS,
				    &sum);
		run_kinds(v, &sum);
		if (IS_WHOLE)
			assert_reached(v, &sum);
	}
}

/* Every lock with every number of calls, in odd and even batches, on every kind. */
static void they_agree_whatever_the_batches_are(void **state)
{
	static const char *const locks[] = {"write", "read", "none"};
	static const uint32_t batches[] = {1, 2, 64, 65, 511, 512};
	struct counters sum = {0};
	unsigned int nr_kinds = 0;

	(void)state;
	while (naive_kinds[nr_kinds].name)
		nr_kinds++;
	for (unsigned int i = 0; i < 6 * 3 * 2 * 4; i++) {
		struct config c = {"batched",
				   NAIVE_BATCHED,
				   .batch = batches[i % 6],
				   .lock = (enum naive_lock)(i / 6 % 3),
				   .has_two_calls = i / 18 % 2,
				   .has_flush = i / 36 % 2,
				   .kind = &naive_kinds[i * 7 % nr_kinds]};

		snprintf(c.params, sizeof(c.params),
			 "batch=%u,lock=%s,calls=%d,flush=%d", c.batch,
			 locks[c.lock], 1 + c.has_two_calls, c.has_flush);
		run(&c, (enum naive_version)(i % 3), 9000 + i,
		    i < 36 ? EVENTS : KIND_EVENTS, &sum);
	}
	assert_true(sum.n[COUNT_evictions] > (IS_WHOLE ? 10000 : 3000));
	assert_true(sum.n[COUNT_flushes] > sum.n[COUNT_flushes_unmap]);
}

/* Tables are huge once at most, so many short lives. */
static void they_agree_on_huge_folios(void **state)
{
	struct counters sum = {0};
	unsigned int nr_runs = 0;

	(void)state;
	for (const struct naive_kind_case *k = naive_kinds; k->name; k++)
		for (unsigned int i = 0; i < HUGE_RUNS && k->is.is_thp; i++) {
			struct config c = configs[i % 8];

			c.kind = k;
			run(&c, (enum naive_version)(i / 8 % 3), 20000 + i,
			    HUGE_EVENTS, &sum);
			nr_runs++;
		}
	assert_true(nr_runs > HUGE_RUNS);
	assert_true(sum.n[COUNT_evictions] > nr_runs * PTRS_PER_PTE / 2);
}

/* Many pages of a table must be young before more of them matter to the filter. */
static void they_agree_on_folios_that_walks_take_together(void **state)
{
	struct counters sum = {0};

	(void)state;
	for (const struct naive_kind_case *k = naive_kinds; k->name; k++)
		for (unsigned int i = 0; i < FOLIO_RUNS && k->is.folio > 8;
		     i++) {
			struct config c = configs[i % 8];

			c.kind = k;
			run(&c, (enum naive_version)(i / 8 % 3), 30000 + i,
			    FOLIO_EVENTS, &sum);
		}
	assert_true(sum.n[COUNT_tables_inflated] > (IS_WHOLE ? 10 : 0));
}

static void every_kind_has_a_twin(void **state)
{
	(void)state;
	for (const struct mmu_entry *e = mmu_kinds; e->name; e++) {
		const struct naive_kind_case *k = naive_kinds;

		while (k->name && strcmp(k->name, e->name))
			k++;
		assert_string_equal(k->name ? k->name : "", e->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_has_a_twin),
		cmocka_unit_test(model_and_naive_twin_agree),
		cmocka_unit_test(they_agree_whatever_the_batches_are),
		cmocka_unit_test(they_agree_on_huge_folios),
		cmocka_unit_test(they_agree_on_folios_that_walks_take_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

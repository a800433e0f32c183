/* SPDX-License-Identifier: MIT */
/*
 * The model against its naive twin: both get the same random events and must agree
 * on all state after each of them.  The twin runs a request as plain loops; at each
 * of its pauses the model takes one step and further events may strike.
 */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/test.h"
#include "models/mglru_internal.h"
#include "models/naive_kinds.h"
#include "models/spte.h"
#include "models/test_twin.h"

enum {
	USED_PER_TABLE = 120, /* pages touched, from the table's first */
	USED = TWIN_TABLES * USED_PER_TABLE,
	HOT = 100, /* enough of a table to pass the Bloom filter */
	SEEDS = 5,
	EVENTS = 1500,
	KIND_EVENTS = 300, /* per policy on each kind */
};

struct config {
	const char *name;
	enum naive_policy policy;
	char params[64];
	uint32_t batch;
	enum naive_lock lock;
	bool has_two_calls, has_no_walk;
	const struct naive_kind_case *kind; /* NULL: the first one */
};

static const struct config configs[] = {
	{"none", NAIVE_NONE, .params = ""},
	{"rmap", NAIVE_RMAP, .params = ""},
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

/* One request on both; the twin drives. */
static void request(struct twin *t, enum reclaim_kind kind, uint64_t wanted,
		    bool force_scan)
{
	struct reclaim r;

	t->request[t->depth++] = &r;
	reclaim_begin(&r, &t->lane.m, kind, wanted, force_scan);
	if (kind == RECLAIM_AGE)
		naive_age(&t->naive, force_scan);
	else if (kind == RECLAIM_DIRECT)
		naive_direct_reclaim(&t->naive);
	else if (kind == RECLAIM_GENERATIONS)
		naive_evict_generations(&t->naive, wanted);
	else
		naive_memory_reclaim(&t->naive, wanted);
	twin_same(t, "last step", 0,
		  reclaim_step(&r, &t->lane.m, t->lane.now_ns), 0);
	t->depth--;
}

static void charge(struct twin *t, uint32_t page)
{
	if (!mglru_needs_charge(&t->lane.m, page) ||
	    t->lane.m.resident < t->lane.limit || t->depth == TWIN_NESTED_MAX)
		return;
	request(t, RECLAIM_DIRECT, 1, false);
}

static uint32_t used_page(uint32_t rank)
{
	return rank / USED_PER_TABLE * PTRS_PER_PTE + rank % USED_PER_TABLE;
}

static uint32_t pick(struct twin *t)
{
	double u = rng_unit(&t->rng);

	switch (rng_below(&t->rng, 8)) {
	case 0:
		return used_page((uint32_t)rng_below(&t->rng, USED));
	case 1:
	case 2:
		return used_page(t->cursor++ % USED);
	case 3:
	case 4:
		return used_page((uint32_t)(u * u * u * USED));
	default:
		return used_page((uint32_t)rng_below(&t->rng, HOT));
	}
}

/* What strikes while room is made may have mapped the page already. */
static void guest_access(struct twin *t, uint32_t page)
{
	uint64_t *word = &t->word[page];
	const uint64_t *unmaps = &t->lane.counters.n[COUNT_calls_unmap];
	uint64_t before = *unmaps;
	bool is_write = rng_below(&t->rng, 2), is_stale, is_hint;

	if (!(*word & t->lane.mmu.quiet))
		charge(t, page);
	is_hint = !(*word & t->lane.mmu.quiet) && twin_hint_fault(t, page);
	/* or something was invalidated elsewhere */
	is_stale = *unmaps != before || rng_below(&t->rng, 16) == 0;
	if (*word & t->lane.mmu.quiet)
		*word |= t->lane.mmu.accessed;
	else
		mglru_fault(&t->lane.m, page, t->lane.now_ns,
			    (is_write ? MGLRU_WRITE : 0) |
				    (is_stale ? MGLRU_STALE : 0) |
				    (is_hint ? MGLRU_HINT : 0));
	naive_guest_access(&t->naive, page, is_write, is_stale);
}

static void host_access(struct twin *t, uint32_t page)
{
	charge(t, page);
	twin_hint_fault(t, page);
	mglru_host_access(&t->lane.m, page, t->lane.now_ns);
	naive_host_access(&t->naive, page);
}

static void invalidate(struct twin *t, uint32_t page)
{
	uint32_t left = TWIN_PAGES - page;
	uint32_t most = left < WINDOW ? left : WINDOW;
	uint32_t count = left;

	if (rng_below(&t->rng, 16))
		count = 1 + (uint32_t)rng_below(&t->rng, most);

	mglru_invalidate(&t->lane.m, page, page + count, MMU_TRACE);
	naive_invalidate(&t->naive, page, count, NAIVE_RECORDED);
}

/* The VMM is scheduled. */
static void run_mm(struct twin *t)
{
	t->lane.m.has_run = true;
	t->naive.has_run = true;
}

static void discard(struct twin *t, uint32_t page)
{
	numa_forget(&t->numa, page);
	mglru_discard(&t->lane.m, page);
	naive_discard(&t->naive, page);
}

/* As if the page whose verdict is next had been activated before it was isolated:
 * by themselves few come to that. */
static void activate(struct twin *t)
{
	struct reclaim *r = t->depth ? t->request[t->depth - 1] : NULL;
	struct mglru *m = &t->lane.m;
	struct naive_list *l = &t->naive.activating;

	if (!r || r->batch.at >= r->batch.n ||
	    m->nr_activating + 1 == m->version->pagevec_size)
		return;
	m->activating[m->nr_activating++] = r->batch.page[r->batch.at];
	l->page[l->n++] = r->batch.page[r->batch.at];
}

/* What may strike at any time, even between the steps of a request. */
static void strike(struct twin *t)
{
	uint32_t page = pick(t);

	t->events++;
	t->lane.now_ns += 1000;
	switch (rng_below(&t->rng, 64)) {
	case 0:
	case 1:
	case 2:
	case 3:
		invalidate(t, page);
		break;
	case 4:
		discard(t, page);
		break;
	case 5:
	case 6:
		host_access(t, page);
		break;
	case 7:
		run_mm(t);
		break;
	case 8:
		if (rng_below(&t->rng, 4) == 0)
			twin_scan(t);
		break;
	default:
		if (rng_below(&t->rng, 3))
			guest_access(t, page);
		else
			activate(t);
	}
	twin_compare(t);
}

static void step_model(void *arg, uint32_t work)
{
	struct twin *t = arg;
	struct reclaim *r = t->request[t->depth - 1];

	twin_same(t, "step", 0, reclaim_step(r, &t->lane.m, t->lane.now_ns),
		  work);
	if (t->depth == TWIN_NESTED_MAX)
		return;
	while (rng_below(&t->rng, 8) == 0)
		strike(t);
}

/* A past of many refaults: so few pages would never reach the PID's floor. */
static void change_past(struct twin *t)
{
	for (int tier = 0; tier < MAX_NR_TIERS; tier++) {
		uint64_t refaulted = rng_below(&t->rng, 400);
		uint64_t total = rng_below(&t->rng, 4000);

		t->lane.m.ctrl[tier].avg_refaulted = refaulted;
		t->lane.m.ctrl[tier].avg_total = total;
		t->naive.tier[tier].avg_refaulted = refaulted;
		t->naive.tier[tier].avg_total = total;
	}
}

static void next_event(struct twin *t)
{
	switch (rng_below(&t->rng, 100)) {
	case 2:
	case 3:
		change_past(t);
		break;
	case 0:
		request(t, RECLAIM_AGE, 0, rng_below(&t->rng, 2));
		break;
	case 1:
		request(t, RECLAIM_PROACTIVE, rng_below(&t->rng, 100), false);
		break;
	case 4:
		if (rng_below(&t->rng, 8) == 0)
			request(t, RECLAIM_GENERATIONS,
				rng_below(&t->rng, MAX_NR_GENS + 1), false);
		break;
	default:
		strike(t);
	}
	twin_compare(t);
}

static void run(const struct config *c, enum naive_version version,
		uint64_t seed, int events, struct counters *sum)
{
	const struct naive_kind_case *kind = c->kind ? c->kind : naive_kinds;
	struct twin *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->seed = t->rng.state = seed;
	t->pages = (struct pages){.word = t->word, .npages = TWIN_PAGES};
	assert_int_equal(lane_init_mmu(&t->lane, &t->pages, 5, c->name,
				       c->params,
				       USED / 4 + rng_below(&t->rng, USED),
				       kind->name, kind->params, kind->kernel),
			 0);
	t->lane.m.version = mglru_versions[version];
	t->lane.m.never_sleeps = false;
	t->naive.version = version;
	t->naive.policy = c->policy;
	t->naive.batch = c->batch;
	t->naive.lock = c->lock;
	t->naive.has_two_calls = c->has_two_calls;
	t->naive.has_no_walk = c->has_no_walk;
	t->naive.kind = kind->is;
	for (uint32_t table = 0; table < TWIN_TABLES; table++)
		t->naive.kind.is_nested[table] = rng_mix(table + 1) % 100 <
						 kind->nested_share;
	t->naive.npages = TWIN_PAGES;
	t->naive.pause = step_model;
	t->naive.arg = t;
	twin_balance(t);
	naive_init(&t->naive);
	for (int i = 0; i < events; i++)
		next_event(t);
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
					       COUNT_retried_faults};
	/* no zap marks a page in 7.2 */
	size_t nr_unreached = 0, expected = version == NAIVE_7_2;

	for (int i = 0; i < NR_COUNTERS; i++)
		nr_unreached += sum->n[i] < 100;
	expected += sizeof(engines) / sizeof(engines[0]);
	assert_int_equal(nr_unreached, expected);
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
				   .kind = &naive_kinds[i * 7 % nr_kinds]};

		snprintf(c.params, sizeof(c.params),
			 "batch=%u,lock=%s,calls=%d", c.batch, locks[c.lock],
			 1 + c.has_two_calls);
		run(&c, (enum naive_version)(i % 3), 9000 + i,
		    i < 36 ? EVENTS : KIND_EVENTS, &sum);
	}
	assert_true(sum.n[COUNT_evictions] > 10000);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

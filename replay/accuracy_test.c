/* SPDX-License-Identifier: MIT */
/*
 * Accuracy against its definition: a twin keeps every access of a random run in a log
 * and works all figures of a pass out from that, page by page, in quadratic time.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/test.h"
#include "models/mglru_internal.h"
#include "replay/test_replay.h"
#include "replay/test_trace.h"

enum {
	NPAGES = 2 * PTRS_PER_PTE,
	USED = 400,
	LIMIT = 250,
	HOT = 60,
	ACCESSES = 6000,
	STEP_NS = 1000,
	DURATION_NS = ACCESSES * STEP_NS,
};

struct twin {
	struct lane lane;
	struct pages pages;
	uint64_t word[NPAGES];
	struct truth truth;
	struct truth_access last[NPAGES];

	/* the log, by number of access minus one */
	uint32_t log_page[ACCESSES];
	uint64_t log_ns[ACCESSES];
	uint64_t logged; /* with the one that is being replayed */
	uint64_t now_ns;

	void (*aging_ends)(void *arg, uint64_t now_ns);
	void (*asked)(void *arg, enum mglru_asker who, uint32_t first,
		      uint64_t want, uint64_t young);
	uint64_t turn[NPAGES]; /* accesses done when a pass last judged it */
	bool is_judged[NPAGES];
	uint64_t born[MAX_NR_GENS]; /* accesses before a generation was made */
	struct accuracy_verdicts verdicts;
	uint64_t misplaced[MAX_NR_GENS][MAX_NR_GENS];
	uint64_t checked;
};

static void assert_near(double a, double b, double difference)
{
	if (fabs(a - b) > difference)
		fail_msg("%.17g is not %.17g", a, b);
}

/* Return: the number of the last access of @page, 0 if there was none. */
static uint64_t last_access(const struct twin *t, uint32_t page)
{
	uint64_t number = t->logged;

	while (number && t->log_page[number - 1] != page)
		number--;
	return number;
}

static uint64_t idle_ns(const struct twin *t, uint32_t page)
{
	return t->now_ns - t->log_ns[last_access(t, page) - 1];
}

static bool is_listed(const struct twin *t, uint32_t page)
{
	return (t->lane.mglru.flags[page] & PAGE_RESIDENT) &&
	       page_gen(&t->lane.mglru, page) >= 0;
}

static void judge(struct twin *t, uint32_t page, bool was_found)
{
	const struct mglru *m = &t->lane.mglru;
	bool is_called = was_found ||
			 page_gen(m, page) == (int)gen_from_seq(m->max_seq);
	bool is_young = last_access(t, page) > t->turn[page];

	t->verdicts.true_young += is_called && is_young;
	t->verdicts.false_young += is_called && !is_young;
	t->verdicts.true_old += !is_called && !is_young;
	t->verdicts.false_old += !is_called && is_young;
	if (!is_called)
		t->verdicts.staleness_ns += (double)idle_ns(t, page);
}

static void hear_ask(void *arg, enum mglru_asker who, uint32_t first,
		     uint64_t want, uint64_t young)
{
	struct twin *t = (struct twin *)arg; /* the lane is its first member */

	t->asked(arg, who, first, want, young);
	if (who != MGLRU_ASKS_WALK)
		return;
	for (uint32_t i = 0; i < WINDOW; i++) {
		if (want >> i & 1 && is_listed(t, first + i))
			judge(t, first + i, young >> i & 1);
		t->turn[first + i] = t->truth.done;
		t->is_judged[first + i] = true;
	}
}

/* Return: how many of all pages were accessed within @window_ns. */
static uint64_t accessed_within(const struct twin *t, uint64_t window_ns)
{
	uint64_t n = 0;

	for (uint32_t page = 0; page < USED; page++)
		n += last_access(t, page) && idle_ns(t, page) <= window_ns;
	return n;
}

static uint64_t gen_age_ns(const struct twin *t, int gen)
{
	return t->now_ns - t->lane.mglru.timestamps[gen];
}

static void check_working_sets(const struct twin *t,
			       const struct accuracy_pass *p)
{
	const struct mglru *m = &t->lane.mglru;

	for (int w = 0; w < ACCURACY_WINDOWS; w++) {
		uint64_t window_ns = t->lane.accuracy->window_ns[w], pages = 0;
		bool is_any = false;

		assert_int_equal(p->working_set[w].is_known,
				 window_ns && window_ns <= t->now_ns);
		if (!p->working_set[w].is_known)
			continue;
		assert_int_equal(p->working_set[w].accessed,
				 accessed_within(t, window_ns));
		for (uint64_t seq = mglru_oldest_seq(m); seq <= m->max_seq;
		     seq++)
			is_any |= gen_age_ns(t, (int)gen_from_seq(seq)) <=
				  window_ns;
		for (uint32_t page = 0; page < USED; page++)
			pages += is_listed(t, page) &&
				 gen_age_ns(t, page_gen(m, page)) <= window_ns;
		assert_int_equal(p->working_set[w].estimated,
				 is_any ? pages : UINT64_MAX);
	}
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double distance_s(uint64_t *a, uint64_t *b, size_t n)
{
	double sum = 0;

	qsort(a, n, sizeof(*a), by_value);
	qsort(b, n, sizeof(*b), by_value);
	for (size_t i = 0; i < n; i++)
		sum += a[i] > b[i] ? (double)(a[i] - b[i])
				   : (double)(b[i] - a[i]);
	return n ? sum / (double)n / 1e9 : 0;
}

/* The youngest generation that was there when @page was last accessed, or the oldest
 * of all. */
static uint64_t true_seq(const struct twin *t, uint32_t page)
{
	const struct mglru *m = &t->lane.mglru;

	for (uint64_t seq = m->max_seq; seq > mglru_oldest_seq(m); seq--)
		if (t->born[gen_from_seq(seq)] < last_access(t, page))
			return seq;
	return mglru_oldest_seq(m);
}

static void check_places(struct twin *t, const struct accuracy_pass *p)
{
	uint64_t truth[USED], again[USED], assigned[USED], exact[USED];
	const struct mglru *m = &t->lane.mglru;
	size_t n = 0;

	for (uint32_t page = 0; page < USED; page++) {
		uint64_t seq, was;

		if (!is_listed(t, page))
			continue;
		seq = true_seq(t, page);
		for (was = mglru_oldest_seq(m);
		     (int)gen_from_seq(was) != page_gen(m, page);)
			was++;
		t->misplaced[m->max_seq - seq][m->max_seq - was]++;
		truth[n] = again[n] = idle_ns(t, page);
		assigned[n] = gen_age_ns(t, page_gen(m, page));
		exact[n++] = gen_age_ns(t, (int)gen_from_seq(seq));
	}
	assert_int_equal(p->resident, n);
	assert_near(p->distance_s, distance_s(truth, assigned, n), 1e-12);
	assert_near(p->exact_distance_s, distance_s(again, exact, n), 1e-12);
	assert_memory_equal(t->misplaced, t->lane.accuracy->misplaced,
			    sizeof(t->misplaced));
}

static void check_verdicts(const struct accuracy_verdicts *a,
			   const struct accuracy_verdicts *b)
{
	assert_int_equal(a->true_young, b->true_young);
	assert_int_equal(a->false_young, b->false_young);
	assert_int_equal(a->true_old, b->true_old);
	assert_int_equal(a->false_old, b->false_old);
	assert_near(a->staleness_ns, b->staleness_ns, 0.5);
}

static void hear_end(void *arg, uint64_t now_ns)
{
	struct twin *t = (struct twin *)arg;
	const struct accuracy *a = t->lane.accuracy;
	const struct accuracy_pass *p;

	t->aging_ends(arg, now_ns);
	for (uint32_t page = 0; page < NPAGES; page++) {
		if (!t->is_judged[page] && is_listed(t, page))
			judge(t, page, false);
		if (!t->is_judged[page])
			t->turn[page] = t->truth.done;
		t->is_judged[page] = false;
	}
	p = &a->passes[a->nr_passes - 1];
	assert_int_equal(p->pass, a->nr_passes);
	assert_int_equal(p->end_ns, t->now_ns);
	check_verdicts(&p->verdicts, &t->verdicts);
	t->verdicts = (struct accuracy_verdicts){0};
	check_places(t, p);
	check_working_sets(t, p);
	t->born[gen_from_seq(t->lane.mglru.max_seq + 1)] = t->truth.done;
	t->checked++;
}

static void access_page(struct twin *t, uint32_t page)
{
	uint64_t *word = &t->word[page];

	t->log_page[t->logged] = page;
	t->log_ns[t->logged++] = t->now_ns;
	truth_begin(&t->truth, page, t->now_ns);
	*word |= t->lane.mmu.accessed;
	if (!(*word & t->lane.mmu.quiet))
		lane_access(&t->lane, page, t->now_ns, false);
	truth_end(&t->truth);
}

static struct twin *twin_new(struct lane_config *config, const char *policy)
{
	struct twin *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	*config = (struct lane_config){
		.policy = policy_find(policy),
		.version = mglru_version_find("6.12"),
		.mmu = mmu_find("tdp"),
		.driver = driver_find("limit"),
		.limit_pages = LIMIT,
	};
	assert_int_equal(param_parse(config->policy->ops->params,
				     config->policy_params, policy, NULL, NULL),
			 0);
	t->pages = (struct pages){.word = t->word, .npages = NPAGES};
	t->truth = (struct truth){.last = t->last, .ps_per_tick = 1000};
	assert_int_equal(lane_init(&t->lane, config, &t->pages, 4, NULL), 0);
	assert_int_equal(
		accuracy_attach(&t->lane, &t->truth, DURATION_NS, NULL), 0);
	t->aging_ends = t->lane.mglru.listener.aging_ends;
	t->asked = t->lane.mglru.listener.asked;
	t->lane.mglru.listener.aging_ends = hear_end;
	t->lane.mglru.listener.asked = hear_ask;
	return t;
}

/* A hot set that moves on, and cold pages; now and then a forced pass. */
static void run(const char *policy)
{
	struct lane_config config;
	struct twin *t = twin_new(&config, policy);
	struct rng rng = {3};

	for (uint32_t i = 0; i < ACCESSES; i++) {
		uint32_t base = i / (ACCESSES / 8) * 40;
		uint32_t page = rng_below(&rng, 5)
					? base + (uint32_t)rng_below(&rng, HOT)
					: (uint32_t)rng_below(&rng, USED);

		/* some at the same time as others */
		t->now_ns += rng_below(&rng, 3) ? STEP_NS : 0;
		access_page(t, page);
		if (!rng_below(&rng, 100))
			lane_reclaim_now(&t->lane, RECLAIM_AGE, 0, true,
					 t->now_ns);
		if (!rng_below(&rng, 500))
			mglru_discard(&t->lane.mglru, page);
	}
	assert_true(t->checked > 30);
	assert_int_equal(t->checked, t->lane.counters.n[COUNT_passes]);
	lane_fini(&t->lane);
	free(t);
}

static void all_figures_follow_from_the_accesses(void **state)
{
	(void)state;
	for (const struct policy_entry *e = policies; e->name; e++)
		run(e->name);
}

static void assert_same_decisions(const char *path)
{
	const struct engine_options plain = {.nr_samples = 16};
	const struct engine_options judged = {.nr_samples = 16,
					      .measures_accuracy = true};
	struct plan_request wanted =
		test_request("none,rmap,batched,fast-only", "20%,50%");
	struct outcome *a = test_replay(path, &plain, &wanted, 1000, 0, 8);
	struct outcome *b = test_replay(path, &judged, &wanted, 1000, 0, 8);

	assert_int_equal(a->plan.nr_lanes, 8);
	for (size_t i = 0; i < a->plan.nr_lanes; i++) {
		assert_memory_equal(&a->lanes[i].counters,
				    &b->lanes[i].counters,
				    sizeof(a->lanes[i].counters));
		assert_true(test_count(b, i, COUNT_passes) > 0);
		assert_null(a->lanes[i].accuracy);
		assert_int_equal(b->lanes[i].accuracy->nr_passes,
				 test_count(b, i, COUNT_passes));
	}
	test_outcome_free(a);
	test_outcome_free(b);
}

static struct accuracy_verdicts sum_verdicts(const struct accuracy *a)
{
	struct accuracy_verdicts sum = {0};

	for (size_t i = 0; i < a->nr_passes; i++) {
		sum.true_young += a->passes[i].verdicts.true_young;
		sum.false_young += a->passes[i].verdicts.false_young;
		sum.true_old += a->passes[i].verdicts.true_old;
		sum.false_old += a->passes[i].verdicts.false_old;
	}
	return sum;
}

/* Return: how many pages @a knows to be in another generation than their own. */
static uint64_t count_misplaced(const struct accuracy *a)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < MAX_NR_GENS; i++)
		for (unsigned int k = 0; k < MAX_NR_GENS; k++)
			n += i == k ? 0 : a->misplaced[i][k];
	return n;
}

/* With nobody else at the lists, a walk that asks every SPTE knows all. */
static void who_asks_about_every_page_knows_all(void **state)
{
	const struct engine_options judged = {.nr_samples = 1,
					      .measures_accuracy = true};
	struct plan_request wanted = test_request("none,batched,fast-only", "");
	char path[] = "/tmp/kage-accuracy-XXXXXX";
	int fd = mkstemp(path);
	struct outcome *o;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	test_trace_mixed(path, 1000, 30000, 1000, 1);
	wanted.driver = "proactive:period=1ms";
	o = test_replay(path, &judged, &wanted, 1000, 0, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct accuracy *a = o->lanes[i].accuracy;
		struct accuracy_verdicts sum = sum_verdicts(a);

		assert_true(a->nr_passes > 20);
		assert_true(sum.true_young > 500 && sum.true_old > 500);
		assert_int_equal(sum.false_young, 0);
		assert_int_equal(!sum.false_old, i > 0);
	}
	wanted.pace_ns = 0; /* no access comes between two windows */
	test_outcome_free(o);
	o = test_replay(path, &judged, &wanted, 1000, 0, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct accuracy *a = o->lanes[i].accuracy;

		assert_int_equal(!count_misplaced(a), i > 0);
		for (size_t k = 0; k < a->nr_passes && i; k++)
			assert_near(a->passes[k].distance_s,
				    a->passes[k].exact_distance_s, 1e-15);
	}
	test_outcome_free(o);
	unlink(path);
}

static void judging_changes_no_decision(void **state)
{
	char path[] = "/tmp/kage-accuracy-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	test_trace_mixed(path, 1000, 30000, 1000, 1);
	assert_same_decisions(path);
	test_trace_mixed_epochs(path, 1000, 30000, 1000, 1, 500000, false);
	assert_same_decisions(path);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_figures_follow_from_the_accesses),
		cmocka_unit_test(who_asks_about_every_page_knows_all),
		cmocka_unit_test(judging_changes_no_decision),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Scenarios on models: against the drivers that do the same, and what must hold of
 * every scenario.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/outbuf.h"
#include "base/rng.h"
#include "base/test.h"
#include "datasets/coarsen.h"
#include "replay/script.h"
#include "replay/test_replay.h"
#include "replay/test_trace.h"

enum {
	PAGES = 1500,
	ACCESSES = 30000,
	TICK_NS = 1000,
	EPOCH_NS = 1000000,
	FIRST_GFN = 0x100 /* of test_trace.c */
};

static char stream_path[64], cut_path[64], epoch_path[64], hashed_path[64],
	scenario_path[64];

static const struct engine_options defaults = {.nr_samples = 16};
static const char every_policy[] = "none,rmap,batched,fast-only";

static void write_scenario(const char *text)
{
	assert_int_equal(outbuf_replace_file(scenario_path, text, strlen(text),
					     NULL),
			 0);
}

static struct plan_request scripted(const char *names)
{
	static char driver[80];
	struct plan_request wanted = test_request(names, NULL);

	snprintf(driver, sizeof(driver), "script:%s", scenario_path);
	wanted.driver = driver;
	return wanted;
}

/* Replay @path by a scenario, in one pass of all policies. */
static struct outcome *play(const char *path, const char *text,
			    const char *names)
{
	struct plan_request wanted = scripted(names);

	write_scenario(text);
	return test_replay(path, &defaults, &wanted, PAGES, 0,
			   ENGINE_LANES_MAX);
}

static void assert_same_counters(const struct outcome *a,
				 const struct outcome *b)
{
	assert_int_equal(a->plan.nr_lanes, b->plan.nr_lanes);
	for (size_t i = 0; i < a->plan.nr_lanes; i++)
		for (int c = 0; c < NR_COUNTERS; c++)
			if (a->lanes[i].counters.n[c] !=
			    b->lanes[i].counters.n[c])
				fail_msg("lane %zu: %s differs", i,
					 counter_info[c].name);
}

/* A limit and all epochs are what the driver limit does, whatever the order, but that
 * the guest sleeps now and then, and aging may leave it out (SCENARIO.md). */
static void a_limited_scenario_is_the_limit_driver(void **state)
{
	static const char *const paths[] = {epoch_path, hashed_path};
	struct plan_request limited = test_request(every_policy, "40%");

	(void)state;

	for (size_t p = 0; p < 2; p++) {
		struct outcome *b =
			play(paths[p], "limit 40%\nepochs all", every_policy);
		struct outcome *a = test_replay(paths[p], &defaults, &limited,
						b->trace.footprint_pages, 0,
						ENGINE_LANES_MAX);

		assert_int_equal(a->trace.footprint_pages,
				 b->trace.footprint_pages);
		for (size_t i = 0; i < a->plan.nr_lanes; i++) {
			assert_int_equal(test_count(a, i, COUNT_first_touches),
					 test_count(b, i, COUNT_first_touches));
			assert_int_equal(a->lanes[i].limit_pages,
					 b->lanes[i].limit_pages);
			assert_true(test_count(b, i, COUNT_evictions) > 0);
		}
		assert_int_equal(a->trace.records, b->trace.records);
		assert_int_equal(a->trace.is_ordered, b->trace.is_ordered);
		assert_int_equal(a->lanes[0].nr_samples,
				 b->lanes[0].nr_samples);
		test_outcome_free(a);
		test_outcome_free(b);
	}
}

static void a_stream_plays_as_its_coarsened_self(void **state)
{
	const char *text = "limit 40%\nepochs 10\nage force\nepochs all";
	char with_epoch[128];
	struct outcome *a = play(cut_path, text, every_policy), *b;

	(void)state;
	snprintf(with_epoch, sizeof(with_epoch), "epoch 1ms\n%s", text);
	b = play(stream_path, with_epoch, every_policy);
	assert_true(test_count(a, 0, COUNT_evictions) > 0);
	assert_same_counters(a, b);
	test_outcome_free(a);
	test_outcome_free(b);
}

static void chunks_are_what_is_written_out(void **state)
{
	struct outcome *a = play(epoch_path,
				 "populate\nage force\nage force\n"
				 "reclaim 250 pages chunk 100 pages\nepochs 1",
				 every_policy);
	struct outcome *b =
		play(epoch_path,
		     "populate\nrepeat 2\nage force\nend\n"
		     "reclaim 100 pages\nepochs 1\nreclaim 100 pages\n"
		     "epochs 1\nreclaim 50 pages\nepochs 1",
		     every_policy);

	(void)state;
	assert_true(test_count(a, 0, COUNT_evictions) >= 250);
	assert_int_equal(test_count(a, 0, COUNT_reclaims), 3);
	assert_int_equal(a->lanes[0].script->steps[3].epochs, 2);
	assert_int_equal(a->lanes[0].script->steps[3].requests, 3);
	assert_same_counters(a, b);
	test_outcome_free(a);
	test_outcome_free(b);
}

/* In a frozen guest nothing sets the bits again, whoever is asked. */
static void a_frozen_reclaim_plays_no_epoch(void **state)
{
	struct outcome *o =
		play(epoch_path,
		     "populate\nfrozen\nreclaim 400 pages chunk 100 pages\nend",
		     "none");
	const struct scenario_results *r = o->lanes[0].script;

	(void)state;
	assert_int_equal(r->steps[1].epochs, 0);
	assert_int_equal(r->steps[1].requests, 4);
	assert_true(r->steps[1].nr_evicted >= 400);
	/* first in, first out: populate goes in gfn order */
	for (size_t i = 1; i < r->nr_evicted; i++)
		assert_true(r->evicted[i] > r->evicted[i - 1]);
	test_outcome_free(o);
}

/* A limit that is set evicts at once, and holds until it is lifted. */
static void limits_come_and_go(void **state)
{
	struct outcome *o = play(epoch_path,
				 "populate\nlimit 500 pages\nsnapshot a\n"
				 "sweep 0-999\nlimit none\npopulate\n"
				 "snapshot b",
				 every_policy);

	(void)state;
	for (size_t i = 0; i < o->plan.nr_lanes; i++) {
		const struct scenario_results *r = o->lanes[i].script;

		uint64_t pages = r->footprint_pages;

		assert_in_range(r->steps[1].nr_evicted, pages - 500,
				pages - 500 + 256);
		assert_in_range(r->steps[3].nr_evicted, 500, 1200);
		assert_int_equal(r->steps[5].nr_evicted, 0);
		assert_int_equal(o->lanes[i].mglru.resident, pages);
	}
	test_outcome_free(o);
}

static void unforced_aging_may_be_refused(void **state)
{
	struct outcome *o = play(epoch_path,
				 "populate\nage\nage force\nfrozen\n"
				 "evict-gen 3\nend\nage",
				 "none");
	const struct scenario_results *r = o->lanes[0].script;

	(void)state;
	assert_int_equal(r->steps[1].passes,
			 0); /* there are four generations */
	assert_int_equal(r->steps[2].passes, 1);
	assert_int_equal(r->steps[4].passes, 1); /* three are left */
	assert_int_equal(r->steps[0].passes, SCENARIO_UNKNOWN);
	test_outcome_free(o);
}

/* One random statement; some of them evict. */
static void put_statement(struct outbuf *out, struct rng *rng, bool may_evict)
{
	unsigned int kind = (unsigned int)rng_below(rng, may_evict ? 8 : 4);
	unsigned int n = 1 + (unsigned int)rng_below(rng, 300);

	switch (kind) {
	case 0:
		outbuf_printf(out, "populate\n");
		break;
	case 1:
		outbuf_printf(out, "epochs 1\n");
		break;
	case 2:
		outbuf_printf(out, "sweep %u-%u\n", n, 2 * n);
		break;
	case 3:
		outbuf_printf(out, n % 2 ? "age\n" : "age force\n");
		break;
	case 4:
		outbuf_printf(out, "reclaim %u pages chunk %u pages\n", n,
			      n / 2 + 1);
		break;
	case 5:
		outbuf_printf(out, "evict-gen %u\n", 2 + n % 2);
		break;
	case 6:
		outbuf_printf(out, "limit %u%%\n", 20 + n / 4);
		break;
	case 7:
		outbuf_printf(out, "frozen\nreclaim %u pages\nend\n", n);
		break;
	}
}

static void put_scenario(struct outbuf *out, uint64_t seed, bool may_evict)
{
	struct rng rng = {seed};

	for (unsigned int i = 0; i < 14; i++) {
		put_statement(out, &rng, may_evict);
		outbuf_printf(out, "snapshot s%u\n", i);
	}
}

static void only_what_evicts_evicts(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct outbuf text = {0};
		struct outcome *o;

		put_scenario(&text, seed, false);
		o = play(hashed_path, text.data, every_policy);
		for (size_t i = 0; i < o->plan.nr_lanes; i++) {
			assert_int_equal(test_count(o, i, COUNT_evictions), 0);
			assert_int_equal(o->lanes[i].script->nr_evicted, 0);
		}
		test_outcome_free(o);
		outbuf_fini(&text);
	}
}

/* What reclaim unmapped in the steps so far is what each snapshot counts. */
static void check_sums(const struct scenario_results *r, uint64_t unmaps)
{
	uint64_t sum = 0;
	size_t step = 0;

	for (size_t i = 0; i < r->nr_snapshots; i++) {
		const struct scenario_snapshot *s = &r->snapshots[i];
		uint64_t pages = 0;

		for (; step <= s->step; step++) {
			assert_int_equal(r->steps[step].first_evicted, sum);
			sum += r->steps[step].nr_evicted;
		}
		assert_int_equal(scenario_snapshot_value(s, "calls_unmap"),
				 sum);
		for (size_t g = 0; g < s->nr_generations; g++)
			pages += s->generations[g].anon;
		assert_int_equal(
			pages, scenario_snapshot_value(s, "faults") -
				       scenario_snapshot_value(s, "evictions") -
				       scenario_snapshot_value(
					       s, "swap_cache_faults"));
	}
	assert_int_equal(sum, unmaps);
	assert_int_equal(sum, r->nr_evicted);
}

/* No page is evicted twice by a step in which the guest stands still. */
static void check_repeats(const struct scenario_results *r)
{
	for (size_t i = 0; i < r->nr_steps; i++) {
		const struct scenario_outcome *o = &r->steps[i];
		uint8_t seen[PAGES] = {0};

		for (size_t k = 0; k < o->nr_evicted && !o->epochs; k++) {
			gfn_t gfn =
				r->evicted[o->first_evicted + k] - FIRST_GFN;

			assert_true(gfn < PAGES);
			if (!scenario_word_is_guest(o->word))
				assert_int_equal(seen[gfn]++, 0);
		}
	}
}

static void evictions_of_steps_add_up(void **state)
{
	uint64_t evictions = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 30; seed++) {
		struct outbuf text = {0};
		struct outcome *o;

		put_scenario(&text, seed, true);
		o = play(hashed_path, text.data, every_policy);
		for (size_t i = 0; i < o->plan.nr_lanes; i++) {
			uint64_t n = test_count(o, i, COUNT_calls_unmap);

			check_sums(o->lanes[i].script, n);
			check_repeats(o->lanes[i].script);
			assert_null(mglru_check(&o->lanes[i].mglru));
			evictions += n;
		}
		test_outcome_free(o);
		outbuf_fini(&text);
	}
	assert_true(evictions > 10000);
}

static void assert_same_results(const struct scenario_results *a,
				const struct scenario_results *b)
{
	assert_int_equal(a->nr_steps, b->nr_steps);
	assert_int_equal(a->nr_evicted, b->nr_evicted);
	assert_memory_equal(a->evicted, b->evicted,
			    a->nr_evicted * sizeof(*a->evicted));
	assert_int_equal(a->nr_snapshots, b->nr_snapshots);
	for (size_t i = 0; i < a->nr_snapshots; i++)
		for (size_t c = 0; c < a->snapshots[i].nr_counters; c++)
			assert_int_equal(a->snapshots[i].counters[c].value,
					 b->snapshots[i].counters[c].value);
}

static void lanes_do_not_disturb_each_other(void **state)
{
	struct outbuf text = {0};
	struct outcome *all;

	(void)state;
	put_scenario(&text, 3, true);
	all = play(hashed_path, text.data, every_policy);
	assert_int_equal(all->plan.nr_lanes, 4);
	for (size_t i = 0; i < 4; i++) {
		const struct scenario_results *r = all->lanes[i].script;
		struct plan_request wanted = scripted(r->policy);
		struct scenario_results one;
		struct status st = {""};

		/* as a request, parameters are behind colons */
		wanted.policies = all->plan.lanes[i].policy->name;
		if (script_replay(hashed_path, &defaults, &wanted, &one, &st))
			fail_msg("%s", st.message);
		assert_same_results(r, &one);
		assert_string_equal(one.policy, r->policy);
		assert_int_equal(one.footprint_pages, r->footprint_pages);
		scenario_results_fini(&one);
	}
	test_outcome_free(all);
	outbuf_fini(&text);
}

static void refuses(const char *path, const char *text, const char *names,
		    int error, const char *message)
{
	struct plan_request wanted = scripted(names);
	struct scenario_results r;
	struct status st = {""};

	write_scenario(text);
	assert_int_equal(script_replay(path, &defaults, &wanted, &r, &st),
			 error);
	if (!strstr(st.message, message))
		fail_msg("'%s' without '%s'", st.message, message);
	scenario_results_fini(&r);
}

static void what_does_not_fit_is_refused(void **state)
{
	struct plan_request limited = test_request("none", "50%");
	struct scenario_results r;

	(void)state;
	refuses(epoch_path, "epochs 31", "none", -EBADMSG,
		":1: the trace has 30 epochs, and 31 are played");
	refuses(epoch_path, "age\ngo", "none", -EBADMSG,
		":2: unknown word 'go'");
	refuses(epoch_path, "age", "none,rmap", -EINVAL, "of one policy");
	refuses(epoch_path, "age", "opt", -EINVAL, "needs --driver limit");
	refuses(stream_path, "age", "none", -EBADMSG, "say 'epoch TIME'");
	assert_int_equal(script_replay(epoch_path, &defaults, &limited, &r,
				       NULL),
			 -EINVAL);
}

static void every_failed_allocation_is_reported(void **state)
{
	struct plan_request wanted = scripted("rmap");
	unsigned long nth = 0;
	int ret;

	(void)state;
	write_scenario("populate\nlimit 80%\nepochs 2\nage force\n"
		       "reclaim 300 pages chunk 200 pages\nsnapshot a");
	do {
		struct scenario_results r;

		kage_alloc_fail_at(++nth);
		ret = script_replay(epoch_path, &defaults, &wanted, &r, NULL);
		assert_int_equal(ret, kage_alloc_failed() ? -ENOMEM : 0);
		scenario_results_fini(&r);
	} while (ret);
	kage_alloc_fail_at(0);
	assert_true(nth > 30);
}

static int make_traces(void **state)
{
	static const struct coarsen_job job = {.period = EPOCH_NS};

	(void)state;
	snprintf(stream_path, 64, "/tmp/kage-script-%d.s.kgt", getpid());
	snprintf(cut_path, 64, "/tmp/kage-script-%d.c.kgt", getpid());
	snprintf(epoch_path, 64, "/tmp/kage-script-%d.e.kgt", getpid());
	snprintf(hashed_path, 64, "/tmp/kage-script-%d.h.kgt", getpid());
	snprintf(scenario_path, 64, "/tmp/kage-script-%d.scn", getpid());
	test_trace_mixed(stream_path, PAGES, ACCESSES, TICK_NS, 5);
	test_coarsen(stream_path, cut_path, &job);
	test_trace_mixed_epochs(epoch_path, PAGES, ACCESSES, TICK_NS, 6,
				EPOCH_NS, true);
	test_trace_mixed_epochs(hashed_path, PAGES, ACCESSES, TICK_NS, 7,
				EPOCH_NS, false);
	return 0;
}

static int remove_traces(void **state)
{
	(void)state;
	unlink(stream_path);
	unlink(cut_path);
	unlink(epoch_path);
	unlink(hashed_path);
	unlink(scenario_path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_limited_scenario_is_the_limit_driver),
		cmocka_unit_test(a_stream_plays_as_its_coarsened_self),
		cmocka_unit_test(chunks_are_what_is_written_out),
		cmocka_unit_test(a_frozen_reclaim_plays_no_epoch),
		cmocka_unit_test(limits_come_and_go),
		cmocka_unit_test(unforced_aging_may_be_refused),
		cmocka_unit_test(only_what_evicts_evicts),
		cmocka_unit_test(evictions_of_steps_add_up),
		cmocka_unit_test(lanes_do_not_disturb_each_other),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(every_failed_allocation_is_reported),
	};

	return cmocka_run_group_tests(tests, make_traces, remove_traces);
}

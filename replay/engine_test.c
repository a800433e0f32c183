/* SPDX-License-Identifier: MIT */
/*
 * The engine: lanes do not disturb each other, epochs follow their rule, drivers
 * advance at their pace, bounds bound, and counters add up.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "replay/test_replay.h"
#include "replay/test_trace.h"

enum {
	PAGES = 3000,
	ACCESSES = 60000,
	TICK_NS = 1000
};

static char stream_path[64], epoch_path[64], hashed_path[64];

static const struct engine_options defaults = {.nr_samples = 16};
static const struct engine_options ahead = {.nr_samples = 16,
					    .reads_ahead = true};

/* Replay lanes [from, to) of the plan. */
static struct outcome *replay(const char *path,
			      const struct engine_options *options,
			      const struct plan_request *wanted, size_t from,
			      size_t to)
{
	return test_replay(path, options, wanted, PAGES, from, to);
}

static void assert_same_lane(const struct lane *a, const struct lane *b)
{
	assert_memory_equal(&a->counters, &b->counters, sizeof(a->counters));
	assert_memory_equal(a->refault_age, b->refault_age,
			    sizeof(a->refault_age));
	assert_int_equal(a->nr_samples, b->nr_samples);
	for (size_t i = 0; i < a->nr_samples; i++)
		assert_memory_equal(&a->samples[i].counters,
				    &b->samples[i].counters,
				    sizeof(a->counters));
	assert_int_equal(a->nr_generations, b->nr_generations);
}

static const char every_policy[] =
	"none,rmap,batched,batched:batch=7:calls=2,fast-only";

static void lanes_do_not_disturb_each_other(void **state)
{
	static const char *const paths[] = {stream_path, epoch_path,
					    hashed_path};
	struct plan_request wanted = test_request(every_policy, "20%,50%");

	(void)state;
	for (size_t p = 0; p < 3; p++) {
		struct outcome *all = replay(paths[p], &defaults, &wanted, 0,
					     ENGINE_LANES_MAX);

		assert_int_equal(all->plan.nr_lanes, 10);
		for (size_t i = 0; i < 10; i++) {
			struct outcome *one = replay(paths[p],
						     i % 2 ? &ahead : &defaults,
						     &wanted, i, i + 1);

			assert_same_lane(&one->lanes[0], &all->lanes[i]);
			test_outcome_free(one);
		}
		test_outcome_free(all);
	}
}

static void counters_add_up(void **state)
{
	struct plan_request wanted =
		test_request(every_policy, "10%,30%,90%,200%");
	struct outcome *o =
		replay(stream_path, &defaults, &wanted, 0, ENGINE_LANES_MAX);

	(void)state;
	for (size_t i = 0; i < o->plan.nr_lanes; i++) {
		const struct lane *l = &o->lanes[i];

		assert_int_equal(test_count(o, i, COUNT_faults),
				 test_count(o, i, COUNT_first_touches) +
					 test_count(o, i, COUNT_refaults) +
					 test_count(o, i,
						    COUNT_swap_cache_faults));
		assert_int_equal(test_count(o, i, COUNT_first_touches) +
					 test_count(o, i, COUNT_refaults) -
					 test_count(o, i, COUNT_evictions),
				 l->mglru.resident);
		assert_int_equal(test_count(o, i, COUNT_scanned),
				 test_count(o, i, COUNT_evictions) +
					 test_count(o, i, COUNT_busy) +
					 test_count(o, i, COUNT_kept));
		assert_int_equal(test_count(o, i, COUNT_first_touches),
				 o->trace.footprint_pages);
		assert_true(l->mglru.resident <= l->config->limit_pages);
		assert_int_equal(test_count(o, i, COUNT_failed_reclaims), 0);
		if (l->config->limit_pages >= o->trace.footprint_pages)
			assert_int_equal(test_count(o, i, COUNT_evictions), 0);
		else
			assert_true(test_count(o, i, COUNT_refaults) > 0);
		assert_null(mglru_check(&l->mglru));
	}
	test_outcome_free(o);
}

static void no_policy_beats_opt(void **state)
{
	struct plan_request wanted = test_request(every_policy, "10%,30%,60%");
	struct outcome *o =
		replay(stream_path, &defaults, &wanted, 0, ENGINE_LANES_MAX);
	struct engine_tape tape = {0};
	struct engine_trace trace;
	struct lane none;
	struct status st = {""};

	(void)state;
	assert_int_equal(engine_run(stream_path, &defaults, NULL, 0, &none,
				    &tape, &trace, &st),
			 0);
	assert_int_equal(tape.n, ACCESSES);
	for (size_t i = 0; i < o->plan.nr_lanes; i++) {
		const struct bound_trace accesses = {
			.page = tape.page, .n = tape.n, .npages = tape.npages};
		struct bound_result opt;

		assert_int_equal(bound_find("opt")->ops->run(
					 &accesses,
					 o->plan.lanes[i].limit_pages, NULL,
					 &opt, &st),
				 0);
		assert_true(opt.faults <= test_count(o, i, COUNT_faults));
		assert_int_equal(opt.faults - opt.refaults,
				 trace.footprint_pages);
	}
	engine_tape_fini(&tape);
	test_outcome_free(o);
}

/* Epochs as fine as the accesses themselves are the stream, but for the clock. */
static void finest_epochs_decide_as_the_stream(void **state)
{
	char path[] = "/tmp/kage-fine-XXXXXX.kgt";
	struct plan_request wanted = test_request(every_policy, "30%");
	struct outcome *a, *b;

	(void)state;
	close(mkstemps(path, 4));
	test_trace_mixed_epochs(path, PAGES, ACCESSES, TICK_NS, 1, TICK_NS,
				true);
	a = replay(stream_path, &defaults, &wanted, 0, ENGINE_LANES_MAX);
	b = replay(path, &defaults, &wanted, 0, ENGINE_LANES_MAX);
	for (size_t i = 0; i < a->plan.nr_lanes; i++)
		assert_memory_equal(&a->lanes[i].mglru.max_seq,
				    &b->lanes[i].mglru.max_seq, 8);
	for (size_t i = 0; i < a->plan.nr_lanes; i++)
		assert_int_equal(test_count(a, i, COUNT_refaults),
				 test_count(b, i, COUNT_refaults));
	test_outcome_free(a);
	test_outcome_free(b);
	unlink(path);
}

static void unknown_order_follows_the_seed(void **state)
{
	struct plan_request wanted = test_request("batched", "30%");
	struct engine_options other = defaults;
	struct outcome *a, *b, *c;

	(void)state;
	other.seed = 7;
	a = replay(hashed_path, &defaults, &wanted, 0, 1);
	b = replay(hashed_path, &defaults, &wanted, 0, 1);
	c = replay(hashed_path, &other, &wanted, 0, 1);
	assert_false(a->trace.is_ordered);
	assert_same_lane(&a->lanes[0], &b->lanes[0]);
	assert_true(memcmp(&a->lanes[0].counters, &c->lanes[0].counters,
			   sizeof(a->lanes[0].counters)));
	test_outcome_free(a);
	test_outcome_free(b);
	test_outcome_free(c);
}

/* 512 PTEs at 1 us each: a pass over 6 tables takes that long beside the guest. */
static void proactive_work_takes_virtual_time(void **state)
{
	struct plan_request wanted = test_request("fast-only", NULL);
	struct outcome *slow, *frozen;

	(void)state;
	wanted.driver = "proactive:period=5ms";
	wanted.pace_ns = 1000;
	slow = replay(stream_path, &defaults, &wanted, 0, 1);
	wanted.pace_ns = 0;
	frozen = replay(stream_path, &defaults, &wanted, 0, 1);
	assert_int_equal(test_count(frozen, 0, COUNT_passes),
			 (ACCESSES - 1) * (uint64_t)TICK_NS / 5000000);
	assert_true(test_count(slow, 0, COUNT_passes) >= 5);
	assert_true(slow->lanes[0].generations[0].end_ns >
		    frozen->lanes[0].generations[0].end_ns);
	assert_int_equal(frozen->lanes[0].generations[0].end_ns, 5000000);
	test_outcome_free(slow);
	test_outcome_free(frozen);

	wanted.driver = "proactive:period=5ms:pages=100";
	slow = replay(stream_path, &defaults, &wanted, 0, 1);
	assert_in_range(test_count(slow, 0, COUNT_evictions), 11 * 100,
			11 * 164);
	assert_true(test_count(slow, 0, COUNT_refaults) > 0);
	test_outcome_free(slow);
}

static void samples_of_an_epoch_trace_are_its_epochs(void **state)
{
	struct plan_request wanted = test_request("batched", "40%");
	const struct engine_options options = {0};
	struct outcome *o = replay(epoch_path, &options, &wanted, 0, 1);
	uint64_t faults = 0;

	(void)state;
	assert_int_equal(o->trace.totals.epochs, 60);
	assert_int_equal(o->lanes[0].nr_samples, 60);
	for (size_t i = 0; i < 60; i++) {
		const struct lane_sample *s = &o->lanes[0].samples[i];

		/* a boundary lies behind its epoch by less than a microsecond */
		assert_in_range(s->end_ns, (i + 1) * 1000000,
				(i + 1) * 1000000 + 1000);
		assert_true(s->counters.n[COUNT_faults] >= faults);
		faults = s->counters.n[COUNT_faults];
	}
	test_outcome_free(o);
}

static void idle_ages_count_every_resident_page(void **state)
{
	struct plan_request wanted = test_request("batched", "40%");
	struct engine_options options = defaults;
	struct outcome *o;

	(void)state;
	options.counts_idle_age = true;
	o = replay(stream_path, &options, &wanted, 0, 1);
	assert_int_equal(o->lanes[0].nr_samples, 16);
	for (size_t i = 0; i < 16; i++) {
		const struct lane_sample *s = &o->lanes[0].samples[i];
		uint64_t pages = 0;

		for (int b = 0; b < LANE_IDLE_BUCKETS; b++)
			pages += s->idle[b];
		assert_int_equal(pages, s->resident);
		assert_true(s->idle[0] > 0);
	}
	test_outcome_free(o);
}

/* A page given back leaves no shadow; a zapped one faults without a refault. */
static void events_other_than_accesses_are_obeyed(void **state)
{
	static const struct trace_event events[] = {
		{0, 0x100, 1, 0, TRACE_WRITE, 0},
		{10, 0x101, 1, 0, TRACE_WRITE, 0},
		{20, 0x100, 1, 0, TRACE_INVALIDATE, TRACE_REASON_NUMA},
		{30, 0x100, 1, 0, TRACE_READ, 0},
		{40, 0x101, 1, 0, TRACE_BALLOON, 0},
		{50, 0x101, 1, 0, TRACE_WRITE, 0},
		{60, 0x102, 1, 0, TRACE_HOST_WRITE, 0},
		{70, 0, 5, 0, TRACE_LOST, 0},
	};
	char path[] = "/tmp/kage-events-XXXXXX.kgt";
	struct plan_request wanted = test_request("batched", "100%");
	struct outcome *o;

	(void)state;
	close(mkstemps(path, 4));
	test_trace_events(path, 512, events, 8);
	o = replay(path, &defaults, &wanted, 0, 1);
	assert_int_equal(test_count(o, 0, COUNT_faults), 4);
	assert_int_equal(test_count(o, 0, COUNT_first_touches), 4);
	assert_int_equal(test_count(o, 0, COUNT_refaults), 0);
	assert_int_equal(o->lanes[0].mglru.resident, 3);
	assert_int_equal(o->trace.totals.lost, 5);
	test_outcome_free(o);
	unlink(path);
}

/* A zap of two windows and a page is one call, as the kernel made it, with one flush. */
static void range_is_zapped_in_one_call(void **state)
{
	static const struct trace_event events[] = {
		{0, 0x100, 1, 0, TRACE_WRITE, 0},
		{1, 0x180, 1, 0, TRACE_WRITE, 0},
		{2, 0x181, 1, 0, TRACE_WRITE, 0},
		{3, 0x100, 129, 0, TRACE_INVALIDATE, TRACE_REASON_NUMA},
		{4, 0x100, 1, 0, TRACE_WRITE, 0},
		{5, 0x180, 1, 0, TRACE_WRITE, 0},
		{6, 0x181, 1, 0, TRACE_WRITE, 0},
	};
	char path[] = "/tmp/kage-zap-XXXXXX.kgt";
	struct plan_request wanted = test_request("batched", "100%");
	struct outcome *o;

	(void)state;
	close(mkstemps(path, 4));
	test_trace_events(path, 512, events, 7);
	o = replay(path, &defaults, &wanted, 0, 1);
	assert_int_equal(test_count(o, 0, COUNT_calls_unmap), 1);
	assert_int_equal(test_count(o, 0, COUNT_flushes), 1);
	assert_int_equal(test_count(o, 0, COUNT_zap_faults), 2);
	assert_int_equal(test_count(o, 0, COUNT_faults), 5);
	test_outcome_free(o);
	unlink(path);
}

/* The daemon wakes behind the last access of each epoch and before its end. */
static void evictions_in_the_tail_belong_to_their_epoch(void **state)
{
	char path[] = "/tmp/kage-tail-XXXXXX.kgt";
	struct plan_request wanted = test_request("none", NULL);
	struct outcome *o;

	(void)state;
	close(mkstemps(path, 4));
	test_trace_all_touched(path, 200, 20, 1000, 1000000);
	wanted.driver = "proactive:period=1ms:pages=64";
	wanted.pace_ns = 0;
	o = replay(path, &defaults, &wanted, 0, 1);
	assert_true(test_count(o, 0, COUNT_evictions) > 0);
	assert_int_equal(test_count(o, 0, COUNT_same_epoch_evictions),
			 test_count(o, 0, COUNT_evictions));
	test_outcome_free(o);
	unlink(path);
}

static void clock_that_would_overflow_is_refused(void **state)
{
	static const struct trace_event events[] = {
		{0, 0x100, 1, 0, TRACE_WRITE, 0},
		{UINT64_C(1) << 54, 0x100, 1, 0, TRACE_WRITE, 0},
	};
	char path[] = "/tmp/kage-late-XXXXXX.kgt";
	struct engine_options options = defaults;
	struct engine_trace trace;
	struct status st = {""};
	struct lane none;

	(void)state;
	close(mkstemps(path, 4));
	test_trace_events(path, 512, events, 2);
	options.ps_per_tick = 511000;
	assert_int_equal(engine_run(path, &options, NULL, 0, &none, NULL,
				    &trace, &st),
			 0);
	options.ps_per_tick = 512000;
	assert_int_equal(engine_run(path, &options, NULL, 0, &none, NULL,
				    &trace, &st),
			 -EINVAL);
	assert_non_null(strstr(st.message, "--ns-per-tick"));
	unlink(path);
}

static void plans_hold_everything_by_default(void **state)
{
	struct plan_request wanted = test_request(NULL, "50%");
	struct status st = {""};
	struct plan plan;

	(void)state;
	assert_int_equal(plan_init(&plan, &wanted, 1000, &st), 0);
	assert_true(plan.nr_lanes >= 4);
	assert_int_equal(plan.nr_bounds, 3);
	plan_fini(&plan);
	wanted.limits = NULL;
	wanted.driver = "proactive";
	assert_int_equal(plan_init(&plan, &wanted, 1000, &st), 0);
	assert_int_equal(plan.nr_bounds, 0);
	plan_fini(&plan);
}

static void plans_refuse_what_makes_no_sense(void **state)
{
	static const struct {
		const char *policies, *limits, *driver, *says;
	} bad[] = {
		{"nonesuch", "50%", "limit", "known: none rmap"},
		{"rmap", NULL, "limit", "needs --limit"},
		{"rmap", "0%", "limit", "less than one page"},
		{"rmap", "5x", "limit", "is not a whole number"},
		{"batched:batch=0", "50%", "limit", "batch=0"},
		{"opt", NULL, "proactive", "fixed size"},
		{"rmap", "50%", "proactive", "has no limit"},
		{"", "50%", "limit", "names no policy"},
		{"opt:room=2", "50%", "limit", "no parameter 'room'"},
		{"rmap", "50%:rmap", "limit", "no list of limits"},
		{"rmap", NULL, "proactive:pages=1,period=1s", "key=value"},
		{"rmap", "50%", "nobody", "known: kswapd limit proactive"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct plan_request wanted =
			test_request(bad[i].policies, bad[i].limits);
		struct status st = {""};
		struct plan plan;

		wanted.driver = bad[i].driver;
		assert_int_equal(plan_init(&plan, &wanted, 1000, &st), -EINVAL);
		if (!strstr(st.message, bad[i].says))
			fail_msg("'%s' lacks '%s'", st.message, bad[i].says);
		plan_fini(&plan);
	}
}

static int make_traces(void **state)
{
	(void)state;
	snprintf(stream_path, sizeof(stream_path), "/tmp/kage-s-%d.kgt",
		 (int)getpid());
	snprintf(epoch_path, sizeof(epoch_path), "/tmp/kage-e-%d.kgt",
		 (int)getpid());
	snprintf(hashed_path, sizeof(hashed_path), "/tmp/kage-h-%d.kgt",
		 (int)getpid());
	test_trace_mixed(stream_path, PAGES, ACCESSES, TICK_NS, 1);
	test_trace_mixed_epochs(epoch_path, PAGES, ACCESSES, TICK_NS, 1,
				1000000, true);
	test_trace_mixed_epochs(hashed_path, PAGES, ACCESSES, TICK_NS, 1,
				1000000, false);
	return 0;
}

static int remove_traces(void **state)
{
	(void)state;
	unlink(stream_path);
	unlink(epoch_path);
	unlink(hashed_path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lanes_do_not_disturb_each_other),
		cmocka_unit_test(counters_add_up),
		cmocka_unit_test(no_policy_beats_opt),
		cmocka_unit_test(finest_epochs_decide_as_the_stream),
		cmocka_unit_test(unknown_order_follows_the_seed),
		cmocka_unit_test(proactive_work_takes_virtual_time),
		cmocka_unit_test(samples_of_an_epoch_trace_are_its_epochs),
		cmocka_unit_test(idle_ages_count_every_resident_page),
		cmocka_unit_test(events_other_than_accesses_are_obeyed),
		cmocka_unit_test(range_is_zapped_in_one_call),
		cmocka_unit_test(evictions_in_the_tail_belong_to_their_epoch),
		cmocka_unit_test(clock_that_would_overflow_is_refused),
		cmocka_unit_test(plans_hold_everything_by_default),
		cmocka_unit_test(plans_refuse_what_makes_no_sense),
	};

	return cmocka_run_group_tests(tests, make_traces, remove_traces);
}

/* SPDX-License-Identifier: MIT */
/*
 * The timeline: it moves no decision, its acquisitions are the counters', its times are
 * those worked by hand, and what a cost is lacking for is not known.
 */
#include "replay/timeline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/test.h"
#include "replay/test_replay.h"
#include "replay/test_trace.h"

enum {
	PAGES = 1500,
	ACCESSES = 12000,
	TICK_NS = 2000
};

static char stream_path[64], epoch_path[64];

static const char every_policy[] =
	"none,rmap,batched,batched:lock=read,fast-only,batched:flush=1,"
	"batched:flush=1:lock=read,batched:batch=1:flush=1:lock=none";

static struct outcome *replay(const char *path,
			      const struct plan_request *wanted,
			      const struct timeline_options *timeline)
{
	const struct engine_options options = {.nr_samples = 16,
					       .timeline = timeline};

	return test_replay(path, &options, wanted, PAGES, 0, ENGINE_LANES_MAX);
}

static uint64_t uses(const struct timeline_result *r, enum timeline_lock lock,
		     enum timeline_class class)
{
	const struct timeline_use *use = r->uses[lock][class];

	if (use)
		assert_int_equal(use->wait.n, use->hold.n);
	return use ? use->wait.n : 0;
}

static void assert_acquisitions(const struct lane *lane)
{
	const struct timeline_result *r = timeline_result(lane->timeline);
	const uint64_t *n = lane->counters.n;

	assert_int_equal(uses(r, TIMELINE_MMU_LOCK, TIMELINE_AGER),
			 n[COUNT_lock_write_young] + n[COUNT_lock_read_young]);
	/* a long zap that yields takes the lock once more */
	if (lane->numa.mode == NUMA_OFF)
		assert_int_equal(uses(r, TIMELINE_MMU_LOCK,
				      TIMELINE_INVALIDATION),
				 n[COUNT_lock_write_unmap]);
	assert_true(uses(r, TIMELINE_MMU_LOCK, TIMELINE_INVALIDATION) >=
		    n[COUNT_lock_write_unmap]);
	assert_int_equal(uses(r, TIMELINE_MMU_LOCK, TIMELINE_FAULT),
			 n[COUNT_lock_read_fault] + n[COUNT_lock_write_fault]);
	assert_int_equal(uses(r, TIMELINE_RMAP_LOCK, TIMELINE_AGER),
			 n[COUNT_lock_rmap]);
	assert_int_equal(r->flushes, n[COUNT_flushes]);
	assert_int_equal(r->invalidation.n, n[COUNT_calls_unmap]);
	assert_true(r->stall.n >= n[COUNT_faults]);
}

static void compare(const char *path, const struct plan_request *wanted)
{
	struct costs zero = test_costs(0), heavy = test_costs(5000);
	const struct timeline_options ways[] = {
		{.costs = &zero},
		{.costs = &heavy, .vcpus = 7, .reclaimers = 3, .agers = 2},
		{.costs = &heavy, .vcpus = 1024},
	};
	struct outcome *plain = replay(path, wanted, NULL);

	for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
		struct outcome *timed = replay(path, wanted, &ways[w]);

		assert_int_equal(plain->plan.nr_lanes, timed->plan.nr_lanes);
		for (size_t i = 0; i < plain->plan.nr_lanes; i++) {
			assert_null(plain->lanes[i].timeline);
			test_same_decisions(&plain->lanes[i], &timed->lanes[i]);
			assert_acquisitions(&timed->lanes[i]);
		}
		test_outcome_free(timed);
	}
	test_outcome_free(plain);
	costs_fini(&zero);
	costs_fini(&heavy);
}

static void times_move_no_decision(void **state)
{
	static const char *const mmus[] = {"tdp", "tdp-noad", "shadow", "arm64",
					   "shadow-nested:share=50:ad=on"};
	static const char *const kernels[] = {"6.1", "6.12", "7.2"};
	struct plan_request wanted = test_request(every_policy, "30%");

	(void)state;
	for (size_t m = 0; m < 5; m++)
		for (size_t k = 0; k < 3; k++) {
			wanted.mmu = mmus[m];
			wanted.kernel = kernels[k];
			compare(stream_path, &wanted);
		}
	wanted.is_thp = true;
	wanted.limits = "80%"; /* room for huge folios */
	for (size_t m = 0; m < 4; m++) {
		wanted.mmu = mmus[m];
		compare(stream_path, &wanted);
	}
	wanted.is_thp = false;
	wanted.limits = "30%";
	compare(epoch_path, &wanted);
	wanted.mmu = "tdp";
	wanted.numa = "range:delay=2ms:min=2ms:max=4ms";
	compare(stream_path, &wanted);
	wanted.numa = "precise:delay=2ms:min=2ms:max=4ms";
	compare(stream_path, &wanted);
	wanted.numa = NULL;
	wanted.limits = NULL;
	wanted.driver = "proactive:period=1ms:pages=50";
	compare(stream_path, &wanted);
}

/* Nothing takes time, so nobody waits, and all is done when the trace ends. */
static void without_costs_nothing_takes_time(void **state)
{
	struct plan_request wanted = test_request(every_policy, "30%");
	struct costs zero = test_costs(0);
	const struct timeline_options options = {.costs = &zero, .vcpus = 4};
	struct outcome *o = replay(stream_path, &wanted, &options);

	(void)state;
	for (size_t i = 0; i < o->plan.nr_lanes; i++) {
		const struct timeline_result *r =
			timeline_result(o->lanes[i].timeline);

		assert_true(r->knows_time && r->knows_ager_cpu);
		assert_string_equal(r->lacking, "");
		assert_int_equal(r->stall.max, 0);
		assert_int_equal(r->invalidation.max, 0);
		assert_int_equal(r->behind_ns, 0);
		assert_int_equal(r->span_ns, (ACCESSES - 1) * TICK_NS);
		assert_int_equal(r->ager_cpu_ns, 0);
		/* all of four vCPUs run at each flush: zero-length faults */
		assert_true(r->ipis <= 4 * r->flushes &&
			    r->ipis >= 3 * r->flushes);
	}
	test_outcome_free(o);
	costs_fini(&zero);
}

/* Holds and a zap are parts of what a call takes; with nobody to wait for it takes that. */
static void an_invalidation_takes_the_price_of_its_call(void **state)
{
	struct plan_request wanted = test_request("rmap", "30%");
	struct costs costs = test_costs(0);
	const struct timeline_options options = {.costs = &costs, .vcpus = 1};
	const struct timeline_result *r;
	struct outcome *o;

	(void)state;
	test_cost(&costs, "calls_unmap", 1000);
	test_cost(&costs, "hold_unmap", 100);
	test_cost(&costs, "zap", 50);
	o = replay(stream_path, &wanted, &options);
	r = timeline_result(o->lanes[0].timeline);
	assert_true(r->invalidation.n > 0);
	assert_int_equal(r->invalidation.max, 1000);
	assert_int_equal(r->invalidation.sum, 1000 * r->invalidation.n);
	test_outcome_free(o);
	costs_fini(&costs);
}

/* Devices take no lock of KVM's, but an invalidation takes as long as they do. */
static void devices_have_invalidations(void **state)
{
	static const char *const mmus[] = {"gru:grus=3", "xpmem"};
	static const uint64_t each_ns[] = {70 + 3 * 200, 70 + 9000};
	struct plan_request wanted = test_request("rmap", "30%");
	struct costs costs = test_costs(0);
	const struct timeline_options options = {.costs = &costs};

	(void)state;
	test_cost(&costs, "calls_unmap", 70);
	test_cost(&costs, "device_flushes", 200);
	test_cost(&costs, "unmap_sleeps", 9000);
	for (size_t m = 0; m < 2; m++) {
		struct outcome *o;
		const struct timeline_result *r;

		wanted.mmu = mmus[m];
		o = replay(stream_path, &wanted, &options);
		r = timeline_result(o->lanes[0].timeline);
		assert_true(r->invalidation.n > 100);
		assert_int_equal(r->invalidation.n,
				 test_count(o, 0, COUNT_calls_unmap));
		assert_int_equal(r->invalidation.sum,
				 each_ns[m] * r->invalidation.n);
		assert_int_equal(r->invalidation.max, each_ns[m]);
		assert_null(r->uses[TIMELINE_MMU_LOCK][TIMELINE_INVALIDATION]);
		test_outcome_free(o);
	}
	costs_fini(&costs);
}

/* Who does direct reclaim pays for it; who has reclaimers does not. */
static void reclaimers_take_reclaim_off_the_vcpus(void **state)
{
	struct plan_request wanted = test_request("batched", "30%");
	struct costs costs = test_costs(100);
	struct timeline_options options = {.costs = &costs, .vcpus = 4};
	struct outcome *direct = replay(stream_path, &wanted, &options);
	const struct timeline_result *a, *b, *c;
	struct outcome *beside, *aged;

	(void)state;
	options.reclaimers = 2;
	beside = replay(stream_path, &wanted, &options);
	options.agers = 2;
	aged = replay(stream_path, &wanted, &options);
	a = timeline_result(direct->lanes[0].timeline);
	b = timeline_result(beside->lanes[0].timeline);
	c = timeline_result(aged->lanes[0].timeline);
	assert_true(a->stall_reclaim_ns > 0);
	assert_int_equal(b->stall_reclaim_ns, 0);
	assert_true(b->stall.sum < a->stall.sum);
	assert_true(b->reclaim_ns > 0 && c->reclaim_ns > 0);
	/* the work of aging is the same, whoever does it and waits meanwhile */
	assert_int_equal(a->ager_cpu_ns, b->ager_cpu_ns);
	assert_int_equal(a->ager_cpu_ns, c->ager_cpu_ns);
	assert_true(a->pass.n > 0);
	assert_true(a->pass.n <= test_count(direct, 0, COUNT_passes));
	test_outcome_free(direct);
	test_outcome_free(beside);
	test_outcome_free(aged);
	costs_fini(&costs);
}

/* Return: the result of a lane without the cost @name, in @o. */
static const struct timeline_result *without(const char *name,
					     struct outcome **o)
{
	struct plan_request wanted = test_request("batched", "30%");
	struct costs costs = test_costs(100), fewer = {.profile = "fewer"};
	const struct timeline_options options = {.costs = &fewer};

	for (size_t i = 0; i < costs.n; i++)
		if (strcmp(costs.items[i].name, name))
			test_cost(&fewer, costs.items[i].name,
				  costs.items[i].value_ns);
	*o = replay(stream_path, &wanted, &options);
	costs_fini(&costs);
	costs_fini(&fewer);
	return timeline_result((*o)->lanes[0].timeline);
}

static void what_a_cost_is_lacking_for_is_not_known(void **state)
{
	static const struct {
		const char *name;
		bool fault, invalidation, ager, cpu;
	} cases[] = {
		{"hold_fault", false, true, true, true},
		{"zap", true, false, true, true},
		{"hold_young", true, true, false, true},
		{"calls_aging", true, true, true, false},
		{"aging_ptes", true, true, false, false},
		{"refaults", true, true, true, true},
	};
	struct outcome *o;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct timeline_result *r = without(cases[i].name, &o);

		assert_string_equal(r->lacking, cases[i].name);
		assert_false(r->knows_time);
		assert_int_equal(r->knows_holds[TIMELINE_FAULT],
				 cases[i].fault);
		assert_int_equal(r->knows_holds[TIMELINE_INVALIDATION],
				 cases[i].invalidation);
		assert_int_equal(r->knows_holds[TIMELINE_AGER], cases[i].ager);
		assert_int_equal(r->knows_ager_cpu, cases[i].cpu);
		test_outcome_free(o);
	}
	/* what did not happen needs no price */
	assert_true(without("track_exits", &o)->knows_time);
	test_outcome_free(o);
}

static void epochs_have_no_times(void **state)
{
	struct plan_request wanted = test_request("batched", "30%");
	struct costs costs = test_costs(100);
	const struct timeline_options options = {.costs = &costs};
	struct outcome *o = replay(epoch_path, &wanted, &options);
	const struct timeline_result *r = timeline_result(o->lanes[0].timeline);

	(void)state;
	assert_string_equal(r->lacking, "");
	assert_false(r->knows_time);
	assert_true(r->knows_holds[TIMELINE_AGER] && r->knows_ager_cpu);
	test_outcome_free(o);
	costs_fini(&costs);
}

/* Whatever allocation fails: an error, nothing lost, and no lock that stays taken. */
static void running_out_of_memory_is_an_error(void **state)
{
	struct plan_request wanted = test_request("batched", "30%");
	struct costs costs = test_costs(100);
	const struct timeline_options timeline = {
		.costs = &costs, .vcpus = 3, .reclaimers = 1, .agers = 1};
	const struct engine_options options = {.nr_samples = 2,
					       .timeline = &timeline};
	unsigned long nth = 1;
	int ret, failed = 1;

	(void)state;
	for (; failed; nth += nth / 16 + 1) {
		struct engine_trace trace;
		const struct lane_config *config;
		struct lane lane = {0};
		struct plan plan;

		assert_int_equal(plan_init(&plan, &wanted, PAGES, NULL), 0);
		config = &plan.lanes[0];
		kage_alloc_fail_at(nth);
		ret = engine_run(stream_path, &options, &config, 1, &lane, NULL,
				 &trace, NULL);
		failed = kage_alloc_failed();
		kage_alloc_fail_at(0);
		assert_int_equal(ret, failed ? -ENOMEM : 0);
		lane_fini(&lane);
		plan_fini(&plan);
	}
	assert_true(nth > 50);
	costs_fini(&costs);
}

static int make_traces(void **state)
{
	(void)state;
	snprintf(stream_path, sizeof(stream_path), "timeline_stream_%d.kgt",
		 getpid());
	snprintf(epoch_path, sizeof(epoch_path), "timeline_epoch_%d.kgt",
		 getpid());
	test_trace_mixed(stream_path, PAGES, ACCESSES, TICK_NS, 5);
	test_trace_mixed_epochs(epoch_path, PAGES, ACCESSES, TICK_NS, 5,
				500 * TICK_NS, true);
	return 0;
}

static int remove_traces(void **state)
{
	(void)state;
	unlink(stream_path);
	unlink(epoch_path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_invalidation_takes_the_price_of_its_call),
		cmocka_unit_test(without_costs_nothing_takes_time),
		cmocka_unit_test(times_move_no_decision),
		cmocka_unit_test(devices_have_invalidations),
		cmocka_unit_test(reclaimers_take_reclaim_off_the_vcpus),
		cmocka_unit_test(what_a_cost_is_lacking_for_is_not_known),
		cmocka_unit_test(epochs_have_no_times),
		cmocka_unit_test(running_out_of_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, make_traces, remove_traces);
}

/* SPDX-License-Identifier: MIT */
/* The timeline: times of single faults, zaps and aging calls, worked by hand. */
#include "replay/timeline.h"

#include <stdio.h>
#include <unistd.h>

#include "base/test.h"
#include "replay/test_replay.h"
#include "replay/test_trace.h"

enum {
	PAGES = 1500
};

static char hand_path[64];

static struct outcome *replay(const char *path,
			      const struct plan_request *wanted,
			      const struct timeline_options *timeline)
{
	const struct engine_options options = {.nr_samples = 16,
					       .timeline = timeline};

	return test_replay(path, &options, wanted, PAGES, 0, ENGINE_LANES_MAX);
}

/*
 * Faults of the shadow MMU hold mmu_lock for write: 1,000 ns, of which the last 400.
 * vCPU 0 at 0: holds from 600 to 1,000.  vCPU 1 at 100: asks at 700, waits 300 and 50
 * for the hand-over, is done at 1,450.  vCPU 0 again at 5,000, alone.
 */
static void stalls_worked_by_hand(void **state)
{
	static const struct trace_event events[] = {
		{.time = 1000, .gfn = 0x100, .count = 1, .kind = TRACE_READ},
		{.time = 1100,
		 .gfn = 0x100 + 600,
		 .count = 1,
		 .vcpu = 1,
		 .kind = TRACE_READ},
		{.time = 6000, .gfn = 0x102, .count = 1, .kind = TRACE_READ},
		{.time = 9000, .gfn = 0x102, .count = 1, .kind = TRACE_READ},
	};
	struct plan_request wanted = test_request("none", "100%");
	struct costs costs = test_costs(0);
	const struct timeline_options options = {.costs = &costs};
	const struct timeline_result *r;
	const struct timeline_use *use;
	struct outcome *o;

	(void)state;
	test_cost(&costs, "faults", 1000);
	test_cost(&costs, "hold_fault", 400);
	test_cost(&costs, "lock_handover", 50);
	test_trace_events(hand_path, PAGES, events, 4);
	wanted.mmu = "shadow";
	o = replay(hand_path, &wanted, &options);
	r = timeline_result(o->lanes[0].timeline);
	assert_int_equal(r->vcpus, 4);
	assert_true(r->knows_time);
	assert_int_equal(r->stall.n, 3);
	assert_int_equal(r->stall.sum, 1000 + 1350 + 1000);
	assert_int_equal(r->stall.max, 1350);
	assert_int_equal(r->stall_lock_ns, 350);
	use = r->uses[TIMELINE_MMU_LOCK][TIMELINE_FAULT];
	assert_int_equal(use->hold.sum, 3 * 400);
	assert_int_equal(use->wait.sum, 350);
	assert_int_equal(r->span_ns, 8000);
	test_outcome_free(o);
	costs_fini(&costs);
}

/* Faults that hold for read do not meet; the same trace, the same costs. */
static void readers_worked_by_hand(void **state)
{
	struct plan_request wanted = test_request("none", "100%");
	struct costs costs = test_costs(0);
	const struct timeline_options options = {.costs = &costs};
	const struct timeline_result *r;
	struct outcome *o;

	(void)state;
	test_cost(&costs, "faults", 1000);
	test_cost(&costs, "hold_fault", 400);
	o = replay(hand_path, &wanted, &options);
	r = timeline_result(o->lanes[0].timeline);
	assert_int_equal(r->stall.sum, 3000);
	assert_int_equal(r->stall_lock_ns, 0);
	test_outcome_free(o);
	costs_fini(&costs);
}

/* Return: the replay of @n events at @costs. */
static struct outcome *by_hand(const struct trace_event *events, size_t n,
			       const struct plan_request *wanted,
			       const struct costs *costs)
{
	const struct timeline_options options = {.costs = costs};

	test_trace_events(hand_path, PAGES, events, n);
	return replay(hand_path, wanted, &options);
}

/*
 * Ten pages are zapped from 10,000 on, 100 each.  A fault asks for the lock at 10,250,
 * gets it at 10,300 after the third page, and holds it for 40.
 */
static void a_zap_lets_a_fault_in(void **state)
{
	struct plan_request wanted = test_request("none", "100%");
	struct costs costs = test_costs(0);
	struct trace_event events[12];
	const struct timeline_result *r;
	const struct timeline_use *use;
	struct outcome *o;

	(void)state;
	for (size_t i = 0; i < 10; i++)
		events[i] = (struct trace_event){
			.time = i, .gfn = 0x100 + i, .count = 1};
	events[10] = (struct trace_event){.time = 10000,
					  .gfn = 0x100,
					  .count = 10,
					  .kind = TRACE_INVALIDATE,
					  .reason = TRACE_REASON_UNKNOWN};
	events[11] = (struct trace_event){
		.time = 10250, .gfn = 0x100 + 600, .count = 1, .vcpu = 1};
	test_cost(&costs, "zap", 100);
	test_cost(&costs, "faults", 40);
	test_cost(&costs, "hold_fault", 40);
	o = by_hand(events, 12, &wanted, &costs);
	r = timeline_result(o->lanes[0].timeline);
	use = r->uses[TIMELINE_MMU_LOCK][TIMELINE_FAULT];
	assert_int_equal(use->wait.sum, 50);
	assert_int_equal(use->wait.max, 50);
	use = r->uses[TIMELINE_MMU_LOCK][TIMELINE_INVALIDATION];
	assert_int_equal(use->hold.n,
			 3); /* start, again after the yield, end */
	assert_int_equal(use->hold.sum, 1000);
	assert_int_equal(r->invalidation.sum, 1000 + 40);
	test_outcome_free(o);
	costs_fini(&costs);
}

/*
 * Aging holds the lock for 64 SPTEs, 100 for each but the first, from 10,000 on.  A fault
 * that asks at 10,250 waits until 16,300.
 */
static void aging_lets_nobody_in(void **state)
{
	struct plan_request wanted = test_request("batched:lock=write", NULL);
	struct costs costs = test_costs(0);
	struct trace_event events[66];
	const struct timeline_result *r;
	const struct timeline_use *use;
	struct outcome *o;

	(void)state;
	wanted.driver = "proactive:period=10us";
	wanted.pace_ns = 0;
	for (size_t i = 0; i < 64; i++)
		events[i] = (struct trace_event){
			.time = 0, .gfn = 0x100 + i, .count = 1};
	events[64] = (struct trace_event){
		.time = 10250, .gfn = 0x100 + 600, .count = 1, .vcpu = 1};
	events[65] =
		(struct trace_event){.time = 19000, .gfn = 0x100, .count = 1};
	test_cost(&costs, "sptes", 100);
	o = by_hand(events, 66, &wanted, &costs);
	r = timeline_result(o->lanes[0].timeline);
	use = r->uses[TIMELINE_MMU_LOCK][TIMELINE_AGER];
	assert_int_equal(use->hold.n, 1);
	assert_int_equal(use->hold.sum, 6300);
	use = r->uses[TIMELINE_MMU_LOCK][TIMELINE_FAULT];
	assert_int_equal(use->wait.sum, 6050);
	assert_int_equal(use->wait.max, 6050);
	test_outcome_free(o);
	costs_fini(&costs);
}

static int name_trace(void **state)
{
	(void)state;
	snprintf(hand_path, sizeof(hand_path), "timeline_hand_%d.kgt",
		 getpid());
	return 0;
}

static int remove_trace(void **state)
{
	(void)state;
	unlink(hand_path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stalls_worked_by_hand),
		cmocka_unit_test(readers_worked_by_hand),
		cmocka_unit_test(a_zap_lets_a_fault_in),
		cmocka_unit_test(aging_lets_nobody_in),
	};

	return cmocka_run_group_tests(tests, name_trace, remove_trace);
}

/* SPDX-License-Identifier: MIT */
/* NUMA balancing in a replay: what adds up, what is missing, and that off is off. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "replay/run.h"
#include "replay/test_replay.h"
#include "replay/test_trace.h"

enum {
	PAGES = 600,
	ACCESSES = 6000
};

static char stream_path[64], epoch_path[64];

static const struct engine_options defaults = {.nr_samples = 8};

/* 6,000 accesses in 6 ms: some 60 scans of 2 MiB each. */
#define FAST "delay=100us:min=1ms:max=1s:size=2M:adapt=0:pinned=30:block=20"

static int make_traces(void **state)
{
	(void)state;
	strcpy(stream_path, "/tmp/kage-numa-XXXXXX.kgt");
	strcpy(epoch_path, "/tmp/kage-numa-XXXXXX.kgt");
	close(mkstemps(stream_path, 4));
	close(mkstemps(epoch_path, 4));
	test_trace_mixed(stream_path, PAGES, ACCESSES, 1000000, 7);
	test_trace_mixed_epochs(epoch_path, PAGES, ACCESSES, 1000000, 7,
				100000000, false);
	return 0;
}

static int remove_traces(void **state)
{
	(void)state;
	unlink(stream_path);
	unlink(epoch_path);
	return 0;
}

static struct outcome *run(const char *path, const char *kernel,
			   const char *mmu, const char *numa)
{
	struct plan_request wanted = test_request("rmap,batched", "60%");

	wanted.kernel = kernel;
	wanted.mmu = mmu;
	wanted.numa = numa;
	return test_replay(path, &defaults, &wanted, PAGES, 0, 2);
}

/* Calls by reason are all calls; causes come before what they cause. */
static void assert_sums(const struct outcome *o, size_t lane)
{
	static const enum counter reasons[] = {COUNT_calls_unmap_evict,
					       COUNT_calls_unmap_numa,
					       COUNT_calls_unmap_migrate,
					       COUNT_calls_unmap_trace,
					       COUNT_calls_unmap_discard};
	uint64_t sum = 0;

	for (int i = 0; i < 5; i++)
		sum += test_count(o, lane, reasons[i]);
	assert_int_equal(sum, test_count(o, lane, COUNT_calls_unmap));
	assert_true(test_count(o, lane, COUNT_zap_faults) <=
		    test_count(o, lane, COUNT_faults));
	assert_true(test_count(o, lane, COUNT_numa_faults) <=
		    test_count(o, lane, COUNT_numa_updates));
	assert_int_equal(test_count(o, lane, COUNT_faults),
			 test_count(o, lane, COUNT_first_touches) +
				 test_count(o, lane, COUNT_refaults) +
				 test_count(o, lane, COUNT_zap_faults));
	assert_null(mglru_check(&o->lanes[lane].mglru));
}

static void scans_add_up_on_every_kernel_and_mmu(void **state)
{
	static const char *const kernels[] = {"6.12", "7.2"};
	static const char *const modes[] = {"range:", "deferred:", "precise:"};
	static const char *const mmus[] = {"tdp", "tdp:level=2M", "arm64"};
	char numa[160];

	(void)state;
	for (int i = 0; i < 18; i++) {
		struct outcome *o;

		snprintf(numa, sizeof(numa), "%s%s", modes[i % 3],
			 FAST ":migratable=20:scanner=other");
		o = run(stream_path, kernels[i / 3 % 2], mmus[i / 6], numa);
		for (size_t lane = 0; lane < 2; lane++) {
			assert_sums(o, lane);
			assert_true(test_count(o, lane, COUNT_numa_scans) > 20);
			assert_true(test_count(o, lane, COUNT_numa_faults) >
				    100);
		}
		test_outcome_free(o);
	}
}

/* Balanced or not: a lane beside others is the lane alone. */
static void a_balanced_lane_is_the_same_alone(void **state)
{
	const char *numa = "range:" FAST;
	struct plan_request wanted = test_request("rmap,batched", "60%");
	struct outcome *both = run(stream_path, "6.12", "tdp", numa), *one;

	(void)state;
	wanted.numa = numa;
	one = test_replay(stream_path, &defaults, &wanted, PAGES, 1, 2);
	assert_memory_equal(&one->lanes[0].counters, &both->lanes[1].counters,
			    sizeof(struct counters));
	test_outcome_free(one);
	test_outcome_free(both);
}

/* Scanned, but nothing may change and nothing is sent: as if it were off. */
static void deferred_of_all_pinned_is_as_good_as_off(void **state)
{
	static const enum counter own[] = {COUNT_numa_scans, COUNT_numa_ptes};
	struct outcome *off = run(stream_path, "6.12", "tdp", NULL);
	struct outcome *on = run(stream_path, "6.12", "tdp",
				 "deferred:delay=100us:size=2M:pinned=100");

	(void)state;
	assert_int_equal(test_count(off, 0, COUNT_numa_scans), 0);
	assert_true(test_count(on, 0, COUNT_numa_scans) > 0);
	for (size_t lane = 0; lane < 2; lane++) {
		for (int i = 0; i < 2; i++)
			on->lanes[lane].counters.n[own[i]] = 0;
		assert_memory_equal(&on->lanes[lane].counters,
				    &off->lanes[lane].counters,
				    sizeof(struct counters));
	}
	test_outcome_free(on);
	test_outcome_free(off);
}

/* Where faults are within an epoch of unknown order nobody knows. */
static void retries_are_missing_where_the_order_is(void **state)
{
	const char *numa = "range:" FAST ":scanner=other";
	struct outcome *o = run(stream_path, "6.12", "tdp", numa);

	(void)state;
	assert_true(lane_has_counter(&o->lanes[0], COUNT_retried_faults));
	test_outcome_free(o);
	o = run(epoch_path, "6.12", "tdp", numa);
	assert_false(lane_has_counter(&o->lanes[0], COUNT_retried_faults));
	assert_true(lane_has_counter(&o->lanes[0], COUNT_numa_faults));
	test_outcome_free(o);
	o = run(stream_path, "6.12", "gru", numa);
	assert_false(lane_has_counter(&o->lanes[0], COUNT_retried_faults));
	assert_false(lane_has_counter(&o->lanes[0], COUNT_unmap_zapped));
	test_outcome_free(o);
	o = run(stream_path, "6.12", "tdp", NULL);
	assert_false(lane_has_counter(&o->lanes[0], COUNT_numa_faults));
	test_outcome_free(o);
}

/* The scan at 5 us walks 512 PTEs at 100 ns: until 56.2 us faults of its table retry.
 * 6.1 gets the page first, and marks it once more when it lets go of it. */
static void faults_during_a_scan_retry(void **state)
{
	static const struct trace_event events[] = {
		{0, 0x200, 1, 0, TRACE_WRITE, 0},
		{1000, 0x201, 1, 0, TRACE_WRITE, 0},
		{56000, 0x200, 1, 0, TRACE_WRITE, 0},
		{56400, 0x201, 1, 0, TRACE_WRITE, 0},
	};
	static const char *const kernels[] = {"6.1", "6.12"};
	char path[] = "/tmp/kage-retry-XXXXXX.kgt";

	(void)state;
	close(mkstemps(path, 4));
	test_trace_events(path, 1024, events, 4);
	for (int k = 0; k < 2; k++) {
		struct outcome *o =
			run(path, kernels[k], "tdp",
			    "range:delay=5us:scanner=other:size=2M");

		assert_int_equal(test_count(o, 1, COUNT_retried_faults), 1);
		assert_int_equal(test_count(o, 1, COUNT_stale_faults), !k);
		assert_int_equal(test_count(o, 1, COUNT_numa_faults), 2);
		assert_int_equal(test_count(o, 1, COUNT_zap_faults), 2);
		test_outcome_free(o);
	}
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scans_add_up_on_every_kernel_and_mmu),
		cmocka_unit_test(a_balanced_lane_is_the_same_alone),
		cmocka_unit_test(deferred_of_all_pinned_is_as_good_as_off),
		cmocka_unit_test(retries_are_missing_where_the_order_is),
		cmocka_unit_test(faults_during_a_scan_retry),
	};

	return cmocka_run_group_tests(tests, make_traces, remove_traces);
}

/* SPDX-License-Identifier: MIT */
/*
 * The closed loop: without costs it is the open one, bit for bit; when faults come is
 * what a simple twin says; what is late moves decisions; and what cannot have such a
 * loop is refused.
 */
#include "replay/closed_loop.h"

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
	ACCESSES = 6000,
	TICK_NS = 2000,
	VCPUS = 4, /* of test traces */
	SAMPLES = 700,
	GFNS = 0x100 + PAGES
};

static char path[64], epoch_path[64], hand_path[64];

static struct outcome *replay(const char *trace,
			      const struct plan_request *wanted, size_t lane,
			      const struct timeline_options *timeline)
{
	const struct engine_options options = {.nr_samples = SAMPLES,
					       .timeline = timeline};

	return test_replay(trace, &options, wanted, PAGES, lane, lane + 1);
}

static const struct timeline_result *result(const struct outcome *o)
{
	return timeline_result(o->lanes[0].timeline);
}

/* Return: how many lanes @wanted is. */
static size_t count_lanes(const struct plan_request *wanted)
{
	struct plan plan;
	size_t n;

	assert_int_equal(plan_init(&plan, wanted, PAGES, NULL), 0);
	n = plan.nr_lanes;
	plan_fini(&plan);
	return n;
}

static void compare(const struct plan_request *wanted)
{
	struct costs zero = test_costs(0);
	const struct timeline_options ways[] = {
		{.costs = &zero, .is_closed = true},
		{.costs = &zero,
		 .vcpus = 7,
		 .reclaimers = 3,
		 .agers = 2,
		 .is_closed = true},
		{.costs = &zero, .vcpus = 1024, .is_closed = true},
	};
	size_t n = count_lanes(wanted);

	for (size_t l = 0; l < n; l++) {
		struct outcome *open = replay(path, wanted, l, NULL);

		for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
			struct outcome *o = replay(path, wanted, l, &ways[w]);

			test_same_decisions(&open->lanes[0], &o->lanes[0]);
			assert_int_equal(result(o)->behind_ns, 0);
			assert_int_equal(open->trace.duration_ns,
					 o->trace.duration_ns);
			assert_int_equal(open->trace.footprint_pages,
					 o->trace.footprint_pages);
			test_outcome_free(o);
		}
		test_outcome_free(open);
	}
	costs_fini(&zero);
}

static void without_costs_it_is_the_open_loop(void **state)
{
	static const char *const mmus[] = {"tdp", "tdp-noad", "shadow",
					   "arm64"};
	static const char *const kernels[] = {"6.1", "6.12", "7.2"};
	struct plan_request wanted =
		test_request("none,rmap,batched,fast-only", "30%");

	(void)state;
	for (size_t m = 0; m < 4; m++) {
		wanted.mmu = mmus[m];
		wanted.kernel = kernels[m % 3];
		compare(&wanted);
	}
	wanted.mmu = "tdp:tlb=64";
	compare(&wanted);
	wanted.mmu = "tdp";
	wanted.driver = "kswapd:wake=50us";
	compare(&wanted);
	wanted.policies = "batched";
	wanted.numa = "range:delay=2ms:min=2ms:max=4ms";
	compare(&wanted);
	wanted.numa = NULL;
	wanted.limits = "80%";
	wanted.is_thp = true;
	compare(&wanted);
	wanted.is_thp = false;
	wanted.limits = NULL;
	wanted.driver = "proactive:period=1ms:pages=50";
	compare(&wanted);
}

/* The same trace as test_trace_mixed() wrote it. */
struct record {
	uint64_t ns;
	uint32_t page, vcpu;
};

static size_t read_trace(struct record *records)
{
	struct trace_reader *reader;
	struct trace_block block;
	uint64_t first = 0;
	size_t n = 0;

	assert_int_equal(trace_reader_open(&reader, path, 0, NULL), 0);
	while (trace_reader_next(reader, &block, NULL) == 1)
		for (size_t i = 0;
		     block.type == TRACE_BLOCK_STREAM && i < block.stream.n;
		     i++) {
			first = n ? first : block.stream.time[i];
			records[n++] =
				(struct record){block.stream.time[i] - first,
						(uint32_t)block.stream.gfn[i],
						block.stream.vcpu[i]};
		}
	trace_reader_close(reader);
	return n;
}

/* Return: the earliest access that is left, by vCPUs that are so late. */
static size_t earliest(const struct record *r, size_t n, const bool *is_made,
		       const uint64_t *late_ns)
{
	bool has_earlier[VCPUS] = {false};
	unsigned int seen = 0;
	size_t best = n;

	for (size_t i = 0; i < n && seen < VCPUS; i++) {
		uint64_t ns = r[i].ns + late_ns[r[i].vcpu];

		if (is_made[i] || has_earlier[r[i].vcpu])
			continue;
		has_earlier[r[i].vcpu] = true;
		seen++;
		if (best == n || ns < r[best].ns + late_ns[r[best].vcpu])
			best = i;
	}
	return best;
}

/*
 * Faults that take @stall_ns and hold nothing, on new pages, in a guest that is never
 * short of memory: when each comes, and when the last access is done.
 */
static uint64_t twin(const struct record *r, size_t n, uint64_t stall_ns,
		     uint64_t *fault_ns, size_t *nr_faults)
{
	uint64_t late_ns[VCPUS] = {0}, end_ns = 0;
	bool *is_made = calloc(n, 1), *is_known = calloc(GFNS, 1);

	for (size_t made = 0; made < n; made++) {
		size_t i = earliest(r, n, is_made, late_ns);
		uint64_t ns = r[i].ns + late_ns[r[i].vcpu];

		is_made[i] = true;
		if (!is_known[r[i].page]) {
			is_known[r[i].page] = true;
			fault_ns[(*nr_faults)++] = ns;
			late_ns[r[i].vcpu] += stall_ns;
			ns += stall_ns;
		}
		end_ns = ns > end_ns ? ns : end_ns;
	}
	free(is_made);
	free(is_known);
	return end_ns;
}

static void faults_come_when_the_twin_says(void **state)
{
	static const uint64_t stalls[] = {1, 700, 12345, 3000000};
	struct record *records = calloc(ACCESSES, sizeof(*records));
	uint64_t *fault_ns = calloc(ACCESSES, sizeof(*fault_ns));
	struct plan_request wanted = test_request("none", "200%");
	size_t n = read_trace(records);

	(void)state;
	assert_int_equal(n, ACCESSES);
	for (size_t s = 0; s < 4; s++) {
		struct costs costs = test_costs(0);
		const struct timeline_options options = {.costs = &costs,
							 .is_closed = true};
		size_t faults = 0, at = 0;
		uint64_t end_ns =
			twin(records, n, stalls[s], fault_ns, &faults);
		struct outcome *o;

		test_cost(&costs, "faults", (double)stalls[s]);
		o = replay(path, &wanted, 0, &options);
		assert_int_equal(result(o)->span_ns, end_ns);
		assert_int_equal(test_count(o, 0, COUNT_faults), faults);
		for (size_t i = 0; i < o->lanes[0].nr_samples; i++) {
			const struct lane_sample *sample =
				&o->lanes[0].samples[i];

			while (at < faults && fault_ns[at] < sample->end_ns)
				at++;
			assert_int_equal(sample->counters.n[COUNT_faults], at);
		}
		assert_int_equal(at, faults);
		test_outcome_free(o);
		costs_fini(&costs);
	}
	free(records);
	free(fault_ns);
}

/* One vCPU is as late at the end as it stalled in all. */
static void one_vcpu_loses_what_it_stalls(void **state)
{
	struct plan_request wanted = test_request("rmap,batched", "30%");
	uint64_t before = 0;

	(void)state;
	for (double scale = 1; scale < 1e6; scale *= 10) {
		struct costs costs = test_costs(scale);
		const struct timeline_options options = {
			.costs = &costs, .vcpus = 1, .is_closed = true};

		for (size_t lane = 0; lane < 2; lane++) {
			struct outcome *o =
				replay(path, &wanted, lane, &options);

			assert_int_equal(result(o)->behind_ns,
					 result(o)->stall.sum);
			assert_int_equal(result(o)->stall_lock_ns, 0);
			if (lane) {
				assert_true(result(o)->behind_ns > before);
				before = result(o)->behind_ns;
			}
			test_outcome_free(o);
		}
		costs_fini(&costs);
	}
}

/* A reclaimer that never catches up is not the guest's loss. */
static void what_reclaimers_lose_is_theirs(void **state)
{
	struct plan_request wanted = test_request("rmap", "30%");
	struct costs costs = test_costs(0);
	const struct timeline_options options = {
		.costs = &costs, .reclaimers = 1, .is_closed = true};
	struct outcome *o;

	(void)state;
	test_cost(&costs, "rmap_walks", 50000);
	o = replay(path, &wanted, 0, &options);
	assert_int_equal(result(o)->behind_ns, 0);
	assert_true(result(o)->span_ns > ACCESSES * TICK_NS);
	test_outcome_free(o);
	costs_fini(&costs);
}

static void dearer_costs_end_later(void **state)
{
	struct plan_request wanted = test_request("batched:lock=write", "30%");
	uint64_t before = 0;

	(void)state;
	wanted.mmu = "shadow";
	for (double scale = 0; scale < 1e5; scale = scale ? scale * 10 : 1) {
		struct costs costs = test_costs(scale);
		const struct timeline_options options = {.costs = &costs,
							 .reclaimers = 2,
							 .agers = 1,
							 .vcpus = 16,
							 .is_closed = true};
		struct outcome *o = replay(path, &wanted, 0, &options);
		struct outcome *again = replay(path, &wanted, 0, &options);

		test_same_decisions(&o->lanes[0], &again->lanes[0]);
		assert_int_equal(result(o)->behind_ns,
				 result(again)->behind_ns);
		assert_true(scale ? result(o)->behind_ns > before
				  : !result(o)->behind_ns);
		before = result(o)->behind_ns;
		test_outcome_free(o);
		test_outcome_free(again);
		costs_fini(&costs);
	}
}

/* What a flush takes of the vCPU that runs makes it late, and nothing else here. */
static void flushes_delay_who_runs(void **state)
{
	struct plan_request wanted = test_request("batched", NULL);
	struct costs costs = test_costs(0);
	const struct timeline_options options = {
		.costs = &costs, .vcpus = 1, .is_closed = true};
	struct outcome *o;

	(void)state;
	wanted.driver = "proactive:period=500us:pages=50";
	test_cost(&costs, "flush_exit", 300);
	o = replay(path, &wanted, 0, &options);
	assert_true(result(o)->flushes > 50);
	assert_int_equal(result(o)->stall.sum, 0);
	assert_int_equal(result(o)->stall_flush_ns, 300 * result(o)->ipis);
	assert_int_equal(result(o)->behind_ns, result(o)->stall_flush_ns);
	test_outcome_free(o);
	costs_fini(&costs);
}

/*
 * The host ages at 1,000 and 2,000, of the trace's 2,050.  Page A is touched at 0 and at
 * 1,950, page B at 1,100: the second pass finds both young.  If faults take 500, B comes at
 * 1,600 and A at 2,950: the second pass finds B only, and a third one A.
 */
static void being_late_moves_decisions(void **state)
{
	static const struct trace_event events[] = {
		{.time = 0, .gfn = 0x100, .count = 1},
		{.time = 1100, .gfn = 0x102, .count = 1},
		{.time = 1950, .gfn = 0x100, .count = 1},
		{.time = 2050, .gfn = 0x100, .count = 1},
	};
	struct plan_request wanted = test_request("batched", NULL);
	struct costs costs = test_costs(0);
	struct timeline_options options = {.costs = &costs};
	struct outcome *open, *closed;

	(void)state;
	wanted.driver = "proactive:period=1us";
	wanted.pace_ns = 0;
	test_trace_events(hand_path, PAGES, events, 4);
	test_cost(&costs, "faults", 500);
	open = replay(hand_path, &wanted, 0, &options);
	options.is_closed = true;
	closed = replay(hand_path, &wanted, 0, &options);
	assert_int_equal(result(open)->behind_ns, 0);
	assert_int_equal(result(closed)->behind_ns, 1000);
	assert_int_equal(test_count(open, 0, COUNT_passes), 2);
	assert_int_equal(test_count(open, 0, COUNT_aging_young), 3);
	assert_int_equal(test_count(closed, 0, COUNT_passes), 3);
	assert_int_equal(test_count(closed, 0, COUNT_aging_young), 3);
	test_outcome_free(open);
	test_outcome_free(closed);
	costs_fini(&costs);
}

static void refuses(const char *trace, const struct plan_request *wanted,
		    size_t nr_lanes, const struct costs *costs, const char *why)
{
	const struct timeline_options timeline = {.costs = costs,
						  .is_closed = true};
	const struct engine_options options = {.timeline = &timeline};
	const struct lane_config *configs[2];
	struct lane lanes[2];
	struct engine_trace about;
	struct status st = {""};
	struct plan plan;

	assert_int_equal(plan_init(&plan, wanted, PAGES, NULL), 0);
	for (size_t i = 0; i < nr_lanes; i++)
		configs[i] = &plan.lanes[i];
	assert_int_equal(engine_run(trace, &options, configs, nr_lanes, lanes,
				    NULL, &about, &st),
			 -EINVAL);
	assert_non_null(strstr(st.message, why));
	for (size_t i = 0; i < nr_lanes; i++)
		lane_fini(&lanes[i]);
	plan_fini(&plan);
}

static void what_cannot_have_it_is_refused(void **state)
{
	static const struct trace_event events[] = {
		{.time = 0, .gfn = 0x100, .count = 1},
		{.time = 10,
		 .gfn = 0x100,
		 .count = 1,
		 .kind = TRACE_INVALIDATE,
		 .reason = TRACE_REASON_UNKNOWN},
	};
	struct plan_request wanted = test_request("rmap,batched", "30%");
	struct costs all = test_costs(1), fewer = {.profile = "fewer"};

	(void)state;
	refuses(epoch_path, &wanted, 1, &all, "epochs have neither order");
	refuses(path, &wanted, 2, &all, "one lane per pass");
	test_trace_events(hand_path, PAGES, events, 2);
	refuses(hand_path, &wanted, 1, &all, "more than accesses");
	for (size_t i = 0; i < all.n; i++)
		if (strcmp(all.items[i].name, "zap") &&
		    strcmp(all.items[i].name, "calls_victim"))
			test_cost(&fewer, all.items[i].name, 1);
	refuses(path, &wanted, 1, &fewer,
		"profile 'fewer' has no cost for calls_victim, zap");
	costs_fini(&all);
	costs_fini(&fewer);
}

static void running_out_of_memory_is_an_error(void **state)
{
	struct plan_request wanted = test_request("batched", "30%");
	struct costs costs = test_costs(100);
	const struct timeline_options timeline = {.costs = &costs,
						  .vcpus = 3,
						  .reclaimers = 1,
						  .is_closed = true};
	const struct engine_options options = {.nr_samples = 2,
					       .timeline = &timeline};
	unsigned long nth = 1;
	int ret, failed = 1;

	(void)state;
	for (; failed; nth += nth / 16 + 1) {
		const struct lane_config *config;
		struct engine_trace trace;
		struct lane lane = {0};
		struct plan plan;

		assert_int_equal(plan_init(&plan, &wanted, PAGES, NULL), 0);
		config = &plan.lanes[0];
		kage_alloc_fail_at(nth);
		ret = engine_run(path, &options, &config, 1, &lane, NULL,
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
	snprintf(path, sizeof(path), "closed_loop_%d.kgt", getpid());
	snprintf(epoch_path, sizeof(epoch_path), "closed_loop_epoch_%d.kgt",
		 getpid());
	snprintf(hand_path, sizeof(hand_path), "closed_loop_hand_%d.kgt",
		 getpid());
	test_trace_vcpus(path, PAGES, ACCESSES, TICK_NS, 5);
	test_trace_mixed_epochs(epoch_path, PAGES, ACCESSES, TICK_NS, 5,
				500 * TICK_NS, true);
	return 0;
}

static int remove_traces(void **state)
{
	(void)state;
	unlink(path);
	unlink(epoch_path);
	unlink(hand_path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_costs_it_is_the_open_loop),
		cmocka_unit_test(faults_come_when_the_twin_says),
		cmocka_unit_test(one_vcpu_loses_what_it_stalls),
		cmocka_unit_test(what_reclaimers_lose_is_theirs),
		cmocka_unit_test(dearer_costs_end_later),
		cmocka_unit_test(flushes_delay_who_runs),
		cmocka_unit_test(being_late_moves_decisions),
		cmocka_unit_test(what_cannot_have_it_is_refused),
		cmocka_unit_test(running_out_of_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, make_traces, remove_traces);
}

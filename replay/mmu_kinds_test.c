/* SPDX-License-Identifier: MIT */
/* Kinds of secondary MMU in a replay: parameters, the guest's TLB, what adds up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/test.h"
#include "replay/engine_internal.h"
#include "replay/run.h"
#include "replay/test_replay.h"
#include "replay/test_trace.h"

enum {
	PAGES = 600,
	ACCESSES = 6000,
	LOOPED = 100, /* pages of the trace that goes round */
	ROUNDS = 12,
	ROUND_NS = 1000000,
};

static char mixed_path[64], looped_path[64];

static const struct engine_options defaults = {.nr_samples = 8};

static const char *const mmus[] = {
	"tdp",
	"tdp:level=2M",
	"tdp:tlb=64",
	"tdp-noad",
	"tdp-noad:tlb=64",
	"tdp-noad:level=1G",
	"tdp-alt:zap=keep:race=10000:folio=3",
	"shadow:chain=3",
	"shadow:tlb=300:level=2M",
	"shadow-nested:share=50",
	"arm64:lock=read",
	"arm64:af=fault:tlb=64",
	"gru:grus=2",
	"xpmem",
	"xpmem:blockable=no",
};

enum {
	NR_MMUS = sizeof(mmus) / sizeof(mmus[0]),
};

static void same_lane_alone_and_beside_others(void **state)
{
	(void)state;
	for (int m = 0; m < NR_MMUS; m++) {
		struct plan_request wanted =
			test_request("none,rmap,batched,fast-only", "30%,200%");
		struct outcome *all;

		wanted.mmu = mmus[m];
		all = test_replay(mixed_path, &defaults, &wanted, PAGES, 0, 8);
		assert_int_equal(all->plan.nr_lanes, 8);
		for (size_t i = 0; i < 8; i += 3) {
			struct outcome *one = test_replay(mixed_path, &defaults,
							  &wanted, PAGES, i,
							  i + 1);

			assert_memory_equal(&one->lanes[0].counters,
					    &all->lanes[i].counters,
					    sizeof(struct counters));
			assert_null(mglru_check(&all->lanes[i].mglru));
			test_outcome_free(one);
		}
		test_outcome_free(all);
	}
}

/* What any kind must keep: pages that come are charged, and go or stay. */
static void pages_add_up_on_every_kind(void **state)
{
	(void)state;
	for (int m = 0; m < NR_MMUS; m++) {
		struct plan_request wanted =
			test_request("rmap,batched,fast-only", "30%");
		struct outcome *o;

		wanted.mmu = mmus[m];
		o = test_replay(mixed_path, &defaults, &wanted, PAGES, 0, 3);
		for (size_t i = 0; i < 3; i++) {
			assert_int_equal(test_count(o, i, COUNT_first_touches),
					 o->trace.footprint_pages);
			assert_int_equal(
				test_count(o, i, COUNT_first_touches) +
					test_count(o, i, COUNT_refaults) -
					test_count(o, i, COUNT_evictions),
				o->lanes[i].mglru.resident);
			assert_true(test_count(o, i, COUNT_faults) >=
				    test_count(o, i, COUNT_first_touches) +
					    test_count(o, i, COUNT_refaults));
		}
		test_outcome_free(o);
	}
}

/* Passes of a guest that goes round its pages, none of which is ever evicted. */
static uint64_t aged_young(const char *mmu, uint64_t *passes, uint64_t *exits)
{
	char driver[64];
	struct plan_request wanted = test_request("fast-only", NULL);
	struct outcome *o;
	uint64_t young;

	snprintf(driver, sizeof(driver), "proactive:period=%dns", ROUND_NS);
	wanted.driver = driver;
	wanted.mmu = mmu;
	o = test_replay(looped_path, &defaults, &wanted, 0, 0, 1);
	young = test_count(o, 0, COUNT_sptes_young);
	*passes = test_count(o, 0, COUNT_passes);
	*exits = test_count(o, 0, COUNT_track_exits);
	test_outcome_free(o);
	return young;
}

/* Least recently used: one entry too few for a loop is as good as none. */
static void a_tlb_that_holds_all_pages_hides_all_but_the_first(void **state)
{
	uint64_t passes, exits;

	(void)state;
	assert_int_equal(aged_young("tdp:tlb=100", &passes, &exits), LOOPED);
	assert_true(passes > ROUNDS / 2);
	assert_int_equal(aged_young("tdp:tlb=99", &passes, &exits),
			 aged_young("tdp", &passes, &exits));
	assert_true(aged_young("tdp", &passes, &exits) >= LOOPED * passes / 2);
	assert_int_equal(exits, 0);
	assert_int_equal(aged_young("tdp-noad:tlb=100", &passes, &exits),
			 LOOPED);
	assert_int_equal(exits, 0);
	aged_young("tdp-noad", &passes, &exits);
	assert_true(exits >= LOOPED * (passes - 2));
}

/* A lane with a TLB of its own, which a flush empties. */
struct twin {
	uint64_t word[PTRS_PER_PTE];
	struct pages pages;
	struct lane lane;
	uint32_t cached[PTRS_PER_PTE]; /* newest first */
	uint32_t n;
	uint64_t flushes; /* as counted when it was emptied last */
};

static void empty_if_flushed(struct twin *t)
{
	if (t->lane.counters.n[COUNT_flushes] != t->flushes)
		t->n = 0;
	t->flushes = t->lane.counters.n[COUNT_flushes];
}

static void access_twin(struct twin *t, uint32_t page, uint64_t now_ns,
			bool is_write)
{
	uint32_t at = 0;

	empty_if_flushed(t);
	while (at < t->n && t->cached[at] != page)
		at++;
	if (at == t->n) {
		bool is_quiet = t->word[page] & t->lane.mmu.quiet;

		t->word[page] |= t->lane.mmu.accessed;
		if (!is_quiet)
			lane_access(&t->lane, page, now_ns, is_write);
		empty_if_flushed(t);
		at = t->n;
		t->n += t->n < t->lane.mmu.traits.tlb;
	}
	if (at == t->lane.mmu.traits.tlb)
		at--;
	memmove(t->cached + 1, t->cached, at * sizeof(*t->cached));
	t->cached[0] = page;
}

/* Lane @i of the engine, and beside it its twin. */
static void make_twins(struct engine *e, struct twin *t, unsigned int i,
		       const struct lane_config *config)
{
	*t = (struct twin){.n = 0};
	t->pages = (struct pages){.word = t->word, .npages = PTRS_PER_PTE};
	assert_int_equal(lane_init(&e->lanes[i], config, &e->pages, i, NULL),
			 0);
	assert_int_equal(lane_init(&t->lane, config, &t->pages, i, NULL), 0);
	e->slow_mask |= pages_quiet_bit(i);
	e->accessed_mask |= pages_accessed_bit(i);
}

static void age(struct lane *lane, uint64_t now_ns)
{
	lane_reclaim_now(lane, RECLAIM_AGE, 0, true, now_ns);
}

/* Two lanes of a pass share a TLB, but each has its flushes. */
static void compare_with_twins(const char *mmu)
{
	static struct twin twin[2];
	static struct lane lanes[2];
	uint64_t word[PTRS_PER_PTE] = {0};
	struct plan_request wanted =
		test_request("rmap,batched", "640K"); /* 160 pages */
	struct engine_trace trace = {0};
	struct engine e = {.watched = PTRS_PER_PTE,
			   .pages = {word, PTRS_PER_PTE},
			   .lanes = lanes,
			   .nr_lanes = 2,
			   .trace = &trace,
			   .ps_per_tick = 1000};
	struct rng rng = {6};
	struct plan plan;

	wanted.mmu = mmu;
	assert_int_equal(plan_init(&plan, &wanted, 0, NULL), 0);
	for (unsigned int i = 0; i < 2; i++)
		make_twins(&e, &twin[i], i, &plan.lanes[i]);
	assert_int_equal(engine_init_tlb(&e, NULL), 0);
	for (uint64_t tick = 1; tick < 20000; tick++) {
		double u = rng_unit(&rng);
		uint32_t page = (uint32_t)(u * u * 300);
		uint8_t is_write = tick % 3 == 0;

		engine_access_tlb(&e, &page, &tick, &is_write, 1);
		for (int i = 0; i < 2; i++) {
			access_twin(&twin[i], page, tick, is_write);
			if (tick % 97 == 0) {
				age(&lanes[i], tick);
				age(&twin[i].lane, tick);
			}
			assert_memory_equal(&lanes[i].counters,
					    &twin[i].lane.counters,
					    sizeof(lanes[i].counters));
		}
	}
	for (int i = 0; i < 2; i++) {
		assert_true(lanes[i].counters.n[COUNT_evictions] > 1000);
		lane_fini(&lanes[i]);
		lane_fini(&twin[i].lane);
	}
	tlb_fini(&e.tlb);
	plan_fini(&plan);
}

static void lanes_share_a_tlb_as_if_each_had_its_own(void **state)
{
	(void)state;
	compare_with_twins("tdp:tlb=1");
	compare_with_twins("tdp:tlb=40");
	compare_with_twins("tdp-noad:tlb=40");
	compare_with_twins("arm64:af=fault:tlb=200");
	compare_with_twins("tdp:level=2M:tlb=40");
}

static void parse(const char *mmu, const char *message)
{
	struct plan_request wanted = test_request("rmap", "50%");
	struct status st = {""};
	struct plan plan;

	wanted.mmu = mmu;
	assert_int_equal(plan_init(&plan, &wanted, PAGES, &st) != 0,
			 message != NULL);
	if (message && !strstr(st.message, message))
		fail_msg("%s: %s", mmu, st.message);
	plan_fini(&plan);
}

static void wrong_parameters_are_refused_with_what_is_known(void **state)
{
	(void)state;
	parse("shadow:chain=3", NULL);
	parse("shadow:chain=0", "allowed is 1 to 1000 SPTEs");
	parse("shadow:chains=3", "known: chain level tlb");
	parse("tdp:level=4M", "known are 4K 2M 1G");
	parse("gru:tlb=3", "known: grus");
	parse("tdp,arm64", "not NAME:key=value");
	parse("ept", "known: tdp tdp-noad");
}

static void format(struct run *run, const char *mmu)
{
	struct plan_request wanted = test_request("rmap", "50%");
	const struct run_context context = {.trace_id = "0",
					    .cost_profile = "a",
					    .options = &defaults,
					    .epoch_rule = "x"};
	struct plan plan;

	wanted.mmu = mmu;
	assert_int_equal(plan_init(&plan, &wanted, PAGES, NULL), 0);
	run_of_lane(run, &plan.lanes[0], &context);
	plan_fini(&plan);
}

static void parameters_are_part_of_a_runs_key(void **state)
{
	struct run a, b;

	(void)state;
	format(&a, "shadow:chain=3");
	assert_string_equal(a.mmu, "shadow");
	assert_string_equal(a.mmu_params, "chain=3,level=4K,tlb=0");
	format(&b, "shadow:level=4K:chain=3");
	assert_string_equal(a.id, b.id);
	format(&b, "shadow:chain=4");
	assert_string_not_equal(a.id, b.id);
	format(&b, "arm64");
	format(&a, "arm64:lock=read");
	assert_string_not_equal(a.id, b.id);
}

static int make_traces(void **state)
{
	(void)state;
	snprintf(mixed_path, sizeof(mixed_path), "/tmp/kage-kinds-%ld.kgt",
		 (long)getpid());
	snprintf(looped_path, sizeof(looped_path), "/tmp/kage-loop-%ld.kgt",
		 (long)getpid());
	test_trace_mixed(mixed_path, PAGES, ACCESSES, 1000, 5);
	test_trace_all_touched(looped_path, LOOPED, ROUNDS, ROUND_NS, ROUND_NS);
	return 0;
}

static int remove_traces(void **state)
{
	(void)state;
	unlink(mixed_path);
	unlink(looped_path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_lane_alone_and_beside_others),
		cmocka_unit_test(pages_add_up_on_every_kind),
		cmocka_unit_test(
			a_tlb_that_holds_all_pages_hides_all_but_the_first),
		cmocka_unit_test(lanes_share_a_tlb_as_if_each_had_its_own),
		cmocka_unit_test(
			wrong_parameters_are_refused_with_what_is_known),
		cmocka_unit_test(parameters_are_part_of_a_runs_key),
	};

	return cmocka_run_group_tests(tests, make_traces, remove_traces);
}

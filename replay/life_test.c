/* SPDX-License-Identifier: MIT */
/*
 * Lives of pages: those of all pages together are what the lane counted, each is told
 * in order, and folding loses no event.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "replay/test_replay.h"
#include "replay/test_trace.h"

enum {
	PAGES = 120,
	ACCESSES = 6000,
	FIRST_GFN = 0x100, /* of test traces */
	LANES = 4,
	HUGE_PAGES = 768, /* 2 MiB, and half as much before it */
	HUGE_ACCESSES = 2000,
};

static char path[] = "/tmp/kage-life-XXXXXX";

static struct outcome *watch(uint64_t gfn)
{
	const struct engine_options options = {
		.nr_samples = 1, .watches = true, .watched_gfn = gfn};
	struct plan_request wanted =
		test_request("none,rmap,batched,fast-only", "50%");

	return test_replay(path, &options, &wanted, PAGES, 0, LANES);
}

static void check_events(const struct life *life)
{
	uint64_t totals[LIFE_KINDS] = {0};
	uint64_t before_ns = 0;
	bool is_resident = false;

	for (size_t i = 0; i < life->nr_events; i++) {
		const struct life_event *e = &life->events[i];

		totals[e->kind] += e->count;
		assert_true(e->count > 0);
		assert_true(e->first_ns >= before_ns);
		assert_true(e->last_ns >= e->first_ns);
		before_ns = e->first_ns;
		if (e->kind == LIFE_FIRST_TOUCH || e->kind == LIFE_REFAULT) {
			assert_false(is_resident);
			assert_int_equal(e->count, 1);
			assert_int_equal(e->rank, 0);
			is_resident = true;
		}
		assert_true(is_resident);
		if (e->kind == LIFE_REFAULT)
			assert_true(e->since_ns <= e->first_ns);
		if (e->kind == LIFE_EVICTED)
			is_resident = false;
	}
	assert_int_equal(is_resident, life->is_resident);
	assert_memory_equal(totals, life->totals, sizeof(totals));
}

static void check_sums(const struct outcome *o, size_t lane,
		       const uint64_t *sum)
{
	static const struct {
		enum life_kind kind;
		enum counter counter;
	} pairs[] = {
		{LIFE_FIRST_TOUCH, COUNT_first_touches},
		{LIFE_REFAULT, COUNT_refaults},
		{LIFE_EVICTED, COUNT_evictions},
		{LIFE_WALK_YOUNG, COUNT_aging_young},
		{LIFE_WINDOW_YOUNG, COUNT_lookaround_young},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		assert_int_equal(sum[pairs[i].kind],
				 test_count(o, lane, pairs[i].counter));
	assert_int_equal(sum[LIFE_TOUCHED], ACCESSES);
	assert_int_equal(sum[LIFE_WALK_YOUNG] + sum[LIFE_WALK_OLD],
			 test_count(o, lane, COUNT_aging_ptes));
	assert_int_equal(sum[LIFE_WINDOW_YOUNG] + sum[LIFE_WINDOW_OLD],
			 test_count(o, lane, COUNT_lookaround_ptes));
	assert_int_equal(sum[LIFE_VICTIM_YOUNG] + sum[LIFE_VICTIM_OLD],
			 test_count(o, lane, COUNT_rmap_walks));
	assert_int_equal(sum[LIFE_MAPPED], 0);
	assert_true(sum[LIFE_EVICTED] > 0 && sum[LIFE_AGED] > 0);
}

static void all_lives_are_what_the_lane_counted(void **state)
{
	uint64_t sum[LANES][LIFE_KINDS] = {{0}};
	struct outcome *o = NULL;

	(void)state;
	test_trace_mixed(path, PAGES, ACCESSES, 1000, 4);
	for (uint64_t gfn = FIRST_GFN; gfn < FIRST_GFN + PAGES; gfn++) {
		if (o)
			test_outcome_free(o);
		o = watch(gfn);
		for (size_t l = 0; l < LANES; l++) {
			check_events(o->lanes[l].life);
			for (int k = 0; k < LIFE_KINDS; k++)
				sum[l][k] += o->lanes[l].life->totals[k];
		}
	}
	for (size_t l = 0; l < LANES; l++)
		check_sums(o, l, sum[l]);
	test_outcome_free(o);
}

static struct outcome *watch_huge(uint64_t gfn)
{
	const struct engine_options options = {
		.nr_samples = 1, .watches = true, .watched_gfn = gfn};
	struct plan_request wanted =
		test_request("none,rmap,batched,fast-only", "75%");

	wanted.is_thp = true;
	return test_replay(path, &options, &wanted, HUGE_PAGES, 0, LANES);
}

/* One event of a huge folio is one in the life of each of its pages. */
static void pages_of_a_huge_folio_share_its_life(void **state)
{
	uint64_t sum[LANES][LIFE_KINDS] = {{0}};
	struct outcome *o = NULL;

	(void)state;
	test_trace_mixed(path, HUGE_PAGES, HUGE_ACCESSES, 1000, 4);
	for (uint64_t gfn = FIRST_GFN; gfn < FIRST_GFN + HUGE_PAGES; gfn++) {
		if (o)
			test_outcome_free(o);
		o = watch_huge(gfn);
		for (size_t l = 0; l < LANES; l++) {
			check_events(o->lanes[l].life);
			for (int k = 0; k < LIFE_KINDS; k++)
				sum[l][k] += o->lanes[l].life->totals[k];
		}
	}
	for (size_t l = 0; l < LANES; l++) {
		uint64_t evicted = test_count(o, l, COUNT_evictions);

		assert_true(evicted >= PTRS_PER_PTE);
		assert_int_equal(sum[l][LIFE_EVICTED], evicted);
		assert_int_equal(sum[l][LIFE_REFAULT],
				 test_count(o, l, COUNT_refaults));
		assert_int_equal(sum[l][LIFE_WALK_YOUNG],
				 test_count(o, l, COUNT_aging_young));
		assert_int_equal(sum[l][LIFE_WINDOW_YOUNG],
				 test_count(o, l, COUNT_lookaround_young));
		assert_int_equal(sum[l][LIFE_FIRST_TOUCH],
				 test_count(o, l, COUNT_first_touches) +
					 PTRS_PER_PTE - 1);
	}
	test_outcome_free(o);
}

static void watching_changes_nothing(void **state)
{
	const struct engine_options plain = {.nr_samples = 1};
	struct plan_request wanted =
		test_request("none,rmap,batched,fast-only", "50%");
	struct outcome *a, *b;

	(void)state;
	test_trace_mixed(path, PAGES, ACCESSES, 1000, 4);
	a = test_replay(path, &plain, &wanted, PAGES, 0, LANES);
	b = watch(FIRST_GFN + 7);
	for (size_t l = 0; l < LANES; l++)
		assert_memory_equal(&a->lanes[l].counters,
				    &b->lanes[l].counters,
				    sizeof(a->lanes[l].counters));
	assert_int_equal(a->trace.footprint_pages, b->trace.footprint_pages);
	test_outcome_free(a);
	test_outcome_free(b);
}

static void expect(const struct life *life, size_t at, enum life_kind kind,
		   uint64_t first_ns, uint64_t last_ns, uint64_t count)
{
	const struct life_event *e = &life->events[at];

	if (at >= life->nr_events || e->kind != kind ||
	    e->first_ns != first_ns || e->last_ns != last_ns ||
	    e->count != count)
		fail_msg("event %zu of %zu is %s at %llu to %llu, %llu times",
			 at, life->nr_events, life_names[e->kind],
			 (unsigned long long)e->first_ns,
			 (unsigned long long)e->last_ns,
			 (unsigned long long)e->count);
}

/* No pressure: only what the guest, its VMM and the host's zaps do is there. */
static void what_the_trace_says_is_told(void **state)
{
	const struct trace_event events[] = {
		{.time = 0, .gfn = 0x100, .count = 1, .kind = TRACE_READ},
		{.time = 10, .gfn = 0x101, .count = 1, .kind = TRACE_READ},
		{.time = 20, .gfn = 0x101, .count = 1, .kind = TRACE_WRITE},
		{.time = 30, .gfn = 0x100, .count = 2, .kind = TRACE_INVALIDATE},
		{.time = 40, .gfn = 0x101, .count = 1, .kind = TRACE_READ},
		{.time = 50, .gfn = 0x101, .count = 1, .kind = TRACE_HOST_READ},
		{.time = 60, .gfn = 0x101, .count = 1, .kind = TRACE_BALLOON},
		{.time = 70, .gfn = 0x101, .count = 1, .kind = TRACE_READ},
	};
	const struct life *life;
	struct outcome *o;

	(void)state;
	test_trace_events(path, PAGES, events,
			  sizeof(events) / sizeof(events[0]));
	o = watch(0x101);
	life = o->lanes[0].life;
	expect(life, 0, LIFE_FIRST_TOUCH, 10, 10, 1);
	expect(life, 1, LIFE_TOUCHED, 10, 40, 3);
	expect(life, 2, LIFE_INVALIDATED, 30, 30, 1);
	expect(life, 3, LIFE_MAPPED, 40, 40, 1);
	expect(life, 4, LIFE_HOST_TOUCHED, 50, 50, 1);
	expect(life, 5, LIFE_GIVEN_BACK, 60, 60, 1);
	expect(life, 6, LIFE_FIRST_TOUCH, 70, 70, 1);
	expect(life, 7, LIFE_TOUCHED, 70, 70, 1);
	assert_int_equal(life->nr_events, 8);
	test_outcome_free(o);
}

static void a_gfn_without_memory_is_refused(void **state)
{
	const struct engine_options options = {.watches = true,
					       .watched_gfn = 0xff};
	struct engine_trace trace;
	struct status st = {""};
	struct lane none;

	(void)state;
	test_trace_mixed(path, PAGES, 10, 1000, 4);
	assert_int_equal(engine_run(path, &options, NULL, 0, &none, NULL,
				    &trace, &st),
			 -EINVAL);
	assert_non_null(strstr(st.message, "gfn 0xff"));
}

static int make_path(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_lives_are_what_the_lane_counted),
		cmocka_unit_test(pages_of_a_huge_folio_share_its_life),
		cmocka_unit_test(watching_changes_nothing),
		cmocka_unit_test(what_the_trace_says_is_told),
		cmocka_unit_test(a_gfn_without_memory_is_refused),
	};

	return cmocka_run_group_tests(tests, make_path, remove_path);
}

/* SPDX-License-Identifier: MIT */
/* Which unmapped ranges count as evictions, and which of their pages. */
#include "capture/live/evictions.h"

#include <errno.h>
#include <string.h>

#include "base/test.h"

#define HVA UINT64_C(0x7f0000200000)

enum {

	PAGE = TRACE_PAGE_BYTES,
	VCPU = 100,
	OTHER_VCPU = 101,
	RECLAIMER = 7,
	/* the order of the points in evictions.c */
	UNMAP = 0,
	MEMCG_BEGIN,
	MEMCG_END,
	DIRECT_BEGIN,
	DIRECT_END,
};

struct seen {
	uint64_t pages[16];
	size_t n;
	int ret; /* of each page */
};

static int see(void *arg, uint64_t page, struct status *st)
{
	struct seen *seen = arg;

	(void)st;
	assert_true(seen->n < 16);
	seen->pages[seen->n++] = page;
	return seen->ret;
}

static struct evictions prepare(struct seen *seen)
{
	*seen = (struct seen){.n = 0};
	return (struct evictions){
		.slot = {.hva = HVA, .npages = 8},
		.tids = {VCPU, OTHER_VCPU},
		.nr_tids = 2,
		.evicted = see,
		.arg = seen,
	};
}

static int tell(struct evictions *evictions, unsigned int which, pid_t tid,
		uint64_t start, uint64_t end)
{
	const uint64_t field[] = {start, end};
	const struct tracer_event event = {
		.which = which, .tid = tid, .field = field};

	return evictions_take(evictions, &event, NULL);
}

static void pages_come_in_order_and_within_the_slot(void **state)
{
	struct seen seen;
	struct evictions e = prepare(&seen);
	static const uint64_t expected[] = {5, 2, 3, 0, 7};

	(void)state;
	tell(&e, UNMAP, RECLAIMER, HVA + 5 * PAGE, HVA + 6 * PAGE);
	tell(&e, UNMAP, RECLAIMER, HVA + 2 * PAGE, HVA + 4 * PAGE);
	tell(&e, UNMAP, RECLAIMER, HVA - 9 * PAGE, HVA + PAGE);
	tell(&e, UNMAP, RECLAIMER, HVA + 7 * PAGE, HVA + 99 * PAGE);
	tell(&e, UNMAP, RECLAIMER, HVA + 8 * PAGE, HVA + 9 * PAGE);
	tell(&e, UNMAP, RECLAIMER, HVA - PAGE, HVA);
	assert_int_equal(seen.n, 5);
	assert_memory_equal(seen.pages, expected, sizeof(expected));
	assert_int_equal(e.others, 0);
	assert_int_equal(e.events, 6);
}

static void a_vcpu_evicts_only_while_it_reclaims(void **state)
{
	static const unsigned int kinds[][2] = {{MEMCG_BEGIN, MEMCG_END},
						{DIRECT_BEGIN, DIRECT_END}};
	struct seen seen;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct evictions e = prepare(&seen);

		tell(&e, UNMAP, VCPU, HVA, HVA + 2 * PAGE);
		assert_int_equal(seen.n, 0);
		assert_int_equal(e.others, 2);
		tell(&e, kinds[i][0], VCPU, 0, 0);
		tell(&e, UNMAP, VCPU, HVA + PAGE, HVA + 2 * PAGE);
		tell(&e, UNMAP, OTHER_VCPU, HVA + PAGE, HVA + 2 * PAGE);
		assert_int_equal(seen.n, 1);
		tell(&e, kinds[i][1], VCPU, 0, 0);
		tell(&e, UNMAP, VCPU, HVA + PAGE, HVA + 2 * PAGE);
		assert_int_equal(seen.n, 1);
		assert_int_equal(e.others, 4);
	}
}

static void reclaim_elsewhere_does_not_matter(void **state)
{
	struct seen seen;
	struct evictions e = prepare(&seen);

	(void)state;
	tell(&e, MEMCG_BEGIN, RECLAIMER, 0, 0);
	tell(&e, UNMAP, VCPU, HVA, HVA + PAGE);
	assert_int_equal(seen.n, 0);
	tell(&e, MEMCG_END, RECLAIMER, 0, 0);
	tell(&e, UNMAP, RECLAIMER, HVA, HVA + PAGE);
	assert_int_equal(seen.n, 1);
}

static void a_huge_page_that_is_told_twice_counts_once(void **state)
{
	static const uint64_t expected[] = {2, 3, 4, 5, 2, 3, 6, 6, 2, 3};
	struct seen seen;
	struct evictions e = prepare(&seen);

	(void)state;
	tell(&e, UNMAP, RECLAIMER, HVA + 2 * PAGE, HVA + 4 * PAGE);
	tell(&e, UNMAP, VCPU, HVA, HVA + 4 * PAGE); /* meanwhile */
	tell(&e, UNMAP, RECLAIMER, HVA + 2 * PAGE, HVA + 4 * PAGE);
	assert_int_equal(e.repeated, 2);
	tell(&e, UNMAP, RECLAIMER, HVA + 4 * PAGE, HVA + 6 * PAGE);
	tell(&e, UNMAP, RECLAIMER, HVA + 2 * PAGE, HVA + 4 * PAGE);
	tell(&e, UNMAP, RECLAIMER, HVA + 6 * PAGE, HVA + 7 * PAGE);
	tell(&e, UNMAP, RECLAIMER, HVA + 6 * PAGE, HVA + 7 * PAGE);
	tell(&e, UNMAP, RECLAIMER + 1, HVA + 2 * PAGE, HVA + 4 * PAGE);
	assert_int_equal(e.repeated, 2);
	assert_int_equal(seen.n, 10);
	assert_memory_equal(seen.pages, expected, sizeof(expected));
}

static void an_error_ends_the_range(void **state)
{
	struct seen seen;
	struct evictions e = prepare(&seen);

	(void)state;
	seen.ret = -ENOMEM;
	assert_int_equal(tell(&e, UNMAP, RECLAIMER, HVA, HVA + 4 * PAGE),
			 -ENOMEM);
	assert_int_equal(seen.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_come_in_order_and_within_the_slot),
		cmocka_unit_test(a_vcpu_evicts_only_while_it_reclaims),
		cmocka_unit_test(reclaim_elsewhere_does_not_matter),
		cmocka_unit_test(a_huge_page_that_is_told_twice_counts_once),
		cmocka_unit_test(an_error_ends_the_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* VMIN and working sets against simulations that keep or drop page by page. */
#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/test.h"
#include "models/vmin.h"

enum {
	PAGES = 60,
	LENGTH = 2000,
	GAP = 1000, /* ns between accesses at most */
	TRACES = 5,
};

struct accesses {
	uint32_t page[LENGTH];
	uint64_t ns[LENGTH], end_ns;
};

static void make(struct accesses *a, uint64_t seed)
{
	struct rng rng = {seed};
	uint64_t now = 0;

	for (int i = 0; i < LENGTH; i++) {
		double u = rng_unit(&rng);

		a->page[i] = (uint32_t)(u * u * PAGES);
		a->ns[i] = now;
		now += rng_below(&rng, GAP);
	}
	a->end_ns = now;
}

static void measure(struct vmin *v, const struct accesses *a)
{
	assert_int_equal(vmin_init(v, PAGES, NULL), 0);
	for (int i = 0; i < LENGTH; i++)
		vmin_access(v, a->page[i], a->ns[i]);
	vmin_end(v, a->end_ns);
}

/* Return: the next access of the same page, or LENGTH. */
static int next_access(const struct accesses *a, int at)
{
	int i = at + 1;

	while (i < LENGTH && a->page[i] != a->page[at])
		i++;
	return i;
}

/* What a window does, access by access. */
static struct vmin_point simulate(const struct accesses *a, double window_ns)
{
	struct vmin_point p = {.window_ns = window_ns};

	for (int i = 0; i < LENGTH; i++) {
		int next = next_access(a, i);
		uint64_t until = next < LENGTH ? a->ns[next] : a->end_ns;
		double ns = (double)(until - a->ns[i]);
		bool is_kept = ns <= window_ns;

		p.refaults += next < LENGTH && !is_kept;
		p.pages[VMIN_OPT] += next < LENGTH && is_kept ? ns : 0;
		p.pages[VMIN_WS] += is_kept ? ns : window_ns;
	}
	p.pages[VMIN_OPT] /= (double)a->end_ns;
	p.pages[VMIN_WS] /= (double)a->end_ns;
	return p;
}

static void near(double a, double b, double tolerance)
{
	double off = a > b ? a - b : b - a;

	assert_true(off <= tolerance);
}

/* A point says of itself what it keeps: a simulation with its window must agree. */
static void points_are_what_their_window_does(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < TRACES; seed++) {
		struct accesses a;
		struct vmin v;

		make(&a, seed);
		measure(&v, &a);
		for (int i = 1; i <= 10; i++) {
			double pages = vmin_most_pages(&v, VMIN_OPT) * i / 10;
			struct vmin_point p = vmin_at(&v, VMIN_OPT, pages);
			struct vmin_point s = simulate(&a, p.window_ns);

			near(p.pages[VMIN_OPT], pages, 1e-6);
			near(s.pages[VMIN_OPT], pages, 0.02 * pages + 0.05);
			near(s.refaults, p.refaults, 0.02 * LENGTH);
			near(s.pages[VMIN_WS], p.pages[VMIN_WS],
			     0.02 * p.pages[VMIN_WS] + 0.05);
		}
		vmin_fini(&v);
	}
}

static void vmin_is_no_worse_than_working_sets(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < TRACES; seed++) {
		double before = LENGTH;
		struct accesses a;
		struct vmin v;

		make(&a, seed);
		measure(&v, &a);
		for (int i = 1; i <= 20; i++) {
			double pages = vmin_most_pages(&v, VMIN_OPT) * i / 20;
			double opt = vmin_at(&v, VMIN_OPT, pages).refaults;

			assert_true(opt <=
				    vmin_at(&v, VMIN_WS, pages).refaults);
			assert_true(opt <= before);
			before = opt;
		}
		vmin_fini(&v);
	}
}

/* Who keeps everything never refaults; who keeps nothing always does. */
static void curves_end_where_they_must(void **state)
{
	struct accesses a;
	struct vmin v;

	(void)state;
	make(&a, 9);
	measure(&v, &a);
	near(vmin_at(&v, VMIN_OPT, 1e9).refaults, 0, 0);
	near(vmin_at(&v, VMIN_OPT, vmin_most_pages(&v, VMIN_OPT)).refaults, 0,
	     1e-6);
	near(vmin_at(&v, VMIN_WS, 1e9).refaults, 0, 0);
	assert_true(vmin_at(&v, VMIN_OPT, 0).refaults >
		    LENGTH - PAGES - LENGTH / GAP - 20);
	assert_true(vmin_most_pages(&v, VMIN_WS) <= PAGES);
	assert_true(vmin_most_pages(&v, VMIN_OPT) <=
		    vmin_most_pages(&v, VMIN_WS));
	vmin_fini(&v);
}

static void traces_at_the_edge(void **state)
{
	struct vmin v;

	(void)state;
	assert_int_equal(vmin_init(&v, PAGES, NULL), 0);
	vmin_end(&v, 0);
	near(vmin_most_pages(&v, VMIN_WS), 0, 0);
	near(vmin_at(&v, VMIN_OPT, 5).refaults, 0, 0);
	vmin_fini(&v);
	assert_int_equal(vmin_init(&v, 1, NULL), 0);
	vmin_access(&v, 0, 0);
	vmin_access(&v, 0, INT64_MAX);
	vmin_end(&v, INT64_MAX);
	near(vmin_at(&v, VMIN_OPT, 1).refaults, 0, 0);
	near(vmin_at(&v, VMIN_OPT, 0).refaults, 1, 0);
	near(vmin_most_pages(&v, VMIN_OPT), 1, 1e-9);
	vmin_fini(&v);
}

static void vmin_fails_cleanly_without_memory(void **state)
{
	struct vmin v;

	(void)state;
	for (unsigned long nth = 1; nth <= 2; nth++) {
		kage_alloc_fail_at(nth);
		assert_true(vmin_init(&v, PAGES, NULL) < 0);
		vmin_fini(&v);
	}
	kage_alloc_fail_at(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(points_are_what_their_window_does),
		cmocka_unit_test(vmin_is_no_worse_than_working_sets),
		cmocka_unit_test(curves_end_where_they_must),
		cmocka_unit_test(traces_at_the_edge),
		cmocka_unit_test(vmin_fails_cleanly_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

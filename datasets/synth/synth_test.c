/* SPDX-License-Identifier: MIT */
/* Generators against what their patterns must give in closed form. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/test.h"
#include "datasets/synth/synth.h"
#include "datasets/trace/fixture.h"

enum {
	PAGES = 1000,
	ACCESSES = 200000
};

/* Accesses per page and the distance between the last two to each. */
struct tally {
	uint64_t hits[PAGES];
	uint64_t last[PAGES]; /* access number + 1 */
	uint64_t gap_least, gap_most;
	uint64_t accesses, writes, touched;
};

static void count(struct tally *t, const struct trace_stream *s)
{
	for (size_t i = 0; i < s->n; i++) {
		gfn_t gfn = s->gfn[i];
		uint64_t gap = ++t->accesses - t->last[gfn];

		t->touched += !t->hits[gfn]++;
		t->writes += s->kind[i] == TRACE_WRITE;
		if (t->last[gfn] && gap < t->gap_least)
			t->gap_least = gap;
		if (t->last[gfn] && gap > t->gap_most)
			t->gap_most = gap;
		t->last[gfn] = t->accesses;
	}
}

static struct tally *generate(const char *name, const char *params)
{
	struct synth_job job = {.pages = PAGES,
				.accesses = ACCESSES,
				.tick_ns = 10,
				.writes = 0.25,
				.seed = 42};
	struct tally *t = calloc(1, sizeof(*t));
	struct trace_reader *reader = NULL;
	struct trace_block block;
	struct status st = {""};
	char folder[64], path[96];

	t->gap_least = UINT64_MAX;
	fixture_folder(folder);
	snprintf(path, sizeof(path), "%s/s.kgt", folder);
	if (synth_run(synth_find(name, NULL), params, &job, path, NULL, &st) ||
	    trace_reader_open(&reader, path, TRACE_OPEN_VERIFY, &st))
		fail_msg("%s", st.message);
	while (trace_reader_next(reader, &block, &st) > 0)
		count(t, &block.stream);
	assert_string_equal(st.message, "");
	trace_reader_close(reader);
	fixture_remove(folder);
	assert_int_equal(t->accesses, ACCESSES);
	return t;
}

/* @seen of n trials of probability @p: within five standard deviations. */
static void assert_share(uint64_t seen, double n, double p)
{
	double sigma = sqrt(n * p * (1 - p));

	if (fabs((double)seen - n * p) > 5 * sigma)
		fail_msg("%llu of %g, expected %g", (unsigned long long)seen, n,
			 n * p);
}

static int descending(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x > *y ? -1 : *x < *y;
}

static uint64_t top(struct tally *t, size_t k)
{
	uint64_t sum = 0;

	qsort(t->hits, PAGES, sizeof(t->hits[0]), descending);
	for (size_t i = 0; i < k; i++)
		sum += t->hits[i];
	return sum;
}

static double harmonic(size_t n, double s)
{
	double sum = 0;

	for (size_t k = 1; k <= n; k++)
		sum += pow((double)k, -s);
	return sum;
}

static void zipf_has_its_mass_at_the_top(void **state)
{
	static const char *const exponents[] = {"s=0.5", "s=0.99", "s=1",
						"s=2"};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		double s = strtod(exponents[i] + 2, NULL);
		struct tally *t = generate("zipf", exponents[i]);

		assert_share(t->writes, ACCESSES, 0.25);
		assert_share(top(t, 1), ACCESSES, 1 / harmonic(PAGES, s));
		free(t);
	}
}

static void sorted_zipf_has_rank_k_on_page_k(void **state)
{
	struct tally *t = generate("zipf", "s=1,order=sorted");

	(void)state;
	for (size_t k = 1; k <= 50; k++)
		assert_share(t->hits[k - 1], ACCESSES,
			     1 / ((double)k * harmonic(PAGES, 1)));
	free(t);
}

static void every_reuse_in_a_loop_is_as_long_as_the_loop(void **state)
{
	struct tally *t = generate("loop", NULL);

	(void)state;
	assert_int_equal(t->gap_least, PAGES);
	assert_int_equal(t->gap_most, PAGES);
	assert_int_equal(t->touched, PAGES);
	free(t);
}

static void strides_visit_pages_by_the_gcd(void **state)
{
	struct tally *t = generate("strided", "stride=150");

	(void)state;
	assert_int_equal(t->touched, PAGES / 50);
	assert_int_equal(t->gap_least, PAGES / 50);
	assert_int_equal(t->gap_most, PAGES / 50);
	free(t);
}

static void the_rest_of_strides_goes_anywhere(void **state)
{
	struct tally *t = generate("strided", "stride=50,rest=0.2");
	uint64_t hot = 0;

	(void)state;
	for (size_t i = 0; i < PAGES; i += 50)
		hot += t->hits[i];
	assert_share(hot, ACCESSES, 0.8 + 0.2 / 50);
	assert_true(t->touched > PAGES / 2);
	free(t);
}

static void hot_pages_get_their_share(void **state)
{
	struct tally *t = generate("hotcold", "hot=0.05,bias=0.9");

	(void)state;
	assert_share(top(t, PAGES / 20), ACCESSES, 0.9);
	free(t);
}

/* Of 1,000 pages: five blocks of ten, the first of each 200 pages. */
static void hot_blocks_lie_evenly(void **state)
{
	struct tally *t =
		generate("hotcold", "hot=0.05,block=10,order=even,fill=1");
	uint64_t hot = 0;

	(void)state;
	for (size_t i = 0; i < PAGES; i++)
		hot += i % 200 < 10 ? t->hits[i] - 1 : 0;
	assert_int_equal(t->touched, PAGES);
	assert_share(hot, ACCESSES - PAGES, 0.9);
	free(t);
}

static bool is_hot(const struct tally *t, size_t page)
{
	return t->hits[page] > ACCESSES / PAGES * 5;
}

static void hot_blocks_are_whole_where_they_are_scattered(void **state)
{
	struct tally *t = generate("hotcold", "hot=0.05,block=10");
	size_t hot = 0, starts = 0;

	(void)state;
	for (size_t i = 0; i < PAGES; i++) {
		assert_int_equal(is_hot(t, i), is_hot(t, i / 10 * 10));
		hot += is_hot(t, i);
		starts += is_hot(t, i) && i % 200 == 0;
	}
	assert_int_equal(hot, 50);
	assert_int_not_equal(starts, 5);
	free(t);
}

static void a_scan_takes_its_share_of_the_accesses(void **state)
{
	struct tally *t = generate("scan", "hot=100,period=1000,length=300");
	uint64_t hot = 0;

	(void)state;
	for (size_t i = 0; i < 100; i++)
		hot += t->hits[i];
	assert_int_equal(hot, ACCESSES / 10 * 7);
	free(t);
}

static void phases_touch_one_set_after_the_other(void **state)
{
	struct tally *t = generate("phase", "set=50,shift=50,length=20000");

	(void)state;
	assert_int_equal(t->touched, 50 * ACCESSES / 20000);
	free(t);
}

static void no_locality_is_even(void **state)
{
	struct tally *t = generate("nolocality", NULL);

	(void)state;
	for (size_t i = 0; i < PAGES; i++)
		assert_share(t->hits[i], ACCESSES, 1.0 / PAGES);
	free(t);
}

static void misfits_are_refused(void **state)
{
	struct synth_job job = {.pages = 10, .accesses = 10, .tick_ns = 1};
	struct status st;

	(void)state;
	assert_null(synth_find("nosuch", &st));
	assert_non_null(strstr(st.message, "zipf"));
	assert_int_equal(synth_run(synth_find("phase", NULL), "set=11", &job,
				   "/dev/null", NULL, &st),
			 -EINVAL);
	assert_int_equal(synth_run(synth_find("hotcold", NULL),
				   "hot=0.3,order=even", &job, "/dev/null",
				   NULL, &st),
			 -EINVAL);
	assert_int_equal(synth_run(synth_find("hotcold", NULL),
				   "hot=0.3,block=2", &job, "/dev/null", NULL,
				   &st),
			 -EINVAL);
	job.pages = 0;
	assert_int_equal(synth_run(synth_find("loop", NULL), "", &job,
				   "/dev/null", NULL, &st),
			 -EINVAL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(zipf_has_its_mass_at_the_top),
	cmocka_unit_test(sorted_zipf_has_rank_k_on_page_k),
	cmocka_unit_test(every_reuse_in_a_loop_is_as_long_as_the_loop),
	cmocka_unit_test(strides_visit_pages_by_the_gcd),
	cmocka_unit_test(the_rest_of_strides_goes_anywhere),
	cmocka_unit_test(hot_pages_get_their_share),
	cmocka_unit_test(hot_blocks_lie_evenly),
	cmocka_unit_test(hot_blocks_are_whole_where_they_are_scattered),
	cmocka_unit_test(a_scan_takes_its_share_of_the_accesses),
	cmocka_unit_test(phases_touch_one_set_after_the_other),
	cmocka_unit_test(no_locality_is_even),
	cmocka_unit_test(misfits_are_refused),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}

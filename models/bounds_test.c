/* SPDX-License-Identifier: MIT */
/*
 * The bounds against naive versions of themselves, and what holds for every bound
 * and every policy: nothing beats opt, memory helps, the counts add up.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/test.h"
#include "models/bounds.h"
#include "models/test_lane.h"

enum {
	NPAGES = PTRS_PER_PTE,
	USED = 150,
	LENGTH = 5000, /* more than 64 * 64 */
	TRACES = 6,
	FOREVER = 1 << 30,
};

static const uint64_t limits[] = {1, 2, 3, 10, 40, 75, 149, 150, 1000};
enum {
	NR_LIMITS = sizeof(limits) / sizeof(limits[0])
};

/* Loops, a hot set and strays, in a mix of the seed's choosing. */
static void make_trace(uint32_t *page, uint64_t seed)
{
	struct rng rng = {seed};
	uint64_t scan = rng_below(&rng, 100), hot = rng_below(&rng, 100);
	uint32_t cursor = 0;

	for (int i = 0; i < LENGTH; i++) {
		if (rng_below(&rng, 100) < scan)
			page[i] = cursor++ % USED;
		else if (rng_below(&rng, 100) < hot)
			page[i] = (uint32_t)rng_below(&rng, USED / 8);
		else
			page[i] = (uint32_t)rng_below(&rng, USED);
	}
}

static struct bound_result run(const char *bound, const uint32_t *page,
			       uint64_t limit)
{
	struct bound_trace trace = {
		.page = page, .n = LENGTH, .npages = NPAGES};
	struct bound_result result;

	assert_int_equal(bound_find(bound)->ops->run(&trace, limit, NULL,
						     &result, NULL),
			 0);
	return result;
}

/* How far in the future, or past, @page is accessed next; FOREVER if never. */
static int next_use(const uint32_t *trace, int now, uint32_t page)
{
	for (int i = now + 1; i < LENGTH; i++)
		if (trace[i] == page)
			return i - now;
	return FOREVER;
}

static int last_use(const uint32_t *trace, int now, uint32_t page)
{
	for (int i = now - 1; i >= 0; i--)
		if (trace[i] == page)
			return now - i;
	return FOREVER;
}

/* Evicts the resident page of which @distance is largest. */
static uint64_t naive_faults(const uint32_t *trace, uint64_t limit,
			     int (*distance)(const uint32_t *, int, uint32_t))
{
	uint32_t resident[NPAGES];
	uint64_t n = 0, faults = 0;

	for (int now = 0; now < LENGTH; now++) {
		uint64_t at = 0, farthest = 0;

		while (at < n && resident[at] != trace[now])
			at++;
		if (at < n)
			continue;
		faults++;
		if (n < limit) {
			resident[n++] = trace[now];
			continue;
		}
		for (uint64_t i = 1; i < n; i++)
			if (distance(trace, now, resident[i]) >
			    distance(trace, now, resident[farthest]))
				farthest = i;
		resident[farthest] = trace[now];
	}
	return faults;
}

static void bounds_agree_with_naive_versions(void **state)
{
	uint32_t page[LENGTH];

	(void)state;
	for (uint64_t seed = 0; seed < TRACES; seed++) {
		make_trace(page, seed);
		for (int i = 0; i < NR_LIMITS; i += 2) {
			assert_int_equal(run("opt", page, limits[i]).faults,
					 naive_faults(page, limits[i],
						      next_use));
			assert_int_equal(run("lru", page, limits[i]).faults,
					 naive_faults(page, limits[i],
						      last_use));
		}
	}
}

/* Whether page @a goes before page @b: older, or first by the hash of its epoch. */
static bool goes_before(const uint64_t *epoch_of, uint64_t seed, uint32_t a,
			uint32_t b)
{
	uint64_t salt = rng_mix(rng_mix(seed + 1) + epoch_of[a]);

	if (epoch_of[a] != epoch_of[b])
		return epoch_of[a] < epoch_of[b];
	return rng_mix(salt + a + 1) >> 32 < rng_mix(salt + b + 1) >> 32;
}

/* An oracle by the book: scans all pages for the one that is longest not seen. */
static uint64_t naive_oracle(const uint32_t *page, uint64_t limit,
			     const size_t *epoch_at, size_t nr_epochs,
			     uint64_t seed)
{
	bool is_resident[NPAGES] = {false};
	uint64_t epoch_of[NPAGES] = {0}, faults = 0, resident = 0, epoch = 0;

	for (size_t i = 0; i < LENGTH; i++) {
		uint32_t victim = NPAGES;

		while (epoch < nr_epochs && epoch_at[epoch] <= i)
			epoch++;
		faults += !is_resident[page[i]];
		if (!is_resident[page[i]] && resident++ == limit) {
			for (uint32_t p = 0; p < NPAGES; p++)
				if (is_resident[p] &&
				    (victim == NPAGES ||
				     goes_before(epoch_of, seed, p, victim)))
					victim = p;
			is_resident[victim] = false;
			resident--;
		}
		is_resident[page[i]] = true;
		epoch_of[page[i]] = epoch;
	}
	return faults;
}

static uint64_t run_oracle(const uint32_t *page, uint64_t limit,
			   const size_t *epoch_at, size_t nr_epochs,
			   uint64_t seed)
{
	struct bound_trace trace = {.page = page,
				    .n = LENGTH,
				    .npages = NPAGES,
				    .epoch_at = epoch_at,
				    .nr_epochs = nr_epochs,
				    .seed = seed};
	struct bound_result r;

	assert_int_equal(bound_find("abit-oracle")
				 ->ops->run(&trace, limit, NULL, &r, NULL),
			 0);
	return r.faults;
}

/* Epochs of @length accesses.  Return: how many. */
static size_t make_epochs(size_t *epoch_at, size_t length)
{
	size_t n = 0;

	for (size_t at = length; at <= LENGTH; at += length)
		epoch_at[n++] = at;
	return n;
}

static void oracle_agrees_with_a_naive_one(void **state)
{
	static const size_t lengths[] = {1, 7, 50, 333, LENGTH};
	uint32_t page[LENGTH];
	size_t epoch_at[LENGTH];

	(void)state;
	for (uint64_t seed = 0; seed < TRACES; seed++) {
		make_trace(page, seed);
		for (int i = 0; i < NR_LIMITS; i += 2) {
			size_t n = make_epochs(epoch_at, lengths[i / 2]);

			assert_int_equal(run_oracle(page, limits[i], epoch_at,
						    n, seed),
					 naive_oracle(page, limits[i], epoch_at,
						      n, seed));
		}
	}
}

static void oracle_of_single_accesses_is_lru(void **state)
{
	uint32_t page[LENGTH];
	size_t epoch_at[LENGTH];
	size_t n = make_epochs(epoch_at, 1);

	(void)state;
	for (uint64_t seed = 0; seed < TRACES; seed++) {
		make_trace(page, seed);
		for (int i = 0; i < NR_LIMITS; i++)
			assert_int_equal(run_oracle(page, limits[i], epoch_at,
						    n, seed),
					 run("lru", page, limits[i]).faults);
	}
}

/* Of one epoch it knows nothing: which pages stay is the seed's alone. */
static void oracle_of_one_epoch_follows_its_seed(void **state)
{
	uint32_t page[LENGTH];
	uint64_t first, distinct_results = 0;

	(void)state;
	make_trace(page, 3);
	first = run_oracle(page, 40, NULL, 0, 0);
	assert_int_equal(first, run_oracle(page, 40, NULL, 0, 0));
	for (uint64_t seed = 1; seed < 10; seed++)
		distinct_results += run_oracle(page, 40, NULL, 0, seed) !=
				    first;
	assert_true(distinct_results > 5);
}

static void no_bound_beats_opt_and_memory_helps(void **state)
{
	uint32_t page[LENGTH];

	(void)state;
	for (uint64_t seed = 0; seed < TRACES; seed++) {
		uint64_t opt_before = UINT64_MAX, lru_before = UINT64_MAX;

		make_trace(page, seed);
		for (int i = 0; i < NR_LIMITS; i++) {
			uint64_t opt = run("opt", page, limits[i]).faults;
			uint64_t lru = run("lru", page, limits[i]).faults;

			assert_true(opt <= lru);
			assert_true(opt <= opt_before);
			assert_true(lru <= lru_before);
			opt_before = opt;
			lru_before = lru;
		}
	}
}

/* With one page of memory every change of page is a fault, whatever is known. */
static void one_page_of_memory_leaves_no_choice(void **state)
{
	uint32_t page[LENGTH];
	uint64_t changes = 1;

	(void)state;
	make_trace(page, 7);
	for (int i = 1; i < LENGTH; i++)
		changes += page[i] != page[i - 1];
	assert_int_equal(run("opt", page, 1).faults, changes);
	assert_int_equal(run("lru", page, 1).faults, changes);
}

static uint64_t distinct(const uint32_t *page)
{
	bool seen[NPAGES] = {false};
	uint64_t n = 0;

	for (int i = 0; i < LENGTH; i++) {
		n += !seen[page[i]];
		seen[page[i]] = true;
	}
	return n;
}

static void counts_of_every_bound_add_up(void **state)
{
	uint32_t page[LENGTH];

	(void)state;
	make_trace(page, 8);
	for (const struct bound_entry *e = bounds; e->name; e++) {
		for (int i = 0; i < NR_LIMITS; i++) {
			struct bound_result r = run(e->name, page, limits[i]);

			assert_int_equal(r.faults - r.refaults, distinct(page));
			assert_int_equal(r.faults - r.evictions,
					 r.max_resident);
			assert_true(r.max_resident <= limits[i]);
		}
	}
}

static void sample(void *arg, const struct bound_result *so_far,
		   uint64_t resident)
{
	uint64_t *faults = arg;

	assert_true(so_far->faults >= *faults);
	assert_true(resident <= 10);
	*faults = so_far->faults;
}

static void observers_see_counts_grow_to_the_result(void **state)
{
	static const size_t at[] = {1, 1, 2, 1000, LENGTH};
	uint32_t page[LENGTH];

	(void)state;
	make_trace(page, 9);
	for (const struct bound_entry *e = bounds; e->name; e++) {
		struct bound_trace trace = {
			.page = page, .n = LENGTH, .npages = NPAGES};
		struct bound_result r;
		uint64_t faults = 0;
		struct bound_observer o = {sample, at, 5, &faults};

		assert_int_equal(e->ops->run(&trace, 10, &o, &r, NULL), 0);
		assert_int_equal(faults, r.faults);
	}
}

static void limits_and_traces_at_the_edge(void **state)
{
	uint32_t page[1] = {NPAGES - 1};

	(void)state;
	for (const struct bound_entry *e = bounds; e->name; e++) {
		struct bound_trace trace = {.page = page, .npages = NPAGES};
		struct status st = {""};
		struct bound_result r;

		assert_int_equal(e->ops->run(&trace, 1, NULL, &r, NULL), 0);
		assert_int_equal(r.faults, 0);
		trace.n = 1;
		assert_int_equal(e->ops->run(&trace, 1, NULL, &r, NULL), 0);
		assert_int_equal(r.faults, 1);
		assert_int_equal(e->ops->run(&trace, 0, NULL, &r, &st),
				 -EINVAL);
		assert_non_null(strstr(st.message, "limit of 0"));
	}
}

static void bounds_fail_cleanly_without_memory(void **state)
{
	uint32_t page[1] = {0};
	struct bound_trace trace = {.page = page, .n = 1, .npages = NPAGES};

	(void)state;
	for (const struct bound_entry *e = bounds; e->name; e++) {
		int failures = 0, ret;

		do {
			struct status st = {""};
			struct bound_result r;

			kage_alloc_fail_at((unsigned long)failures + 1);
			ret = e->ops->run(&trace, 1, NULL, &r, &st);
			if (ret) {
				assert_int_equal(ret, -ENOMEM);
				assert_non_null(strstr(st.message, "memory"));
				failures++;
			}
		} while (ret);
		assert_false(kage_alloc_failed());
		assert_true(failures >= 3);
		kage_alloc_fail_at(0);
	}
}

/* Return: the most pages that the lane ever held; reclaim may miss the limit. */
static uint64_t replay(struct lane *l, const uint32_t *page)
{
	uint64_t most = 0;

	for (int i = 0; i < LENGTH; i++) {
		lane_access(l, page[i]);
		if (l->m.resident > most)
			most = l->m.resident;
	}
	return most;
}

static void lane_has_at_least_the_faults_of_opt(const char *policy,
						const uint32_t *page)
{
	uint64_t word[NPAGES] = {0};
	struct pages pages = {.word = word, .npages = NPAGES};
	uint64_t most;
	struct lane l;

	assert_int_equal(lane_init(&l, &pages, 0, policy, NULL, USED / 2), 0);
	most = replay(&l, page);
	assert_true(l.counters.n[COUNT_evictions] > 0);
	assert_true(l.counters.n[COUNT_faults] >=
		    run("opt", page, most).faults);
	lane_fini(&l);
}

static void no_policy_beats_opt(void **state)
{
	uint32_t page[LENGTH];

	(void)state;
	for (uint64_t seed = 0; seed < TRACES; seed++) {
		make_trace(page, seed);
		for (const struct policy_entry *e = policies; e->name; e++)
			lane_has_at_least_the_faults_of_opt(e->name, page);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_agree_with_naive_versions),
		cmocka_unit_test(oracle_agrees_with_a_naive_one),
		cmocka_unit_test(oracle_of_single_accesses_is_lru),
		cmocka_unit_test(oracle_of_one_epoch_follows_its_seed),
		cmocka_unit_test(no_bound_beats_opt_and_memory_helps),
		cmocka_unit_test(one_page_of_memory_leaves_no_choice),
		cmocka_unit_test(counts_of_every_bound_add_up),
		cmocka_unit_test(observers_see_counts_grow_to_the_result),
		cmocka_unit_test(limits_and_traces_at_the_edge),
		cmocka_unit_test(bounds_fail_cleanly_without_memory),
		cmocka_unit_test(no_policy_beats_opt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

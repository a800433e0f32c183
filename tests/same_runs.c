/* SPDX-License-Identifier: MIT */
/*
 * same_runs A.json B.json: did two runs of one scenario come to the same?  Counters
 * may differ by 0.05 % or 8, and of the evicted pages nearly all must be the same.
 * Says how far they are apart.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/scenario/results.h"

static const double jaccard_least = 0.995, share_most = 0.0005;

enum {
	COUNT_MOST = 8
};

static int compare_gfns(const void *a, const void *b)
{
	gfn_t x = *(const gfn_t *)a, y = *(const gfn_t *)b;

	return x < y ? -1 : x > y;
}

/* Of multisets: a page that was evicted twice is in one twice. */
static double jaccard(struct scenario_results *a, struct scenario_results *b)
{
	size_t i = 0, j = 0, both = 0;

	qsort(a->evicted, a->nr_evicted, sizeof(gfn_t), compare_gfns);
	qsort(b->evicted, b->nr_evicted, sizeof(gfn_t), compare_gfns);
	while (i < a->nr_evicted && j < b->nr_evicted) {
		gfn_t x = a->evicted[i], y = b->evicted[j];

		both += x == y;
		i += x <= y;
		j += y <= x;
	}
	i = a->nr_evicted + b->nr_evicted - both;
	return i ? (double)both / (double)i : 1;
}

static int is_near(uint64_t x, uint64_t y)
{
	uint64_t more = x > y ? x : y, apart = x > y ? x - y : y - x;

	return apart <= COUNT_MOST ||
	       (double)apart <= share_most * (double)more;
}

static int compare_snapshot(const struct scenario_snapshot *a,
			    const struct scenario_snapshot *b, uint64_t *most)
{
	int bad = 0;

	for (size_t i = 0; i < a->nr_counters; i++) {
		const struct scenario_counter *c = &a->counters[i];
		uint64_t x = c->value, y = scenario_snapshot_value(b, c->name);
		uint64_t apart = x > y ? x - y : y - x;

		*most = apart > *most ? apart : *most;
		if (is_near(x, y))
			continue;
		printf("%s: %s %" PRIu64 " against %" PRIu64 "\n", a->name,
		       c->name, x, y);
		bad = 1;
	}
	return bad;
}

static int compare(struct scenario_results *a, struct scenario_results *b)
{
	int bad = a->nr_snapshots != b->nr_snapshots ||
		  a->nr_steps != b->nr_steps || !a->has_evicted ||
		  !b->has_evicted;
	int is_order =
		a->nr_evicted == b->nr_evicted &&
		!memcmp(a->evicted, b->evicted, a->nr_evicted * sizeof(gfn_t));
	uint64_t most = 0;
	double same;

	for (size_t i = 0; i < a->nr_snapshots && !bad; i++)
		bad |= compare_snapshot(&a->snapshots[i], &b->snapshots[i],
					&most);
	same = jaccard(a, b);
	printf("%zu snapshots, counters at most %" PRIu64
	       " apart; evicted %zu and %zu pages, jaccard %.5f, order %s\n",
	       a->nr_snapshots, most, a->nr_evicted, b->nr_evicted, same,
	       is_order ? "the same" : "not the same");
	return bad || same < jaccard_least;
}

int main(int argc, char **argv)
{
	struct scenario_results a, b;
	struct status st = {""};
	int bad;

	if (argc != 3 || scenario_results_read(&a, argv[1], &st))
		return fprintf(stderr, "same_runs: %s\n", st.message), 2;
	if (scenario_results_read(&b, argv[2], &st)) {
		scenario_results_fini(&a);
		return fprintf(stderr, "same_runs: %s\n", st.message), 2;
	}
	bad = compare(&a, &b);
	scenario_results_fini(&a);
	scenario_results_fini(&b);
	return bad;
}

/* SPDX-License-Identifier: MIT */
/* Measures of agreement; see agreement.h. */
#include "analysis/agreement.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"

struct spot {
	gfn_t gfn;
	size_t at; /* in its list */
};

static int by_gfn(const void *a, const void *b)
{
	const struct spot *x = a, *y = b;

	if (x->gfn != y->gfn)
		return x->gfn < y->gfn ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

/* Return: the list sorted, to free(), or NULL. */
static struct spot *sort_spots(const gfn_t *gfns, size_t n, struct status *st)
{
	struct spot *spots = kage_calloc(n + 1, sizeof(*spots), st);

	if (!spots)
		return NULL;
	for (size_t i = 0; i < n; i++)
		spots[i] = (struct spot){gfns[i], i};
	qsort(spots, n, sizeof(*spots), by_gfn);
	return spots;
}

/* For each place of @a, write where its page is in @b, plus one; 0: nowhere.
 * Return: how many are common. */
static size_t pair_up(const struct spot *a, size_t nr_a, const struct spot *b,
		      size_t nr_b, size_t *place)
{
	size_t i = 0, k = 0, common = 0;

	while (i < nr_a && k < nr_b) {
		if (a[i].gfn == b[k].gfn) {
			place[a[i++].at] = b[k++].at + 1;
			common++;
		} else if (a[i].gfn < b[k].gfn) {
			i++;
		} else {
			k++;
		}
	}
	return common;
}

/* Merge the sorted halves [from, mid) and [mid, to).  Return: inversions. */
static uint64_t merge(size_t *values, size_t *spare, size_t from, size_t mid,
		      size_t to)
{
	size_t i = from, k = mid;
	uint64_t inversions = 0;

	for (size_t out = from; out < to; out++) {
		if (k == to || (i < mid && values[i] < values[k])) {
			spare[out] = values[i++];
		} else {
			spare[out] = values[k++];
			inversions += mid - i;
		}
	}
	for (size_t out = from; out < to; out++)
		values[out] = spare[out];
	return inversions;
}

/* Sort @values, all distinct.  Return: pairs that were in the wrong order. */
static uint64_t count_inversions(size_t *values, size_t *spare, size_t n)
{
	uint64_t inversions = 0;

	for (size_t half = 1; half < n; half *= 2)
		for (size_t from = 0; from + half < n; from += 2 * half)
			inversions += merge(
				values, spare, from, from + half,
				from + 2 * half < n ? from + 2 * half : n);
	return inversions;
}

int agreement_of(struct agreement *agreement, const gfn_t *a, size_t nr_a,
		 const gfn_t *b, size_t nr_b, struct status *st)
{
	struct spot *in_a = sort_spots(a, nr_a, st);
	struct spot *in_b = in_a ? sort_spots(b, nr_b, st) : NULL;
	size_t *place = in_b ? kage_calloc(2 * nr_a + 1, sizeof(*place), st)
			     : NULL;
	int ret = place ? 0 : -ENOMEM;
	size_t n = 0;

	*agreement = (struct agreement){.a = nr_a, .b = nr_b};
	if (!ret) {
		agreement->common = pair_up(in_a, nr_a, in_b, nr_b, place);
		for (size_t i = 0; i < nr_a; i++)
			if (place[i])
				place[n++] = place[i];
		agreement->inversions =
			count_inversions(place, place + nr_a, n);
	}
	free(in_a);
	free(in_b);
	free(place);
	return ret;
}

double agreement_jaccard(const struct agreement *agreement)
{
	size_t all = agreement->a + agreement->b - agreement->common;

	return all ? (double)agreement->common / (double)all : NAN;
}

double agreement_tau(const struct agreement *agreement)
{
	double n = (double)agreement->common;

	if (agreement->common < 2)
		return NAN;
	return 1 - 4 * (double)agreement->inversions / (n * (n - 1));
}

double agreement_misplaced(const uint64_t *a, size_t nr_a, const uint64_t *b,
			   size_t nr_b)
{
	size_t most = nr_a > nr_b ? nr_a : nr_b;
	double only_a = 0, only_b = 0, same = 0;

	for (size_t back = 1; back <= most; back++) {
		double x = back <= nr_a ? (double)a[nr_a - back] : 0;
		double y = back <= nr_b ? (double)b[nr_b - back] : 0;

		same += fmin(x, y);
		only_a += fmax(x - y, 0);
		only_b += fmax(y - x, 0);
	}
	if (same + only_a + only_b <= 0)
		return NAN;
	return fmax(only_a, only_b) / (same + fmax(only_a, only_b));
}

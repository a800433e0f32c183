/* SPDX-License-Identifier: MIT */
/* Stretches of memory; see ranges.h. */
#include "datasets/convert/ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum {
	PENDING_MIN = 1 << 12
};

#define PAGES_MAX (UINT64_C(1) << 32)

void ranges_fini(struct ranges *r)
{
	free(r->sorted);
	free(r->pending);
	*r = (struct ranges){0};
}

static int by_first(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* Make neighbours one.  Return: how many are left. */
static size_t join(struct range *range, size_t n, uint64_t gap)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct range *last = kept ? &range[kept - 1] : NULL;

		if (!last || range[i].first > last->end + gap)
			range[kept++] = range[i];
		else if (range[i].end > last->end)
			last->end = range[i].end;
	}
	return kept;
}

static int merge(struct ranges *r, struct status *st)
{
	int ret = 0;

	for (size_t i = 0; i < r->nr_pending && !ret; i++) {
		ret = kage_grow(&r->sorted, &r->capacity, r->n,
				sizeof(*r->sorted), st);
		if (!ret)
			r->sorted[r->n++] = r->pending[i];
	}
	r->nr_pending = 0;
	if (ret || !r->n)
		return ret;
	qsort(r->sorted, r->n, sizeof(*r->sorted), by_first);
	r->n = join(r->sorted, r->n, 0);
	return 0;
}

static bool holds(const struct range *outer, const struct range *inner)
{
	return inner->first >= outer->first && inner->end <= outer->end;
}

/* The sorted range that begins last, but not behind @first; NULL: none. */
static const struct range *find(const struct ranges *r, uint64_t first)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->sorted[middle].first <= first)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &r->sorted[low - 1] : NULL;
}

int ranges_add(struct ranges *r, gfn_t gfn, uint64_t npages, struct status *st)
{
	struct range added = {gfn / RANGES_BLOCK_PAGES,
			      (gfn + npages - 1) / RANGES_BLOCK_PAGES + 1};
	const struct range *known;
	int ret;

	if (holds(&r->last, &added))
		return 0;
	known = find(r, added.first);
	if (known && holds(known, &added)) {
		r->last = *known;
		return 0;
	}
	ret = kage_grow(&r->pending, &r->pending_capacity, r->nr_pending,
			sizeof(*r->pending), st);
	if (ret)
		return ret;
	r->pending[r->nr_pending++] = added;
	r->last = added;
	return r->nr_pending >= PENDING_MIN && r->nr_pending >= r->n
		       ? merge(r, st)
		       : 0;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Close the smallest gaps until the format can name what is left. */
static int limit_slots(struct ranges *r, struct status *st)
{
	uint64_t *gaps, widest;

	if (r->n <= TRACE_SLOTS_MAX)
		return 0;
	gaps = kage_calloc(r->n - 1, sizeof(*gaps), st);
	if (!gaps)
		return -ENOMEM;
	for (size_t i = 0; i + 1 < r->n; i++)
		gaps[i] = r->sorted[i + 1].first - r->sorted[i].end;
	qsort(gaps, r->n - 1, sizeof(*gaps), by_size);
	widest = gaps[r->n - TRACE_SLOTS_MAX - 1];
	free(gaps);
	r->n = join(r->sorted, r->n, widest);
	return 0;
}

int ranges_slots(struct ranges *r, struct trace_slot **slots, size_t *n,
		 struct status *st)
{
	uint64_t pages = 0;
	int ret = merge(r, st);

	if (!ret)
		ret = limit_slots(r, st);
	if (ret)
		return ret;
	for (size_t i = 0; i < r->n; i++)
		pages += (r->sorted[i].end - r->sorted[i].first) *
			 RANGES_BLOCK_PAGES;
	if (!pages || pages >= PAGES_MAX)
		return pages ? -E2BIG : -ENODATA;
	*slots = kage_calloc(r->n, sizeof(**slots), st);
	if (!*slots)
		return -ENOMEM;
	for (size_t i = 0; i < r->n; i++) {
		const struct range *range = &r->sorted[i];

		(*slots)[i] = (struct trace_slot){
			.gfn = range->first * RANGES_BLOCK_PAGES,
			.npages = (range->end - range->first) *
				  RANGES_BLOCK_PAGES,
			.page_bytes = TRACE_PAGE_BYTES,
			.node = -1,
			.backing = "unknown"};
	}
	*n = r->n;
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* Ranges to watch and bursts of events; see damon_regions.h. */
#include "capture/damon/damon_regions.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"

#define PAGE ((uint64_t)TRACE_PAGE_BYTES)

void damon_ranges_fini(struct damon_ranges *ranges)
{
	free(ranges->ranges);
	*ranges = (struct damon_ranges){0};
}

int damon_ranges_add(struct damon_ranges *ranges, uint64_t start, uint64_t end,
		     struct status *st)
{
	int ret = kage_grow(&ranges->ranges, &ranges->capacity, ranges->nr,
			    sizeof(*ranges->ranges), st);

	if (!ret)
		ranges->ranges[ranges->nr++] = (struct damon_range){start, end};
	return ret;
}

uint64_t damon_ranges_pages(const struct damon_ranges *ranges)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < ranges->nr; i++)
		bytes += ranges->ranges[i].end - ranges->ranges[i].start;
	return bytes / PAGE;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct damon_range *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

void damon_ranges_join(struct damon_ranges *ranges)
{
	struct damon_range *range = ranges->ranges;
	size_t last = 0;

	if (!ranges->nr)
		return;
	qsort(range, ranges->nr, sizeof(*range), compare_ranges);
	for (size_t i = 1; i < ranges->nr; i++) {
		if (range[i].start > range[last].end)
			range[++last] = range[i];
		else if (range[i].end > range[last].end)
			range[last].end = range[i].end;
	}
	ranges->nr = last + 1;
}

int damon_ranges_of_guest(struct damon_ranges *ranges,
			  const struct guest *guest, struct status *st)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < guest->nr_slots; i++) {
		const struct trace_slot *slot = &guest->slots[i];

		ret = damon_ranges_add(ranges, slot->hva,
				       slot->hva + slot->npages * PAGE, st);
	}
	damon_ranges_join(ranges);
	return ret;
}

int damon_ranges_cut(struct damon_ranges *to, const struct damon_ranges *from,
		     uint64_t pieces, struct status *st)
{
	uint64_t pages = damon_ranges_pages(from), step;
	int ret = 0;

	step = pages / pieces ? pages / pieces * PAGE : PAGE;
	for (size_t i = 0; !ret && i < from->nr; i++) {
		uint64_t start = from->ranges[i].start;
		uint64_t end = from->ranges[i].end;

		for (; !ret && end - start >= 2 * step; start += step)
			ret = damon_ranges_add(to, start, start + step, st);
		if (!ret)
			ret = damon_ranges_add(to, start, end, st);
	}
	return ret;
}

/* Does the sample go on with the burst? */
static bool continues(const struct damon_burst *burst,
		      const struct damon_sample *sample, uint64_t gap_ns)
{
	const struct damon_sample *last = &burst->samples[burst->nr - 1];

	return sample->start >= last->end &&
	       sample->nr_regions == last->nr_regions &&
	       sample->time_ns - last->time_ns <= gap_ns;
}

int damon_burst_add(struct damon_burst *burst,
		    const struct damon_sample *sample, uint64_t gap_ns,
		    struct status *st)
{
	int ret;

	if (burst->is_complete)
		burst->nr = 0;
	burst->is_complete = false;
	if (burst->nr && !continues(burst, sample, gap_ns)) {
		burst->broken++;
		burst->broken_ns = burst->samples[0].time_ns;
		burst->nr = 0;
	}
	ret = kage_grow(&burst->samples, &burst->capacity, burst->nr,
			sizeof(*burst->samples), st);
	if (ret)
		return ret;
	burst->samples[burst->nr++] = *sample;
	burst->is_complete = burst->nr == sample->nr_regions;
	return burst->is_complete;
}

void damon_burst_fini(struct damon_burst *burst)
{
	free(burst->samples);
	*burst = (struct damon_burst){0};
}

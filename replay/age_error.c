/* SPDX-License-Identifier: MIT */
/*
 * Assigned ages are a handful of groups, so true ages need not be sorted to be paired
 * with them: it is enough to know which pages are the youngest so many.
 */
#include "replay/age_error.h"

static void swap(uint64_t *a, uint64_t *b)
{
	uint64_t kept = *a;

	*a = *b;
	*b = kept;
}

/* Hoare's quickselect. */
void age_partition(uint64_t *value, size_t n, size_t k)
{
	size_t low = 0, high = n;

	while (k > low && k < high && high - low > 1) {
		uint64_t pivot = value[low + (high - low) / 2];
		size_t i = low, j = high - 1;

		for (;;) {
			while (value[i] < pivot)
				i++;
			while (value[j] > pivot)
				j--;
			if (i >= j)
				break;
			swap(&value[i++], &value[j--]);
		}
		/* all before i are at most the pivot, all from it on at least */
		if (k <= i)
			high = i;
		else
			low = i;
	}
}

double age_distance(uint64_t *age_ns, size_t n, const struct age_group *groups,
		    size_t nr_groups)
{
	unsigned __int128 sum = 0;
	size_t at = 0;

	for (size_t g = 0; g < nr_groups; g++) {
		uint64_t assigned = groups[g].age_ns;
		size_t end = at + groups[g].pages;

		age_partition(age_ns + at, n - at, groups[g].pages);
		for (; at < end; at++)
			sum += age_ns[at] > assigned ? age_ns[at] - assigned
						     : assigned - age_ns[at];
	}
	return at ? (double)sum / (double)at : 0;
}

uint64_t age_working_set(const struct age_group *groups, size_t nr_groups,
			 uint64_t window_ns)
{
	uint64_t pages = 0;
	size_t known = 0;

	for (size_t g = 0; g < nr_groups; g++) {
		if (groups[g].age_ns > window_ns)
			continue;
		pages += groups[g].pages;
		known++;
	}
	return known ? pages : UINT64_MAX;
}

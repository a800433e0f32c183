/* SPDX-License-Identifier: MIT */
/*
 * How far ages that a policy assigns are from the true ones: arithmetic only, on
 * plain arrays, so that tests can hold it against the obvious way to compute it.
 */
#ifndef REPLAY_AGE_ERROR_H
#define REPLAY_AGE_ERROR_H

#include <stddef.h>
#include <stdint.h>

/* A generation as the host reports it: so many pages of one age. */
struct age_group {
	uint64_t age_ns, pages;
};

/**
 * age_distance - earth mover's distance between true ages and assigned ones
 * @age_ns: one per page, in any order; reordered
 * @groups: @nr_groups in order of rising age, of @n pages together
 *
 * The mean over pages of |true - assigned| when both are paired in order of age: what
 * it costs to move one histogram onto the other.  Takes O(n) on average.
 *
 * Return: ns per page; 0 for no pages.
 */
double age_distance(uint64_t *age_ns, size_t n, const struct age_group *groups,
		    size_t nr_groups);

/* Reorder @value so that none of the first @k of @n is above any of the rest. */
void age_partition(uint64_t *value, size_t n, size_t k);

/**
 * age_working_set - pages used within @window_ns, as the generations have it
 *
 * Return: the pages in groups not older than that, or UINT64_MAX if there is no such
 * group: nothing is known of so short a time.
 */
uint64_t age_working_set(const struct age_group *groups, size_t nr_groups,
			 uint64_t window_ns);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What became of the hot set in each step of the host.
 *
 * Who is hot, the trace says: the pages of the last epoch that the guest played before
 * the step began.  Where the guest goes on beside the host, these are what it touches.
 * A page of that epoch that was touched by chance is hot, too.
 */
#ifndef DATASETS_SCENARIO_HOT_H
#define DATASETS_SCENARIO_HOT_H

#include "datasets/scenario/playback.h"
#include "datasets/scenario/results.h"

/* Return: whether there is a hot set in a step like this: it is the host's, no mere
 * snapshot. */
static inline bool scenario_word_has_hot(enum scenario_word word)
{
	return !scenario_word_is_guest(word) && word != SCENARIO_SNAPSHOT;
}

/**
 * scenario_count_hot - for each step of the host, how many hot pages it kept
 * @results: of @playback, complete; hot and, where evictions were watched, kept are
 *	filled in for steps after the first epoch
 *
 * Return: 0 or -ENOMEM.
 */
int scenario_count_hot(struct scenario_results *results,
		       const struct playback *playback, struct status *st);

#endif

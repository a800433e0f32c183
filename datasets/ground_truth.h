/* SPDX-License-Identifier: MIT */
/*
 * A trace against the known accesses of the guest program that it was taken of:
 * which share of what was recorded is true (precision), and which share of what is
 * true was recorded (recall).
 *
 * Only the program's data pages are judged; the guest's code, stack and page
 * tables lie elsewhere.  The truth is a set of pages per round of the program and
 * says nothing of order or counts.
 */
#ifndef DATASETS_GROUND_TRUTH_H
#define DATASETS_GROUND_TRUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "datasets/trace/trace.h"

enum ground_truth_flag {
	GROUND_TRUTH_READ = 1,
	GROUND_TRUTH_WRITTEN = 2,
};

/* The data pages, [gfn, gfn + npages), and per round a byte of flags per page. */
struct ground_truth {
	gfn_t gfn;
	uint64_t npages;
	bool is_steady; /* every round from 1 on is like round 1 */
	size_t nr_rounds;
	uint8_t **rounds;
};

/* What one epoch came to, in pages; shares of nothing are 1. */
struct truth_score {
	uint64_t seen, expected, both;
	uint64_t false_dirty; /* recorded as dirty, but not written */
};

/**
 * ground_truth_load - read what `kage guest --describe` wrote
 *
 * Return: 0 with @truth to be given to ground_truth_fini(), or -EBADMSG naming what is
 * missing.
 */
int ground_truth_load(struct ground_truth *truth, const char *path,
		      struct status *st);
void ground_truth_fini(struct ground_truth *truth);

/**
 * ground_truth_judge - one score per epoch of a trace
 * @by_round: epoch k is round k + 1; else every round must be alike
 * @scores: allocated, owned by the caller
 *
 * A trace of writes only is held against what was written, any other against what
 * was read or written.  Return: 0; -EINVAL when the truth does not fit; or an
 * error of the reader's.
 */
int ground_truth_judge(const struct ground_truth *truth,
		       struct trace_reader *reader, bool by_round,
		       struct truth_score **scores, size_t *nr,
		       struct status *st);

double ground_truth_precision(const struct truth_score *score);
double ground_truth_recall(const struct truth_score *score);

#endif

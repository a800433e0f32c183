/* SPDX-License-Identifier: MIT */
/*
 * Folding accesses and epochs into longer epochs: each page once, in the order of
 * its first touch, flags OR-ed.  A large leaf stays large if all of it was seen at
 * that level or a larger one, else its pages are recorded as 4K.
 *
 * Hits and samples add up, so their ratio is the mean over the epochs; a page that
 * some of them did not look at has no hits there.
 *
 * Folding twice by two equals folding once by four.  Which access followed which
 * within an epoch is lost for good.
 */
#ifndef DATASETS_FOLD_H
#define DATASETS_FOLD_H

#include "datasets/trace/trace.h"

struct fold_page {
	gfn_t gfn;
	uint8_t flags; /* as of a run */
	uint32_t hits;
};

struct fold {
	struct trace_writer *writer; /* borrowed; NULL: nothing is emitted */
	uint64_t period;	     /* ticks; for fold_until() */
	struct trace_epoch epoch;    /* the next one */
	struct fold_page *pages;     /* in first-touch order */
	size_t nr_pages, capacity;
	uint32_t *table; /* gfn hash to index + 1 of pages; 0: free */
	size_t table_size;
	struct trace_run *runs; /* of _runs() */
	size_t runs_capacity;
};

/* @channels: of the epochs.  Return: 0 or -ENOMEM; _fini() is due either way. */
int fold_init(struct fold *fold, struct trace_writer *writer, uint64_t period,
	      unsigned int channels, struct status *st);
void fold_fini(struct fold *fold);

/* Add the pages of a run. */
int fold_add(struct fold *fold, const struct trace_run *run, struct status *st);

/* Make fold->epoch begin with @epoch, or go on until the end of it.  Return: 0, or
 * -EINVAL if one of them has hits and the other has none, or too many samples. */
int fold_join(struct fold *fold, const struct trace_epoch *epoch, bool is_first,
	      struct status *st);

/* Make fold->runs of what was added: @n of them.  Return: 0 or -ENOMEM. */
int fold_runs(struct fold *fold, size_t *n, struct status *st);

/* Forget what was added, and go on with the next index. */
void fold_clear(struct fold *fold);

/* Write fold->epoch with what was added, and clear.  The caller has set its
 * times. */
int fold_emit(struct fold *fold, struct status *st);

/**
 * fold_until - write every epoch that ends before @time
 *
 * An epoch covers (k * period, (k + 1) * period], time 0 belongs to k = 0, and
 * the first is that of the first @time.
 * Return: 0, -EINVAL when that would be more epochs than make sense.
 */
int fold_until(struct fold *fold, uint64_t time, struct status *st);

/* Write the last epoch of a given period, if anything is in it. */
int fold_end(struct fold *fold, struct status *st);

#endif

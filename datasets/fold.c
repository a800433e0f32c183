/* SPDX-License-Identifier: MIT */
/*
 * Sets of pages in first-touch order; see fold.h.  A hash table, not an array per
 * guest page: a header may claim any guest size.
 */
#include "datasets/fold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"

enum {
	TABLE_FIRST = 1 << 12,
	EPOCHS_MAX = 1 << 24, /* a period shorter than that is a mistake */
};

int fold_init(struct fold *fold, struct trace_writer *writer, uint64_t period,
	      unsigned int channels, struct status *st)
{
	*fold = (struct fold){
		.writer = writer,
		.period = period,
		.epoch = {.channels = channels,
			  .is_ordered = true,
			  .end = period,
			  .scan_start = period,
			  .scan_end = period},
		.table_size = TABLE_FIRST,
	};
	fold->table = kage_calloc(TABLE_FIRST, sizeof(*fold->table), st);
	return fold->table ? 0 : -ENOMEM;
}

void fold_fini(struct fold *fold)
{
	free(fold->pages);
	free(fold->table);
	free(fold->runs);
}

/* The cell that holds @gfn, or the free one where it belongs. */
static uint32_t *find_cell(const struct fold *fold, gfn_t gfn)
{
	size_t mask = fold->table_size - 1;
	size_t i = rng_mix(gfn) & mask;

	while (fold->table[i] && fold->pages[fold->table[i] - 1].gfn != gfn)
		i = (i + 1) & mask;
	return &fold->table[i];
}

/* Keep the table at most half full. */
static int grow_table(struct fold *fold, struct status *st)
{
	uint32_t *table;

	if (fold->nr_pages < fold->table_size / 2)
		return 0;
	table = kage_calloc(2 * fold->table_size, sizeof(*table), st);
	if (!table)
		return -ENOMEM;
	free(fold->table);
	fold->table = table;
	fold->table_size *= 2;
	for (size_t i = 0; i < fold->nr_pages; i++)
		*find_cell(fold, fold->pages[i].gfn) = (uint32_t)i + 1;
	return 0;
}

/* The smaller level, and what either has seen. */
static uint8_t merge_flags(uint8_t a, uint8_t b)
{
	uint8_t level_a = a & TRACE_RUN_LEVEL_MASK;
	uint8_t level_b = b & TRACE_RUN_LEVEL_MASK;
	uint8_t seen = (a | b) & (uint8_t)~TRACE_RUN_LEVEL_MASK;

	return seen | (level_a < level_b ? level_a : level_b);
}

static int add_page(struct fold *fold, gfn_t gfn, const struct trace_run *run,
		    struct status *st)
{
	uint32_t *cell = find_cell(fold, gfn);
	int ret;

	if (*cell) {
		struct fold_page *page = &fold->pages[*cell - 1];

		page->flags = merge_flags(page->flags, run->flags);
		page->hits += run->hits;
		return 0;
	}
	ret = kage_grow(&fold->pages, &fold->capacity, fold->nr_pages,
			sizeof(*fold->pages), st);
	if (ret)
		return ret;
	fold->pages[fold->nr_pages++] =
		(struct fold_page){gfn, run->flags, run->hits};
	*cell = (uint32_t)fold->nr_pages;
	return grow_table(fold, st);
}

int fold_add(struct fold *fold, const struct trace_run *run, struct status *st)
{
	int ret = 0;

	for (uint32_t i = 0; i < run->npages && !ret; i++)
		ret = add_page(fold, run->gfn + i, run, st);
	return ret;
}

/* Whether a whole leaf of its level starts at page @i. */
static bool is_leaf(const struct fold *fold, size_t i)
{
	const struct fold_page *first = &fold->pages[i];
	uint64_t pages = trace_level_pages(first->flags & TRACE_RUN_LEVEL_MASK);

	if (first->gfn % pages || fold->nr_pages - i < pages)
		return false;
	for (uint64_t k = 1; k < pages; k++)
		if (first[k].gfn != first->gfn + k ||
		    first[k].flags != first->flags ||
		    first[k].hits != first->hits)
			return false;
	return true;
}

static int add_run(struct fold *fold, size_t *n, const struct trace_run *run,
		   struct status *st)
{
	struct trace_run *last = *n ? &fold->runs[*n - 1] : NULL;
	int ret;

	if (last && last->flags == run->flags && last->hits == run->hits &&
	    last->gfn + last->npages == run->gfn &&
	    last->npages <= TRACE_RUN_PAGES_MAX - run->npages) {
		last->npages += run->npages;
		return 0;
	}
	ret = kage_grow(&fold->runs, &fold->runs_capacity, *n, sizeof(*run),
			st);
	if (!ret)
		fold->runs[(*n)++] = *run;
	return ret;
}

int fold_runs(struct fold *fold, size_t *n, struct status *st)
{
	int ret = 0;

	*n = 0;
	for (size_t i = 0; i < fold->nr_pages && !ret;) {
		const struct fold_page *page = &fold->pages[i];
		struct trace_run run = {page->gfn, 1, page->flags, page->hits};

		if (is_leaf(fold, i))
			run.npages = (uint32_t)trace_level_pages(
				run.flags & TRACE_RUN_LEVEL_MASK);
		else
			run.flags &= (uint8_t)~TRACE_RUN_LEVEL_MASK;
		ret = add_run(fold, n, &run, st);
		i += run.npages;
	}
	return ret;
}

int fold_join(struct fold *fold, const struct trace_epoch *epoch, bool is_first,
	      struct status *st)
{
	struct trace_epoch *out = &fold->epoch;
	uint64_t index = out->index;

	if (is_first) {
		*out = *epoch;
		out->samples = 0;
	}
	if (epoch->has_hits != out->has_hits)
		return status_fail(
			st, EINVAL,
			"epoch %llu %s hits, unlike the one before: they "
			"cannot become one",
			(unsigned long long)epoch->index,
			epoch->has_hits ? "has" : "has no");
	if (epoch->samples > UINT32_MAX - out->samples)
		return status_fail(st, EINVAL,
				   "more than 2^32 samples in one epoch");
	out->samples += epoch->samples;
	out->index = index;
	out->is_ordered &= epoch->is_ordered;
	out->end = epoch->end;
	out->scan_end = epoch->scan_end;
	return 0;
}

void fold_clear(struct fold *fold)
{
	memset(fold->table, 0, fold->table_size * sizeof(*fold->table));
	fold->nr_pages = 0;
	fold->epoch.index++;
}

int fold_emit(struct fold *fold, struct status *st)
{
	size_t n;
	int ret = fold_runs(fold, &n, st);

	if (!ret)
		ret = trace_writer_epoch(fold->writer, &fold->epoch, fold->runs,
					 n, st);
	fold_clear(fold);
	return ret;
}

/* Epoch 0 is the one of the first page: what is in front of it is no part of
 * the trace. */
static int begin_at(struct fold *fold, uint64_t time, struct status *st)
{
	struct trace_epoch *epoch = &fold->epoch;

	if (fold->nr_pages || epoch->index || time <= epoch->end)
		return 0;
	epoch->start = (time - 1) / fold->period * fold->period;
	if (epoch->start > UINT64_MAX - fold->period)
		return status_fail(st, EINVAL, "the period is too long");
	epoch->end = epoch->start + fold->period;
	epoch->scan_start = epoch->end;
	epoch->scan_end = epoch->end;
	return 0;
}

int fold_until(struct fold *fold, uint64_t time, struct status *st)
{
	int ret = begin_at(fold, time, st);

	while (time > fold->epoch.end && !ret) {
		if (fold->epoch.index >= EPOCHS_MAX)
			return status_fail(st, EINVAL,
					   "the period is too short: more than "
					   "%d epochs",
					   EPOCHS_MAX);
		ret = fold_emit(fold, st);
		fold->epoch.start = fold->epoch.end;
		fold->epoch.end += fold->period;
		fold->epoch.scan_start = fold->epoch.end;
		fold->epoch.scan_end = fold->epoch.end;
	}
	return ret;
}

int fold_end(struct fold *fold, struct status *st)
{
	return fold->nr_pages ? fold_emit(fold, st) : 0;
}

/* SPDX-License-Identifier: MIT */
/* One pass over a trace that counts pages; see survey.h. */
#include "datasets/survey.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "datasets/pageset.h"

enum {
	WINDOWS = 64,
	WINDOWS_MAX = 1 << 20,
};

struct counting {
	struct survey *survey;
	const struct trace_meta *meta;
	struct pageset all;
	struct pageset window; /* pages of the window that is open */
	uint64_t window_pages;
	uint64_t window_end; /* 0: no access yet */
	uint64_t last_time;  /* of the stream */
	uint64_t epoch_pages;
	uint64_t records, total;
};

static int push(struct survey_sets *sets, uint64_t pages, struct status *st)
{
	if (kage_grow(&sets->pages, &sets->capacity, sets->n,
		      sizeof(*sets->pages), st))
		return -ENOMEM;
	sets->pages[sets->n++] = pages;
	return 0;
}

static void count(struct counting *c, gfn_t gfn, uint64_t npages)
{
	size_t slot;
	uint64_t added = pageset_add(&c->all, gfn, npages, &slot);

	c->survey->footprint += added;
	c->survey->slot_pages[slot] += added;
}

static int end_window(struct counting *c, struct status *st)
{
	int ret = push(&c->survey->windows, c->window_pages, st);

	pageset_clear(&c->window);
	c->window_pages = 0;
	return ret;
}

/* Saturates: then no time is behind it. */
static uint64_t later(uint64_t time, uint64_t ticks)
{
	return time > UINT64_MAX - ticks ? UINT64_MAX : time + ticks;
}

/* End the windows that end before @time. */
static int go_to(struct counting *c, uint64_t time, struct status *st)
{
	uint64_t window = c->survey->window;
	int ret = 0;

	if (!c->window_end) /* time 0 is in the first window, too */
		c->window_end = later(time, window);
	if (time > c->window_end && (time - c->window_end) / window >=
					    WINDOWS_MAX - c->survey->windows.n)
		return status_fail(
			st, EINVAL,
			"--window is too short: more than %d windows",
			WINDOWS_MAX);
	while (time > c->window_end && !ret) {
		ret = end_window(c, st);
		c->window_end = later(c->window_end, window);
	}
	return ret;
}

static int count_stream(struct counting *c, const struct trace_stream *s,
			struct status *st)
{
	int ret = 0;

	for (size_t i = 0; i < s->n && !ret; i++) {
		if (!trace_event_is_access((enum trace_event_kind)s->kind[i]))
			continue;
		ret = go_to(c, s->time[i], st);
		count(c, s->gfn[i], 1);
		c->window_pages += pageset_add(&c->window, s->gfn[i], 1, NULL);
	}
	c->last_time = s->time[s->n - 1];
	return ret;
}

/* Whether the epoch saw what the trace is about. */
static bool is_telling(const struct counting *c,
		       const struct trace_epoch *epoch)
{
	return (epoch->channels | ~c->meta->channels) & TRACE_CHANNEL_ACCESSED;
}

static int count_epoch(struct counting *c, const struct trace_block *part,
		       struct status *st)
{
	if (!part->first_rank)
		c->epoch_pages = 0;
	for (size_t i = 0; i < part->nr_runs; i++) {
		const struct trace_run *run = &part->runs[i];

		if (!(run->flags & (TRACE_RUN_ACCESSED | TRACE_RUN_DIRTY)))
			continue;
		count(c, run->gfn, run->npages);
		c->epoch_pages += run->npages;
	}
	return part->is_last_part && is_telling(c, &part->epoch)
		       ? push(&c->survey->epochs, c->epoch_pages, st)
		       : 0;
}

static int count_block(struct counting *c, const struct trace_block *block,
		       struct status *st)
{
	c->records += block->type == TRACE_BLOCK_STREAM ? block->stream.n
		      : block->type == TRACE_BLOCK_EPOCH && block->is_last_part
			      ? block->epoch.npages
			      : 0;
	progress_show("info", c->records, c->total);
	if (block->type == TRACE_BLOCK_STREAM)
		return count_stream(c, &block->stream, st);
	return block->type == TRACE_BLOCK_EPOCH ? count_epoch(c, block, st) : 0;
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void sort(struct survey_sets *sets)
{
	if (sets->n)
		qsort(sets->pages, sets->n, sizeof(*sets->pages), by_size);
}

static int count_all(struct counting *c, struct trace_reader *reader,
		     struct status *st)
{
	struct survey *s = c->survey;
	struct trace_block block;
	int step, ret = 0;

	while (!ret && (step = trace_reader_next(reader, &block, st)) > 0)
		ret = count_block(c, &block, st);
	progress_end();
	if (ret || step)
		return ret ? ret : step;
	if (c->window_end && c->last_time > c->window_end)
		ret = go_to(c, c->last_time, st);
	if (!ret && c->window_end &&
	    (c->last_time == c->window_end || !s->windows.n))
		ret = end_window(c, st);
	sort(&s->epochs);
	sort(&s->windows);
	return ret;
}

static uint64_t default_window(const struct trace_reader *reader)
{
	const struct trace_clock *clock = &trace_reader_meta(reader)->clock;
	const struct trace_totals *totals = trace_reader_totals(reader);

	if (totals)
		return (totals->last_time - totals->first_time) / WINDOWS;
	return UINT64_C(1000000000) * 1000 / clock->ps_per_tick;
}

int survey_trace(struct survey *survey, struct trace_reader *reader,
		 uint64_t window, struct status *st)
{
	const struct trace_totals *totals = trace_reader_totals(reader);
	const struct trace_meta *meta = trace_reader_meta(reader);
	struct counting c = {.survey = survey, .meta = meta};
	int ret;

	*survey = (struct survey){0};
	survey->window = window ? window : default_window(reader);
	survey->window += !survey->window;
	c.total = totals ? totals->events + totals->epoch_pages : 0;
	ret = pageset_init(&c.all, meta, st);
	if (!ret)
		ret = pageset_init(&c.window, meta, st);
	if (ret)
		goto out_free;
	survey->slot_pages =
		kage_calloc(meta->nr_slots, sizeof(*survey->slot_pages), st);
	ret = survey->slot_pages ? count_all(&c, reader, st) : -ENOMEM;
out_free:
	pageset_fini(&c.window);
	pageset_fini(&c.all);
	return ret;
}

void survey_fini(struct survey *survey)
{
	free(survey->slot_pages);
	free(survey->epochs.pages);
	free(survey->windows.pages);
	*survey = (struct survey){0};
}

uint64_t survey_median(const struct survey_sets *sets)
{
	uint64_t low = sets->pages[(sets->n - 1) / 2];

	return low + (sets->pages[sets->n / 2] - low) / 2;
}

/* SPDX-License-Identifier: MIT */
/*
 * Epochs: from the set of pages seen in a time range to accesses at given times.
 * What an epoch cannot say, how often and when a page was touched inside it, is
 * fixed by one rule (engine.h), so that all policies face the same accesses.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "datasets/epoch_order.h"
#include "replay/engine_internal.h"

int engine_push(struct engine *e, gfn_t gfn, bool is_write, struct status *st)
{
	size_t capacity = e->set_capacity;

	if (kage_grow(&e->set, &capacity, e->set_n, sizeof(*e->set), st))
		return -ENOMEM;
	e->set_capacity = capacity;
	e->set[e->set_n++] =
		(struct epoch_page){.gfn = gfn, .is_write = is_write};
	return 0;
}

static int push_run(struct engine *e, const struct trace_run *run,
		    struct status *st)
{
	enum trace_level level =
		(enum trace_level)(run->flags & TRACE_RUN_LEVEL_MASK);
	uint64_t step = 1;

	if (!(run->flags & (TRACE_RUN_ACCESSED | TRACE_RUN_DIRTY)))
		return 0; /* sampled, and found idle */
	if (level != TRACE_4K && e->options->expand == EXPAND_REFUSE)
		return status_fail(
			st, EINVAL,
			"gfn %#llx was seen at 2M or 1G; --expand=all or --expand=one says what its 4K pages did",
			(unsigned long long)run->gfn);
	if (level != TRACE_4K && e->options->expand == EXPAND_ONE)
		step = trace_level_pages(level);
	for (uint64_t i = 0; i < run->npages; i += step)
		if (engine_push(e, run->gfn + i, run->flags & TRACE_RUN_DIRTY,
				st))
			return -ENOMEM;
	return 0;
}

static int by_key(const void *a, const void *b)
{
	const struct epoch_page *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->gfn < y->gfn ? -1 : x->gfn > y->gfn;
}

/* The order belongs to the pass: seed, epoch and gfn decide it, no lane does. */
static void shuffle(struct engine *e, uint64_t epoch)
{
	uint64_t salt = epoch_order_salt(e->options->seed, epoch);

	for (size_t i = 0; i < e->set_n; i++)
		e->set[i].key = epoch_order_key(salt, e->set[i].gfn);
	qsort(e->set, e->set_n, sizeof(*e->set), by_key);
	e->trace->is_ordered = false;
}

static int track_touches(struct engine *e, struct status *st)
{
	if (e->touched_ns)
		return 0;
	e->touched_ns =
		kage_calloc_pages(e->pages.npages, sizeof(*e->touched_ns), st);
	if (!e->touched_ns)
		return -ENOMEM;
	for (size_t i = 0; i < e->nr_lanes; i++)
		e->lanes[i].touched_ns = e->touched_ns;
	return 0;
}

/* Times and indices of the gathered set, in its order. */
static void place(struct engine *e, const struct trace_epoch *epoch)
{
	uint64_t length = epoch->end - epoch->start;

	for (size_t i = 0; i < e->set_n; i++) {
		e->tick[i] =
			epoch->start + (uint64_t)((unsigned __int128)length *
						  (i + 1) / (e->set_n + 1));
		gfn_map_translate(&e->map, &e->set[i].gfn, 1, e->index + i);
		e->is_write[i] = e->set[i].is_write;
		e->touched_ns[e->index[i]] = engine_ns(e, e->tick[i]);
	}
}

static void replay(struct engine *e, const struct trace_epoch *epoch)
{
	for (size_t i = 0; i < e->nr_lanes; i++)
		e->lanes[i].epoch_start_ns = engine_ns(e, epoch->start);
	engine_accesses(e, e->index, e->tick, e->is_write, e->set_n);
	if (e->options->holds_epochs) {
		for (size_t i = 0; i < e->set_n; i++)
			e->tick[i] = epoch->end;
		engine_accesses(e, e->index, e->tick, e->is_write, e->set_n);
	}
	/* what lanes do in the rest of the epoch belongs to it */
	if (engine_ns(e, epoch->end))
		engine_advance(e, engine_ns(e, epoch->end) - 1);
}

static int end_on_tape(struct engine_tape *tape, struct status *st)
{
	if (!tape)
		return 0;
	if (kage_grow(&tape->epoch_at, &tape->epochs_capacity, tape->nr_epochs,
		      sizeof(*tape->epoch_at), st))
		return -ENOMEM;
	tape->epoch_at[tape->nr_epochs++] = tape->n;
	return 0;
}

/* One channel for the whole trace: check_channels() has judged it by its header. */
static int check_epoch(const struct engine *e, const struct trace_epoch *epoch,
		       struct status *st)
{
	if ((epoch->channels | ~e->meta->channels) & TRACE_CHANNEL_ACCESSED)
		return 0;
	return status_fail(
		st, EINVAL,
		"epoch %llu holds writes only, in a trace that saw accesses; kage trace cut leaves it out",
		(unsigned long long)epoch->index);
}

static int gather(struct engine *e, const struct trace_run *runs, size_t n,
		  struct status *st)
{
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++)
		ret = push_run(e, &runs[i], st);
	return ret;
}

/* Replay the gathered set as that of @epoch. */
static int replay_set(struct engine *e, const struct trace_epoch *epoch,
		      struct status *st)
{
	int ret = track_touches(e, st);

	if (!ret)
		ret = engine_reserve(e, e->set_n, st);
	if (ret)
		return ret;
	if (!epoch->is_ordered)
		shuffle(e, epoch->index);
	place(e, epoch);
	replay(e, epoch);
	e->trace->records += e->set_n;
	if (e->set_n > e->trace->largest_epoch_pages)
		e->trace->largest_epoch_pages = e->set_n;
	e->now_tick = epoch->end;
	e->set_n = 0;
	return end_on_tape(e->tape, st);
}

int engine_play(struct engine *e, uint64_t start, uint64_t end,
		struct status *st)
{
	const struct trace_epoch epoch = {
		.start = start, .end = end, .is_ordered = true};

	return replay_set(e, &epoch, st);
}

int engine_epochs_end(struct engine *e, struct status *st)
{
	size_t n;
	int ret;

	if (!e->nr_joined)
		return 0;
	e->nr_joined = 0;
	ret = fold_runs(&e->fold, &n, st);
	if (!ret)
		ret = gather(e, e->fold.runs, n, st);
	if (!ret)
		ret = replay_set(e, &e->fold.epoch, st);
	fold_clear(&e->fold);
	return ret;
}

static int join_epochs(struct engine *e, const struct trace_block *block,
		       struct status *st)
{
	int ret = e->fold.table
			  ? 0
			  : fold_init(&e->fold, NULL, 0, e->meta->channels, st);

	if (!ret && !block->first_rank)
		ret = fold_join(&e->fold, &block->epoch, !e->nr_joined++, st);
	for (size_t i = 0; i < block->nr_runs && !ret; i++)
		ret = fold_add(&e->fold, &block->runs[i], st);
	if (!ret && block->is_last_part &&
	    e->nr_joined == e->options->coarsen_by)
		ret = engine_epochs_end(e, st);
	return ret;
}

int engine_epoch(struct engine *e, const struct trace_block *block,
		 struct status *st)
{
	int ret = check_epoch(e, &block->epoch, st);

	engine_start(e, block->epoch.start);
	if (ret)
		return ret;
	if (e->options->coarsen_by > 1)
		return join_epochs(e, block, st);
	ret = gather(e, block->runs, block->nr_runs, st);
	if (!ret && block->is_last_part)
		ret = replay_set(e, &block->epoch, st);
	return ret;
}

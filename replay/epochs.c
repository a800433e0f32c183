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
#include "replay/epoch_words.h"

enum {
	PLAYED_AT_ONCE = 1 << 16 /* accesses of an epoch */
};

int engine_push(struct engine *e, gfn_t gfn, bool is_write, struct status *st)
{
	uint32_t page;

	gfn_map_translate(&e->map, &gfn, 1, &page);
	return epoch_set_push(&e->set, page, 1, is_write, st);
}

static int push_run(struct engine *e, const struct trace_run *run,
		    struct status *st)
{
	enum trace_level level =
		(enum trace_level)(run->flags & TRACE_RUN_LEVEL_MASK);
	bool is_write = run->flags & TRACE_RUN_DIRTY;
	uint64_t step = 1;
	uint32_t page;

	if (!(run->flags & (TRACE_RUN_ACCESSED | TRACE_RUN_DIRTY)))
		return 0; /* sampled, and found idle */
	if (level != TRACE_4K && e->options->expand == EXPAND_REFUSE)
		return status_fail(
			st, EINVAL,
			"gfn %#llx was seen at 2M or 1G; --expand=all or --expand=one says what its 4K pages did",
			(unsigned long long)run->gfn);
	if (level != TRACE_4K && e->options->expand == EXPAND_ONE)
		step = trace_level_pages(level);
	gfn_map_translate(&e->map, &run->gfn, 1, &page);
	if (step == 1)
		return epoch_set_push(&e->set, page, run->npages, is_write, st);
	for (uint64_t i = 0; i < run->npages; i += step)
		if (epoch_set_push(&e->set, page + (uint32_t)i, 1, is_write,
				   st))
			return -ENOMEM;
	return 0;
}

/* The order belongs to the pass: seed, epoch and gfn decide it, no lane does. */
static int set_order(struct engine *e, const struct trace_epoch *epoch,
		     struct status *st)
{
	if (epoch->is_ordered)
		return epoch_set_keep_order(&e->set, st);
	e->trace->is_ordered = false;
	return epoch_set_hash_order(
		&e->set, &e->map,
		epoch_order_salt(e->options->seed, epoch->index), st);
}

static int track_touches(struct engine *e, struct status *st)
{
	if (e->set.touched)
		return 0;
	if (epoch_set_init(&e->set, e->pages.npages, st))
		return -ENOMEM;
	for (size_t i = 0; i < e->nr_lanes; i++)
		e->lanes[i].epoch = &e->set;
	return 0;
}

/* Play the set in its order, each access at its time, or all @at_end. */
static void play(struct engine *e, const struct trace_epoch *epoch, bool at_end)
{
	const struct epoch_set *s = &e->set;
	size_t n;

	for (size_t first = 0; first < s->order_n; first += n) {
		n = s->order_n - first;
		n = n < e->index_capacity ? n : e->index_capacity;
		for (size_t i = 0; i < n; i++) {
			e->tick[i] = at_end ? epoch->end
					    : epoch_set_tick(s, first + i);
			e->is_write[i] = epoch_set_writes(s, first + i);
		}
		engine_accesses(e, s->order + first, e->tick, e->is_write, n);
	}
}

static void replay(struct engine *e, const struct trace_epoch *epoch)
{
	epoch_set_begin(&e->set, epoch->start, epoch->end, e->first_tick,
			e->ps_per_tick);
	play(e, epoch, false);
	if (e->options->holds_epochs)
		play(e, epoch, true);
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

/* Whether nobody wants to see single accesses, and each has a time of its own. */
static bool may_be_at_once(const struct engine *e,
			   const struct trace_epoch *epoch)
{
	return e->set.n && epoch->end - epoch->start > e->set.n &&
	       e->ps_per_tick >= 1000 && !e->options->holds_epochs &&
	       !e->options->timeline && !e->truth.last && !e->tape &&
	       !e->has_tlb && !e->breath;
}

/*
 * Where all pages of an epoch are quiet in all lanes, and nobody wakes between its
 * first access and its last, no one can tell their order.  Return: whether it was so,
 * and the epoch is over but for what follows its last access.
 */
static bool replay_at_once(struct engine *e, const struct trace_epoch *epoch)
{
	struct epoch_set *s = &e->set;
	size_t n = s->n;

	if (!may_be_at_once(e, epoch))
		return false;
	epoch_set_any_order(s);
	epoch_set_begin(s, epoch->start, epoch->end, e->first_tick,
			e->ps_per_tick);
	engine_advance(e, engine_ns(e, epoch_set_tick(s, 0)) - 1);
	if (e->wake_ns <= engine_ns(e, epoch_set_tick(s, n - 1)) ||
	    !epoch_words_have(e->pages.word, s->order, n, e->slow_mask))
		return false;
	epoch_words_add(e->pages.word, s->order, n, e->accessed_mask);
	epoch_set_done(s);
	e->trace->is_ordered &= epoch->is_ordered;
	return true;
}

/* Replay the gathered set as that of @epoch.  A guest that sleeps between its turns
 * has them counted from the epoch's begin. */
static int replay_set(struct engine *e, const struct trace_epoch *epoch,
		      struct status *st)
{
	size_t n = e->set.n;
	int ret = track_touches(e, st);

	if (!ret && replay_at_once(e, epoch))
		goto end;
	if (!ret)
		ret = engine_reserve(
			e, n < PLAYED_AT_ONCE || e->breath ? n : PLAYED_AT_ONCE,
			st);
	if (!ret)
		ret = set_order(e, epoch, st);
	if (ret)
		return ret;
	replay(e, epoch);
end:
	/* what lanes do in the rest of the epoch belongs to it */
	if (engine_ns(e, epoch->end))
		engine_advance(e, engine_ns(e, epoch->end) - 1);
	e->trace->records += n;
	if (n > e->trace->largest_epoch_pages)
		e->trace->largest_epoch_pages = n;
	e->now_tick = epoch->end;
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

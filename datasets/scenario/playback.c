/* SPDX-License-Identifier: MIT */
/* From a trace to what a scenario's guest touches; see playback.h. */
#include "datasets/scenario/playback.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "datasets/epoch_order.h"
#include "datasets/fold.h"
#include "datasets/gfn_map.h"
#include "datasets/pageset.h"

enum {
	TOUCHES_MAX = 1 << 26, /* a lab guest plays far less */
	TABLE = 512,
};

struct loading {
	struct playback *playback;
	const struct scenario *scenario;
	const char *path;
	uint64_t seed;
	struct pageset pages;
	uint64_t nr_pages;  /* in it */
	uint64_t nr_epochs; /* of the trace, so far */
	struct fold fold;   /* of the stream's current epoch */
	bool has_started;   /* the stream had an access */
	size_t first;	    /* touch of the current epoch */
};

static int fail(const struct loading *l, int error, const char *why,
		struct status *st)
{
	return status_fail(st, error, "%.200s: %s", l->path, why);
}

static bool is_played(const struct loading *l)
{
	return l->scenario->all_epochs || l->nr_epochs < l->scenario->nr_epochs;
}

static int touch(struct loading *l, gfn_t gfn, bool is_write, struct status *st)
{
	struct playback *p = l->playback;

	if (!is_played(l))
		return 0;
	if (kage_grow(&p->touches, &p->touches_capacity, p->nr_touches,
		      sizeof(*p->touches), st))
		return -ENOMEM;
	p->touches[p->nr_touches++] = (struct playback_touch){gfn, is_write};
	return 0;
}

/* Pages of the guest's are of the footprint, whether they are played or not. */
static int add_pages(struct loading *l, gfn_t gfn, uint64_t npages,
		     struct status *st)
{
	l->nr_pages += pageset_add(&l->pages, gfn, npages, NULL);
	if (l->nr_pages > TOUCHES_MAX ||
	    l->playback->nr_touches + npages > TOUCHES_MAX)
		return fail(l, E2BIG, "has too many pages for a scenario", st);
	return 0;
}

/* The touches since the last one are those of an epoch. */
static int end_epoch(struct loading *l, uint64_t start, uint64_t end,
		     struct status *st)
{
	struct playback *p = l->playback;
	bool played = is_played(l);

	if (l->nr_epochs++ == SCENARIO_EPOCHS_MAX)
		return fail(l, E2BIG, "has too many epochs for a scenario", st);
	if (!played)
		return 0;
	if (kage_grow(&p->epochs, &p->epochs_capacity, p->nr_epochs,
		      sizeof(*p->epochs), st))
		return -ENOMEM;
	p->epochs[p->nr_epochs++] = (struct playback_epoch){
		start, end, l->first, p->nr_touches - l->first};
	l->first = p->nr_touches;
	return 0;
}

struct keyed {
	uint64_t key;
	struct playback_touch touch;
};

static int by_key(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->touch.gfn < y->touch.gfn ? -1 : x->touch.gfn > y->touch.gfn;
}

static int shuffle(struct loading *l, uint64_t epoch, struct status *st)
{
	struct playback_touch *touches = l->playback->touches + l->first;
	size_t n = l->playback->nr_touches - l->first;
	struct keyed *keyed = kage_calloc(n, sizeof(*keyed), st);
	uint64_t salt = epoch_order_salt(l->seed, epoch);

	if (!keyed)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		keyed[i] = (struct keyed){epoch_order_key(salt, touches[i].gfn),
					  touches[i]};
	qsort(keyed, n, sizeof(*keyed), by_key);
	for (size_t i = 0; i < n; i++)
		touches[i] = keyed[i].touch;
	free(keyed);
	return 0;
}

static int add_run(struct loading *l, const struct trace_run *run,
		   struct status *st)
{
	bool is_write = run->flags & TRACE_RUN_DIRTY;
	int ret;

	if (!(run->flags & (TRACE_RUN_ACCESSED | TRACE_RUN_DIRTY)))
		return 0; /* sampled, and found idle */
	l->playback->has_large |= (run->flags & TRACE_RUN_LEVEL_MASK) != 0;
	ret = add_pages(l, run->gfn, run->npages, st);
	for (uint32_t i = 0; i < run->npages && !ret; i++)
		ret = touch(l, run->gfn + i, is_write, st);
	return ret;
}

static int add_epoch(struct loading *l, const struct trace_block *block,
		     struct status *st)
{
	const struct trace_epoch *epoch = &block->epoch;
	int ret = 0;

	for (size_t i = 0; i < block->nr_runs && !ret; i++)
		ret = add_run(l, &block->runs[i], st);
	if (ret || !block->is_last_part)
		return ret;
	l->playback->is_ordered &= epoch->is_ordered;
	if (!epoch->is_ordered)
		ret = shuffle(l, epoch->index, st);
	return ret ? ret : end_epoch(l, epoch->start, epoch->end, st);
}

/* The epoch of a stream ends: its pages become touches. */
static int flush_fold(struct loading *l, struct status *st)
{
	struct trace_epoch *epoch = &l->fold.epoch;
	int ret = 0;

	for (size_t i = 0; i < l->fold.nr_pages && !ret; i++)
		ret = touch(l, l->fold.pages[i].gfn,
			    l->fold.pages[i].flags & TRACE_RUN_DIRTY, st);
	if (!ret)
		ret = end_epoch(l, epoch->start, epoch->end, st);
	fold_clear(&l->fold);
	epoch->start = epoch->end;
	epoch->end += l->fold.period;
	return ret;
}

/* Let the epoch of the fold be the one that @time is in. */
static int reach(struct loading *l, uint64_t time, struct status *st)
{
	struct trace_epoch *epoch = &l->fold.epoch;
	uint64_t period = l->fold.period;
	int ret = 0;

	if (time > UINT64_MAX - period)
		return fail(l, E2BIG, "ends too late for such epochs", st);
	if (!l->has_started) {
		epoch->start = time ? (time - 1) / period * period : 0;
		epoch->end = epoch->start + period;
		l->has_started = true;
	}
	while (time > epoch->end && !ret)
		ret = flush_fold(l, st);
	return ret;
}

static int add_access(struct loading *l, const struct trace_stream *s, size_t i,
		      struct status *st)
{
	struct trace_run run = {
		.gfn = s->gfn[i], .npages = 1, .flags = TRACE_RUN_ACCESSED};
	int ret = reach(l, s->time[i], st);

	if (s->kind[i] == TRACE_WRITE)
		run.flags |= TRACE_RUN_DIRTY;
	if (!ret)
		ret = add_pages(l, run.gfn, 1, st);
	return ret ? ret : fold_add(&l->fold, &run, st);
}

static int add_stream(struct loading *l, const struct trace_stream *s,
		      struct status *st)
{
	int ret = 0;

	for (size_t i = 0; i < s->n && !ret; i++) {
		if (!trace_event_is_access((enum trace_event_kind)s->kind[i]))
			continue;
		if (!l->fold.period)
			return fail(l, EBADMSG, "has epochs and accesses", st);
		ret = add_access(l, s, i, st);
	}
	return ret;
}

static int read_blocks(struct loading *l, struct trace_reader *reader,
		       struct status *st)
{
	struct trace_block block;
	int ret;

	while ((ret = trace_reader_next(reader, &block, st)) > 0) {
		ret = 0;
		if (block.type == TRACE_BLOCK_EPOCH && l->fold.period)
			ret = fail(l, EBADMSG, "has epochs and accesses", st);
		else if (block.type == TRACE_BLOCK_EPOCH)
			ret = add_epoch(l, &block, st);
		else if (block.type == TRACE_BLOCK_STREAM)
			ret = add_stream(l, &block.stream, st);
		if (ret)
			return ret;
	}
	if (!ret && l->has_started)
		ret = flush_fold(l, st);
	return ret;
}

/* Append the pages of a slot that are in the set. */
static void list_slot(struct loading *l, const struct trace_slot *slot,
		      size_t first)
{
	const struct pageset *set = &l->pages;
	struct playback *p = l->playback;
	size_t end = first + (slot->npages + 63) / 64;
	size_t at = first > set->low ? first : set->low;

	for (end = end < set->high ? end : set->high; at < end; at++)
		for (uint64_t left = set->words[at]; left; left &= left - 1)
			p->footprint[p->nr_pages++] =
				slot->gfn + (at - first) * 64 +
				(uint64_t)__builtin_ctzll(left);
}

/* Close up the page tables that have pages of the footprint. */
static int place_pages(struct playback *p, const struct trace_meta *meta,
		       struct status *st)
{
	uint32_t last = UINT32_MAX;
	struct gfn_map map;
	int ret = gfn_map_init(&map, meta, st);

	if (!ret)
		gfn_map_translate(&map, p->footprint, p->nr_pages, p->place);
	for (size_t i = 0; i < p->nr_pages && !ret; i++) {
		uint32_t table = p->place[i] / TABLE;

		if (table != last)
			p->guest_pages += TABLE;
		last = table;
		p->place[i] = p->guest_pages - TABLE + p->place[i] % TABLE;
	}
	gfn_map_fini(&map);
	return ret;
}

static int list_footprint(struct loading *l, const struct trace_meta *meta,
			  struct status *st)
{
	struct playback *p = l->playback;

	p->footprint = kage_calloc(l->nr_pages, sizeof(*p->footprint), st);
	p->place = kage_calloc(l->nr_pages, sizeof(*p->place), st);
	if (!p->footprint || !p->place)
		return -ENOMEM;
	for (size_t s = 0; s < meta->nr_slots; s++)
		list_slot(l, &meta->slots[s], l->pages.first[s]);
	return place_pages(p, meta, st);
}

/* What can be said before the first record. */
static int prepare(struct loading *l, struct trace_reader *reader,
		   struct status *st)
{
	const struct trace_totals *totals = trace_reader_totals(reader);
	const struct trace_meta *meta = trace_reader_meta(reader);
	uint64_t period = l->scenario->epoch_ticks;

	if (!totals)
		return fail(
			l, EBADMSG,
			"is not finished; kage trace recover makes it a file to play",
			st);
	trace_id_text(l->playback->trace_id, totals->id);
	/* that an epoch trace and a period do not go together is said below */
	return fold_init(&l->fold, NULL, totals->epochs ? 0 : period,
			 meta->channels, st);
}

int playback_load(struct playback *playback, const char *trace_path,
		  const struct scenario *scenario, uint64_t seed,
		  struct status *st)
{
	struct loading l = {.playback = playback,
			    .scenario = scenario,
			    .path = trace_path,
			    .seed = seed};
	struct trace_reader *reader = NULL;
	bool has_epochs;
	int ret;

	*playback = (struct playback){.is_ordered = true};
	if (seed > INT64_MAX)
		return status_fail(
			st, EINVAL,
			"a seed is at most 2^63 - 1: results tell it in JSON");
	ret = trace_reader_open(&reader, trace_path, 0, st);
	if (ret)
		return ret;
	ret = pageset_init(&l.pages, trace_reader_meta(reader), st);
	if (!ret)
		ret = prepare(&l, reader, st);
	has_epochs = !ret && trace_reader_totals(reader)->epochs;
	if (!ret) /* what needs nothing but the kind of trace */
		ret = scenario_check_kind(scenario, has_epochs, st);
	if (!ret)
		ret = read_blocks(&l, reader, st);
	if (!ret && !l.nr_pages)
		ret = fail(&l, EBADMSG, "has no page that the guest accesses",
			   st);
	if (!ret)
		ret = scenario_check_trace(scenario, l.nr_epochs, l.nr_pages,
					   st);
	if (!ret)
		ret = list_footprint(&l, trace_reader_meta(reader), st);
	fold_fini(&l.fold);
	pageset_fini(&l.pages);
	trace_reader_close(reader);
	if (ret)
		playback_fini(playback);
	return ret;
}

void playback_fini(struct playback *playback)
{
	free(playback->footprint);
	free(playback->place);
	free(playback->epochs);
	free(playback->touches);
	*playback = (struct playback){0};
}

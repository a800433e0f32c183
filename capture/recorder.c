/* SPDX-License-Identifier: MIT */
/* Streams and epochs out of accesses; see recorder.h. */
#include "capture/recorder.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Return: the pages of [@first, @first + @npages) that the user wants, from
 * @first on, which moves to the first of them. */
static uint64_t clip_to_wanted(const struct recorder *r, gfn_t *first,
			       uint64_t npages)
{
	gfn_t end = *first + npages;

	if (*first < r->setup.first_gfn)
		*first = r->setup.first_gfn;
	if (end > r->setup.last_gfn + 1)
		end = r->setup.last_gfn + 1;
	return end > *first ? end - *first : 0;
}

static uint64_t count_wanted(const struct recorder *r)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->setup.meta->nr_slots; i++) {
		gfn_t first = r->setup.meta->slots[i].gfn;

		n += clip_to_wanted(r, &first, r->setup.meta->slots[i].npages);
	}
	return n;
}

static int make_bitmap(struct recorder *r, struct status *st)
{
	const struct trace_meta *meta = r->setup.meta;
	uint64_t bits = 0;

	r->base = kage_calloc(meta->nr_slots, sizeof(*r->base), st);
	if (!r->base)
		return -ENOMEM;
	for (size_t i = 0; i < meta->nr_slots; i++) {
		r->base[i] = bits;
		bits += meta->slots[i].npages;
	}
	r->seen = kage_calloc(bits / 64 + 1, sizeof(*r->seen), st);
	return r->seen ? 0 : -ENOMEM;
}

int recorder_init(struct recorder *recorder, const struct recorder_setup *setup,
		  struct status *st)
{
	*recorder = (struct recorder){.setup = *setup};
	recorder->stats.least = UINT64_MAX;
	recorder->wanted_pages = count_wanted(recorder);
	return setup->is_sampler ? make_bitmap(recorder, st) : 0;
}

void recorder_fini(struct recorder *recorder)
{
	free(recorder->runs);
	free(recorder->seen);
	free(recorder->base);
	recorder->runs = NULL;
	recorder->seen = recorder->base = NULL;
}

uint64_t recorder_time(const struct recorder *recorder, uint64_t monotonic_ns)
{
	return monotonic_ns > recorder->zero_ns
		       ? monotonic_ns - recorder->zero_ns
		       : 1;
}

/* Epoch k covers (k * epoch_ticks, (k + 1) * epoch_ticks]. */
static uint64_t epoch_of(const struct recorder *recorder, uint64_t time)
{
	return (time - 1) / recorder->setup.epoch_ticks;
}

static void count_epoch(struct recorder_stats *stats, uint64_t pages,
			uint64_t wanted)
{
	stats->epochs++;
	stats->pages += pages;
	stats->empty_epochs += !pages;
	stats->full_epochs += pages && pages == wanted;
	if (pages < stats->least)
		stats->least = pages;
	if (pages > stats->most)
		stats->most = pages;
}

static int write_epoch(struct recorder *recorder, struct trace_epoch *epoch,
		       struct status *st)
{
	uint64_t pages = 0;
	int ret;

	epoch->index = recorder->index++;
	for (size_t i = 0; i < recorder->nr_runs; i++)
		if (recorder->runs[i].flags & ~TRACE_RUN_LEVEL_MASK)
			pages += recorder->runs[i].npages;
	ret = trace_writer_epoch(recorder->setup.writer, epoch, recorder->runs,
				 recorder->nr_runs, st);
	count_epoch(&recorder->stats, pages, recorder->wanted_pages);
	recorder->nr_runs = 0;
	return ret;
}

static int finish_epoch(struct recorder *recorder, uint64_t end,
			struct status *st)
{
	struct trace_epoch epoch = {
		.start = recorder->index * recorder->setup.epoch_ticks,
		.end = end,
		.scan_start = end,
		.scan_end = end,
		.channels = recorder->setup.meta->channels,
		.is_ordered = true,
	};

	return write_epoch(recorder, &epoch, st);
}

static int finish_epochs_before(struct recorder *recorder, uint64_t index,
				struct status *st)
{
	int ret = 0;

	while (!ret && recorder->index < index)
		ret = finish_epoch(recorder,
				   (recorder->index + 1) *
					   recorder->setup.epoch_ticks,
				   st);
	return ret;
}

/* Neighbours in first-touch order that are alike share a run. */
static bool extends_last_run(const struct recorder *recorder,
			     const struct trace_run *run)
{
	const struct trace_run *last;

	if (!recorder->nr_runs)
		return false;
	last = &recorder->runs[recorder->nr_runs - 1];
	return last->gfn + last->npages == run->gfn &&
	       last->flags == run->flags && last->hits == run->hits &&
	       last->npages + run->npages <= TRACE_RUN_PAGES_MAX;
}

static int add_run(struct recorder *recorder, const struct trace_run *run,
		   struct status *st)
{
	int ret;

	if (extends_last_run(recorder, run)) {
		recorder->runs[recorder->nr_runs - 1].npages += run->npages;
		return 0;
	}
	ret = kage_grow(&recorder->runs, &recorder->capacity, recorder->nr_runs,
			sizeof(*recorder->runs), st);
	if (ret)
		return ret;
	recorder->runs[recorder->nr_runs++] = *run;
	return 0;
}

/* Return: the slot that holds @gfn, or nr_slots. */
static size_t find_slot(const struct trace_meta *meta, gfn_t gfn)
{
	size_t i = 0;

	while (i < meta->nr_slots &&
	       gfn - meta->slots[i].gfn >= meta->slots[i].npages)
		i++;
	return i;
}

/* Return: whether the event's pages are to be recorded; counts those in no slot. */
static bool is_wanted(struct recorder *recorder,
		      const struct trace_event *event)
{
	const struct trace_meta *meta = recorder->setup.meta;

	if (find_slot(meta, event->gfn) == meta->nr_slots) {
		recorder->stats.outside++;
		return false;
	}
	return event->gfn >= recorder->setup.first_gfn &&
	       event->gfn <= recorder->setup.last_gfn;
}

int recorder_event(struct recorder *recorder, const struct trace_event *event,
		   struct status *st)
{
	assert(event->time >= 1);
	if (!is_wanted(recorder, event))
		return 0;
	recorder->has_data = true;
	recorder->last_time = event->time;
	recorder->stats.events++;
	return trace_writer_event(recorder->setup.writer, event, st);
}

int recorder_access(struct recorder *recorder, const struct trace_event *event,
		    struct status *st)
{
	struct trace_run run = {.gfn = event->gfn,
				.npages = 1,
				.flags = TRACE_4K | TRACE_RUN_ACCESSED};
	int ret;

	assert(event->time >= 1 && trace_event_is_access(event->kind));
	if (!recorder->setup.epoch_ticks)
		return recorder_event(recorder, event, st);
	if (!is_wanted(recorder, event))
		return 0;
	recorder->has_data = true;
	if (event->kind == TRACE_WRITE)
		run.flags |= TRACE_RUN_DIRTY;
	ret = finish_epochs_before(recorder, epoch_of(recorder, event->time),
				   st);
	return ret ? ret : add_run(recorder, &run, st);
}

/* A record counts up to 2^32 - 1, and times must not go back: another CPU's buffer
 * may have told of a later event already. */
int recorder_lost(struct recorder *recorder, uint64_t time, uint64_t count,
		  bool is_exact, struct status *st)
{
	uint64_t left = count || is_exact ? count : 1;
	struct trace_event event = {
		.time = time > recorder->last_time ? time : recorder->last_time,
		.kind = TRACE_LOST,
		.reason = is_exact ? TRACE_REASON_NONE : TRACE_REASON_UNKNOWN,
	};
	int ret = 0;

	event.time = event.time ? event.time : 1;
	recorder->last_time = event.time;
	recorder->stats.lost += left;
	recorder->stats.is_lost_unknown |= !is_exact;
	for (; !ret && left; left -= event.count) {
		event.count = left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
		ret = trace_writer_event(recorder->setup.writer, &event, st);
	}
	return ret;
}

static bool is_seen(const struct recorder *r, uint64_t bit)
{
	return r->seen[bit / 64] >> (bit % 64) & 1;
}

/* Return: how many of @npages bits from @bit on are like the first. */
static uint64_t count_alike(const struct recorder *r, uint64_t bit,
			    uint64_t npages)
{
	bool first = is_seen(r, bit);
	uint64_t n = 1;

	while (n < npages && is_seen(r, bit + n) == first)
		n++;
	return n;
}

static void mark_seen(struct recorder *r, uint64_t bit, uint64_t npages)
{
	for (uint64_t end = bit + npages; bit < end; bit++)
		r->seen[bit / 64] |= UINT64_C(1) << (bit % 64);
}

/* Pages of one slot.  A large leaf some of whose pages were seen before was split
 * or joined in this epoch; the rest of it counts as small pages. */
static int add_unseen(struct recorder *r, const struct trace_run *run,
		      uint64_t bit, struct status *st)
{
	struct trace_run part = *run;
	uint64_t done = 0, n;
	int ret = 0;

	for (; !ret && done < run->npages; done += n) {
		n = count_alike(r, bit + done, run->npages - done);
		if (is_seen(r, bit + done))
			continue;
		part.gfn = run->gfn + done;
		part.npages = (uint32_t)n;
		if (n < run->npages)
			part.flags &= (uint8_t)~TRACE_RUN_LEVEL_MASK;
		if (part.flags & TRACE_RUN_LEVEL_MASK)
			r->stats.huge_pages += n;
		mark_seen(r, bit + done, n);
		ret = add_run(r, &part, st);
	}
	return ret;
}

/* Return: the level that a run may keep: a leaf that sticks out of its slot or of
 * what is wanted is cut into small pages. */
static uint8_t fitting_flags(const struct trace_run *run, gfn_t first,
			     uint64_t npages)
{
	uint64_t leaf = trace_level_pages(run->flags & TRACE_RUN_LEVEL_MASK);
	bool fits = first % leaf == 0 && npages % leaf == 0;

	return fits ? run->flags : run->flags & (uint8_t)~TRACE_RUN_LEVEL_MASK;
}

int recorder_run(struct recorder *recorder, const struct trace_run *run,
		 struct status *st)
{
	const struct trace_meta *meta = recorder->setup.meta;
	uint64_t inside = 0;
	int ret = 0;

	recorder->has_data = true;
	for (size_t i = 0; !ret && i < meta->nr_slots; i++) {
		const struct trace_slot *slot = &meta->slots[i];
		gfn_t end = run->gfn + run->npages;
		gfn_t first = run->gfn > slot->gfn ? run->gfn : slot->gfn;
		struct trace_run part = *run;
		uint64_t n;

		if (end > slot->gfn + slot->npages)
			end = slot->gfn + slot->npages;
		if (end <= first)
			continue;
		inside += end - first;
		n = clip_to_wanted(recorder, &first, end - first);
		if (!n)
			continue;
		part.gfn = first;
		part.npages = (uint32_t)n;
		part.flags = fitting_flags(run, first, n);
		ret = add_unseen(recorder, &part,
				 recorder->base[i] + (first - slot->gfn), st);
	}
	recorder->stats.outside += run->npages - inside;
	return ret;
}

static void forget_seen(struct recorder *r)
{
	const struct trace_meta *meta = r->setup.meta;

	memset(r->seen, 0,
	       (trace_meta_pages(meta) / 64 + 1) * sizeof(*r->seen));
}

int recorder_sample(struct recorder *recorder, const struct trace_epoch *epoch,
		    struct status *st)
{
	struct trace_epoch whole = *epoch;

	recorder->has_data = true;
	forget_seen(recorder);
	return write_epoch(recorder, &whole, st);
}

int recorder_end(struct recorder *recorder, uint64_t time, struct status *st)
{
	int ret;

	if (!recorder->setup.epoch_ticks || !time)
		return 0;
	ret = finish_epochs_before(recorder, epoch_of(recorder, time), st);
	return ret ? ret : finish_epoch(recorder, time, st);
}

int recorder_note(struct recorder *recorder, const char *text,
		  struct status *st)
{
	return trace_writer_note(recorder->setup.writer, text, st);
}

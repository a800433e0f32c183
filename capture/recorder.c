/* SPDX-License-Identifier: MIT */
/* Streams and epochs out of accesses; see recorder.h. */
#include "capture/recorder.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"

void recorder_init(struct recorder *recorder, struct trace_writer *writer,
		   uint64_t epoch_ticks, unsigned int channels)
{
	*recorder = (struct recorder){
		.writer = writer,
		.epoch_ticks = epoch_ticks,
		.channels = channels,
	};
}

void recorder_fini(struct recorder *recorder)
{
	free(recorder->runs);
	recorder->runs = NULL;
}

/* Epoch k covers (k * epoch_ticks, (k + 1) * epoch_ticks]. */
static uint64_t epoch_of(const struct recorder *recorder, uint64_t time)
{
	return (time - 1) / recorder->epoch_ticks;
}

static int write_epoch(struct recorder *recorder, uint64_t end,
		       struct status *st)
{
	const struct trace_epoch epoch = {
		.index = recorder->index,
		.start = recorder->index * recorder->epoch_ticks,
		.end = end,
		.scan_start = end,
		.scan_end = end,
		.channels = recorder->channels,
		.is_ordered = true,
	};
	int ret = trace_writer_epoch(recorder->writer, &epoch, recorder->runs,
				     recorder->nr_runs, st);

	recorder->index++;
	recorder->nr_runs = 0;
	return ret;
}

static int finish_epochs_before(struct recorder *recorder, uint64_t index,
				struct status *st)
{
	int ret = 0;

	while (!ret && recorder->index < index)
		ret = write_epoch(recorder,
				  (recorder->index + 1) * recorder->epoch_ticks,
				  st);
	return ret;
}

/* Neighbours in first-touch order that are alike share a run. */
static bool extends_last_run(const struct recorder *recorder, gfn_t gfn,
			     uint8_t flags)
{
	const struct trace_run *last;

	if (!recorder->nr_runs)
		return false;
	last = &recorder->runs[recorder->nr_runs - 1];
	return last->gfn + last->npages == gfn && last->flags == flags &&
	       last->npages < TRACE_RUN_PAGES_MAX;
}

static int add_page(struct recorder *recorder, gfn_t gfn, uint8_t flags,
		    struct status *st)
{
	int ret;

	if (extends_last_run(recorder, gfn, flags)) {
		recorder->runs[recorder->nr_runs - 1].npages++;
		return 0;
	}
	ret = kage_grow(&recorder->runs, &recorder->capacity, recorder->nr_runs,
			sizeof(*recorder->runs), st);
	if (ret)
		return ret;
	recorder->runs[recorder->nr_runs++] =
		(struct trace_run){.gfn = gfn, .npages = 1, .flags = flags};
	return 0;
}

int recorder_access(struct recorder *recorder, const struct trace_event *event,
		    struct status *st)
{
	uint8_t flags = TRACE_4K | TRACE_RUN_ACCESSED;
	int ret;

	assert(event->time >= 1 && trace_event_is_access(event->kind));
	recorder->has_data = true;
	if (!recorder->epoch_ticks)
		return trace_writer_event(recorder->writer, event, st);
	if (event->kind == TRACE_WRITE)
		flags |= TRACE_RUN_DIRTY;
	ret = finish_epochs_before(recorder, epoch_of(recorder, event->time),
				   st);
	return ret ? ret : add_page(recorder, event->gfn, flags, st);
}

int recorder_end(struct recorder *recorder, uint64_t time, struct status *st)
{
	int ret;

	if (!recorder->epoch_ticks || !time)
		return 0;
	ret = finish_epochs_before(recorder, epoch_of(recorder, time), st);
	return ret ? ret : write_epoch(recorder, time, st);
}

int recorder_note(struct recorder *recorder, const char *text,
		  struct status *st)
{
	return trace_writer_note(recorder->writer, text, st);
}

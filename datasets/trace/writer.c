/* SPDX-License-Identifier: MIT */
/*
 * Writing a trace, see trace.h.  Stream records are gathered until a frame is
 * full; an epoch, a note or a flush ends the frame early, so that blocks are in
 * the order of the calls.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "datasets/trace/epoch.h"
#include "datasets/trace/framer.h"
#include "datasets/trace/identity.h"
#include "datasets/trace/meta.h"
#include "datasets/trace/stream.h"
#include "datasets/trace/trace.h"

struct trace_writer {
	struct framer framer;
	struct trace_meta meta;
	struct identity *identity;
	struct trace_totals totals;
	struct stream_buffer stream;
	size_t nr_events; /* in the buffer */
	uint64_t last_time;
	size_t hint;
	struct epoch_buffer epoch;
	struct epoch_cursor cursor;
	uint8_t *raw;	   /* FRAME_RAW_MAX */
	uint64_t *scratch; /* for the column encoder */
	int error; /* the first I/O error; nothing is written after it */
};

static int broken_rule(const struct trace_writer *writer, const char *what,
		       uint64_t number, const char *flaw, struct status *st)
{
	return status_fail(st, EINVAL, "%s: %s %llu: %s", writer->framer.path,
			   what, (unsigned long long)number, flaw);
}

/* Append a frame; the payload is writer->raw unless @raw is given. */
static int put(struct trace_writer *writer, struct frame frame, const void *raw,
	       struct status *st)
{
	if (!writer->error)
		writer->error = framer_put(&writer->framer, &frame,
					   raw ? raw : writer->raw, st);
	return writer->error;
}

static int put_meta(struct trace_writer *writer, struct status *st)
{
	char *json = meta_to_json(&writer->meta, st);
	size_t bytes = json ? strlen(json) : 0;
	int ret;

	if (!json)
		return -EINVAL;
	if (bytes > FRAME_RAW_MAX)
		ret = status_fail(st, EINVAL, "details are too long");
	else
		ret = put(writer,
			  (struct frame){.type = FRAME_META,
					 .raw_len = (uint32_t)bytes,
					 .count = 1},
			  json, st);
	free(json);
	return ret;
}

static void release(struct trace_writer *writer)
{
	framer_fini(&writer->framer);
	trace_meta_fini(&writer->meta);
	identity_free(writer->identity);
	stream_buffer_fini(&writer->stream);
	epoch_buffer_fini(&writer->epoch);
	free(writer->raw);
	free(writer->scratch);
	free(writer);
}

static int init(struct trace_writer *writer, const char *path,
		const struct trace_meta *meta, struct status *st)
{
	int ret;

	writer->framer.fd = -1;
	writer->raw = kage_calloc(FRAME_RAW_MAX, 1, st);
	writer->scratch = kage_calloc(2 * STREAM_RECORDS_MAX,
				      sizeof(*writer->scratch), st);
	writer->identity = identity_new(meta, st);
	if (!writer->raw || !writer->scratch || !writer->identity)
		return -ENOMEM;
	ret = trace_meta_copy(&writer->meta, meta, st);
	if (!ret)
		ret = stream_buffer_init(&writer->stream, st);
	if (!ret)
		ret = epoch_buffer_init(&writer->epoch, st);
	if (!ret)
		ret = framer_create(&writer->framer, path, st);
	return ret ? ret : put_meta(writer, st);
}

int trace_writer_open(struct trace_writer **writer, const char *path,
		      const struct trace_meta *meta, struct status *st)
{
	const char *flaw = meta_flaw(meta);
	struct trace_writer *w;
	int ret;

	*writer = NULL;
	if (flaw)
		return status_fail(st, EINVAL, "%s: %s", path, flaw);
	w = kage_calloc(1, sizeof(*w), st);
	if (!w)
		return -ENOMEM;
	ret = init(w, path, meta, st);
	if (ret)
		trace_writer_discard(w);
	else
		*writer = w;
	return ret;
}

static int end_stream_frame(struct trace_writer *writer, struct status *st)
{
	size_t n = writer->nr_events;
	struct trace_stream stream = stream_view(&writer->stream, n);
	struct frame frame = {.type = FRAME_STREAM, .count = (uint32_t)n};

	if (!n)
		return writer->error;
	frame.time = stream.time[0];
	frame.raw_len =
		(uint32_t)stream_encode(writer->raw, &stream, writer->scratch);
	identity_stream(writer->identity, &stream);
	totals_stream(&writer->totals, &stream);
	writer->nr_events = 0;
	return put(writer, frame, NULL, st);
}

int trace_writer_event(struct trace_writer *writer,
		       const struct trace_event *event, struct status *st)
{
	struct stream_buffer *to = &writer->stream;
	const char *flaw = event_flaw(&writer->meta, event, writer->last_time,
				      &writer->hint);
	size_t i = writer->nr_events;

	if (flaw)
		return broken_rule(writer, "event", writer->totals.events + i,
				   flaw, st);
	to->time[i] = event->time;
	to->gfn[i] = event->gfn;
	to->count[i] = event->count;
	to->vcpu[i] = event->vcpu;
	to->kind[i] = event->kind;
	to->reason[i] = event->reason;
	writer->last_time = event->time;
	writer->nr_events++;
	return writer->nr_events < STREAM_RECORDS_MAX
		       ? writer->error
		       : end_stream_frame(writer, st);
}

static int compare_runs(const void *a, const void *b)
{
	const struct trace_run *x = a, *y = b;

	return x->gfn < y->gfn ? -1 : x->gfn > y->gfn;
}

/* Return: NULL, or the rule that these sorted runs break as a set. */
static const char *set_flaw(const struct trace_writer *writer,
			    const struct trace_epoch *epoch,
			    const struct trace_run *sorted, size_t n)
{
	gfn_t free_from = 0;
	size_t hint = 0;

	for (size_t i = 0; i < n; i++) {
		const char *flaw =
			run_flaw(&writer->meta, epoch, &sorted[i], &hint);

		if (flaw)
			return flaw;
		if (sorted[i].gfn < free_from)
			return "a page occurs twice";
		free_from = sorted[i].gfn + sorted[i].npages;
	}
	return NULL;
}

static int put_part(struct trace_writer *writer, const struct trace_block *part,
		    struct status *st)
{
	struct frame frame = {.type = FRAME_EPOCH,
			      .time = part->epoch.start,
			      .count = (uint32_t)part->nr_runs};

	frame.raw_len = (uint32_t)epoch_encode(writer->raw, part,
					       &writer->epoch, writer->scratch);
	identity_epoch(writer->identity, part);
	return put(writer, frame, NULL, st);
}

static int put_parts(struct trace_writer *writer,
		     const struct trace_epoch *epoch,
		     const struct trace_run *runs, size_t nr_runs,
		     struct status *st)
{
	struct trace_block part = {.epoch = *epoch, .runs = runs};
	int ret;

	do {
		part.nr_runs = nr_runs < EPOCH_RUNS_MAX ? nr_runs
							: EPOCH_RUNS_MAX;
		part.is_last_part = part.nr_runs == nr_runs;
		ret = put_part(writer, &part, st);
		for (size_t i = 0; i < part.nr_runs; i++)
			part.first_rank += part.runs[i].npages;
		part.runs += part.nr_runs;
		nr_runs -= part.nr_runs;
	} while (nr_runs && !ret);
	return ret;
}

int trace_writer_epoch(struct trace_writer *writer,
		       const struct trace_epoch *epoch,
		       const struct trace_run *runs, size_t nr_runs,
		       struct status *st)
{
	struct trace_run *sorted = kage_calloc(nr_runs, sizeof(*sorted), st);
	struct trace_epoch whole = *epoch;
	const char *flaw;
	int ret;

	if (!sorted)
		return -ENOMEM;
	whole.npages = 0;
	for (size_t i = 0; i < nr_runs; i++) {
		sorted[i] = runs[i];
		whole.npages += runs[i].npages;
	}
	qsort(sorted, nr_runs, sizeof(*sorted), compare_runs);
	flaw = set_flaw(writer, epoch, sorted, nr_runs);
	if (!flaw)
		flaw = epoch_flaw(&writer->meta, &whole, &writer->cursor);
	ret = flaw ? broken_rule(writer, "epoch", epoch->index, flaw, st)
		   : end_stream_frame(writer, st);
	if (!ret)
		ret = put_parts(writer, &whole,
				whole.is_ordered ? runs : sorted, nr_runs, st);
	if (!ret) {
		totals_epoch(&writer->totals, &whole);
		writer->cursor.epoch = whole;
		writer->cursor.epochs++;
	}
	free(sorted);
	return ret;
}

int trace_writer_note(struct trace_writer *writer, const char *text,
		      struct status *st)
{
	size_t bytes = strlen(text);
	int ret;

	if (!bytes || bytes > NOTE_BYTES_MAX)
		return status_fail(st, EINVAL,
				   "%s: a note has 1 to %d bytes, not %zu",
				   writer->framer.path, NOTE_BYTES_MAX, bytes);
	ret = end_stream_frame(writer, st);
	return ret ? ret
		   : put(writer,
			 (struct frame){.type = FRAME_NOTE,
					.raw_len = (uint32_t)bytes,
					.count = 1},
			 text, st);
}

uint64_t trace_writer_bytes(const struct trace_writer *writer)
{
	return writer->framer.offset;
}

int trace_writer_flush(struct trace_writer *writer, struct status *st)
{
	int ret = end_stream_frame(writer, st);

	return ret ? ret : framer_sync(&writer->framer, st);
}

int trace_writer_close(struct trace_writer *writer, struct trace_totals *totals,
		       struct status *st)
{
	int ret = end_stream_frame(writer, st);

	identity_digest(writer->identity, writer->totals.id);
	if (!ret)
		ret = framer_finish(&writer->framer, &writer->totals, st);
	if (!ret && totals)
		*totals = writer->totals;
	release(writer);
	return ret;
}

void trace_writer_abort(struct trace_writer *writer)
{
	if (!writer)
		return;
	end_stream_frame(writer, NULL);
	release(writer);
}

void trace_writer_discard(struct trace_writer *writer)
{
	if (!writer)
		return;
	if (writer->framer.fd >= 0 && writer->framer.part)
		unlink(writer->framer.part);
	release(writer);
}

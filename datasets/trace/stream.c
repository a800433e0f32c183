/* SPDX-License-Identifier: MIT */
/* Stream records in columns; see stream.h. */
#include "datasets/trace/stream.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "datasets/trace/format.h"
#include "datasets/trace/meta.h"

static const unsigned int column_bytes[STREAM_COLUMNS] = {8, 8, 4, 2, 1, 1};

int stream_buffer_init(struct stream_buffer *buffer, struct status *st)
{
	*buffer = (struct stream_buffer){0};
	for (size_t c = 0; c < STREAM_COLUMNS; c++) {
		void *data =
			kage_calloc(STREAM_RECORDS_MAX, column_bytes[c], st);

		if (!data) {
			stream_buffer_fini(buffer);
			return -ENOMEM;
		}
		buffer->columns[c] = (struct column_array){
			.data = data, .bytes = column_bytes[c]};
	}
	buffer->time = buffer->columns[0].data;
	buffer->gfn = buffer->columns[1].data;
	buffer->count = buffer->columns[2].data;
	buffer->vcpu = buffer->columns[3].data;
	buffer->kind = buffer->columns[4].data;
	buffer->reason = buffer->columns[5].data;
	return 0;
}

void stream_buffer_fini(struct stream_buffer *buffer)
{
	for (size_t c = 0; c < STREAM_COLUMNS; c++)
		free(buffer->columns[c].data);
	*buffer = (struct stream_buffer){0};
}

struct trace_stream stream_view(const struct stream_buffer *buffer, size_t n)
{
	return (struct trace_stream){
		.n = n,
		.time = buffer->time,
		.gfn = buffer->gfn,
		.count = buffer->count,
		.vcpu = buffer->vcpu,
		.kind = buffer->kind,
		.reason = buffer->reason,
	};
}

struct trace_event stream_event(const struct trace_stream *stream, size_t i)
{
	return (struct trace_event){
		.time = stream->time[i],
		.gfn = stream->gfn[i],
		.count = stream->count[i],
		.vcpu = stream->vcpu[i],
		.kind = stream->kind[i],
		.reason = stream->reason[i],
	};
}

static bool is_range(uint8_t kind)
{
	return kind >= TRACE_INVALIDATE && kind <= TRACE_UNMAP;
}

/* Ranges have reasons, and what was lost may have an unknown number. */
static bool has_place(uint8_t kind, uint8_t reason)
{
	return reason == TRACE_REASON_NONE || is_range(kind) ||
	       (kind == TRACE_LOST && reason == TRACE_REASON_UNKNOWN);
}

const char *event_flaw(const struct trace_meta *meta,
		       const struct trace_event *event, uint64_t last_time,
		       size_t *hint)
{
	if (event->time < last_time)
		return "time decreases";
	if (event->kind >= TRACE_NR_EVENT_KINDS)
		return "kind is not known";
	if (event->reason >= TRACE_NR_REASONS ||
	    !has_place(event->kind, event->reason))
		return "reason is not known or has no place here";
	if (!event->count)
		return "count is zero";
	if (event->vcpu >= meta->nr_vcpus)
		return "vcpu is not one of the guest's";
	if (event->kind == TRACE_LOST)
		return event->gfn ? "a lost record names a gfn" : NULL;
	if (!meta_slot(meta, event->gfn,
		       is_range(event->kind) ? event->count : 1, hint))
		return "gfn is outside the slots";
	return NULL;
}

size_t stream_encode(uint8_t *out, const struct trace_stream *stream,
		     uint64_t *scratch)
{
	const void *const columns[STREAM_COLUMNS] = {
		stream->time, stream->gfn,  stream->count,
		stream->vcpu, stream->kind, stream->reason};
	uint64_t *wide = scratch + stream->n;
	uint8_t *at = out;

	for (size_t c = 0; c < STREAM_COLUMNS; c++) {
		column_widen(wide, columns[c], column_bytes[c], stream->n);
		at += column_encode(at, wide, stream->n, scratch);
	}
	return (size_t)(at - out);
}

/* 1 if @gfn is in the slot, else 0, without a compare: SSE2 has none for it. */
static inline uint64_t is_inside(const struct trace_slot *slot, gfn_t gfn)
{
	uint64_t behind = gfn - slot->gfn;
	uint64_t left = slot->npages - 1 - behind;

	return ~(behind | left) >> 63;
}

/* Counting those inside, slot by slot, has no branch that depends on the data. */
static bool are_in_slots(const struct trace_meta *meta, const gfn_t *gfn,
			 size_t n)
{
	size_t first = 0;
	uint64_t inside = 0;

	if (!meta_slot(meta, gfn[0], 1, &first))
		return false;
	for (size_t k = 0; k < meta->nr_slots && inside < n; k++) {
		struct trace_slot slot =
			meta->slots[(first + k) % meta->nr_slots];

		for (size_t i = 0; i < n; i++)
			inside += is_inside(&slot, gfn[i]);
	}
	return inside == n;
}

/*
 * The quick check: whether these are nothing but accesses, and all in order.
 * False means only that event_flaw() has to look at each record.  Compares are
 * sign bits of differences, so huge times and counts take the slow way, too.
 */
static bool are_plain_accesses(const struct trace_meta *meta,
			       const struct trace_stream *s, uint64_t last_time)
{
	uint8_t kind = 0, reason = 0;
	uint16_t vcpu = 0;
	uint32_t counts = 0;
	uint64_t steps = s->time[0] - last_time;

	for (size_t i = 0; i < s->n; i++)
		kind = s->kind[i] > kind ? s->kind[i] : kind;
	for (size_t i = 0; i < s->n; i++)
		reason |= s->reason[i];
	for (size_t i = 0; i < s->n; i++)
		vcpu = s->vcpu[i] > vcpu ? s->vcpu[i] : vcpu;
	for (size_t i = 0; i < s->n; i++)
		counts |= s->count[i] - 1;
	for (size_t i = 1; i < s->n; i++)
		steps |= s->time[i] - s->time[i - 1];
	return !(steps >> 63) && !(counts >> 31) && !reason &&
	       kind <= TRACE_HOST_WRITE && vcpu < meta->nr_vcpus &&
	       are_in_slots(meta, s->gfn, s->n);
}

static int check_each(const struct trace_meta *meta,
		      const struct trace_stream *s, uint64_t last_time,
		      struct status *st)
{
	size_t hint = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct trace_event event = stream_event(s, i);
		const char *flaw = event_flaw(meta, &event, last_time, &hint);

		if (flaw)
			return status_fail(st, EBADMSG, "record %zu: %s", i,
					   flaw);
		last_time = event.time;
	}
	return 0;
}

int stream_decode(struct stream_buffer *buffer, size_t n, const uint8_t *raw,
		  size_t bytes, uint64_t *scratch,
		  const struct trace_meta *meta, uint64_t last_time,
		  struct status *st)
{
	const uint8_t *at = raw, *end = raw + bytes;
	struct trace_stream stream = stream_view(buffer, n);

	if (!n || n > STREAM_RECORDS_MAX)
		return status_fail(st, EBADMSG, "%zu records in one frame", n);
	for (size_t c = 0; c < STREAM_COLUMNS; c++) {
		const char *flaw = column_decode(&buffer->columns[c], n, &at,
						 end, scratch);

		if (flaw)
			return status_fail(st, EBADMSG, "column %zu: %s", c,
					   flaw);
	}
	if (at != end)
		return status_fail(st, EBADMSG, "bytes behind the columns");
	if (are_plain_accesses(meta, &stream, last_time))
		return 0;
	return check_each(meta, &stream, last_time, st);
}

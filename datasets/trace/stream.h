/* SPDX-License-Identifier: MIT */
/* STREAM payloads and the rules of stream records; FORMAT.md section 5. */
#ifndef DATASETS_TRACE_STREAM_H
#define DATASETS_TRACE_STREAM_H

#include "datasets/trace/column.h"
#include "datasets/trace/trace.h"

enum {
	STREAM_COLUMNS = 6
};

/* Room for the records of one frame, column by column. */
struct stream_buffer {
	uint64_t *time;
	gfn_t *gfn;
	uint32_t *count;
	uint16_t *vcpu;
	uint8_t *kind;
	uint8_t *reason;
	struct column_array columns[STREAM_COLUMNS]; /* the same, for decoding */
};

int stream_buffer_init(struct stream_buffer *buffer, struct status *st);
void stream_buffer_fini(struct stream_buffer *buffer);

/* The first @n records of the buffer. */
struct trace_stream stream_view(const struct stream_buffer *buffer, size_t n);

/*
 * Return: NULL, or the rule that @event breaks behind an event at @last_time.
 * @hint: for meta_slot()
 */
const char *event_flaw(const struct trace_meta *meta,
		       const struct trace_event *event, uint64_t last_time,
		       size_t *hint);

/* Return: record @i as a struct. */
struct trace_event stream_event(const struct trace_stream *stream, size_t i);

/* Return: the bytes of the payload. */
size_t stream_encode(uint8_t *out, const struct trace_stream *stream,
		     uint64_t *scratch);

/* Decode and check.  Return: 0, or -EBADMSG with @st saying what is wrong. */
int stream_decode(struct stream_buffer *buffer, size_t n, const uint8_t *raw,
		  size_t bytes, uint64_t *scratch,
		  const struct trace_meta *meta, uint64_t last_time,
		  struct status *st);

#endif

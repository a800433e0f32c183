/* SPDX-License-Identifier: MIT */
/* What a trace adds up to, its index and its end; FORMAT.md sections 8 to 10. */
#ifndef DATASETS_TRACE_TOTALS_H
#define DATASETS_TRACE_TOTALS_H

#include "datasets/trace/format.h"
#include "datasets/trace/trace.h"

struct index_entry {
	uint64_t offset;
	uint64_t time;
	uint32_t count;
	uint32_t type;
};

_Static_assert(sizeof(struct index_entry) == INDEX_ENTRY_BYTES,
	       "entries are stored and hashed as they are in memory");

/* The END frame. */
struct trace_end {
	struct trace_totals totals;
	uint64_t frames;
	uint64_t index_offset;
};

void totals_stream(struct trace_totals *totals,
		   const struct trace_stream *stream);
void totals_epoch(struct trace_totals *totals, const struct trace_epoch *epoch);

void end_encode(uint8_t out[END_BYTES], const struct trace_end *end);
void end_decode(struct trace_end *end, const uint8_t raw[END_BYTES]);

/* Return: whether all but the content ids are equal. */
bool totals_agree(const struct trace_totals *a, const struct trace_totals *b);

void trailer_encode(uint8_t out[TRAILER_BYTES], uint64_t end_offset);

/* Return: whether these bytes are a trailer; then *end_offset is set. */
bool trailer_decode(const uint8_t raw[TRAILER_BYTES], uint64_t *end_offset);

#endif

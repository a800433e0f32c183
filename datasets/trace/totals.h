/* SPDX-License-Identifier: MIT */
/* A trace's two ends, its index and what it adds up to; FORMAT.md sections 1 and
 * 8 to 10. */
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

/* Return: whether some of a trace's records are more than @all says of them. */
bool totals_exceed(const struct trace_totals *some,
		   const struct trace_totals *all);

/* Return: the bytes of the payload. */
uint32_t end_encode(uint8_t out[END_BYTES_MAX], const struct trace_end *end);

/* Return: whether @raw is the payload of an END frame. */
bool end_decode(struct trace_end *end, const uint8_t *raw, size_t bytes);

/* What a reader saw, to be held against INDEX and END; all zero at first. */
struct ledger {
	struct trace_totals totals;
	uint64_t entries_hash; /* over the entries of all frames read */
	uint64_t index_hash;   /* over the entries that the index lists */
	uint64_t frames, indexed;
	uint64_t index_offset; /* 0: no INDEX frame yet */
};

void ledger_frame(struct ledger *ledger, const struct index_entry *entry);
void ledger_index(struct ledger *ledger, uint64_t offset,
		  const uint8_t *entries, uint32_t count);

/* Return: NULL, or what does not agree.  @has_id: compare content ids, too. */
const char *ledger_flaw(const struct ledger *ledger,
			const struct trace_end *end, bool has_id);

void header_encode(uint8_t out[FILE_HEADER_BYTES]);

/* Return: NULL, or why this is no header that we can read. */
const char *header_flaw(const uint8_t raw[FILE_HEADER_BYTES]);

void trailer_encode(uint8_t out[TRAILER_BYTES], uint64_t end_offset);

/* Return: whether these bytes are a trailer; then *end_offset is set. */
bool trailer_decode(const uint8_t raw[TRAILER_BYTES], uint64_t *end_offset);

#endif

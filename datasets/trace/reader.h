/* SPDX-License-Identifier: MIT */
/* The inside of a reader, and what recovery needs to know beyond trace.h. */
#ifndef DATASETS_TRACE_READER_H
#define DATASETS_TRACE_READER_H

#include "datasets/trace/deframer.h"
#include "datasets/trace/epoch.h"
#include "datasets/trace/identity.h"
#include "datasets/trace/source.h"
#include "datasets/trace/stream.h"
#include "datasets/trace/totals.h"
#include "datasets/trace/trace.h"

/* Everything that starts over with _rewind(). */
struct progress {
	struct epoch_cursor cursor;
	struct ledger ledger;
	struct index_entry entry; /* of the last frame */
	uint64_t last_time;	  /* of the last stream record */
	uint64_t sequence;	  /* of the next frame */
	uint64_t good_offset;	  /* behind the last frame that ends a block */
	bool is_done, is_partial;
	bool is_proven;	    /* the totals in END are those of what was read */
	const char *damage; /* why it is partial; NULL: it just ends */
};

struct trace_reader {
	struct source source;
	unsigned int flags;
	struct trace_meta meta;
	bool has_meta;
	struct trace_end end;
	bool has_end;		   /* the END frame was read */
	bool is_finished;	   /* a trailer ends the file */
	struct identity *identity; /* NULL: not computed */
	struct deframer deframer;
	uint64_t *scratch;
	struct stream_buffer stream;
	struct epoch_buffer epoch;
	struct progress at;
};

/* Return: the index entry of the frame that was read last: META behind _open()
 * and _rewind(), else that of the block. */
const struct index_entry *trace_reader_entry(const struct trace_reader *reader);

/* Whether what lies behind the end of a partial file may go: it was never
 * finished, or holds no records.  Anything else is a loss that only the owner of
 * the file may choose. */
bool trace_reader_is_recoverable(const struct trace_reader *reader);

#endif

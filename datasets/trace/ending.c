/* SPDX-License-Identifier: MIT */
/* How a trace ended, and what it adds up to; see trace.h. */
#include "datasets/trace/reader.h"

/* What END says is the truth only as long as nothing else was found. */
const struct trace_totals *
trace_reader_totals(const struct trace_reader *reader)
{
	if (reader->has_end && !reader->at.is_partial)
		return &reader->end.totals;
	return reader->at.is_done ? &reader->at.ledger.totals : NULL;
}

bool trace_reader_is_partial(const struct trace_reader *reader,
			     uint64_t *offset)
{
	if (reader->at.is_partial && offset)
		*offset = reader->at.good_offset;
	return reader->at.is_partial;
}

const char *trace_reader_damage(const struct trace_reader *reader,
				uint64_t *offset)
{
	if (reader->at.damage && offset)
		*offset = reader->at.entry.offset;
	return reader->at.damage;
}

bool trace_reader_is_recoverable(const struct trace_reader *reader)
{
	const struct progress *at = &reader->at;

	if (at->is_proven || !at->is_partial)
		return true;
	if (reader->is_finished)
		return false;
	return !at->damage || source_is_part(reader->source.path);
}

const struct index_entry *trace_reader_entry(const struct trace_reader *reader)
{
	return &reader->at.entry;
}

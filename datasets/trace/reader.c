/* SPDX-License-Identifier: MIT */
/*
 * Reading a trace, see trace.h.  Follows FORMAT.md from front to back; nothing is
 * believed before its checksum matched, and nothing is handed out before its
 * rules were checked.  Only the totals are taken from the end of the file first.
 */
#include "datasets/trace/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "datasets/trace/meta.h"

static int bad(const struct trace_reader *reader, const char *what,
	       struct status *st)
{
	return source_bad(&reader->source, reader->at.entry.offset, what, st);
}

/* Prefix what a decoder said with file and offset. */
static int located(const struct trace_reader *reader, int ret,
		   const struct status *why, struct status *st)
{
	if (ret == -EBADMSG)
		return bad(reader, why->message, st);
	return ret ? status_fail(st, -ret, "%s", why->message) : 0;
}

/* The file is cut or damaged here.  Return: 0 if that is a legal end. */
static int torn(struct trace_reader *reader, const char *what,
		struct status *st)
{
	if (reader->is_finished && what == deframer_cut)
		what = "this frame is longer than the file";
	if (!(reader->flags & TRACE_OPEN_PARTIAL) || !reader->has_meta)
		return bad(reader, what, st);
	reader->at.is_partial = true;
	reader->at.is_done = true;
	reader->at.damage = reader->is_finished || what != deframer_cut ? what
									: NULL;
	return 0;
}

/* Read the next frame's bytes.  Return: 1, 0 at a legal end, -errno. */
static int load_frame(struct trace_reader *reader, struct status *st)
{
	const char *flaw = NULL;
	int ret;

	reader->at.entry.offset = reader->source.offset;
	ret = deframer_load(&reader->deframer, &reader->source, &flaw, st);
	if (ret)
		return ret;
	return flaw ? torn(reader, flaw, st) : 1;
}

static int unpack(struct trace_reader *reader, struct status *st)
{
	const char *flaw = NULL;
	int ret = deframer_unpack(&reader->deframer, &flaw, st);

	if (ret)
		return ret;
	return flaw ? bad(reader, flaw, st) : 0;
}

static bool is_indexed(enum frame_type type)
{
	return type <= FRAME_NOTE;
}

/* The next frame, decompressed.  Return: 1, 0 at a legal end, -errno. */
static int next_frame(struct trace_reader *reader, struct status *st)
{
	struct progress *at = &reader->at;
	const struct frame *frame = &reader->deframer.frame;
	int ret = load_frame(reader, st);

	if (ret <= 0)
		return ret;
	if (frame->sequence != at->sequence++)
		return bad(reader, "a frame is missing before this one", st);
	if ((frame->type == FRAME_META) != !frame->sequence ||
	    (at->ledger.index_offset && is_indexed(frame->type)))
		return bad(reader, "frame in a place where its type may not be",
			   st);
	ret = unpack(reader, st);
	if (ret)
		return ret;
	if (!is_indexed(frame->type))
		return 1;
	at->entry.time = frame->time;
	at->entry.count = frame->count;
	at->entry.type = frame->type;
	ledger_frame(&at->ledger, &at->entry);
	return 1;
}

/* META, NOTE, INDEX and END have no time, and all but INDEX are single. */
static bool is_plain(const struct frame *frame)
{
	return !frame->time &&
	       (frame->count == 1 || frame->type == FRAME_INDEX);
}

static int read_header(struct trace_reader *reader, struct status *st)
{
	uint8_t header[FILE_HEADER_BYTES];
	const char *flaw;
	size_t got;
	int ret =
		source_read(&reader->source, header, sizeof(header), &got, st);

	reader->at = (struct progress){0};
	if (ret)
		return ret;
	flaw = got < sizeof(header) ? "not a kage trace" : header_flaw(header);
	return flaw ? bad(reader, flaw, st) : 0;
}

static int read_meta(struct trace_reader *reader, struct status *st)
{
	struct status why = {""};
	int ret = next_frame(reader, st);

	if (ret < 0)
		return ret;
	if (!is_plain(&reader->deframer.frame))
		return bad(reader, "META frame with a time or a count", st);
	if (!reader->has_meta)
		ret = meta_from_json(&reader->meta,
				     (const char *)reader->deframer.raw.data,
				     reader->deframer.frame.raw_len, &why);
	else
		ret = 0;
	if (ret)
		return located(reader, ret, &why, st);
	reader->has_meta = true;
	reader->at.good_offset = reader->source.offset;
	return 0;
}

static int get_end(struct trace_reader *reader, struct trace_end *end,
		   struct status *st)
{
	if (reader->deframer.frame.type != FRAME_END ||
	    !is_plain(&reader->deframer.frame) ||
	    !end_decode(end, reader->deframer.raw.data,
			reader->deframer.frame.raw_len))
		return bad(reader, "no END frame", st);
	return 0;
}

/* Take the totals from the end of a seekable file.  An unfinished file has
 * none, which is an error unless the file may be partial. */
static int read_end_first(struct trace_reader *reader, struct status *st)
{
	struct source *source = &reader->source;
	uint64_t trailer_at = source->bytes - TRAILER_BYTES, end_at;
	uint8_t trailer[TRAILER_BYTES];
	size_t got;
	int ret;

	if (source->bytes < FILE_HEADER_BYTES + TRAILER_BYTES)
		return torn(reader, deframer_cut, st);
	ret = source_seek(source, trailer_at, st);
	if (!ret)
		ret = source_read(source, trailer, sizeof(trailer), &got, st);
	if (ret)
		return ret;
	reader->at.entry.offset = trailer_at;
	if (got < sizeof(trailer) || !trailer_decode(trailer, &end_at))
		return torn(reader,
			    "no trailer: the file is unfinished or cut, or its "
			    "end is damaged (see `kage trace recover`)",
			    st);
	reader->is_finished = true;
	if (end_at >= trailer_at)
		return torn(reader, "trailer points behind itself", st);
	ret = source_seek(source, end_at, st);
	if (!ret)
		ret = load_frame(reader, st);
	if (ret <= 0)
		return ret;
	if (source->offset != trailer_at)
		return torn(reader, "END frame does not end the file", st);
	ret = unpack(reader, st);
	if (!ret)
		ret = get_end(reader, &reader->end, st);
	reader->has_end = !ret;
	return ret;
}

static int start_identity(struct trace_reader *reader, struct status *st)
{
	identity_free(reader->identity);
	reader->identity = NULL;
	if (reader->has_end &&
	    !(reader->flags & (TRACE_OPEN_VERIFY | TRACE_OPEN_PARTIAL)))
		return 0;
	reader->identity = identity_new(&reader->meta, st);
	return reader->identity ? 0 : -ENOMEM;
}

/* From the first byte to behind META. */
static int start(struct trace_reader *reader, struct status *st)
{
	int ret = read_header(reader, st);

	return ret ? ret : read_meta(reader, st);
}

static int init(struct trace_reader *reader, const char *path,
		struct status *st)
{
	int ret = source_open(&reader->source, path, st);

	if (ret)
		return ret;
	reader->scratch =
		kage_calloc(STREAM_RECORDS_MAX, sizeof(*reader->scratch), st);
	if (!reader->scratch)
		return -ENOMEM;
	ret = deframer_init(&reader->deframer, st);
	if (!ret)
		ret = stream_buffer_init(&reader->stream, st);
	if (!ret)
		ret = epoch_buffer_init(&reader->epoch, st);
	if (!ret)
		ret = start(reader, st);
	if (!ret && reader->source.is_seekable)
		ret = read_end_first(reader, st);
	if (!ret && reader->source.is_seekable)
		return trace_reader_rewind(reader, st);
	return ret ? ret : start_identity(reader, st);
}

int trace_reader_open(struct trace_reader **reader, const char *path,
		      unsigned int flags, struct status *st)
{
	struct trace_reader *r = kage_calloc(1, sizeof(*r), st);
	int ret;

	*reader = NULL;
	if (!r)
		return -ENOMEM;
	r->source.fd = -1;
	r->flags = flags | (source_is_part(path) ? TRACE_OPEN_PARTIAL : 0);
	ret = init(r, path, st);
	if (ret)
		trace_reader_close(r);
	else
		*reader = r;
	return ret;
}

void trace_reader_close(struct trace_reader *reader)
{
	if (!reader)
		return;
	source_close(&reader->source);
	trace_meta_fini(&reader->meta);
	identity_free(reader->identity);
	deframer_fini(&reader->deframer);
	free(reader->scratch);
	stream_buffer_fini(&reader->stream);
	epoch_buffer_fini(&reader->epoch);
	free(reader);
}

int trace_reader_rewind(struct trace_reader *reader, struct status *st)
{
	int ret = source_seek(&reader->source, 0, st);

	if (!ret)
		ret = start(reader, st);
	return ret ? ret : start_identity(reader, st);
}

const struct trace_meta *trace_reader_meta(const struct trace_reader *reader)
{
	return &reader->meta;
}

static int read_stream(struct trace_reader *reader, struct trace_block *block,
		       struct status *st)
{
	struct progress *at = &reader->at;
	const struct frame *frame = &reader->deframer.frame;
	struct status why = {""};
	int ret;

	ret = stream_decode(&reader->stream, frame->count,
			    reader->deframer.raw.data, frame->raw_len,
			    reader->scratch, &reader->meta, at->last_time,
			    &why);
	if (ret)
		return located(reader, ret, &why, st);
	block->type = TRACE_BLOCK_STREAM;
	block->stream = stream_view(&reader->stream, frame->count);
	if (frame->time != block->stream.time[0])
		return bad(reader, "frame time is not its first record's", st);
	at->last_time = block->stream.time[frame->count - 1];
	totals_stream(&at->ledger.totals, &block->stream);
	if (reader->identity)
		identity_stream(reader->identity, &block->stream);
	return 1;
}

static int read_epoch(struct trace_reader *reader, struct trace_block *block,
		      struct status *st)
{
	struct progress *at = &reader->at;
	const struct frame *frame = &reader->deframer.frame;
	struct status why = {""};
	int ret;

	ret = epoch_decode(block, &reader->epoch, frame->count,
			   reader->deframer.raw.data, frame->raw_len,
			   reader->scratch, &reader->meta, &at->cursor, &why);
	if (ret)
		return located(reader, ret, &why, st);
	block->type = TRACE_BLOCK_EPOCH;
	if (frame->time != block->epoch.start)
		return bad(reader, "frame time is not its epoch's start", st);
	if (block->is_last_part)
		totals_epoch(&at->ledger.totals, &block->epoch);
	if (reader->identity)
		identity_epoch(reader->identity, block);
	return 1;
}

static int read_note(struct trace_reader *reader, struct trace_block *block,
		     struct status *st)
{
	size_t bytes = reader->deframer.frame.raw_len;
	int ret = room_make(&reader->deframer.stored, bytes + 1, st);

	if (ret)
		return ret;
	if (!is_plain(&reader->deframer.frame) || bytes > NOTE_BYTES_MAX ||
	    memchr(reader->deframer.raw.data, 0, bytes))
		return bad(reader, "note is too long or no text", st);
	memcpy(reader->deframer.stored.data, reader->deframer.raw.data, bytes);
	reader->deframer.stored.data[bytes] = 0;
	block->type = TRACE_BLOCK_NOTE;
	block->note = (const char *)reader->deframer.stored.data;
	return 1;
}

static int read_block(struct trace_reader *reader, struct trace_block *block,
		      struct status *st)
{
	bool is_epoch = reader->deframer.frame.type == FRAME_EPOCH;
	int ret;

	if (reader->at.cursor.is_open && !is_epoch)
		return bad(reader, "epoch lacks its last part", st);
	*block = (struct trace_block){.offset = reader->at.entry.offset};
	if (is_epoch)
		ret = read_epoch(reader, block, st);
	else if (reader->deframer.frame.type == FRAME_STREAM)
		ret = read_stream(reader, block, st);
	else
		ret = read_note(reader, block, st);
	if (ret > 0 && reader->has_end &&
	    totals_exceed(&reader->at.ledger.totals, &reader->end.totals))
		return bad(reader, "more than END says", st);
	if (ret > 0 && !reader->at.cursor.is_open)
		reader->at.good_offset = reader->source.offset;
	return ret;
}

static int read_index(struct trace_reader *reader, struct status *st)
{
	struct progress *at = &reader->at;
	const struct frame *frame = &reader->deframer.frame;

	if (!is_plain(frame) || !frame->count ||
	    frame->count > INDEX_ENTRIES_MAX || at->cursor.is_open ||
	    frame->raw_len != frame->count * INDEX_ENTRY_BYTES)
		return bad(reader, "INDEX frame has a wrong length", st);
	ledger_index(&at->ledger, at->entry.offset, reader->deframer.raw.data,
		     frame->count);
	return 0;
}

static int read_trailer(struct trace_reader *reader, uint64_t end_at,
			struct status *st)
{
	uint8_t raw[TRAILER_BYTES + 1];
	uint64_t named;
	size_t got;
	int ret;

	reader->at.entry.offset = reader->source.offset;
	ret = source_read(&reader->source, raw, sizeof(raw), &got, st);
	if (ret)
		return ret;
	if (got < TRAILER_BYTES)
		return torn(reader, deframer_cut, st);
	if (!trailer_decode(raw, &named) || named != end_at)
		return torn(reader, "trailer is damaged", st);
	return got > TRAILER_BYTES
		       ? torn(reader, "bytes behind the trailer", st)
		       : 0;
}

static int read_end(struct trace_reader *reader, struct status *st)
{
	uint64_t offset = reader->at.entry.offset;
	struct trace_end end = {0};
	const char *flaw;
	int ret = get_end(reader, &end, st);

	if (ret)
		return ret;
	if (reader->identity)
		identity_digest(reader->identity, reader->at.ledger.totals.id);
	flaw = ledger_flaw(&reader->at.ledger, &end, reader->identity);
	if (flaw)
		return bad(reader, flaw, st);
	reader->at.is_proven = true;
	ret = read_trailer(reader, offset, st);
	if (ret)
		return ret;
	reader->end = end;
	reader->has_end = !reader->at.is_partial;
	reader->at.is_done = true;
	return 0;
}

int trace_reader_next(struct trace_reader *reader, struct trace_block *block,
		      struct status *st)
{
	int ret;

	while (!reader->at.is_done) {
		ret = next_frame(reader, st);
		if (ret > 0 && is_indexed(reader->deframer.frame.type))
			return read_block(reader, block, st);
		if (ret > 0 && reader->deframer.frame.type == FRAME_INDEX)
			ret = read_index(reader, st);
		else if (ret > 0)
			ret = read_end(reader, st);
		if (ret)
			return ret;
	}
	if (reader->at.is_partial && reader->identity)
		identity_digest(reader->identity, reader->at.ledger.totals.id);
	return 0;
}

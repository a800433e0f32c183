/* SPDX-License-Identifier: MIT */
/* Frames out of a source; see deframer.h.  Never holds more than one frame. */
#include "datasets/trace/deframer.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "datasets/trace/format.h"

int deframer_init(struct deframer *deframer, struct status *st)
{
	*deframer = (struct deframer){.zstd = ZSTD_createDCtx()};
	return deframer->zstd ? 0 : status_fail(st, ENOMEM, "out of memory");
}

void deframer_fini(struct deframer *deframer)
{
	ZSTD_freeDCtx(deframer->zstd);
	free(deframer->stored.data);
	free(deframer->raw.data);
}

int room_make(struct room *room, size_t bytes, struct status *st)
{
	if (bytes <= room->bytes)
		return 0;
	free(room->data);
	room->data = kage_calloc(bytes, 1, st);
	room->bytes = room->data ? bytes : 0;
	return room->data ? 0 : -ENOMEM;
}

const char deframer_cut[] =
	"the file is cut here (`kage trace recover` finishes it)";

int deframer_load(struct deframer *deframer, struct source *source,
		  const char **flaw, struct status *st)
{
	uint8_t header[FRAME_HEADER_BYTES];
	struct frame *frame = &deframer->frame;
	size_t got;
	int ret = source_read(source, header, sizeof(header), &got, st);

	if (ret)
		return ret;
	*flaw = got < sizeof(header) ? deframer_cut
				     : frame_parse(frame, header);
	if (*flaw)
		return 0;
	ret = room_make(&deframer->stored, frame->stored_len, st);
	if (!ret)
		ret = source_read(source, deframer->stored.data,
				  frame->stored_len, &got, st);
	if (ret)
		return ret;
	*flaw = got < frame->stored_len
			? deframer_cut
			: frame_verify(frame, header, deframer->stored.data);
	return 0;
}

int deframer_unpack(struct deframer *deframer, const char **flaw,
		    struct status *st)
{
	int ret = room_make(&deframer->raw, deframer->frame.raw_len, st);

	if (!ret)
		*flaw = frame_unpack(&deframer->frame, deframer->raw.data,
				     deframer->stored.data, deframer->zstd);
	return ret;
}

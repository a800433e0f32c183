/* SPDX-License-Identifier: MIT */
/* One frame in memory; see frame.h.  Knows nothing of files or payloads. */
#include "datasets/trace/frame.h"

#include <errno.h>
#include <string.h>
#include <xxhash.h>

#include "datasets/trace/format.h"

enum {
	ZSTD_LEVEL = 1, /* higher levels gain nothing on byte planes */
	CHECKSUM_AT = 40,
};

size_t frame_bound(size_t raw_len)
{
	return FRAME_HEADER_BYTES + ZSTD_compressBound(raw_len);
}

static uint64_t checksum(const uint8_t *header, const uint8_t *stored,
			 size_t bytes)
{
	return XXH3_64bits_withSeed(stored, bytes,
				    XXH3_64bits(header, CHECKSUM_AT));
}

int frame_pack(uint8_t *out, struct frame *frame, const void *raw,
	       ZSTD_CCtx *zstd, struct status *st)
{
	uint8_t *stored = out + FRAME_HEADER_BYTES;
	size_t bytes = ZSTD_compressCCtx(zstd, stored,
					 ZSTD_compressBound(frame->raw_len),
					 raw, frame->raw_len, ZSTD_LEVEL);

	if (ZSTD_isError(bytes))
		return status_fail(st, EIO, "zstd: %s",
				   ZSTD_getErrorName(bytes));
	frame->stored_len = (uint32_t)bytes;
	memset(out, 0, FRAME_HEADER_BYTES);
	memcpy(out, FRAME_MAGIC, 4);
	out[4] = (uint8_t)frame->type;
	put_u32(out + 8, frame->raw_len);
	put_u32(out + 12, frame->stored_len);
	put_u64(out + 16, frame->time);
	put_u64(out + 24, frame->sequence);
	put_u32(out + 32, frame->count);
	put_u64(out + CHECKSUM_AT, checksum(out, stored, bytes));
	return 0;
}

const char *frame_parse(struct frame *frame, const uint8_t *header)
{
	if (memcmp(header, FRAME_MAGIC, 4))
		return "no frame starts here";
	*frame = (struct frame){
		.type = header[4],
		.raw_len = get_u32(header + 8),
		.stored_len = get_u32(header + 12),
		.time = get_u64(header + 16),
		.sequence = get_u64(header + 24),
		.count = get_u32(header + 32),
	};
	if (frame->type < FRAME_META || frame->type > FRAME_END ||
	    !is_zero(header + 5, 3) || !is_zero(header + 36, 4))
		return "frame of an unknown type";
	if (!frame->raw_len || frame->raw_len > FRAME_RAW_MAX ||
	    !frame->stored_len ||
	    frame->stored_len > ZSTD_compressBound(frame->raw_len))
		return "frame of an impossible length";
	return NULL;
}

const char *frame_verify(const struct frame *frame, const uint8_t *header,
			 const uint8_t *stored)
{
	return get_u64(header + CHECKSUM_AT) ==
			       checksum(header, stored, frame->stored_len)
		       ? NULL
		       : "frame checksum does not match";
}

const char *frame_unpack(const struct frame *frame, uint8_t *raw,
			 const uint8_t *stored, ZSTD_DCtx *zstd)
{
	size_t bytes;

	if (ZSTD_getFrameContentSize(stored, frame->stored_len) !=
		    frame->raw_len ||
	    ZSTD_findFrameCompressedSize(stored, frame->stored_len) !=
		    frame->stored_len)
		return "payload is not one zstd frame of the stated length";
	bytes = ZSTD_decompressDCtx(zstd, raw, frame->raw_len, stored,
				    frame->stored_len);
	return bytes == frame->raw_len ? NULL : "payload does not decompress";
}

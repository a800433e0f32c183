/* SPDX-License-Identifier: MIT */
/* Frames: header, checksum and compression; FORMAT.md section 2. */
#ifndef DATASETS_TRACE_FRAME_H
#define DATASETS_TRACE_FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <zstd.h>

#include "base/status.h"

enum frame_type {
	FRAME_META = 1,
	FRAME_STREAM,
	FRAME_EPOCH,
	FRAME_NOTE,
	FRAME_INDEX,
	FRAME_END,
};

/* The frame header's fields that are not derived from the payload. */
struct frame {
	enum frame_type type;
	uint32_t raw_len, stored_len;
	uint64_t time;
	uint64_t sequence;
	uint32_t count;
};

/* Bytes that a frame with @raw_len bytes of payload needs at most. */
size_t frame_bound(size_t raw_len);

/**
 * frame_pack - compress a payload and put its header in front
 * @out: room for frame_bound(@frame->raw_len) bytes
 * @frame: stored_len is filled
 *
 * Return: 0, or -EIO when zstd refuses.
 */
int frame_pack(uint8_t *out, struct frame *frame, const void *raw,
	       ZSTD_CCtx *zstd, struct status *st);

/* Parse a header.  Return: NULL, or what is wrong with it. */
const char *frame_parse(struct frame *frame, const uint8_t *header);

/* Return: NULL if the checksum covers @header and @stored, or what is wrong. */
const char *frame_verify(const struct frame *frame, const uint8_t *header,
			 const uint8_t *stored);

/* Decompress to @raw, raw_len bytes.  Return: NULL, or what is wrong. */
const char *frame_unpack(const struct frame *frame, uint8_t *raw,
			 const uint8_t *stored, ZSTD_DCtx *zstd);

#endif

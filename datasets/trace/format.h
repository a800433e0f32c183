/* SPDX-License-Identifier: MIT */
/*
 * Sizes, magic numbers and limits of FORMAT.md, and little-endian access.  Frames
 * are copied to and from memory as they are: a big-endian host needs new code.
 */
#ifndef DATASETS_TRACE_FORMAT_H
#define DATASETS_TRACE_FORMAT_H

#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "columns are hashed and stored as they are in memory");

enum {
	FORMAT_VERSION = 1,
	FILE_HEADER_BYTES = 24,
	FRAME_HEADER_BYTES = 48,
	FRAME_RAW_MAX = 2 << 20,
	COLUMN_HEADER_BYTES = 24,
	STREAM_RECORDS_MAX = 1 << 15,
	EPOCH_HEADER_BYTES = 64,
	EPOCH_RUNS_MAX = 1 << 15,
	NOTE_BYTES_MAX = 64 << 10,
	INDEX_ENTRY_BYTES = 24,
	INDEX_ENTRIES_MAX = 1 << 16,
	END_BYTES = 88,
	END_BYTES_MAX = 96, /* where an unknown number was lost */
	TRAILER_BYTES = 24,
};

#define FILE_MAGIC    "\x89KGT\r\n\x1a\n"
#define FRAME_MAGIC   "KGF\x96"
#define TRAILER_MAGIC "\x89KGTEND\n"

static inline void put_u32(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

static inline void put_u64(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, sizeof(value));
}

static inline uint32_t get_u32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static inline uint64_t get_u64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* Return: whether @bytes bytes at @at are all zero. */
static inline int is_zero(const uint8_t *at, unsigned int bytes)
{
	uint8_t any = 0;

	while (bytes--)
		any |= at[bytes];
	return !any;
}

#endif

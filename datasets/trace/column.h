/* SPDX-License-Identifier: MIT */
/* The column codec: n integers as byte planes; FORMAT.md section 3. */
#ifndef DATASETS_TRACE_COLUMN_H
#define DATASETS_TRACE_COLUMN_H

#include <stddef.h>
#include <stdint.h>

/* An upper bound of what column_encode() writes for @n values. */
static inline size_t column_bound(size_t n)
{
	return 24 + 8 * n;
}

/*
 * Encode @n values into @out with the transform that looks cheapest.
 * @scratch: room for @n values.
 * Return: the bytes written.
 */
size_t column_encode(uint8_t *out, const uint64_t *values, size_t n,
		     uint64_t *scratch);

/* Widen an array of 1, 2, 4 or 8 byte values, as columns are encoded from. */
void column_widen(uint64_t *to, const void *from, unsigned int bytes, size_t n);

/* Where a column is decoded to. */
struct column_array {
	void *data;	    /* borrowed: room for every n it is used with */
	unsigned int bytes; /* per value: 1, 2, 4 or 8 */
	size_t filled;	    /* so many values are known to equal .constant */
	uint64_t constant;
};

/**
 * column_decode - decode @n values from the front of a payload
 * @at: moved behind the column
 * @scratch: room for @n values
 *
 * Return: NULL, or what is wrong with the bytes.
 */
const char *column_decode(struct column_array *array, size_t n,
			  const uint8_t **at, const uint8_t *end,
			  uint64_t *scratch);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Byte planes, see column.h.  The encoder compares transforms by the entropy of
 * their planes: it cannot see what zstd's matches would save on top.
 */
#include "datasets/trace/column.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "datasets/trace/format.h"

enum transform {
	PLAIN,
	DELTA,
	ZIGZAG,
	NR_TRANSFORMS
};

static uint64_t step_value(enum transform transform, uint64_t step)
{
	return transform == ZIGZAG ? step << 1 ^ -(step >> 63) : step;
}

/*
 * The v of FORMAT.md.  The step before the first value is free: the first real
 * step is repeated, so that a constant step is a constant.
 * Return: first.
 */
static uint64_t apply(enum transform transform, uint64_t *v, const uint64_t *x,
		      size_t n)
{
	uint64_t step = n > 1 ? x[1] - x[0] : 0;
	uint64_t first = n ? x[0] - step : 0;
	uint64_t before = first;

	if (transform == PLAIN) {
		memcpy(v, x, n * sizeof(*v));
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		v[i] = step_value(transform, x[i] - before);
		before = x[i];
	}
	return first;
}

/* Bits per stored residue: whole planes, or a share of one. */
static unsigned int width_for(uint64_t residues)
{
	unsigned int bits =
		residues ? 64 - (unsigned int)__builtin_clzll(residues) : 0;

	if (bits <= 2)
		return bits;
	return bits <= 4 ? 4 : (bits + 7) / 8 * 8;
}

/* Subtract the least value.  Return: it, with the *width still needed. */
static uint64_t rebase(uint64_t *v, size_t n, unsigned int *width)
{
	uint64_t least = n ? v[0] : 0;
	uint64_t bits = 0;

	for (size_t i = 0; i < n; i++)
		least = v[i] < least ? v[i] : least;
	for (size_t i = 0; i < n; i++) {
		v[i] -= least;
		bits |= v[i];
	}
	*width = width_for(bits);
	return least;
}

static double plane_entropy(const uint64_t *v, size_t n, unsigned int plane)
{
	uint32_t seen[256] = {0};
	double bits = 0;

	for (size_t i = 0; i < n; i++)
		seen[v[i] >> 8 * plane & 255]++;
	for (size_t i = 0; i < 256; i++)
		if (seen[i])
			bits += seen[i] * log2((double)n / seen[i]);
	return bits;
}

static double cost_of(enum transform transform, const uint64_t *values,
		      size_t n, uint64_t *scratch)
{
	unsigned int width;
	double bits = 0;

	apply(transform, scratch, values, n);
	rebase(scratch, n, &width);
	for (unsigned int plane = 0; 8 * plane < width; plane++)
		bits += plane_entropy(scratch, n, plane);
	return bits;
}

static enum transform cheapest(const uint64_t *values, size_t n,
			       uint64_t *scratch)
{
	enum transform best = PLAIN;
	double least = cost_of(PLAIN, values, n, scratch);

	for (enum transform t = DELTA; t < NR_TRANSFORMS && least > 0; t++) {
		double bits = cost_of(t, values, n, scratch);

		if (bits < least) {
			least = bits;
			best = t;
		}
	}
	return best;
}

static size_t stored_bytes(size_t n, unsigned int width)
{
	return width < 8 ? (n * width + 7) / 8 : n * (width / 8);
}

/* Residues of less than a byte, the first one lowest.  Return: the bytes. */
static size_t pack(uint8_t *out, const uint64_t *v, size_t n,
		   unsigned int width)
{
	size_t bytes = stored_bytes(n, width);

	memset(out, 0, bytes);
	for (size_t i = 0; i < n && width; i++)
		out[i * width / 8] |= (uint8_t)(v[i] << i * width % 8);
	return bytes;
}

size_t column_encode(uint8_t *out, const uint64_t *values, size_t n,
		     uint64_t *scratch)
{
	enum transform transform = cheapest(values, n, scratch);
	uint8_t *plane = out + COLUMN_HEADER_BYTES;
	unsigned int width;

	memset(out, 0, COLUMN_HEADER_BYTES);
	put_u64(out + 16, apply(transform, scratch, values, n));
	put_u64(out + 8, rebase(scratch, n, &width));
	out[0] = (uint8_t)width;
	out[1] = (uint8_t)transform;
	if (width < 8)
		return COLUMN_HEADER_BYTES + pack(plane, scratch, n, width);
	for (unsigned int k = 0; k < width; k += 8, plane += n)
		for (size_t i = 0; i < n; i++)
			plane[i] = (uint8_t)(scratch[i] >> k);
	return (size_t)(plane - out);
}

void column_widen(uint64_t *to, const void *from, unsigned int bytes, size_t n)
{
	const uint8_t *at = from;

	for (size_t i = 0; i < n; i++, at += bytes) {
		to[i] = 0;
		memcpy(&to[i], at, bytes);
	}
}

/* Inlined once per width: with a constant width the loop has no inner loop. */
static inline __attribute__((always_inline)) void
join(uint64_t *restrict v, const uint8_t *restrict planes, size_t n,
     uint64_t base, unsigned int width)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t residue = 0;

		for (unsigned int k = 0; k < width; k++)
			residue |= (uint64_t)planes[k * n + i] << 8 * k;
		v[i] = base + residue;
	}
}

static inline __attribute__((always_inline)) void
unpack(uint64_t *restrict v, const uint8_t *restrict packed, size_t n,
       uint64_t base, unsigned int width)
{
	const unsigned int mask = (1u << width) - 1, each = 8 / width;
	size_t whole = n / each * each;

	for (size_t i = 0; i < whole; i += each, packed++)
		for (unsigned int k = 0; k < each; k++)
			v[i + k] = base + (*packed >> k * width & mask);
	for (size_t i = whole; i < n; i++)
		v[i] = base + (*packed >> (i - whole) * width & mask);
}

static void join_residues(uint64_t *v, const uint8_t *stored, size_t n,
			  uint64_t base, unsigned int width)
{
	switch (width) {
	case 1:
		unpack(v, stored, n, base, 1);
		break;
	case 2:
		unpack(v, stored, n, base, 2);
		break;
	case 4:
		unpack(v, stored, n, base, 4);
		break;
	case 8:
		join(v, stored, n, base, 1);
		break;
	case 16:
		join(v, stored, n, base, 2);
		break;
	case 24:
		join(v, stored, n, base, 3);
		break;
	case 32:
		join(v, stored, n, base, 4);
		break;
	default:
		join(v, stored, n, base, width / 8);
	}
}

static void undo(enum transform transform, uint64_t *v, size_t n,
		 uint64_t first)
{
	if (transform == ZIGZAG)
		for (size_t i = 0; i < n; i++)
			v[i] = v[i] >> 1 ^ -(v[i] & 1);
	if (transform != PLAIN)
		for (size_t i = 0; i < n; i++)
			v[i] = first += v[i];
}

/* A constant, or a constant step: nothing is stored, so nothing is loaded. */
static void fill(uint64_t *v, size_t n, enum transform transform, uint64_t base,
		 uint64_t first)
{
	uint64_t step = transform == ZIGZAG ? base >> 1 ^ -(base & 1) : base;
	uint64_t value = transform == PLAIN ? base : first + step;

	if (transform == PLAIN)
		step = 0;
	for (size_t i = 0; i < n; i++, value += step)
		v[i] = value;
}

/* Whether no residue of so many bits can lead out of @bytes. */
static bool must_fit(const uint8_t *header, unsigned int bytes)
{
	unsigned int width = header[0];
	uint64_t most = width < 64 ? (UINT64_C(1) << width) - 1 : UINT64_MAX;
	uint64_t base = get_u64(header + 8);

	return header[1] == PLAIN && most <= UINT64_MAX - base &&
	       !((base + most) >> 8 * bytes);
}

static bool do_fit(const uint64_t *v, size_t n, unsigned int bytes)
{
	uint64_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= v[i];
	return !(any >> 8 * bytes);
}

static void narrow(void *to, unsigned int bytes, const uint64_t *from, size_t n)
{
	uint8_t *to8 = to;
	uint16_t *to16 = to;
	uint32_t *to32 = to;

	if (bytes == 1)
		for (size_t i = 0; i < n; i++)
			to8[i] = (uint8_t)from[i];
	else if (bytes == 2)
		for (size_t i = 0; i < n; i++)
			to16[i] = (uint16_t)from[i];
	else
		for (size_t i = 0; i < n; i++)
			to32[i] = (uint32_t)from[i];
}

static bool is_width(unsigned int width)
{
	return width < 8 ? !(width & (width - 1)) : width <= 64 && !(width % 8);
}

static const char *header_flaw(const uint8_t *header, size_t n, size_t left)
{
	if (left < COLUMN_HEADER_BYTES)
		return "column header is cut";
	if (!is_width(header[0]) || header[1] >= NR_TRANSFORMS ||
	    !is_zero(header + 2, 6) ||
	    (header[1] == PLAIN && get_u64(header + 16)))
		return "column header has an unknown value";
	if (left - COLUMN_HEADER_BYTES < stored_bytes(n, header[0]))
		return "column is cut";
	return NULL;
}

const char *column_decode(struct column_array *array, size_t n,
			  const uint8_t **at, const uint8_t *end,
			  uint64_t *scratch)
{
	const uint8_t *header = *at;
	const char *flaw = header_flaw(header, n, (size_t)(end - header));
	uint64_t *values = array->bytes == 8 ? array->data : scratch;
	uint64_t base;

	if (flaw)
		return flaw;
	base = get_u64(header + 8);
	*at += COLUMN_HEADER_BYTES + stored_bytes(n, header[0]);
	if (array->filled >= n && array->constant == base && !header[0] &&
	    header[1] == PLAIN)
		return NULL;
	array->filled = 0;
	if (!header[0]) {
		fill(values, n, header[1], base, get_u64(header + 16));
	} else {
		join_residues(values, header + COLUMN_HEADER_BYTES, n, base,
			      header[0]);
		undo(header[1], values, n, get_u64(header + 16));
	}
	if (array->bytes < 8) {
		if (!must_fit(header, array->bytes) &&
		    !do_fit(values, n, array->bytes))
			return "column has a value out of range";
		narrow(array->data, array->bytes, values, n);
	}
	if (!header[0] && header[1] == PLAIN) {
		array->filled = n;
		array->constant = base;
	}
	return NULL;
}

/* SPDX-License-Identifier: MIT */
/* Plain or compressed bytes; see bytes.h. */
#include "datasets/convert/bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum {
	RAW_BYTES = 1 << 16
};

int bytes_init(struct bytes *b, struct import_job *job, struct status *st)
{
	static const unsigned char magic[4] = {0x28, 0xb5, 0x2f, 0xfd};
	unsigned char head[sizeof(magic)];
	bool is_zstd;

	*b = (struct bytes){.job = job};
	is_zstd = fread(head, 1, sizeof(head), job->file) == sizeof(head) &&
		  !memcmp(head, magic, sizeof(head));
	rewind(job->file);
	if (!is_zstd)
		return 0;
	b->raw = kage_calloc(1, RAW_BYTES, st);
	b->zstd = ZSTD_createDStream();
	if (!b->raw || !b->zstd)
		return status_fail(st, ENOMEM, "out of memory");
	b->in.src = b->raw;
	return 0;
}

void bytes_fini(struct bytes *b)
{
	ZSTD_freeDStream(b->zstd);
	free(b->raw);
}

/* Return: bytes decompressed, fewer than @n at the end, or -EBADMSG. */
static ssize_t decompress(struct bytes *b, void *to, size_t n,
			  struct status *st)
{
	ZSTD_outBuffer out = {to, n, 0};

	while (out.pos < n) {
		size_t left, before = out.pos;

		if (b->in.pos == b->in.size) {
			b->in.size = fread(b->raw, 1, RAW_BYTES, b->job->file);
			b->in.pos = 0;
		}
		if (!b->in.size && !b->is_mid_frame)
			break;
		left = ZSTD_decompressStream(b->zstd, &out, &b->in);
		if (ZSTD_isError(left))
			return import_bad(b->job, st, "zstd: %s",
					  ZSTD_getErrorName(left));
		b->is_mid_frame = left;
		if (!b->in.size && left && out.pos == before)
			return import_bad(b->job, st,
					  "the compressed file was cut");
	}
	return (ssize_t)out.pos;
}

int bytes_read(struct bytes *b, void *to, size_t n, struct status *st)
{
	ssize_t got = b->zstd ? decompress(b, to, n, st)
			      : (ssize_t)fread(to, 1, n, b->job->file);

	if (got < 0)
		return (int)got;
	if (ferror(b->job->file))
		return status_fail(st, EIO, "%s: %s", b->job->path,
				   strerror(errno));
	if (got && (size_t)got < n)
		return import_bad(b->job, st,
				  "the last record has %zd of %zu bytes: the "
				  "file was cut",
				  got, n);
	return got > 0;
}

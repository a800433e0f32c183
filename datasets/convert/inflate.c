/* SPDX-License-Identifier: MIT */
/* zlib's streams; see inflate.h. */
#include "datasets/convert/inflate.h"

#include <errno.h>
#include <string.h>
#include <zlib.h>

enum {
	CHUNK = 1 << 14,
	AUTO_DETECT = 15 + 32, /* zlib.h, inflateInit2(): zlib or gzip */
	/* Texts of regions shrink to a tenth; what shrinks so much more is a trap. */
	RATIO_MAX = 256,
};

static bool is_compressed(const unsigned char *head, size_t n)
{
	bool is_zlib = n >= 2 && (head[0] & 15) == Z_DEFLATED &&
		       (head[0] * 256 + head[1]) % 31 == 0;

	return is_zlib || (n >= 2 && head[0] == 0x1f && head[1] == 0x8b);
}

/* One stream may follow another: gzip's members do (RFC 1952, 2.2).  @is_whole: whether
 * the last one ended. */
static int expand(struct import_job *job, z_stream *z, bool *is_whole,
		  struct outbuf *text, struct status *st)
{
	unsigned char out[CHUNK];
	uint64_t end = job->offset + z->avail_in;
	int state;

	do {
		if (*is_whole)
			inflateReset(z);
		z->next_out = out;
		z->avail_out = sizeof(out);
		state = inflate(z, Z_NO_FLUSH);
		outbuf_put(text, out, sizeof(out) - z->avail_out);
		if (state == Z_NEED_DICT || (state < 0 && state != Z_BUF_ERROR))
			return import_bad(job, st, "zlib: %s",
					  z->msg ? z->msg : zError(state));
		if (text->used / RATIO_MAX > end - z->avail_in + CHUNK)
			return import_bad(job, st,
					  "expands to more than %d times its "
					  "size",
					  RATIO_MAX);
		*is_whole = state == Z_STREAM_END;
	} while (z->avail_in || (!*is_whole && !z->avail_out));
	return 0;
}

static int copy(struct import_job *job, struct outbuf *text, struct status *st)
{
	unsigned char in[CHUNK];
	z_stream z = {.next_in = in};
	bool first = true, is_z = false, is_whole = true;
	int ret = 0;

	if (inflateInit2(&z, AUTO_DETECT) != Z_OK)
		return status_fail(st, ENOMEM, "out of memory");
	for (size_t n; !ret && (n = fread(in, 1, sizeof(in), job->file)) > 0;
	     first = false) {
		is_z = first ? is_compressed(in, n) : is_z;
		z.next_in = in;
		z.avail_in = (uInt)n;
		if (is_z)
			ret = expand(job, &z, &is_whole, text, st);
		else
			outbuf_put(text, in, n);
		job->offset += n;
	}
	if (!ret && !is_whole)
		ret = import_bad(job, st, "the compressed file was cut");
	inflateEnd(&z);
	return ret;
}

int inflate_file(struct import_job *job, struct outbuf *text, struct status *st)
{
	int ret = copy(job, text, st);

	if (!ret && ferror(job->file))
		ret = status_fail(st, EIO, "%s: %s", job->path,
				  strerror(errno));
	if (!ret && text->error)
		ret = status_fail(st, -text->error, "%s: %s", job->path,
				  strerror(-text->error));
	return ret;
}

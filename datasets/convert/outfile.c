/* SPDX-License-Identifier: MIT */
/* Temporary until whole; see outfile.h. */
#include "datasets/convert/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "base/alloc.h"
#include "base/outbuf.h"

enum {
	COPY_BYTES = 1 << 16
};

static bool is_stdout(const struct outfile *f)
{
	return !strcmp(f->output, "-");
}

static bool ends_in_zst(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && !strcmp(name + n - 4, ".zst");
}

int outfile_open(struct outfile *f, const char *output, bool opens_itself,
		 bool may_compress, struct status *st)
{
	int ret;

	*f = (struct outfile){.output = output};
	f->is_zstd = may_compress && ends_in_zst(output);
	if (is_stdout(f) && opens_itself)
		return status_fail(st, EINVAL,
				   "this format is written to a file, not to "
				   "standard output");
	/* what is seeked in, or compressed, goes through a file without a name */
	if (is_stdout(f) || f->is_zstd) {
		f->file = tmpfile();
		return f->file ? 0
			       : status_fail(st, errno, "a temporary file: %s",
					     strerror(errno));
	}
	if (snprintf(f->path, sizeof(f->path), "%s.part", output) >=
	    (int)sizeof(f->path))
		return status_fail(st, ENAMETOOLONG, "%s: name too long",
				   output);
	if (opens_itself) {
		if (!access(f->path, F_OK)) {
			f->path[0] = '\0';
			return status_fail(st, EEXIST,
					   "%s.part is there already", output);
		}
		return 0;
	}
	f->file = fopen(f->path, "w+xe");
	if (f->file)
		return 0;
	ret = status_fail(st, errno, "%s: %s", f->path, strerror(errno));
	f->path[0] = '\0'; /* not ours to delete */
	return ret;
}

static int write_frame(FILE *from, FILE *to, ZSTD_CStream *z, char *in,
		       char *out, size_t out_bytes)
{
	size_t n, left;

	do {
		ZSTD_inBuffer source = {in, 0, 0};

		n = source.size = fread(in, 1, COPY_BYTES, from);
		do {
			ZSTD_outBuffer target = {out, out_bytes, 0};

			left = ZSTD_compressStream2(z, &target, &source,
						    n ? ZSTD_e_continue
						      : ZSTD_e_end);
			if (ZSTD_isError(left) ||
			    fwrite(out, 1, target.pos, to) != target.pos)
				return -EIO;
		} while (source.pos < source.size || (!n && left));
	} while (n);
	return ferror(from) || fflush(to) ? -EIO : 0;
}

static int compress_into(FILE *from, FILE *to, struct status *st)
{
	ZSTD_CStream *z = ZSTD_createCStream();
	size_t out_bytes = ZSTD_CStreamOutSize();
	char *in = kage_calloc(1, COPY_BYTES, st);
	char *out = kage_calloc(1, out_bytes, st);
	int ret = z && in && out ? 0 : -ENOMEM;

	if (!ret) {
		ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
		ret = write_frame(from, to, z, in, out, out_bytes);
	}
	ZSTD_freeCStream(z);
	free(in);
	free(out);
	return ret;
}

static int copy_into(FILE *from, FILE *to)
{
	char buffer[4096];
	size_t n;

	while ((n = fread(buffer, 1, sizeof(buffer), from)) > 0)
		if (fwrite(buffer, 1, n, to) != n)
			return -EIO;
	return ferror(from) || fflush(to) ? -EIO : 0;
}

static int name_compressed(struct outfile *f, struct status *st)
{
	FILE *from = f->file;
	int ret;

	if (snprintf(f->path, sizeof(f->path), "%s.part", f->output) >=
	    (int)sizeof(f->path))
		return status_fail(st, ENAMETOOLONG, "%s: name too long",
				   f->output);
	rewind(from);
	f->file = fopen(f->path, "wxe");
	if (!f->file) {
		ret = status_fail(st, errno, "%s: %s", f->path,
				  strerror(errno));
		f->path[0] = '\0'; /* not ours to delete */
		f->file = from;
		return ret;
	}
	ret = compress_into(from, f->file, st);
	fclose(from);
	return ret ? status_fail(st, -ret, "%s: %s", f->output, strerror(-ret))
		   : 0;
}

/* Return: a negative errno if the bytes are not on the disk. */
static int sync_file(struct outfile *f)
{
	int fd, ret = 0;

	if (f->file) {
		ret = fflush(f->file) || fsync(fileno(f->file)) ? -errno : 0;
		if (fclose(f->file) && !ret)
			ret = -errno;
		f->file = NULL;
		return ret;
	}
	fd = open(f->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = fsync(fd) ? -errno : 0;
	close(fd);
	return ret;
}

int outfile_close(struct outfile *f, struct status *st)
{
	int ret = 0;

	if (is_stdout(f)) {
		rewind(f->file);
		ret = copy_into(f->file, stdout);
		outfile_discard(f);
		return ret ? status_fail(st, -ret, "standard output: %s",
					 strerror(-ret))
			   : 0;
	}
	if (f->is_zstd)
		ret = name_compressed(f, st);
	if (!ret) {
		ret = sync_file(f);
		if (!ret && rename(f->path, f->output))
			ret = -errno;
		if (ret)
			status_fail(st, -ret, "%s: %s", f->output,
				    strerror(-ret));
	}
	if (ret)
		outfile_discard(f);
	return ret ? ret : outbuf_sync_folder(f->output, st);
}

void outfile_discard(struct outfile *f)
{
	if (f->file)
		fclose(f->file);
	if (f->path[0])
		unlink(f->path);
	f->file = NULL;
}

/* SPDX-License-Identifier: MIT */
/* Temporary until whole; see outfile.h. */
#include "datasets/convert/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

bool outfile_is_input(const char *output, const char *input)
{
	struct stat a, b;

	return !stat(output, &a) && !stat(input, &b) && S_ISREG(a.st_mode) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* An output's fault must not pass for that of an input, see base/status.h. */
static int output_fail(const char *name, int error, struct status *st)
{
	const char *why =
		error == ENOENT ? "no such folder"
		: error == EEXIST
			? "is there already, of a run that goes on or "
			  "was killed: then delete it"
			: strerror(error);

	if (error == ENOENT || error == EISDIR || error == EINVAL)
		error = ENOTDIR;
	return status_fail(st, error, "%s: %s", name, why);
}

static int no_file(const struct outfile *f, struct status *st)
{
	return status_fail(st, EINVAL,
			   "%s: this format is written to a file, not to a "
			   "device, a pipe or standard output",
			   f->output);
}

/* Behind which name the bytes go, and whether into what is there already. */
static int find_target(struct outfile *f, bool opens_itself, struct status *st)
{
	struct stat about;
	int fd;

	if (is_stdout(f)) {
		f->into = stdout;
		return opens_itself ? no_file(f, st) : 0;
	}
	if (!lstat(f->output, &about) && S_ISLNK(about.st_mode)) {
		if (!realpath(f->output, f->target))
			return status_fail(st, ENOTDIR,
					   "%s: the link leads nowhere",
					   f->output);
	} else if (snprintf(f->target, sizeof(f->target), "%s", f->output) >=
		   (int)sizeof(f->target)) {
		return output_fail(f->output, ENAMETOOLONG, st);
	}
	if (stat(f->target, &about) || S_ISREG(about.st_mode))
		return 0;
	if (opens_itself && !S_ISDIR(about.st_mode))
		return no_file(f, st);
	fd = open(f->target, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return output_fail(f->output, errno, st);
	f->into = fdopen(fd, "w");
	if (f->into)
		return 0;
	close(fd);
	return output_fail(f->output, ENOMEM, st);
}

/* Return: OUTPUT.part, or NULL with @st set. */
static FILE *open_part(struct outfile *f, const char *mode, struct status *st,
		       int *ret)
{
	FILE *file;

	snprintf(f->path, sizeof(f->path), "%s.part", f->target);
	file = fopen(f->path, mode);
	if (file)
		return file;
	*ret = output_fail(f->path, errno, st);
	f->path[0] = '\0'; /* not ours to delete */
	return NULL;
}

int outfile_open(struct outfile *f, const char *output, bool opens_itself,
		 bool may_compress, struct status *st)
{
	int ret;

	*f = (struct outfile){.output = output};
	f->is_zstd = may_compress && ends_in_zst(output);
	ret = find_target(f, opens_itself, st);
	if (ret)
		return ret;
	/* what is seeked in, or compressed, goes through a file without a name */
	if (f->into || f->is_zstd) {
		f->file = tmpfile();
		if (f->file)
			return 0;
		ret = output_fail("a temporary file", errno, st);
		outfile_discard(f);
		return ret;
	}
	f->file = open_part(f, "w+xe", st, &ret);
	if (f->file && opens_itself) {
		fclose(f->file); /* an empty file is an empty database, too */
		f->file = NULL;
	}
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
	int ret = 0;

	rewind(from);
	f->file = open_part(f, "wxe", st, &ret);
	if (!f->file) {
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

static int pour(struct outfile *f, struct status *st)
{
	int ret;

	rewind(f->file);
	ret = f->is_zstd ? compress_into(f->file, f->into, st)
			 : copy_into(f->file, f->into);
	if (f->into != stdout && fclose(f->into) && !ret)
		ret = -errno;
	f->into = NULL;
	outfile_discard(f);
	return ret ? status_fail(st, -ret, "%s: %s",
				 is_stdout(f) ? "standard output" : f->output,
				 strerror(-ret))
		   : 0;
}

int outfile_close(struct outfile *f, struct status *st)
{
	int ret = 0;

	if (f->into)
		return pour(f, st);
	if (f->is_zstd)
		ret = name_compressed(f, st);
	if (!ret) {
		ret = sync_file(f);
		if (!ret && rename(f->path, f->target))
			ret = -errno;
		if (ret)
			ret = output_fail(f->output, -ret, st);
	}
	if (ret)
		outfile_discard(f);
	return ret ? ret : outbuf_sync_folder(f->target, st);
}

void outfile_discard(struct outfile *f)
{
	if (f->into && f->into != stdout)
		fclose(f->into);
	if (f->file)
		fclose(f->file);
	if (f->path[0])
		unlink(f->path);
	f->file = f->into = NULL;
}

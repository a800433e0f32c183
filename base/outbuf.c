/* SPDX-License-Identifier: MIT */
/* Byte buffer and atomic file replacement; see outbuf.h. */
#include "base/outbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int reserve(struct outbuf *out, size_t bytes)
{
	size_t wanted = out->capacity ? out->capacity : 256;
	char *data;

	if (out->error)
		return out->error;
	while (wanted - out->used <= bytes)
		wanted *= 2;
	if (wanted == out->capacity)
		return 0;
	data = realloc(out->data, wanted);
	if (!data)
		return out->error = -ENOMEM;
	out->data = data;
	out->capacity = wanted;
	return 0;
}

void outbuf_put(struct outbuf *out, const void *data, size_t bytes)
{
	if (reserve(out, bytes))
		return;
	memcpy(out->data + out->used, data, bytes);
	out->used += bytes;
	out->data[out->used] = '\0';
}

void outbuf_printf(struct outbuf *out, const char *format, ...)
{
	va_list args, again;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	if (n >= 0 && !reserve(out, (size_t)n + 1)) {
		vsnprintf(out->data + out->used, (size_t)n + 1, format, again);
		out->used += (size_t)n;
	}
	va_end(again);
	va_end(args);
}

void outbuf_fini(struct outbuf *out)
{
	free(out->data);
	*out = (struct outbuf){0};
}

int outbuf_sync_folder(const char *path, struct status *st)
{
	char copy[PATH_MAX];
	int fd, ret = 0;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		ret = status_fail(st, errno, "%s: cannot sync its folder: %s",
				  path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ret;
}

static int write_all(int fd, const char *data, size_t bytes)
{
	while (bytes) {
		ssize_t n = write(fd, data, bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		bytes -= (size_t)n;
	}
	return 0;
}

int outbuf_replace_file(const char *path, const void *data, size_t bytes,
			struct status *st)
{
	char temporary[PATH_MAX];
	int fd, ret;

	if (snprintf(temporary, sizeof(temporary), "%s.tmp", path) >=
	    (int)sizeof(temporary))
		return status_fail(st, ENAMETOOLONG, "%s: name too long", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return status_fail(st, errno, "%s: %s", temporary,
				   strerror(errno));
	ret = write_all(fd, data, bytes);
	if (!ret && fsync(fd))
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	if (!ret && rename(temporary, path))
		ret = -errno;
	if (ret) {
		unlink(temporary);
		return status_fail(st, -ret, "%s: %s", path, strerror(-ret));
	}
	return outbuf_sync_folder(path, st);
}

int outbuf_write_file(const struct outbuf *out, const char *path,
		      struct status *st)
{
	if (out->error)
		return status_fail(st, -out->error, "%s: %s", path,
				   strerror(-out->error));
	return outbuf_replace_file(path, out->data ? out->data : "", out->used,
				   st);
}

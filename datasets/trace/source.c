/* SPDX-License-Identifier: MIT */
/* Exact reads with offsets; see source.h. */
#include "datasets/trace/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

int source_open(struct source *source, const char *path, struct status *st)
{
	struct stat about;

	*source = (struct source){.fd = -1};
	source->path = kage_strdup(path, st);
	if (!source->path)
		return -ENOMEM;
	source->fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC)
				       : dup(STDIN_FILENO);
	if (source->fd < 0 || fstat(source->fd, &about))
		return status_fail(st, errno, "%s: %s", path, strerror(errno));
	if (S_ISDIR(about.st_mode))
		return status_fail(st, EISDIR, "%s: is a directory", path);
	source->is_seekable = S_ISREG(about.st_mode) &&
			      !lseek(source->fd, 0, SEEK_CUR);
	source->bytes = (uint64_t)about.st_size;
	return 0;
}

void source_close(struct source *source)
{
	if (source->fd >= 0)
		close(source->fd);
	free(source->path);
}

int source_read(struct source *source, void *to, size_t bytes, size_t *got,
		struct status *st)
{
	*got = 0;
	while (*got < bytes) {
		ssize_t n = read(source->fd, (char *)to + *got, bytes - *got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return status_fail(st, EIO, "%s: cannot read: %s",
					   source->path, strerror(errno));
		if (!n)
			break;
		*got += (size_t)n;
	}
	source->offset += *got;
	return 0;
}

int source_seek(struct source *source, uint64_t offset, struct status *st)
{
	if (!source->is_seekable ||
	    lseek(source->fd, (off_t)offset, SEEK_SET) < 0)
		return status_fail(st, ESPIPE, "%s: a pipe is read once",
				   source->path);
	source->offset = offset;
	return 0;
}

bool source_is_part(const char *path)
{
	size_t length = strlen(path);

	return length > 5 && !strcmp(path + length - 5, ".part");
}

int source_bad(const struct source *source, uint64_t offset, const char *what,
	       struct status *st)
{
	return status_fail(st, EBADMSG, "%s: offset %llu: %s", source->path,
			   (unsigned long long)offset, what);
}

/* SPDX-License-Identifier: MIT */
/* The file or pipe behind a reader: reads exactly, and knows where it is. */
#ifndef DATASETS_TRACE_SOURCE_H
#define DATASETS_TRACE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct source {
	int fd;
	char *path;
	uint64_t offset; /* of the next byte that is read */
	bool is_seekable;
	uint64_t bytes; /* of the file, if seekable */
};

/* "-" is standard input.  Return: 0, -ENOENT, -EISDIR, or another
 * error of open(). */
int source_open(struct source *source, const char *path, struct status *st);
void source_close(struct source *source);

/* Read @bytes or up to the end of the file.  Return: 0 with *got, or -EIO. */
int source_read(struct source *source, void *to, size_t bytes, size_t *got,
		struct status *st);

/* Go to @offset of a seekable source. */
int source_seek(struct source *source, uint64_t offset, struct status *st);

/* Whether the name is that of an unfinished file, NAME.part. */
bool source_is_part(const char *path);

/* -EBADMSG with "path: offset N: what". */
int source_bad(const struct source *source, uint64_t offset, const char *what,
	       struct status *st);

#endif

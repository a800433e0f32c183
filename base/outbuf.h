/* SPDX-License-Identifier: MIT */
/*
 * A growing byte buffer, and the only way this project replaces a file: written
 * under a temporary name, synced, renamed.
 */
#ifndef BASE_OUTBUF_H
#define BASE_OUTBUF_H

#include <stddef.h>

#include "base/status.h"

struct outbuf {
	char *data; /* owned; NUL-terminated once anything was put */
	size_t used;
	size_t capacity;
	int error; /* first failure, negative errno; later puts do nothing */
};

void outbuf_put(struct outbuf *out, const void *data, size_t bytes);
void outbuf_printf(struct outbuf *out, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void outbuf_fini(struct outbuf *out);

/* Replace @path by @bytes of @data.  Return: 0 or -errno with @st set. */
int outbuf_replace_file(const char *path, const void *data, size_t bytes,
			struct status *st);

/* As above for a buffer; fails with the buffer's own error if it has one. */
int outbuf_write_file(const struct outbuf *out, const char *path,
		      struct status *st);

/* fsync() the folder that holds @path, so that a rename survives a crash. */
int outbuf_sync_folder(const char *path, struct status *st);

#endif

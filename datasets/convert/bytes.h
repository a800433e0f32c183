/* SPDX-License-Identifier: MIT */
/* Binary input, plain or compressed by zstd: told by its first bytes, not its name. */
#ifndef DATASETS_BYTES_H
#define DATASETS_BYTES_H

#include <zstd.h>

#include "datasets/convert/import.h"

struct bytes {
	struct import_job *job;
	ZSTD_DStream *zstd; /* NULL: plain */
	ZSTD_inBuffer in;
	char *raw; /* what in points to */
	bool is_mid_frame;
};

/* Begin.  Return: 0 or -ENOMEM; _fini() is due either way. */
int bytes_init(struct bytes *b, struct import_job *job, struct status *st);
void bytes_fini(struct bytes *b);

/**
 * bytes_read - the next @n bytes
 *
 * The job's offset is moved to where they begin (in what was compressed).
 * Return: 1; 0 at the end; -EBADMSG if the file ends among them, or is damaged.
 */
int bytes_read(struct bytes *b, void *to, size_t n, struct status *st);

#endif

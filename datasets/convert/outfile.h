/* SPDX-License-Identifier: MIT */
/* The file that an exporter writes: under a temporary name until it is whole. */
#ifndef DATASETS_OUTFILE_H
#define DATASETS_OUTFILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/status.h"

struct outfile {
	const char *output;
	char path[PATH_MAX]; /* temporary; "" for standard output */
	FILE *file;	     /* NULL: opened by somebody else, by path */
	bool is_zstd;
};

/**
 * outfile_open - begin
 * @opens_itself: somebody else creates the file; only make sure that none is there
 * @may_compress: by zstd, if @output ends in ".zst"
 *
 * Return: 0, -EEXIST if OUTPUT.part is there, -EINVAL, or an errno.
 */
int outfile_open(struct outfile *f, const char *output, bool opens_itself,
		 bool may_compress, struct status *st);

/* Compress or copy if need be, sync, rename.  Return: 0 or an error, and then
 * nothing is left.  _discard() is not due. */
int outfile_close(struct outfile *f, struct status *st);

/* Give up and delete. */
void outfile_discard(struct outfile *f);

#endif

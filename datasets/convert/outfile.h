/* SPDX-License-Identifier: MIT */
/*
 * The file that an exporter writes: under a temporary name until it is whole.  Standard
 * output, devices and pipes get their bytes once they are whole, and stay what they are;
 * a symbolic link stays one.
 */
#ifndef DATASETS_OUTFILE_H
#define DATASETS_OUTFILE_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/status.h"

struct outfile {
	const char *output;    /* as the user named it */
	char target[PATH_MAX]; /* the file behind a symbolic link, or output */
	char path[PATH_MAX + 8]; /* temporary; "" without one */
	FILE *file;		 /* NULL: opened by somebody else, by path */
	FILE *into; /* standard output, a device, a pipe; or NULL */
	bool is_zstd;
};

/**
 * outfile_open - begin
 * @opens_itself: somebody else creates the file; only make sure that none is there
 * @may_compress: by zstd, if @output ends in ".zst"
 *
 * Return: 0, -EEXIST if OUTPUT.part is there, -EINVAL if @opens_itself and @output is no
 * file, or an errno that is none of an input (base/status.h).
 */
int outfile_open(struct outfile *f, const char *output, bool opens_itself,
		 bool may_compress, struct status *st);

/* Compress or copy if need be, sync, rename.  Return: 0 or an error, and then
 * nothing is left.  _discard() is not due. */
int outfile_close(struct outfile *f, struct status *st);

/* Whether both are names of one regular file. */
bool outfile_is_input(const char *output, const char *input);

/* Give up and delete. */
void outfile_discard(struct outfile *f);

#endif

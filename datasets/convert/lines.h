/* SPDX-License-Identifier: MIT */
/* Text input by lines, with the numbers that messages need. */
#ifndef DATASETS_LINES_H
#define DATASETS_LINES_H

#include "datasets/convert/import.h"

enum {
	LINES_MAX = 4096
};

struct lines {
	struct import_job *job;
	char text[LINES_MAX]; /* without its end */
};

/* Return: 1 with the next line, 0 at the end, or -EBADMSG: a line is too long, holds
 * NUL, or the last one has no end. */
int lines_next(struct lines *l, struct status *st);

/* Move @at behind a number without a sign.  Return: whether there is one below 2^64. */
bool lines_number(const char **at, int base, uint64_t *value);

/* Move @at behind @word, if it is next.  Return: whether it is. */
bool lines_word(const char **at, const char *word);

#endif

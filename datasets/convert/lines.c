/* SPDX-License-Identifier: MIT */
/* Lines and the numbers in them; see lines.h. */
#include "datasets/convert/lines.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int lines_next(struct lines *l, struct status *st)
{
	size_t n = 0;
	int c;

	l->job->line++;
	while ((c = getc(l->job->file)) != EOF && c != '\n') {
		if (!c)
			return import_bad(l->job, st, "not text: a NUL");
		if (n == LINES_MAX - 1)
			return import_bad(l->job, st,
					  "longer than %d characters",
					  LINES_MAX - 1);
		l->text[n++] = (char)c;
	}
	l->text[n] = '\0';
	if (ferror(l->job->file))
		return status_fail(st, EIO, "%s: %s", l->job->path,
				   strerror(errno));
	if (c == EOF && n)
		return import_bad(l->job, st,
				  "the last line has no end: the file was cut "
				  "(or lacks a newline)");
	if (n && l->text[n - 1] == '\r')
		l->text[n - 1] = '\0';
	return c != EOF;
}

bool lines_number(const char **at, int base, uint64_t *value)
{
	char *end;
	unsigned char first = (unsigned char)**at;

	if (base == 16 ? !isxdigit(first) : !isdigit(first))
		return false;
	errno = 0;
	*value = strtoull(*at, &end, base);
	if (errno || end == *at)
		return false;
	*at = end;
	return true;
}

bool lines_word(const char **at, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*at, word, n))
		return false;
	*at += n;
	return true;
}

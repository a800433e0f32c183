/* SPDX-License-Identifier: MIT */
/* A bag of owned strings; see texts.h.  It never finds duplicates. */
#include "analysis/texts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

const char *texts_printf(struct texts *texts, struct status *st,
			 const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	if (kage_grow(&texts->items, &texts->capacity, texts->count,
		      sizeof(texts->items[0]), st))
		return NULL;
	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0) {
		status_fail(st, ENOMEM, "out of memory");
		return NULL;
	}
	return texts->items[texts->count++] = text;
}

void texts_fini(struct texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		free(texts->items[i]);
	free(texts->items);
	*texts = (struct texts){0};
}

/* SPDX-License-Identifier: MIT */
/* Strings that live as long as the thing that shows them, freed all at once. */
#ifndef ANALYSIS_TEXTS_H
#define ANALYSIS_TEXTS_H

#include <stddef.h>

#include "base/status.h"

struct texts {
	char **items; /* owned, each of them too */
	size_t count;
	size_t capacity;
};

/* Return: the formatted string, owned by @texts, or NULL with @st set. */
const char *texts_printf(struct texts *texts, struct status *st,
			 const char *format, ...)
	__attribute__((format(printf, 3, 4)));

void texts_fini(struct texts *texts);

#endif

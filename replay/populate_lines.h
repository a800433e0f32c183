/* SPDX-License-Identifier: MIT */
/* Files of published rows: a row per line, but for blank lines and comments (#). */
#ifndef REPLAY_POPULATE_LINES_H
#define REPLAY_POPULATE_LINES_H

#include <stddef.h>

#include "base/status.h"

/* Take the row of line @number.  Return: 0 or -errno with @st set. */
typedef int populate_line_fn(void *arg, const char *line, const char *path,
			     int number, struct status *st);

/* Hand all rows of @path, of which there may be @most, to @take.
 * Return: 0, -EBADMSG for too many, or another negative errno, with @st set. */
int populate_lines(const char *path, size_t most, populate_line_fn *take,
		   void *arg, struct status *st);

#endif

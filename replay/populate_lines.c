/* SPDX-License-Identifier: MIT */
/* Reading published rows; see populate_lines.h. */
#include "replay/populate_lines.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int populate_lines(const char *path, size_t most, populate_line_fn *take,
		   void *arg, struct status *st)
{
	FILE *file = fopen(path, "r");
	char line[512];
	size_t rows = 0;
	int ret = 0;

	if (!file)
		return status_fail(st, errno, "%s: %s", path, strerror(errno));
	for (int n = 1; !ret && fgets(line, sizeof(line), file); n++) {
		if (line[strspn(line, " \t\n")] == '\0' || line[0] == '#')
			continue;
		if (rows++ == most)
			ret = status_fail(st, EBADMSG, "%s: over %zu rows",
					  path, most);
		else
			ret = take(arg, line, path, n, st);
	}
	if (!ret && ferror(file))
		ret = status_fail(st, EIO, "%s: cannot be read", path);
	fclose(file);
	return ret;
}

/* SPDX-License-Identifier: MIT */
/* Lists of CPUs; see cpu_list.h. */
#include "capture/host/cpu_list.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "capture/tracing/hostfs.h"

enum {
	CPU_MAX = 65535, /* far above CONFIG_NR_CPUS of any distribution */
};

/* Read "3" or "3-5" and a comma after it.  Return: where it ends, or NULL. */
static const char *parse_range(const char *text, long *first, long *last)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return NULL;
	*first = *last = strtol(text, &end, 10);
	if (*end == '-' && isdigit((unsigned char)end[1]))
		*last = strtol(end + 1, &end, 10);
	if (*last < *first || *last > CPU_MAX)
		return NULL;
	if (*end == ',' && isdigit((unsigned char)end[1]))
		return end + 1;
	return *end == '\n' || !*end ? end : NULL;
}

int cpu_list_parse(const char *text, int **cpus, size_t *n, struct status *st)
{
	const char *at = text;
	size_t capacity = 0;
	long cpu = 0, last = -1;
	int ret = 0;

	*cpus = NULL;
	*n = 0;
	do {
		at = parse_range(at, &cpu, &last);
		if (!at)
			ret = status_fail(st, EBADMSG,
					  "'%.100s' is no list of CPUs", text);
		for (; !ret && cpu <= last; cpu++) {
			ret = kage_grow(cpus, &capacity, *n, sizeof(**cpus),
					st);
			if (!ret)
				(*cpus)[(*n)++] = (int)cpu;
		}
	} while (!ret && *at && *at != '\n');
	if (ret) {
		free(*cpus);
		*cpus = NULL;
		*n = 0;
	}
	return ret;
}

int cpu_list_online(int **cpus, size_t *n, struct status *st)
{
	char text[4096];
	int ret = hostfs_read(AT_FDCWD, "/sys/devices/system/cpu/online", text,
			      sizeof(text), st);

	*cpus = NULL;
	*n = 0;
	return ret < 0 ? ret : cpu_list_parse(text, cpus, n, st);
}

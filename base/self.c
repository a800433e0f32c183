/* SPDX-License-Identifier: MIT */
/* Beside the program; see self.h. */
#include "base/self.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/outbuf.h"

int self_path(char self[PATH_MAX], struct status *st)
{
	ssize_t n = readlink("/proc/self/exe", self, PATH_MAX - 1);

	if (n < 0)
		return status_fail(st, ENOSYS, "/proc/self/exe: %s",
				   strerror(errno));
	self[n] = '\0';
	return 0;
}

int self_find(char path[PATH_MAX], const char *const *places, int mode,
	      struct status *st)
{
	struct outbuf tried = {0};
	char folder[PATH_MAX];
	int n, ret = self_path(folder, st);

	if (ret)
		return ret;
	*strrchr(folder, '/') = '\0';
	for (; *places; places++) {
		n = snprintf(path, PATH_MAX, "%s/%s", folder, *places);
		if (n < PATH_MAX && !access(path, mode))
			break;
		outbuf_printf(&tried, "%s%s", tried.used ? " nor " : "", path);
	}
	if (!*places)
		ret = status_fail(st, ENOSYS, "not here: neither %s",
				  tried.data ? tried.data : "");
	outbuf_fini(&tried);
	return ret;
}

/* SPDX-License-Identifier: MIT */
/* The table of backends, from backends.def. */
#include "capture/backend.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ENTRY(id, name) extern const struct capture_ops backend_##id;
#include "capture/backends.def"
#undef ENTRY

#define ENTRY(id, name) {name, &backend_##id},
const struct capture_backend capture_backends[] = {
#include "capture/backends.def"
	{NULL, NULL},
};
#undef ENTRY

const struct capture_backend *capture_backend_find(const char *name,
						   struct status *st)
{
	const struct capture_backend *backend;
	char known[256] = "";
	size_t used = 0;

	for (backend = capture_backends; backend->name; backend++) {
		if (!strcmp(backend->name, name))
			return backend;
		used += (size_t)snprintf(known + used, sizeof(known) - used,
					 " %s", backend->name);
	}
	status_fail(st, EINVAL, "no backend '%s'; there are:%s", name, known);
	return NULL;
}

/* SPDX-License-Identifier: MIT */
/* Guest programs by name; on the host only. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture/vmm/program.h"

const struct program_entry *program_find(const char *name, struct status *st)
{
	const struct program_entry *entry;
	char known[256] = "";
	size_t used = 0;

	for (entry = guest_programs; entry->name; entry++) {
		if (!strcmp(entry->name, name))
			return entry;
		if (used < sizeof(known))
			used += (size_t)snprintf(known + used,
						 sizeof(known) - used, " %s",
						 entry->name);
	}
	status_fail(st, EINVAL, "no guest program '%s'; there are:%s", name,
		    known);
	return NULL;
}

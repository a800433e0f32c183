/* SPDX-License-Identifier: MIT */
/* The registry of drivers. */
#include "replay/driver.h"

#include <string.h>

#define ENTRY(name) extern const struct driver_ops driver_##name;
#include "replay/drivers.def"
#undef ENTRY

const struct driver_entry drivers[] = {
#define ENTRY(name) {#name, &driver_##name},
#include "replay/drivers.def"
#undef ENTRY
	{NULL, NULL},
};

const struct driver_entry *driver_find(const char *name)
{
	for (const struct driver_entry *e = drivers; e->name; e++)
		if (!strcmp(e->name, name))
			return e;
	return NULL;
}

/* SPDX-License-Identifier: MIT */
/* The list of formats, from formats.def. */
#include "analysis/format.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define ENTRY(name) extern const struct format_ops format_##name;
#include "analysis/formats.def"
#undef ENTRY

const struct format_entry formats[] = {
#define ENTRY(name) {#name, &format_##name},
#include "analysis/formats.def"
#undef ENTRY
	{NULL, NULL},
};

#define ENTRY(name) " " #name
const char format_help[] = "one of:"
#include "analysis/formats.def"
	;
#undef ENTRY

const struct format_ops *format_find(const char *name, struct status *st)
{
	for (const struct format_entry *f = formats; f->name; f++)
		if (!strcmp(f->name, name))
			return f->ops;
	status_fail(st, EINVAL, "'%s' is not a format, %s", name, format_help);
	return NULL;
}

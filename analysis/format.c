/* SPDX-License-Identifier: MIT */
/* The list of formats, from formats.def. */
#include "analysis/format.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
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

int format_print(const struct format_ops *format, struct table *first,
		 struct status *st)
{
	struct outbuf out = {0};
	int ret = -ENOMEM;

	if (first)
		ret = format->render(&out, first, st);
	if (!ret && out.error)
		ret = status_fail(st, -out.error, "out of memory");
	if (!ret)
		fwrite(out.data, 1, out.used, stdout);
	outbuf_fini(&out);
	table_free(first);
	return ret;
}

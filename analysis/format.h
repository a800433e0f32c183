/* SPDX-License-Identifier: MIT */
/*
 * Report formats: pure functions from tables to bytes.  A format never opens a
 * file and never drops a footnote; a missing value stays missing in all of them.
 */
#ifndef ANALYSIS_FORMAT_H
#define ANALYSIS_FORMAT_H

#include "analysis/table.h"
#include "base/outbuf.h"
#include "base/status.h"

struct format_ops {
	const char *summary; /* one line for lists */
	/* Append the document that starts at @first.  Running out of memory may
	 * be left in @out. Return: 0 or -errno with @st set. */
	int (*render)(struct outbuf *out, const struct table *first,
		      struct status *st);
};

struct format_entry {
	const char *name;
	const struct format_ops *ops;
};

/* Ends with a NULL name. */
extern const struct format_entry formats[];
/* "one of: ..." for --help. */
extern const char format_help[];

/* Return: the format, or NULL with the known ones named in @st. */
const struct format_ops *format_find(const char *name, struct status *st);

/**
 * format_print - render the tables from @first on and print them on standard output
 * @first: freed in any case; NULL: running out of memory is what is left to report
 *
 * Return: 0 or -errno with @st set.
 */
int format_print(const struct format_ops *format, struct table *first,
		 struct status *st);

#endif

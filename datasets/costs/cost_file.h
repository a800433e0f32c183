/* SPDX-License-Identifier: MIT */
/*
 * Cost profiles as files: what operations cost on one host, and who says so.
 *
 * Lines of ASCII, fields between single tabs; empty lines and lines that begin with
 * # are comments.  In this order:
 *
 *	kage-costs	1
 *	profile	NAME		letters, digits and . _ -, up to 48
 *	host	TEXT		the one machine: CPU, kernel, vCPUs
 *	name	value	low	high	unit	kind	source	how
 *	calls_aging	74	-	-	ns	derived	SOURCE	HOW
 *	...			one row per name, at least one
 *
 * A value is a decimal number that is not negative, of unit ns, us or ms per operation;
 * low and high are its interval, or "-" both.  What a name means is not known here:
 * replay/costs.h knows.  Kinds:
 *
 *	measured	on this host, by whoever wrote the file
 *	derived		from published measurements of this host, by the arithmetic in HOW
 *	assumed		not from this host: HOW says why it stands here
 *	not-for-citing	measured where times mean nothing, to try the machinery
 *	missing		nobody knows: value, low and high are "-", HOW says what to do
 *
 * What it cannot know: whether rows are of one host, as they have to be.
 */
#ifndef DATASETS_COSTS_COST_FILE_H
#define DATASETS_COSTS_COST_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/outbuf.h"
#include "base/status.h"

enum {
	COST_ROWS_MAX = 256,
	COST_PROFILE_MAX = 48,	   /* letters of a profile's name */
	COST_FILE_BYTES = 1 << 20, /* more is refused */
};

enum cost_kind {
	COST_MEASURED,
	COST_DERIVED,
	COST_ASSUMED,
	COST_NOT_FOR_CITING,
	COST_MISSING,
	NR_COST_KINDS
};

extern const char *const cost_kind_names[NR_COST_KINDS];

/* Strings are borrowed: from cost_file.text, if it was parsed. */
struct cost_row {
	const char *name;
	double value_ns;	/* of one operation; nothing if it is missing */
	double low_ns, high_ns; /* nothing unless it has a range */
	bool has_range;
	enum cost_kind kind;
	const char *source, *how;
	unsigned int line; /* of the file; 0: of none */
};

struct cost_file {
	const char *profile, *host;
	struct cost_row *rows; /* owned */
	size_t nr_rows, capacity;
	char *text; /* owned; NULL: the strings are somebody else's */
};

/* Return: whether a cost may have this name.  @arg: the caller's. */
typedef bool cost_name_fn(void *arg, const char *name);

/**
 * cost_file_parse - read a profile
 * @label: of the file, for messages; not kept
 * @bytes: of @text, which need not end with a NUL; copied
 * @is_known: NULL: any name will do
 *
 * Return: 0, -EBADMSG with "LABEL:LINE: why", or -ENOMEM.  cost_file_fini() is safe in
 * any case.
 */
int cost_file_parse(struct cost_file *file, const char *label, const char *text,
		    size_t bytes, cost_name_fn *is_known, void *arg,
		    struct status *st);

/* As cost_file_parse(); -ENOENT if there is no such file, or another errno. */
int cost_file_load(struct cost_file *file, const char *path,
		   cost_name_fn *is_known, void *arg, struct status *st);

void cost_file_fini(struct cost_file *file);

/* Return: the row of that name, or NULL. */
const struct cost_row *cost_file_row(const struct cost_file *file,
				     const char *name);

/* Add a row, whose strings have to outlive the file.  Return: 0 or -ENOMEM. */
int cost_file_add(struct cost_file *file, const struct cost_row *row,
		  struct status *st);

/* Append the file's text: parsed again it is the same.  Values have 6 digits or as
 * many as it takes to keep them. */
void cost_file_print(const struct cost_file *file, struct outbuf *out);

#endif

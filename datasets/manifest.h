/* SPDX-License-Identifier: MIT */
/*
 * manifest.tsv: the data sets, a line of column names and a line for each, cells apart
 * by tabs.  It says what a file must be; whether it is, manifest_verify() finds out.
 * A set whose file is "-" is not shipped: its recipe makes it (datasets/make).
 */
#ifndef DATASETS_MANIFEST_H
#define DATASETS_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/outbuf.h"
#include "base/status.h"

enum manifest_column {
	MANIFEST_NAME,
	MANIFEST_FILE, /* relative to the manifest's folder, or "-" */
	MANIFEST_ID,   /* content id */
	MANIFEST_SHA256,
	MANIFEST_BYTES,
	MANIFEST_RECORDS,   /* of the stream, or epochs */
	MANIFEST_FOOTPRINT, /* pages */
	MANIFEST_SECONDS,   /* of the trace's clock */
	MANIFEST_FIDELITY,  /* as in the trace's header */
	MANIFEST_LICENCE,
	MANIFEST_RECIPE,   /* relative to the manifest's folder */
	MANIFEST_VERSIONS, /* of the workload and what ran it */
	MANIFEST_CITATION,
	MANIFEST_COLUMNS,
};

extern const char *const manifest_columns[MANIFEST_COLUMNS];

struct manifest_row {
	const char *cell[MANIFEST_COLUMNS];
	size_t line; /* of the file */
};

struct manifest {
	char *folder;
	char *text; /* what cells point into */
	struct manifest_row *rows;
	size_t n, capacity;
};

/**
 * manifest_load - read FOLDER/manifest.tsv
 *
 * Columns that are not known are passed over.  Return: 0, or -EBADMSG or another
 * errno with file and line; manifest_fini() is due either way.
 */
int manifest_load(struct manifest *m, const char *folder, struct status *st);
void manifest_fini(struct manifest *m);

/* Return: the data set of that name, or NULL with @st naming those there are. */
const struct manifest_row *manifest_find(const struct manifest *m,
					 const char *name, struct status *st);

/* Return: whether the set's file is shipped. */
bool manifest_is_shipped(const struct manifest_row *row);

/**
 * manifest_verify - hold a file against its row
 * @flaw: gets what is wrong with it, or nothing
 *
 * Bytes, SHA-256, content id, records, footprint and fidelity.  Return: 0, or an error
 * that kept it from being judged.
 */
int manifest_verify(const struct manifest *m, const struct manifest_row *row,
		    struct outbuf *flaw, struct status *st);

#endif

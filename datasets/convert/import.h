/* SPDX-License-Identifier: MIT */
/*
 * Traces made of the files of others.  An importer is one file, import_<name>.c, and
 * one line in importers.def.
 *
 * A file is read twice: the first time tells which memory it is about and that all of
 * it can be read, the second time writes.  So nothing is written of bad input, and
 * memory does not grow with the file.
 *
 * What a format cannot say, or what we do not take over, is named in the header
 * of the trace (details.import.lost).  What the people who made the file did not
 * write down, nobody can know: an imported trace is as good as their word.
 */
#ifndef DATASETS_IMPORT_H
#define DATASETS_IMPORT_H

#include <jansson.h>
#include <stdio.h>

#include "base/param.h"
#include "datasets/trace/trace.h"

struct sink;

/* One reading of one file. */
struct import_job {
	const char *path; /* as messages name it */
	FILE *file;	  /* at its start; borrowed */
	const void *params;
	/* For messages: what was read last. */
	uint64_t line;	 /* from 1; 0: the file has no lines */
	uint64_t offset; /* bytes; if it has none */
	char where[64];	 /* instead of both, if set */

	/* read() sets clock, fidelity and channels before the first record; the
	 * clock is in ns, if it does not. */
	struct trace_meta meta;
	json_t *details; /* what is known of this file: import_tell() */
	json_t *lost;	 /* array of strings: import_lost() */
	struct sink *sink;
	bool is_survey; /* the first reading: nothing is written */
};

struct importer {
	const char *name;
	const char *summary;	 /* one line for --list */
	const char *const *lost; /* always lost; NULL-terminated */
	const struct param_spec *params;
	size_t params_size;
	bool needs_name; /* other programs or libraries open the file */
	/**
	 * read - hand every record over with import_event() and import_epoch()
	 *
	 * Called twice, alike each time.  Return: 0; what these return; or
	 * -EBADMSG by import_bad().
	 */
	int (*read)(struct import_job *job, struct status *st);
};

extern const struct importer *const importers[]; /* NULL-terminated */

/* Return: the importer of that name, or NULL with @st naming those there are. */
const struct importer *import_find(const char *name, struct status *st);

/**
 * import_run - make a trace of a file
 * @params: "key=value,..." for the importer; NULL: none
 * @path: a file, or "-" for standard input
 * @output: as trace_writer_open() takes it
 *
 * Return: 0 with @totals (may be NULL); -EBADMSG with file and place; or another
 * errno.  After a failure no file is left.
 */
int import_run(const struct importer *importer, const char *params,
	       const char *path, const char *output,
	       struct trace_totals *totals, struct status *st);

/* For importers: say what is wrong with the input, and where.  Return: -EBADMSG. */
int import_bad(const struct import_job *job, struct status *st,
	       const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Hand over one record.  Times must not decrease. */
int import_event(struct import_job *job, const struct trace_event *event,
		 struct status *st);

/* Hand over one epoch; its index is counted here.  @n may be 0. */
int import_epoch(struct import_job *job, const struct trace_epoch *epoch,
		 const struct trace_run *runs, size_t n, struct status *st);

/* Name a memslot, before the first record; without any they are made of the pages that
 * the records touch. */
int import_slot(struct import_job *job, const struct trace_slot *slot,
		struct status *st);

/* Put something into the header; @value is taken. */
void import_tell(struct import_job *job, const char *name, json_t *value);

/* Name what was lost of this file beside what its format always loses. */
void import_lost(struct import_job *job, const char *what);

#endif

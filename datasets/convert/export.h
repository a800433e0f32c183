/* SPDX-License-Identifier: MIT */
/*
 * Traces in the formats of others.  An exporter is one file, export_<name>.c, and one
 * line in exporters.def.
 *
 * What the format cannot hold is named by the exporter (lost), once for every trace
 * and once more for what this trace has; few formats have a place to say so in.
 */
#ifndef DATASETS_EXPORT_H
#define DATASETS_EXPORT_H

#include <stdio.h>

#include "base/outbuf.h"
#include "base/param.h"
#include "datasets/trace/trace.h"

struct export_job {
	const struct trace_meta *meta;
	const void *params;
	void *state;	    /* the exporter's, state_size zeroed bytes */
	FILE *file;	    /* NULL for one that opens @path itself */
	const char *path;   /* of what is being written: a temporary name */
	struct outbuf lost; /* lines: export_lost() */
};

struct exporter {
	const char *name;
	const char *summary;
	const char *const *lost; /* always lost; NULL-terminated */
	const struct param_spec *params;
	size_t params_size, state_size;
	bool opens_itself; /* and then needs a name, not a pipe */
	bool can_zstd;	   /* compressed if the name ends in .zst */
	/* All but event and epoch may be NULL; these say by NULL that the format
	 * has no place for such records. */
	int (*begin)(struct export_job *job, struct status *st);
	int (*event)(struct export_job *job, const struct trace_event *event,
		     struct status *st);
	int (*epoch)(struct export_job *job, const struct trace_epoch *epoch,
		     const struct trace_run *runs, size_t n, struct status *st);
	int (*note)(struct export_job *job, const char *text,
		    struct status *st);
	int (*end)(struct export_job *job, struct status *st);
	/* Always called behind begin, even if that failed. */
	void (*fini)(struct export_job *job);
};

extern const struct exporter *const exporters[]; /* NULL-terminated */

/* Return: the exporter of that name, or NULL with @st naming those there are. */
const struct exporter *export_find(const char *name, struct status *st);

/**
 * export_run - write a trace in another format
 * @path: as trace_reader_open() takes it
 * @output: a file, written as OUTPUT.part and renamed; or "-"
 * @lost: gets a line for each thing that was lost; may be NULL
 *
 * Return: 0, or -errno; then no file is left.
 */
int export_run(const struct exporter *exporter, const char *params,
	       const char *path, const char *output, struct outbuf *lost,
	       struct status *st);

/* For exporters: name what was lost of this trace; once is enough. */
void export_lost(struct export_job *job, const char *what);

/* Nanoseconds of @ticks of the trace's clock, rounded down; saturates. */
uint64_t export_ns(const struct export_job *job, uint64_t ticks);

/* Printing failed, or -errno of it.  Return: 0 or an error. */
int export_wrote(const struct export_job *job, bool is_good, struct status *st);

#endif

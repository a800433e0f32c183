/* SPDX-License-Identifier: MIT */
/*
 * The file behind a writer: appends frames, syncs them, remembers where they are,
 * and finishes the file with index, END and trailer.
 */
#ifndef DATASETS_TRACE_FRAMER_H
#define DATASETS_TRACE_FRAMER_H

#include "datasets/trace/frame.h"
#include "datasets/trace/totals.h"

struct framer {
	int fd;
	char *path; /* as the finished file is called */
	char *part; /* as it is called until then; NULL: not renamed */
	bool is_regular;
	uint64_t offset, synced_offset;
	uint64_t synced_ns;
	uint64_t sequence;
	ZSTD_CCtx *zstd;
	uint8_t *stored; /* one frame */
	struct index_entry *entries;
	size_t nr_entries, capacity;
};

/* Create @path.part and write the file header; "-" is standard output. */
int framer_create(struct framer *framer, const char *path, struct status *st);

/**
 * framer_resume - go on behind the last whole frame of an unfinished file
 * @path: of the finished file; @part: of the unfinished one, may be equal
 */
int framer_resume(struct framer *framer, const char *path, const char *part,
		  uint64_t offset, struct status *st);

/* Remember a frame of a resumed file. */
int framer_remember(struct framer *framer, const struct index_entry *entry,
		    struct status *st);

/* Append one frame; type, raw_len, time and count of @frame are used. */
int framer_put(struct framer *framer, struct frame *frame, const void *raw,
	       struct status *st);

/* Write what was put to the disk. */
int framer_sync(struct framer *framer, struct status *st);

/* Write index, END and trailer, sync, rename.  _fini() is still due. */
int framer_finish(struct framer *framer, const struct trace_totals *totals,
		  struct status *st);

/* Close and release; an unfinished file stays as it is. */
void framer_fini(struct framer *framer);

#endif

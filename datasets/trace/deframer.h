/* SPDX-License-Identifier: MIT */
/* Frames out of a source: what framer.h puts in. */
#ifndef DATASETS_TRACE_DEFRAMER_H
#define DATASETS_TRACE_DEFRAMER_H

#include "datasets/trace/frame.h"
#include "datasets/trace/source.h"

/* A growing buffer; growing loses what was in it. */
struct room {
	uint8_t *data;
	size_t bytes;
};

struct deframer {
	ZSTD_DCtx *zstd;
	struct frame frame; /* the last one loaded */
	struct room stored; /* its bytes in the file */
	struct room raw;    /* its payload */
};

int deframer_init(struct deframer *deframer, struct status *st);
void deframer_fini(struct deframer *deframer);

int room_make(struct room *room, size_t bytes, struct status *st);

/* The flaw of a file that ends within a frame. */
extern const char deframer_cut[];

/**
 * deframer_load - read the frame at the source's offset, and check it
 * @flaw: why there is no whole frame; its message needs the offset
 *
 * Return: 0, -EIO or -ENOMEM.
 */
int deframer_load(struct deframer *deframer, struct source *source,
		  const char **flaw, struct status *st);

/* Decompress the loaded frame into raw.  Return and @flaw: as above. */
int deframer_unpack(struct deframer *deframer, const char **flaw,
		    struct status *st);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A trace rewritten block by block: each aligned block of guest pages is left out, or
 * goes to another place, in the order of its pages.  Runs and ranges are cut where
 * blocks are, and the pieces of each sorted by their new gfns; times, vCPUs and losses
 * stay.
 */
#ifndef DATASETS_PIECES_H
#define DATASETS_PIECES_H

#include "datasets/trace/trace.h"

struct pieces {
	uint64_t block_pages;	    /* a power of two */
	enum trace_level level_max; /* of leaves that a block can hold */
	bool drops_notes;
	/* Return: whether block number *@block (gfn / block_pages) is kept; then its
	 * number in the new trace. */
	bool (*map)(const void *arg, uint64_t *block);
	const void *arg;
};

/* Return: 0; -EINVAL for a leaf that no block holds; or what reading and writing
 * return. */
int pieces_rewrite(const struct pieces *p, struct trace_reader *reader,
		   struct trace_writer *writer, struct status *st);

#endif

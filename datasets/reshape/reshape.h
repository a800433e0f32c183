/* SPDX-License-Identifier: MIT */
/*
 * Traces made of traces in which pages are others than before: a part of the guest, a
 * guest that cannot be recognised, several guests at once.  The header names what was
 * done (details.changed).
 */
#ifndef DATASETS_RESHAPE_H
#define DATASETS_RESHAPE_H

#include "datasets/trace/trace.h"

enum {
	SAMPLE_BLOCK_PAGES =
		64, /* what look-around sees (kernel: MIN_LRU_BATCH) */
	ANONYMIZE_BLOCK_PAGES = 512, /* behind one leaf page table */
	ANONYMIZE_KEY_MIN = 16,	     /* bytes */
};

struct sample_job {
	double share; /* of the blocks, more than 0 and up to 1 */
	uint64_t seed;
};

/**
 * sample_trace - keep a share of the aligned blocks of 64 pages, by their hash
 *
 * Blocks, not pages: what policies do about a page hangs on its neighbours.  Memslots
 * stay as they are.  Return: 0, -EINVAL, or what reading and writing return; after an
 * error no file is left.
 */
int sample_trace(struct trace_reader *reader, const char *output,
		 const struct sample_job *job, struct trace_totals *totals,
		 struct status *st);

/**
 * anonymize_trace - permute the guest's aligned blocks of 2 MiB by a secret key
 * @key_path: a file of at least ANONYMIZE_KEY_MIN bytes, which is not stored
 *
 * The order of pages in a block stays, as do times, vCPUs and memslots (without host
 * addresses).  Blocks that are not whole in a slot stay where they are; blocks only
 * take the places of blocks in slots of the same kind.  Notes and details of the
 * capture go.  It hides where things are in memory; it does not hide which program
 * behaves like that, nor the order in time: blocks that a scan touches one behind the
 * other can be put in a row again.  Only one record's pages come in a new order.
 *
 * Return: as sample_trace(); -E2BIG for a guest of 2^32 pages or more.
 */
int anonymize_trace(struct trace_reader *reader, const char *output,
		    const char *key_path, struct trace_totals *totals,
		    struct status *st);

/**
 * merge_traces - several guests beside each other, as if all had begun at once
 *
 * The pages of each begin at a GiB of their own behind the one before, its vCPUs behind
 * the others.  Epochs must be the same in all (kage trace coarsen --period); their
 * order is then unknown.  Clock, fidelity and channels must be the same.
 */
int merge_traces(struct trace_reader *const *readers, size_t n,
		 const char *output, struct trace_totals *totals,
		 struct status *st);

/* One guest, recorded in parts, each behind the one before: the header of the first; what
 * the others said of themselves is in its details.changed. */
int append_traces(struct trace_reader *const *readers, size_t n,
		  const char *output, struct trace_totals *totals,
		  struct status *st);

#endif

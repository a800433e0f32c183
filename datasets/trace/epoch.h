/* SPDX-License-Identifier: MIT */
/* EPOCH payloads and the rules of epochs and runs; FORMAT.md section 6. */
#ifndef DATASETS_TRACE_EPOCH_H
#define DATASETS_TRACE_EPOCH_H

#include "datasets/trace/column.h"
#include "datasets/trace/trace.h"

enum {
	EPOCH_COLUMNS = 5
};

/* Room for the runs of one part: as columns by gfn, and in their own order. */
struct epoch_buffer {
	gfn_t *gfn;
	uint32_t *npages;
	uint8_t *flags;
	uint16_t *rank;
	uint32_t *hits;
	struct column_array columns[EPOCH_COLUMNS]; /* the same, for decoding */
	struct trace_run *runs;
	uint8_t *is_ranked; /* which ranks were seen */
};

/* Where in the sequence of epochs and parts a file is; all zero at first. */
struct epoch_cursor {
	struct trace_epoch epoch; /* the one that is open, or the last */
	uint64_t epochs;	  /* whole ones */
	uint64_t rank;		  /* pages of the open epoch so far */
	gfn_t free_from;	  /* behind its last run, where unordered */
	bool is_open;
};

int epoch_buffer_init(struct epoch_buffer *buffer, struct status *st);
void epoch_buffer_fini(struct epoch_buffer *buffer);

/* Return: NULL, or the rule that the epoch breaks behind those of @cursor. */
const char *epoch_flaw(const struct trace_meta *meta,
		       const struct trace_epoch *epoch,
		       const struct epoch_cursor *cursor);

/* Return: NULL, or the rule that the run breaks.  @hint: for meta_slot(). */
const char *run_flaw(const struct trace_meta *meta,
		     const struct trace_epoch *epoch,
		     const struct trace_run *run, size_t *hint);

/**
 * epoch_encode - encode one part
 * @part: epoch, first_rank, is_last_part, runs and nr_runs are used
 * @scratch: room for 2 * nr_runs values
 *
 * Return: the bytes of the payload.
 */
size_t epoch_encode(uint8_t *out, const struct trace_block *part,
		    struct epoch_buffer *buffer, uint64_t *scratch);

/**
 * epoch_decode - decode and check one part
 * @part: filled; its runs are the buffer's
 * @cursor: moved over the part on success
 *
 * Return: 0, or -EBADMSG with @st saying what is wrong.
 */
int epoch_decode(struct trace_block *part, struct epoch_buffer *buffer,
		 size_t nr_runs, const uint8_t *raw, size_t bytes,
		 uint64_t *scratch, const struct trace_meta *meta,
		 struct epoch_cursor *cursor, struct status *st);

#endif

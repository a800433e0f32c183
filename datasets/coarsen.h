/* SPDX-License-Identifier: MIT */
/* Traces made of traces: longer epochs, or a part of the time. */
#ifndef DATASETS_COARSEN_H
#define DATASETS_COARSEN_H

#include "datasets/trace/trace.h"

struct coarsen_job {
	uint64_t by;	 /* epochs that become one; 0: use the period */
	uint64_t period; /* ticks */
};

/**
 * coarsen - rewrite a trace with longer epochs
 *
 * By count, epochs become one and stream records are passed on.  By period, guest
 * accesses become epochs too; other records are passed on.  Epochs that become
 * one must have observed the same channels.
 * Return: 0, -EINVAL, or what reading and writing return.
 */
int coarsen(struct trace_reader *reader, struct trace_writer *writer,
	    const struct coarsen_job *job, struct status *st);

/* What to keep: records and epochs within (from, to], or epochs by index. */
struct cut_job {
	uint64_t from, to; /* ticks; epochs are kept if all of them is inside */
	uint64_t first_epoch, last_epoch; /* inclusive */
};

/* Copy a part of a trace.  Times stay; epochs are counted from 0 again. */
int cut(struct trace_reader *reader, struct trace_writer *writer,
	const struct cut_job *job, struct status *st);

#endif

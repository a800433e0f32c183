/* SPDX-License-Identifier: MIT */
/* One pass from a reader to a writer, with something done on the way. */
#ifndef DATASETS_TRACE_PASS_H
#define DATASETS_TRACE_PASS_H

#include "datasets/trace/trace.h"

struct pass_ops {
	/* For each part of each epoch. */
	int (*epoch)(void *arg, const struct trace_block *part,
		     struct trace_writer *writer, struct status *st);
	/* For each stream record. */
	int (*event)(void *arg, const struct trace_event *event,
		     struct trace_writer *writer, struct status *st);
};

/* Read all; notes are copied.  Return: 0, or the first error of any step. */
int pass(struct trace_reader *reader, struct trace_writer *writer,
	 const struct pass_ops *ops, void *arg, struct status *st);

#endif

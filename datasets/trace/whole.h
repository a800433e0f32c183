/* SPDX-License-Identifier: MIT */
/* Epochs whole again: a reader hands them out in parts. */
#ifndef DATASETS_TRACE_WHOLE_H
#define DATASETS_TRACE_WHOLE_H

#include "datasets/trace/trace.h"

struct whole {
	struct trace_run *runs; /* owned; zeroed: none yet */
	size_t n, capacity;
};

/* Add the next part.  Return: 1 if it was the last, else 0, or -ENOMEM. */
int whole_add(struct whole *w, const struct trace_block *part,
	      struct status *st);
void whole_fini(struct whole *w);

#endif

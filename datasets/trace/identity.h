/* SPDX-License-Identifier: MIT */
/* The content id of a trace; FORMAT.md section 11. */
#ifndef DATASETS_TRACE_IDENTITY_H
#define DATASETS_TRACE_IDENTITY_H

#include "datasets/trace/trace.h"

struct identity; /* opaque */

/* Start with the meta.  Return: NULL with @st set when out of memory. */
struct identity *identity_new(const struct trace_meta *meta, struct status *st);
void identity_free(struct identity *identity);

void identity_stream(struct identity *identity,
		     const struct trace_stream *stream);

/* One part of an epoch; all parts, in order. */
void identity_epoch(struct identity *identity, const struct trace_block *part);

/* The id of all so far.  An epoch that lacks parts makes it meaningless. */
void identity_digest(const struct identity *identity,
		     uint8_t id[TRACE_ID_BYTES]);

#endif

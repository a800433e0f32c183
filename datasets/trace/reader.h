/* SPDX-License-Identifier: MIT */
/* What recovery needs to know of a reader beyond trace.h. */
#ifndef DATASETS_TRACE_READER_H
#define DATASETS_TRACE_READER_H

#include "datasets/trace/totals.h"
#include "datasets/trace/trace.h"

/* Return: the index entry of the frame that was read last: META behind _open()
 * and _rewind(), else that of the block. */
const struct index_entry *trace_reader_entry(const struct trace_reader *reader);

#endif

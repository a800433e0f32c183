/* SPDX-License-Identifier: MIT */
/* Reader to writer; see pass.h. */
#include "datasets/trace/pass.h"

#include "datasets/trace/stream.h"

static int each_event(const struct trace_stream *stream,
		      struct trace_writer *writer, const struct pass_ops *ops,
		      void *arg, struct status *st)
{
	int ret = 0;

	for (size_t i = 0; i < stream->n && !ret; i++) {
		struct trace_event event = stream_event(stream, i);

		ret = ops->event(arg, &event, writer, st);
	}
	return ret;
}

int pass(struct trace_reader *reader, struct trace_writer *writer,
	 const struct pass_ops *ops, void *arg, struct status *st)
{
	struct trace_block block;
	int step, ret = 0;

	while (!ret && (step = trace_reader_next(reader, &block, st)) > 0) {
		if (block.type == TRACE_BLOCK_EPOCH)
			ret = ops->epoch(arg, &block, writer, st);
		else if (block.type == TRACE_BLOCK_STREAM)
			ret = each_event(&block.stream, writer, ops, arg, st);
		else
			ret = trace_writer_note(writer, block.note, st);
	}
	return ret ? ret : step;
}

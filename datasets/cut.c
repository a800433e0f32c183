/* SPDX-License-Identifier: MIT */
/* A part of a trace; see coarsen.h. */
#include <stdlib.h>

#include "base/alloc.h"
#include "datasets/coarsen.h"
#include "datasets/trace/pass.h"

struct cutting {
	const struct cut_job *job;
	uint64_t epochs;	/* written */
	struct trace_run *runs; /* of the epoch that is being gathered */
	size_t nr_runs, capacity;
};

static bool is_kept(const struct cut_job *job, const struct trace_epoch *epoch)
{
	return epoch->start >= job->from && epoch->end <= job->to &&
	       epoch->index >= job->first_epoch &&
	       epoch->index <= job->last_epoch;
}

static int on_epoch(void *arg, const struct trace_block *part,
		    struct trace_writer *writer, struct status *st)
{
	struct cutting *c = arg;
	struct trace_epoch epoch = part->epoch;
	int ret = 0;

	if (!is_kept(c->job, &epoch))
		return 0;
	if (!part->first_rank)
		c->nr_runs = 0;
	for (size_t i = 0; i < part->nr_runs && !ret; i++) {
		ret = kage_grow(&c->runs, &c->capacity, c->nr_runs,
				sizeof(*c->runs), st);
		if (!ret)
			c->runs[c->nr_runs++] = part->runs[i];
	}
	if (ret || !part->is_last_part)
		return ret;
	epoch.index = c->epochs++;
	return trace_writer_epoch(writer, &epoch, c->runs, c->nr_runs, st);
}

static int on_event(void *arg, const struct trace_event *event,
		    struct trace_writer *writer, struct status *st)
{
	const struct cutting *c = arg;

	if (event->time > c->job->to ||
	    (c->job->from && event->time <= c->job->from))
		return 0;
	return trace_writer_event(writer, event, st);
}

int cut(struct trace_reader *reader, struct trace_writer *writer,
	const struct cut_job *job, struct status *st)
{
	static const struct pass_ops ops = {.epoch = on_epoch,
					    .event = on_event};
	struct cutting c = {.job = job};
	int ret = pass(reader, writer, &ops, &c, st);

	free(c.runs);
	return ret;
}

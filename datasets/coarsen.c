/* SPDX-License-Identifier: MIT */
/* Longer epochs; see coarsen.h. */
#include "datasets/coarsen.h"

#include <errno.h>

#include "datasets/fold.h"
#include "datasets/trace/pass.h"

struct coarsening {
	const struct coarsen_job *job;
	struct fold fold;
	uint64_t merged; /* input epochs in the one that is being folded */
	bool has_accesses, has_epochs;
};

static int emit_merged(struct coarsening *c, struct status *st)
{
	c->merged = 0;
	return fold_emit(&c->fold, st);
}

/* Whether @epoch is behind the period of those that are being folded. */
static bool is_next(const struct coarsening *c, const struct trace_epoch *epoch)
{
	uint64_t period = c->job->period;

	if (!c->merged || c->job->by)
		return false;
	return (epoch->end - 1) / period != (c->fold.epoch.end - 1) / period;
}

/* The first part of an input epoch: end the output epoch, or extend it. */
static int begin_epoch(struct coarsening *c, const struct trace_epoch *epoch,
		       struct status *st)
{
	int ret = is_next(c, epoch) ? emit_merged(c, st) : 0;

	if (ret)
		return ret;
	if (c->merged && epoch->channels != c->fold.epoch.channels)
		return status_fail(
			st, EINVAL,
			"epoch %llu observed other channels than the "
			"one before: they cannot become one",
			(unsigned long long)epoch->index);
	ret = fold_join(&c->fold, epoch, !c->merged, st);
	c->merged++;
	return ret;
}

static int mixed(struct status *st)
{
	return status_fail(st, EINVAL,
			   "the trace has accesses and epochs: cut one out, or "
			   "use --by");
}

static int on_epoch(void *arg, const struct trace_block *part,
		    struct trace_writer *writer, struct status *st)
{
	struct coarsening *c = arg;
	int ret = 0;

	(void)writer;
	if (c->has_accesses)
		return mixed(st);
	c->has_epochs = true;
	if (!part->first_rank)
		ret = begin_epoch(c, &part->epoch, st);
	for (size_t i = 0; i < part->nr_runs && !ret; i++)
		ret = fold_add(&c->fold, &part->runs[i], st);
	if (!ret && part->is_last_part && c->merged == c->job->by)
		ret = emit_merged(c, st);
	return ret;
}

static int on_event(void *arg, const struct trace_event *event,
		    struct trace_writer *writer, struct status *st)
{
	struct coarsening *c = arg;
	struct trace_run run = {.gfn = event->gfn, .npages = 1};
	int ret;

	if (c->job->by || !trace_event_is_access(event->kind))
		return trace_writer_event(writer, event, st);
	if (c->has_epochs)
		return mixed(st);
	c->has_accesses = true;
	run.flags = event->kind == TRACE_WRITE ? TRACE_RUN_DIRTY : 0;
	run.flags |= TRACE_RUN_ACCESSED;
	run.flags &= (uint8_t)(c->fold.epoch.channels << 2);
	ret = fold_until(&c->fold, event->time, st);
	return ret || !run.flags ? ret : fold_add(&c->fold, &run, st);
}

int coarsen(struct trace_reader *reader, struct trace_writer *writer,
	    const struct coarsen_job *job, struct status *st)
{
	static const struct pass_ops ops = {.epoch = on_epoch,
					    .event = on_event};
	struct coarsening c = {.job = job};
	int ret = fold_init(&c.fold, writer, job->period,
			    trace_reader_meta(reader)->channels, st);

	if (!ret)
		ret = pass(reader, writer, &ops, &c, st);
	if (!ret && c.has_accesses)
		ret = fold_end(&c.fold, st);
	else if (!ret && c.merged)
		ret = emit_merged(&c, st);
	fold_fini(&c.fold);
	return ret;
}

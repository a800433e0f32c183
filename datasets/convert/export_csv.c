/* SPDX-License-Identifier: MIT */
/* Records or epochs as comma-separated text: the columns of csv_table.h. */
#include <errno.h>
#include <inttypes.h>

#include "datasets/convert/csv_table.h"
#include "datasets/convert/export.h"

static const char *const csv_lost[] = {
	"memslots, fidelity, and what is known of the capture",
	NULL,
};

enum shape {
	NOTHING,
	EVENTS,
	RUNS
};

struct csv_state {
	enum shape shape;
};

/* The columns that come with a shape, in their order. */
static int print_names(struct export_job *job, enum shape shape,
		       struct status *st)
{
	struct csv_state *s = job->state;
	int first = shape == EVENTS ? CSV_TIME : CSV_EPOCH;
	int last = shape == EVENTS ? CSV_REASON : CSV_HITS;

	if (s->shape == shape)
		return 0;
	if (s->shape != NOTHING)
		return status_fail(st, EINVAL,
				   "the trace has accesses and epochs, which "
				   "are two tables: coarsen or cut it first");
	s->shape = shape;
	for (int i = first; i <= last; i++) {
		fprintf(job->file, "%s%c", csv_names[i],
			i == last ? '\n' : ',');
		if (shape == RUNS && i == CSV_END)
			fprintf(job->file, "%s,", csv_names[CSV_GFN]);
	}
	if (job->meta->clock.kind != TRACE_CLOCK_NS)
		export_lost(job, "that the clock counts instructions: times "
				 "are ns of it, rounded down");
	return 0;
}

static int csv_event(struct export_job *job, const struct trace_event *e,
		     struct status *st)
{
	int ret = print_names(job, EVENTS, st);

	if (ret)
		return ret;
	return export_wrote(
		job,
		fprintf(job->file, "%" PRIu64 ",%s,%" PRIu64 ",%u,%u,%s\n",
			export_ns(job, e->time), trace_event_names[e->kind],
			e->gfn, e->count, e->vcpu,
			trace_reason_names[e->reason]) > 0,
		st);
}

/* A channel that was not observed is an empty cell. */
static void print_flag(FILE *out, unsigned int channels, unsigned int channel,
		       const struct trace_run *run, unsigned int flag)
{
	if (run && channels & channel)
		fputc(run->flags & flag ? '1' : '0', out);
	fputc(',', out);
}

static int print_run(struct export_job *job, const struct trace_epoch *e,
		     const struct trace_run *run, struct status *st)
{
	FILE *out = job->file;

	fprintf(out, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",", e->index,
		export_ns(job, e->start), export_ns(job, e->end));
	if (run)
		fprintf(out, "%" PRIu64 ",%d,%u,%s,", run->gfn, e->is_ordered,
			run->npages,
			csv_levels[run->flags & TRACE_RUN_LEVEL_MASK]);
	else
		fprintf(out, ",%d,,,", e->is_ordered);
	print_flag(out, e->channels, TRACE_CHANNEL_ACCESSED, run,
		   TRACE_RUN_ACCESSED);
	print_flag(out, e->channels, TRACE_CHANNEL_DIRTY, run, TRACE_RUN_DIRTY);
	if (e->has_hits)
		fprintf(out, "%u,%u", e->samples, run ? run->hits : 0);
	else
		fputc(',', out);
	return export_wrote(job, fputc('\n', out) != EOF, st);
}

static int csv_epoch(struct export_job *job, const struct trace_epoch *epoch,
		     const struct trace_run *runs, size_t n, struct status *st)
{
	int ret = print_names(job, RUNS, st);

	if (epoch->scan_start != epoch->end || epoch->scan_end != epoch->end)
		export_lost(job, "when each epoch's pages were looked at");
	if (!ret && !n)
		ret = print_run(job, epoch, NULL, st);
	for (size_t i = 0; i < n && !ret; i++)
		ret = print_run(job, epoch, &runs[i], st);
	return ret;
}

const struct exporter exporter_csv = {
	.name = "csv",
	.summary = "a line of column names, then a line per record or run",
	.lost = csv_lost,
	.state_size = sizeof(struct csv_state),
	.event = csv_event,
	.epoch = csv_epoch,
};

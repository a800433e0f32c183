/* SPDX-License-Identifier: MIT */
/*
 * Records or epochs as comma-separated text; csv_table.h has the columns.  How well
 * they were observed is what the user says (fidelity), not what the file says.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "datasets/convert/csv_table.h"

struct csv_params {
	unsigned int fidelity;
};

static const char *const fidelities[] = {
	"exact",	 "first-write", "accessed-bit",	   "fault",
	"region-sample", "synthetic",	"sampled-address", NULL,
};

static const struct param_spec csv_params[] = {
	{.name = "fidelity",
	 .type = PARAM_ENUM,
	 .offset = offsetof(struct csv_params, fidelity),
	 .preset = TRACE_EXACT,
	 .names = fidelities,
	 .unit = "",
	 .help = "how the accesses were observed"},
	{.name = NULL},
};

static const char *const csv_lost[] = {
	"memslots, and what is known of the capture",
	NULL,
};

/* The epoch whose rows are being read. */
struct gathering {
	struct trace_epoch epoch;
	uint64_t number; /* as the file has it */
	struct trace_run *runs;
	size_t n, capacity;
	bool has_epoch;
};

static enum csv_column gfn_column(const struct csv_table *t)
{
	return t->has[CSV_GFN] ? CSV_GFN : CSV_ADDRESS;
}

/* A cell that says nothing is no zero. */
static int want(struct csv_table *t, enum csv_column column, struct status *st)
{
	return *t->cell[column] ? 0
				: import_bad(t->lines.job, st, "no %s",
					     csv_names[column]);
}

/* gfn, or the page of an address; none: 0. */
static int row_gfn(struct csv_table *t, gfn_t *gfn, struct status *st)
{
	if (t->has[CSV_GFN])
		return csv_number(t, CSV_GFN, 0, TRACE_GFN_LIMIT - 1, gfn, st);
	if (csv_number(t, CSV_ADDRESS, 0, UINT64_MAX, gfn, st))
		return -EBADMSG;
	*gfn /= TRACE_PAGE_BYTES;
	return 0;
}

static int row_event(struct csv_table *t, struct trace_event *event,
		     struct status *st)
{
	uint64_t count, vcpu;
	unsigned int kind = 0, reason = 0;
	int ret = want(t, CSV_TIME, st);

	if (!ret)
		ret = csv_number(t, CSV_TIME, 0, UINT64_MAX, &event->time, st);
	if (!ret)
		ret = row_gfn(t, &event->gfn, st);
	if (!ret)
		ret = csv_number(t, CSV_COUNT, 1, UINT32_MAX, &count, st);
	if (!ret)
		ret = csv_number(t, CSV_VCPU, 0, TRACE_VCPUS_MAX - 1, &vcpu,
				 st);
	if (!ret)
		ret = csv_choice(t, CSV_KIND, trace_event_names,
				 TRACE_NR_EVENT_KINDS, &kind, st);
	if (!ret && kind != TRACE_LOST)
		ret = want(t, gfn_column(t), st);
	if (!ret)
		ret = csv_choice(t, CSV_REASON, trace_reason_names,
				 TRACE_NR_REASONS, &reason, st);
	if (ret)
		return ret;
	event->count = (uint32_t)count;
	event->vcpu = (uint16_t)vcpu;
	event->kind = (uint8_t)kind;
	event->reason = (uint8_t)reason;
	return 0;
}

static int read_events(struct csv_table *t, struct status *st)
{
	struct import_job *job = t->lines.job;
	struct trace_event event = {0};
	int step, ret = 0;

	if (t->has[CSV_KIND])
		job->meta.channels |= TRACE_CHANNEL_DIRTY;
	while (!ret && (step = csv_next(t, st))) {
		ret = step < 0 ? step : row_event(t, &event, st);
		if (!ret)
			ret = import_event(job, &event, st);
	}
	return ret;
}

static int emit(struct import_job *job, struct gathering *g, struct status *st)
{
	int ret;

	if (!g->has_epoch)
		return 0;
	if (!g->epoch.channels)
		g->epoch.channels = job->meta.channels;
	g->epoch.scan_start = g->epoch.scan_end = g->epoch.end;
	ret = import_epoch(job, &g->epoch, g->runs, g->n, st);
	g->n = 0;
	g->has_epoch = false;
	return ret;
}

static int row_epoch(struct csv_table *t, struct gathering *g,
		     struct status *st)
{
	struct trace_epoch epoch = {0};
	uint64_t number, samples, ordered;
	int ret = want(t, CSV_START, st);

	if (!ret)
		ret = want(t, CSV_END, st);
	if (!ret)
		ret = csv_number(t, CSV_START, 0, UINT64_MAX, &epoch.start, st);
	if (!ret)
		ret = csv_number(t, CSV_END, 0, UINT64_MAX, &epoch.end, st);
	if (!ret)
		ret = csv_number(t, CSV_EPOCH, epoch.start, UINT64_MAX, &number,
				 st);
	if (!ret)
		ret = csv_number(t, CSV_SAMPLES, 0, UINT32_MAX, &samples, st);
	if (!ret)
		ret = csv_number(t, CSV_ORDERED, 0, 1, &ordered, st);
	if (ret)
		return ret;
	epoch.samples = (uint32_t)samples;
	epoch.has_hits = samples;
	epoch.is_ordered = ordered;
	if (g->has_epoch && number == g->number &&
	    epoch.start == g->epoch.start && epoch.end == g->epoch.end &&
	    samples == g->epoch.samples &&
	    epoch.is_ordered == g->epoch.is_ordered)
		return 0;
	if (g->has_epoch && number == g->number)
		return import_bad(t->lines.job, st,
				  "epoch %llu has other times, samples or "
				  "order than in the line above",
				  (unsigned long long)number);
	ret = emit(t->lines.job, g, st);
	g->epoch = epoch;
	g->number = number;
	g->has_epoch = true;
	return ret;
}

/* A channel is observed in an epoch if some run has a value for it. */
static int row_flags(struct csv_table *t, struct gathering *g,
		     struct trace_run *run, struct status *st)
{
	uint64_t accessed, dirty;
	unsigned int level;
	int ret = csv_number(t, CSV_ACCESSED,
			     t->has[CSV_ACCESSED] ? 0 : !t->has[CSV_DIRTY], 1,
			     &accessed, st);

	if (!ret)
		ret = csv_number(t, CSV_DIRTY, 0, 1, &dirty, st);
	if (!ret)
		ret = csv_choice(t, CSV_LEVEL, csv_levels, TRACE_NR_LEVELS,
				 &level, st);
	if (ret)
		return ret;
	run->flags = (uint8_t)(level | (accessed ? TRACE_RUN_ACCESSED : 0) |
			       (dirty ? TRACE_RUN_DIRTY : 0));
	if (*t->cell[CSV_ACCESSED] || accessed)
		g->epoch.channels |= TRACE_CHANNEL_ACCESSED;
	if (*t->cell[CSV_DIRTY])
		g->epoch.channels |= TRACE_CHANNEL_DIRTY;
	return 0;
}

static const char *run_flaw(const struct trace_run *run,
			    const struct trace_epoch *epoch)
{
	uint64_t pages = trace_level_pages(run->flags & TRACE_RUN_LEVEL_MASK);

	if (run->gfn % pages || run->npages % pages)
		return "not aligned to its level";
	if (run->hits > epoch->samples)
		return "more hits than samples";
	if (epoch->has_hits && epoch->is_ordered)
		return "an epoch with samples has no order";
	if (epoch->has_hits &&
	    !run->hits == !!(run->flags & TRACE_RUN_ACCESSED))
		return "accessed, and hits say otherwise";
	if (!epoch->has_hits &&
	    !(run->flags & (TRACE_RUN_ACCESSED | TRACE_RUN_DIRTY)))
		return "neither accessed nor dirty";
	return NULL;
}

static int row_run(struct csv_table *t, struct gathering *g, struct status *st)
{
	struct trace_run run = {0};
	uint64_t npages, hits;
	int ret = row_epoch(t, g, st);

	if (ret)
		return ret;
	if (!*t->cell[gfn_column(t)] && !*t->cell[CSV_NPAGES])
		return 0; /* of an epoch without pages */
	ret = want(t, gfn_column(t), st);
	if (!ret)
		ret = row_gfn(t, &run.gfn, st);
	if (!ret)
		ret = csv_number(t, CSV_NPAGES, 1, TRACE_RUN_PAGES_MAX, &npages,
				 st);
	if (!ret)
		ret = csv_number(t, CSV_HITS, 0, UINT32_MAX, &hits, st);
	if (!ret)
		ret = row_flags(t, g, &run, st);
	if (ret)
		return ret;
	run.npages = (uint32_t)npages;
	run.hits = (uint32_t)hits;
	if (!npages || run_flaw(&run, &g->epoch))
		return import_bad(t->lines.job, st, "a run: %s",
				  npages ? run_flaw(&run, &g->epoch)
					 : "no page");
	ret = kage_grow(&g->runs, &g->capacity, g->n, sizeof(run), st);
	if (!ret)
		g->runs[g->n++] = run;
	return ret;
}

static int read_runs(struct csv_table *t, struct status *st)
{
	struct import_job *job = t->lines.job;
	struct gathering g = {0};
	int step, ret = 0;

	if (t->has[CSV_DIRTY])
		job->meta.channels |= TRACE_CHANNEL_DIRTY;
	if (t->has[CSV_DIRTY] && !t->has[CSV_ACCESSED])
		job->meta.channels = TRACE_CHANNEL_DIRTY;
	while (!ret && (step = csv_next(t, st)))
		ret = step < 0 ? step : row_run(t, &g, st);
	if (!ret)
		ret = emit(job, &g, st);
	free(g.runs);
	return ret;
}

static int read_csv(struct import_job *job, struct status *st)
{
	const struct csv_params *p = job->params;
	struct csv_table t;
	int ret = csv_begin(&t, job, st);

	job->meta.fidelity = (enum trace_fidelity)p->fidelity;
	job->meta.channels = TRACE_CHANNEL_ACCESSED;
	if (ret)
		return ret;
	return t.has[CSV_TIME] ? read_events(&t, st) : read_runs(&t, st);
}

const struct importer importer_csv = {
	.name = "csv",
	.summary = "a line of column names, then a line per record or run",
	.lost = csv_lost,
	.params = csv_params,
	.params_size = sizeof(struct csv_params),
	.read = read_csv,
};

/* SPDX-License-Identifier: MIT */
/*
 * Epochs as the snapshots of one record of damo's json: a run is a region, its hits
 * are nr_accesses.  A run without hits was seen in the one look that there was.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "datasets/convert/export.h"

static const char *const damo_lost[] = {
	"memslots, levels, and what is known of the capture",
	"ages of regions: each is 0",
	NULL,
};

struct damo_state {
	bool has_begun;
	uint32_t samples;
};

static json_t *number_text(uint64_t value)
{
	return json_sprintf("%" PRIu64, value);
}

/* What stands before the first snapshot.  Numbers are strings, as damo writes them. */
static int begin_record(struct export_job *job, const struct trace_epoch *e,
			struct status *st)
{
	struct damo_state *s = job->state;
	uint64_t us =
		(export_ns(job, e->end) - export_ns(job, e->start)) / 1000;

	s->has_begun = true;
	s->samples = e->has_hits ? e->samples : 1;
	us = us < s->samples ? s->samples : us;
	return export_wrote(
		job,
		fprintf(job->file,
			"[{\"kdamond_idx\": \"0\", \"context_idx\": \"0\", "
			"\"intervals\": {\"sample_us\": \"%" PRIu64
			"\", \"aggr_us\": \"%" PRIu64
			"\", \"ops_update_us\": \"%" PRIu64
			"\"}, \"scheme_idx\": null, \"target_id\": \"0\", "
			"\"scheme_filters\": [], \"snapshots\": [",
			us / s->samples, us / s->samples * s->samples,
			us / s->samples * s->samples) > 0,
		st);
}

static json_t *region(struct export_job *job, const struct trace_epoch *e,
		      const struct trace_run *run)
{
	uint64_t bytes = (uint64_t)run->npages * TRACE_PAGE_BYTES;
	uint64_t hits = e->has_hits ? run->hits
				    : !!(run->flags & (TRACE_RUN_ACCESSED |
						       TRACE_RUN_DIRTY));

	if (run->flags & TRACE_RUN_DIRTY)
		export_lost(job, "which accesses were writes");
	return json_pack("{s:o, s:o, s:{s:o, s:n}, s:{s:n, s:s}, s:o}", "start",
			 number_text(run->gfn * TRACE_PAGE_BYTES), "end",
			 number_text(run->gfn * TRACE_PAGE_BYTES + bytes),
			 "nr_accesses", "samples", number_text(hits), "percent",
			 "age", "usec", "aggr_intervals", "0",
			 "sz_filter_passed", number_text(bytes));
}

static int by_gfn(const void *a, const void *b)
{
	const struct trace_run *x = a, *y = b;

	return (x->gfn > y->gfn) - (x->gfn < y->gfn);
}

static json_t *snapshot(struct export_job *job, const struct trace_epoch *e,
			const struct trace_run *runs, size_t n)
{
	json_t *regions = json_array();
	uint64_t bytes = 0;

	for (size_t i = 0; i < n; i++) {
		bytes += (uint64_t)runs[i].npages * TRACE_PAGE_BYTES;
		json_array_append_new(regions, region(job, e, &runs[i]));
	}
	return json_pack("{s:o, s:o, s:o, s:o}", "start_time",
			 number_text(export_ns(job, e->start)), "end_time",
			 number_text(export_ns(job, e->end)), "regions",
			 regions, "total_bytes", number_text(bytes));
}

static int damo_epoch(struct export_job *job, const struct trace_epoch *epoch,
		      const struct trace_run *runs, size_t n, struct status *st)
{
	struct damo_state *s = job->state;
	struct trace_run *sorted = kage_calloc(n + 1, sizeof(*sorted), st);
	bool is_first = !s->has_begun;
	json_t *j;
	int ret = sorted ? 0 : -ENOMEM;

	if (!ret && is_first)
		ret = begin_record(job, epoch, st);
	if (!ret && s->samples != (epoch->has_hits ? epoch->samples : 1))
		ret = status_fail(st, EINVAL,
				  "epoch %" PRIu64
				  " was looked at more or less often than the "
				  "first: damo has one number for all",
				  epoch->index);
	if (epoch->is_ordered && n)
		export_lost(job, "the order of accesses");
	if (ret) {
		free(sorted);
		return ret;
	}
	if (n)
		memcpy(sorted, runs, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_gfn);
	j = snapshot(job, epoch, sorted, n);
	free(sorted);
	if (!j)
		return status_fail(st, ENOMEM, "out of memory");
	ret = export_wrote(job,
			   fputs(is_first ? "\n" : ",\n", job->file) != EOF &&
				   !json_dumpf(j, job->file, JSON_COMPACT),
			   st);
	json_decref(j);
	return ret;
}

static int damo_end(struct export_job *job, struct status *st)
{
	const struct damo_state *s = job->state;

	return export_wrote(
		job, fputs(s->has_begun ? "\n]}]\n" : "[]\n", job->file) != EOF,
		st);
}

const struct exporter exporter_damo = {
	.name = "damo",
	.summary = "damo's json, of epochs",
	.lost = damo_lost,
	.state_size = sizeof(struct damo_state),
	.epoch = damo_epoch,
	.end = damo_end,
};

/* SPDX-License-Identifier: MIT */
/* The rules that every imported record has to obey; see sink.h and import.h. */
#include "datasets/convert/sink.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "datasets/trace/meta.h"

void sink_fini(struct sink *sink)
{
	ranges_fini(&sink->ranges);
}

int import_bad(const struct import_job *job, struct status *st,
	       const char *format, ...)
{
	char text[384], place[64];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (job->where[0])
		snprintf(place, sizeof(place), "%s", job->where);
	else if (job->line)
		snprintf(place, sizeof(place), "line %" PRIu64, job->line);
	else
		snprintf(place, sizeof(place), "offset %" PRIu64, job->offset);
	return status_fail(st, EBADMSG, "%s: %s: %s", job->path, place, text);
}

int import_slot(struct import_job *job, const struct trace_slot *slot,
		struct status *st)
{
	struct trace_meta *meta = &job->meta;
	struct trace_slot *slots;
	size_t at = meta->nr_slots;

	if (!job->is_survey)
		return 0;
	if (!slot->npages || slot->npages > TRACE_GFN_LIMIT ||
	    slot->gfn > TRACE_GFN_LIMIT - slot->npages)
		return import_bad(job, st,
				  "a slot is empty or beyond the last gfn");
	if (meta->nr_slots == TRACE_SLOTS_MAX)
		return import_bad(job, st, "more than %d slots",
				  TRACE_SLOTS_MAX);
	slots = kage_calloc(meta->nr_slots + 1, sizeof(*slots), st);
	if (!slots)
		return -ENOMEM;
	while (at && meta->slots[at - 1].gfn > slot->gfn)
		at--;
	if ((at && meta->slots[at - 1].gfn + meta->slots[at - 1].npages >
			   slot->gfn) ||
	    (at < meta->nr_slots &&
	     slot->gfn + slot->npages > meta->slots[at].gfn)) {
		free(slots);
		return import_bad(job, st, "the slot overlaps another");
	}
	for (size_t i = 0, from = 0; i <= meta->nr_slots; i++)
		slots[i] = i == at ? *slot : meta->slots[from++];
	free(meta->slots);
	meta->slots = slots;
	meta->nr_slots++;
	return 0;
}

/* Pages of a record: in a slot, or what slots will be made of. */
static int take_pages(struct import_job *job, gfn_t gfn, uint64_t npages,
		      struct status *st)
{
	struct sink *sink = job->sink;

	if (!npages || npages > TRACE_GFN_LIMIT ||
	    gfn > TRACE_GFN_LIMIT - npages)
		return import_bad(job, st,
				  "no page at gfn %#" PRIx64
				  ": a trace holds 2^40",
				  gfn);
	if (!job->meta.nr_slots)
		return ranges_add(&sink->ranges, gfn, npages, st);
	if (!meta_slot(&job->meta, gfn, npages, &sink->slot_hint))
		return import_bad(job, st,
				  "gfn %#" PRIx64 " is in none of the slots",
				  gfn);
	return 0;
}

static int take_time(struct import_job *job, uint64_t time, struct status *st)
{
	struct sink *sink = job->sink;

	if (time < sink->last_time)
		return import_bad(job, st,
				  "time %" PRIu64 " is behind %" PRIu64
				  ", which came before: sort the file by time",
				  time, sink->last_time);
	sink->last_time = time;
	return 0;
}

/* What the writer refuses is the input's fault. */
static int written(const struct import_job *job, int ret,
		   const struct status *why, struct status *st)
{
	if (ret == -EINVAL)
		return import_bad(job, st, "%.300s", why->message);
	return ret ? status_fail(st, -ret, "%s", why->message) : 0;
}

static const char *event_flaw(const struct trace_event *event)
{
	if (!event->count)
		return "a record of no access";
	if (event->vcpu >= TRACE_VCPUS_MAX)
		return "more than 4096 vCPUs";
	return NULL;
}

int import_event(struct import_job *job, const struct trace_event *event,
		 struct status *st)
{
	struct sink *sink = job->sink;
	const char *flaw = event_flaw(event);
	bool is_range = event->kind >= TRACE_INVALIDATE;
	struct status why = {""};
	int ret;

	if (flaw)
		return import_bad(job, st, "%s", flaw);
	ret = take_time(job, event->time, st);
	if (!ret && event->kind != TRACE_LOST)
		ret = take_pages(job, event->gfn, is_range ? event->count : 1,
				 st);
	if (ret)
		return ret;
	sink->records++;
	if (event->vcpu >= sink->nr_vcpus)
		sink->nr_vcpus = event->vcpu + 1u;
	if (job->is_survey)
		return 0;
	ret = trace_writer_event(sink->writer, event, &why);
	return written(job, ret, &why, st);
}

static int by_gfn(const void *a, const void *b)
{
	const struct trace_run *x = a, *y = b;

	return (x->gfn > y->gfn) - (x->gfn < y->gfn);
}

/* No page twice; the writer finds it in the second reading only. */
static int check_overlap(const struct import_job *job,
			 const struct trace_run *runs, size_t n,
			 struct status *st)
{
	struct trace_run *sorted;
	gfn_t twice = 0;
	bool is_bad = false;

	if (!n)
		return 0;
	sorted = kage_calloc(n, sizeof(*sorted), st);
	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, runs, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_gfn);
	for (size_t i = 1; i < n && !is_bad; i++) {
		twice = sorted[i].gfn;
		is_bad = twice < sorted[i - 1].gfn + sorted[i - 1].npages;
	}
	free(sorted);
	return is_bad ? import_bad(job, st,
				   "gfn %#" PRIx64 " is twice in one epoch",
				   twice)
		      : 0;
}

int import_epoch(struct import_job *job, const struct trace_epoch *epoch,
		 const struct trace_run *runs, size_t n, struct status *st)
{
	struct sink *sink = job->sink;
	struct trace_epoch indexed = *epoch;
	struct status why = {""};
	int ret = take_time(job, epoch->start, st);

	if (!ret && epoch->end <= epoch->start)
		ret = import_bad(job, st, "the epoch ends as it begins");
	for (size_t i = 0; i < n && !ret; i++)
		ret = take_pages(job, runs[i].gfn, runs[i].npages, st);
	if (!ret && job->is_survey)
		ret = check_overlap(job, runs, n, st);
	if (ret)
		return ret;
	sink->last_time = epoch->end;
	indexed.index = sink->epochs++;
	if (job->is_survey)
		return 0;
	ret = trace_writer_epoch(sink->writer, &indexed, runs, n, &why);
	return written(job, ret, &why, st);
}

int sink_survey_ends(struct import_job *job, struct status *st)
{
	struct sink *sink = job->sink;
	struct trace_meta *meta = &job->meta;
	int ret = 0;

	if (!sink->records && !sink->epochs)
		return status_fail(st, EBADMSG,
				   "%s: holds no record that can be imported",
				   job->path);
	if (!meta->nr_slots)
		ret = ranges_slots(&sink->ranges, &meta->slots, &meta->nr_slots,
				   st);
	if (ret == -ENODATA)
		return status_fail(st, EBADMSG, "%s: no record names a page",
				   job->path);
	if (ret == -E2BIG)
		return status_fail(st, EBADMSG,
				   "%s: its pages are too far apart: 512 slots "
				   "would hold 2^32 pages or more",
				   job->path);
	meta->nr_vcpus = sink->nr_vcpus ? sink->nr_vcpus : 1;
	sink->records = 0;
	sink->epochs = 0;
	sink->last_time = 0;
	sink->slot_hint = 0;
	return ret;
}

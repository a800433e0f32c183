/* SPDX-License-Identifier: MIT */
/* Several traces as one; see reshape.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "datasets/reshape/details.h"
#include "datasets/reshape/reshape.h"
#include "datasets/trace/pass.h"
#include "datasets/trace/stream.h"
#include "datasets/trace/whole.h"

#define GIB_PAGES (UINT64_C(1) << 18)

/* One of the traces, and the record of it that comes next. */
struct guest {
	struct trace_reader *reader;
	gfn_t base; /* added to its gfns */
	unsigned int vcpu_base;
	struct trace_block block;
	size_t at; /* in the block's stream */
	struct trace_event event;
	struct whole whole;
	bool has_event, has_epoch; /* neither: the end */
};

struct merging {
	struct guest *guests;
	size_t n;
	struct trace_writer *writer;
	struct trace_run *runs;
	size_t nr_runs, capacity;
	uint64_t epochs; /* written */
};

static void take_event(struct guest *g)
{
	g->event = stream_event(&g->block.stream, g->at++);
	if (g->event.kind != TRACE_LOST)
		g->event.gfn += g->base;
	g->event.vcpu = (uint16_t)(g->event.vcpu + g->vcpu_base);
	g->has_event = true;
}

/* Find the next record of a guest.  Notes are passed on at once. */
static int advance(struct merging *m, struct guest *g, struct status *st)
{
	int step, ret = 0;

	g->has_event = g->has_epoch = false;
	if (g->block.type == TRACE_BLOCK_STREAM && g->at < g->block.stream.n) {
		take_event(g);
		return 0;
	}
	while (!ret && !g->has_event && !g->has_epoch) {
		step = trace_reader_next(g->reader, &g->block, st);
		if (step <= 0)
			return step;
		g->at = 0;
		if (g->block.type == TRACE_BLOCK_NOTE)
			ret = trace_writer_note(m->writer, g->block.note, st);
		else if (g->block.type == TRACE_BLOCK_STREAM)
			take_event(g);
		else if ((ret = whole_add(&g->whole, &g->block, st)) > 0)
			g->has_epoch = true;
		ret = ret < 0 ? ret : 0;
	}
	return ret;
}

static uint64_t time_of(const struct guest *g)
{
	return g->has_event ? g->event.time : g->block.epoch.start;
}

/* The guest whose record comes first; of several, the first guest. */
static struct guest *first_of(const struct merging *m)
{
	struct guest *first = NULL;

	for (size_t i = 0; i < m->n; i++) {
		struct guest *g = &m->guests[i];

		if ((g->has_event || g->has_epoch) &&
		    (!first || time_of(g) < time_of(first)))
			first = g;
	}
	return first;
}

static bool is_same_epoch(const struct trace_epoch *a,
			  const struct trace_epoch *b)
{
	return a->start == b->start && a->end == b->end &&
	       a->channels == b->channels && a->has_hits == b->has_hits &&
	       a->samples == b->samples;
}

static int take_runs(struct merging *m, const struct guest *g,
		     struct status *st)
{
	int ret = 0;

	for (size_t i = 0; i < g->whole.n && !ret; i++) {
		ret = kage_grow(&m->runs, &m->capacity, m->nr_runs,
				sizeof(*m->runs), st);
		if (ret)
			break;
		m->runs[m->nr_runs] = g->whole.runs[i];
		m->runs[m->nr_runs++].gfn += g->base;
	}
	return ret;
}

/* One epoch of all guests that have it. */
static int merge_epoch(struct merging *m, const struct guest *first,
		       struct status *st)
{
	struct trace_epoch epoch = first->block.epoch;
	size_t nr_with_pages = 0;
	int ret = 0;

	m->nr_runs = 0;
	for (size_t i = 0; i < m->n && !ret; i++) {
		struct guest *g = &m->guests[i];
		const struct trace_epoch *e = &g->block.epoch;

		if (!g->has_epoch || e->start >= epoch.end)
			continue;
		if (!is_same_epoch(e, &epoch))
			return status_fail(
				st, EINVAL,
				"epoch %" PRIu64 " of trace %zu is not like "
				"those of the others: make them alike with "
				"`kage trace coarsen --period`",
				e->index, i + 1);
		nr_with_pages += g->whole.n != 0;
		epoch.is_ordered &= e->is_ordered;
		epoch.scan_start = e->scan_start < epoch.scan_start
					   ? e->scan_start
					   : epoch.scan_start;
		epoch.scan_end = e->scan_end > epoch.scan_end ? e->scan_end
							      : epoch.scan_end;
		ret = take_runs(m, g, st);
		if (!ret)
			ret = advance(m, g, st);
	}
	epoch.is_ordered &= nr_with_pages < 2;
	epoch.index = m->epochs++;
	return ret ? ret
		   : trace_writer_epoch(m->writer, &epoch, m->runs, m->nr_runs,
					st);
}

static int merge_all(struct merging *m, struct status *st)
{
	struct guest *g;
	int ret = 0;

	for (size_t i = 0; i < m->n && !ret; i++)
		ret = advance(m, &m->guests[i], st);
	while (!ret && (g = first_of(m))) {
		if (g->has_epoch) {
			ret = merge_epoch(m, g, st);
			continue;
		}
		ret = trace_writer_event(m->writer, &g->event, st);
		if (!ret)
			ret = advance(m, g, st);
	}
	return ret;
}

static int check_alike(struct trace_reader *const *readers, size_t n,
		       struct status *st)
{
	const struct trace_meta *a = trace_reader_meta(readers[0]);

	for (size_t i = 1; i < n; i++) {
		const struct trace_meta *b = trace_reader_meta(readers[i]);

		if (a->clock.kind != b->clock.kind ||
		    a->clock.ps_per_tick != b->clock.ps_per_tick ||
		    a->fidelity != b->fidelity || a->channels != b->channels)
			return status_fail(
				st, EINVAL,
				"trace %zu has another clock, "
				"fidelity or channels than the first",
				i + 1);
	}
	return 0;
}

/* What each of the traces was, for the header. */
static json_t *origins(struct trace_reader *const *readers, size_t n)
{
	json_t *all = json_array();

	for (size_t i = 0; i < n; i++) {
		const struct trace_meta *m = trace_reader_meta(readers[i]);
		const struct trace_totals *t = trace_reader_totals(readers[i]);
		char id[TRACE_ID_TEXT] = "";

		if (t)
			trace_id_text(id, t->id);
		json_array_append_new(
			all,
			json_pack("{s:s, s:s, s:o}", "id", id, "source",
				  m->source, "details",
				  json_loads(m->details ? m->details : "{}", 0,
					     NULL)));
	}
	return all;
}

/* Slots of all behind each other; sets base and vcpu_base of each guest. */
static int lay_out(struct trace_meta *meta, struct merging *m,
		   struct status *st)
{
	gfn_t free_from = 0;

	meta->nr_slots = 0;
	meta->nr_vcpus = 0;
	for (size_t i = 0; i < m->n; i++)
		meta->nr_slots +=
			trace_reader_meta(m->guests[i].reader)->nr_slots;
	meta->slots = kage_calloc(meta->nr_slots, sizeof(*meta->slots), st);
	if (!meta->slots)
		return -ENOMEM;
	for (size_t i = 0, to = 0; i < m->n; i++) {
		const struct trace_meta *own =
			trace_reader_meta(m->guests[i].reader);
		const struct trace_slot *last;

		m->guests[i].base = free_from;
		m->guests[i].vcpu_base = meta->nr_vcpus;
		meta->nr_vcpus += own->nr_vcpus;
		for (size_t k = 0; k < own->nr_slots; k++) {
			meta->slots[to] = own->slots[k];
			meta->slots[to++].gfn += free_from;
		}
		last = &meta->slots[to - 1];
		free_from = (last->gfn + last->npages + GIB_PAGES - 1) &
			    ~(GIB_PAGES - 1);
	}
	return 0;
}

int merge_traces(struct trace_reader *const *readers, size_t n,
		 const char *output, struct trace_totals *totals,
		 struct status *st)
{
	struct merging m = {.n = n};
	struct trace_meta meta = *trace_reader_meta(readers[0]);
	int ret = check_alike(readers, n, st);

	meta.slots = NULL;
	meta.details = NULL;
	m.guests = kage_calloc(n, sizeof(*m.guests), st);
	for (size_t i = 0; m.guests && i < n; i++)
		m.guests[i].reader = readers[i];
	if (!ret)
		ret = m.guests ? lay_out(&meta, &m, st) : -ENOMEM;
	if (!ret)
		meta.details = details_change(NULL, NULL, "merge",
					      origins(readers, n), st);
	if (!ret)
		ret = meta.details
			      ? trace_writer_open(&m.writer, output, &meta, st)
			      : -ENOMEM;
	if (!ret) {
		ret = merge_all(&m, st);
		if (ret)
			trace_writer_discard(m.writer);
		else
			ret = trace_writer_close(m.writer, totals, st);
	}
	for (size_t i = 0; m.guests && i < n; i++)
		whole_fini(&m.guests[i].whole);
	trace_meta_fini(&meta);
	free(m.guests);
	free(m.runs);
	return ret;
}

static bool is_same_guest(const struct trace_meta *a,
			  const struct trace_meta *b)
{
	if (a->nr_slots != b->nr_slots || a->nr_vcpus != b->nr_vcpus)
		return false;
	for (size_t i = 0; i < a->nr_slots; i++)
		if (a->slots[i].gfn != b->slots[i].gfn ||
		    a->slots[i].npages != b->slots[i].npages)
			return false;
	return true;
}

struct appending {
	struct whole whole;
	uint64_t epochs;
};

static int on_epoch(void *arg, const struct trace_block *part,
		    struct trace_writer *writer, struct status *st)
{
	struct appending *a = arg;
	struct trace_epoch epoch = part->epoch;
	int ret = whole_add(&a->whole, part, st);

	if (ret <= 0)
		return ret;
	epoch.index = a->epochs++;
	return trace_writer_epoch(writer, &epoch, a->whole.runs, a->whole.n,
				  st);
}

static int on_event(void *arg, const struct trace_event *event,
		    struct trace_writer *writer, struct status *st)
{
	(void)arg;
	return trace_writer_event(writer, event, st);
}

int append_traces(struct trace_reader *const *readers, size_t n,
		  const char *output, struct trace_totals *totals,
		  struct status *st)
{
	static const struct pass_ops ops = {.epoch = on_epoch,
					    .event = on_event};
	const struct trace_meta *meta = trace_reader_meta(readers[0]);
	struct trace_meta appended = *meta;
	struct trace_writer *writer;
	struct appending a = {0};
	int ret = check_alike(readers, n, st);

	for (size_t i = 1; i < n && !ret; i++)
		if (!is_same_guest(meta, trace_reader_meta(readers[i])))
			ret = status_fail(st, EINVAL,
					  "trace %zu is of another guest than "
					  "the first: other memslots or vCPUs",
					  i + 1);
	if (ret)
		return ret;
	appended.details = details_change(meta->details, NULL, "append",
					  origins(readers, n), st);
	ret = appended.details
		      ? trace_writer_open(&writer, output, &appended, st)
		      : -ENOMEM;
	free(appended.details);
	if (ret)
		return ret;
	for (size_t i = 0; i < n && !ret; i++)
		ret = pass(readers[i], writer, &ops, &a, st);
	whole_fini(&a.whole);
	if (!ret)
		return trace_writer_close(writer, totals, st);
	trace_writer_discard(writer);
	return ret;
}

/* SPDX-License-Identifier: MIT */
/* Filling a grid of gfn against time in one pass; see heat.h. */
#include "analysis/heat.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "datasets/pageset.h"

struct filling {
	struct heat *heat;
	const struct trace_meta *meta;
	double *row_pages; /* pages of memslots in each row */
	/* Pages per row: of the open epoch, looked at and accessed; of the open
	 * column of the stream, accessed. */
	double *looked, *found, *accessed;
	struct pageset column_pages;
	size_t column;	     /* of the stream */
	uint64_t column_end; /* the first tick that is behind it */
	bool has_stream;     /* of accesses: else it observes nothing */
	uint64_t records, total;
};

gfn_t heat_row_gfn(const struct heat_segment *segment, size_t n)
{
	uint64_t pages = segment->npages, rows = segment->nr_rows;

	return segment->gfn +
	       (uint64_t)(((unsigned __int128)pages * n + rows - 1) / rows);
}

double heat_share(const struct heat *heat, size_t row, size_t column)
{
	size_t cell = row * heat->nr_columns + column;

	return heat->observed[cell] > 0
		       ? heat->seen[cell] / heat->observed[cell]
		       : NAN;
}

static const struct heat_segment *segment_of(const struct heat *heat, gfn_t gfn)
{
	size_t low = 0, high = heat->nr_segments;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (heat->segments[middle].gfn <= gfn)
			low = middle;
		else
			high = middle;
	}
	return &heat->segments[low];
}

/* Add pages of one memslot to their rows. */
static void add_pages(const struct heat *heat, double *rows, gfn_t gfn,
		      uint64_t npages, double weight)
{
	const struct heat_segment *s = segment_of(heat, gfn);
	size_t n = (size_t)((unsigned __int128)(gfn - s->gfn) * s->nr_rows /
			    s->npages);

	while (npages) {
		uint64_t left = heat_row_gfn(s, n + 1) - gfn;
		uint64_t here = left < npages ? left : npages;

		rows[s->row + n++] += (double)here * weight;
		gfn += here;
		npages -= here;
	}
}

/* The tick at which a column begins. */
static double column_start(const struct heat *heat, size_t column)
{
	return (double)heat->start + (double)(heat->end - heat->start) *
					     (double)column /
					     (double)heat->nr_columns;
}

static size_t column_of(const struct heat *heat, uint64_t time)
{
	size_t column = (size_t)((unsigned __int128)(time - heat->start) *
				 heat->nr_columns / (heat->end - heat->start));

	return column < heat->nr_columns ? column : heat->nr_columns - 1;
}

/* Put what the rows hold into one column, as seen for so many ticks. */
static void flush(struct heat *heat, size_t column, double ticks,
		  const double *looked, const double *found)
{
	for (size_t row = 0; row < heat->nr_rows; row++) {
		size_t cell = row * heat->nr_columns + column;

		heat->observed[cell] += looked[row] * ticks;
		heat->seen[cell] += found[row] * ticks;
	}
}

static void forget(const struct heat *heat, double *rows)
{
	memset(rows, 0, heat->nr_rows * sizeof(*rows));
}

/* An epoch belongs to each column as far as it overlaps it. */
static void end_epoch(struct filling *f, const struct trace_epoch *epoch)
{
	struct heat *heat = f->heat;
	uint64_t ticks = epoch->end - epoch->start;
	const double *looked = epoch->has_hits ? f->looked : f->row_pages;
	size_t last = column_of(heat, epoch->end);

	for (size_t c = column_of(heat, epoch->start); c <= last; c++) {
		double from = fmax(column_start(heat, c), (double)epoch->start);
		double to = fmin(column_start(heat, c + 1), (double)epoch->end);

		if (to - from >= 0.5) /* ticks: less is rounding */
			flush(heat, c, to - from, looked, f->found);
	}
	forget(heat, f->looked);
	forget(heat, f->found);
	if (ticks > heat->longest_epoch)
		heat->longest_epoch = ticks;
}

static void fill_epoch(struct filling *f, const struct trace_block *part)
{
	const struct trace_epoch *epoch = &part->epoch;
	unsigned int channel = f->heat->is_written ? TRACE_CHANNEL_DIRTY
						   : TRACE_CHANNEL_ACCESSED;

	if (!(epoch->channels & channel))
		return;
	f->heat->has_hits |= epoch->has_hits;
	for (size_t i = 0; i < part->nr_runs; i++) {
		const struct trace_run *run = &part->runs[i];
		double share = epoch->has_hits
				       ? (double)run->hits / epoch->samples
				       : 1;

		if (epoch->has_hits)
			add_pages(f->heat, f->looked, run->gfn, run->npages, 1);
		add_pages(f->heat, f->found, run->gfn, run->npages, share);
	}
	if (part->is_last_part)
		end_epoch(f, epoch);
}

static void end_column(struct filling *f)
{
	struct heat *heat = f->heat;
	double ticks = column_start(heat, f->column + 1) -
		       column_start(heat, f->column);

	if (f->has_stream)
		flush(heat, f->column, ticks, f->row_pages, f->accessed);
	pageset_clear(&f->column_pages);
	forget(heat, f->accessed);
	f->column++;
}

/* Go to the column of @time. */
static void go_to(struct filling *f, uint64_t time)
{
	const struct heat *heat = f->heat;
	size_t column = column_of(heat, time);

	while (f->column < column)
		end_column(f);
	f->column_end =
		column + 1 == heat->nr_columns
			? UINT64_MAX
			: heat->start +
				  (uint64_t)(((unsigned __int128)(heat->end -
								  heat->start) *
						      (column + 1) +
					      heat->nr_columns - 1) /
					     heat->nr_columns);
}

static void fill_stream(struct filling *f, const struct trace_stream *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->time[i] >= f->column_end)
			go_to(f, s->time[i]);
		if (s->kind[i] == TRACE_LOST)
			f->heat->has_lost[f->column] = true;
		if (trace_event_is_access((enum trace_event_kind)s->kind[i]) &&
		    pageset_add(&f->column_pages, s->gfn[i], 1, NULL))
			add_pages(f->heat, f->accessed, s->gfn[i], 1, 1);
	}
}

static int fill(struct filling *f, struct trace_reader *reader,
		struct status *st)
{
	struct trace_block block;
	int step;

	while ((step = trace_reader_next(reader, &block, st)) > 0) {
		if (block.type == TRACE_BLOCK_STREAM)
			fill_stream(f, &block.stream);
		else if (block.type == TRACE_BLOCK_EPOCH)
			fill_epoch(f, &block);
		f->records += block.type == TRACE_BLOCK_STREAM
				      ? block.stream.n
				      : block.epoch.npages * block.is_last_part;
		progress_show("heat", f->records, f->total);
	}
	progress_end();
	/* of a damaged trace, the columns behind the damage stay unobserved */
	if (!step)
		end_column(f);
	return step;
}

/* Make segments of the slots: holes of up to @most pages do not part them. */
static size_t join_slots(struct heat *heat, const struct trace_meta *meta,
			 uint64_t most)
{
	size_t n = 0;

	for (size_t i = 0; i < meta->nr_slots; i++) {
		const struct trace_slot *s = &meta->slots[i];
		struct heat_segment *last = n ? &heat->segments[n - 1] : NULL;

		if (last && s->gfn - (last->gfn + last->npages) <= most)
			last->npages = s->gfn + s->npages - last->gfn;
		else
			heat->segments[n++] = (struct heat_segment){
				.gfn = s->gfn, .npages = s->npages};
	}
	return n;
}

/* Holes of less than a row stay; many scattered slots take half of the rows. */
static void lay_out(struct heat *heat, const struct trace_meta *meta,
		    size_t rows)
{
	uint64_t most = trace_meta_pages(meta) / rows + 1, span = 0;

	do {
		heat->nr_segments = join_slots(heat, meta, most);
		most *= 2;
	} while (heat->nr_segments > 1 && heat->nr_segments > rows / 2);
	for (size_t i = 0; i < heat->nr_segments; i++)
		span += heat->segments[i].npages;
	for (size_t i = 0; i < heat->nr_segments; i++) {
		struct heat_segment *s = &heat->segments[i];

		s->nr_rows = (size_t)((double)rows * (double)s->npages /
				      (double)span);
		s->nr_rows += !s->nr_rows;
		if (s->nr_rows > s->npages)
			s->nr_rows = (size_t)s->npages;
		s->row = heat->nr_rows;
		heat->nr_rows += s->nr_rows;
	}
}

static int init(struct filling *f, size_t rows, struct status *st)
{
	struct heat *heat = f->heat;
	size_t cells;

	heat->segments =
		kage_calloc(f->meta->nr_slots, sizeof(*heat->segments), st);
	if (!heat->segments)
		return -ENOMEM;
	lay_out(heat, f->meta, rows);
	cells = heat->nr_rows * heat->nr_columns;
	heat->observed = kage_calloc(cells, sizeof(*heat->observed), st);
	heat->seen = kage_calloc(cells, sizeof(*heat->seen), st);
	heat->has_lost = kage_calloc(heat->nr_columns, 1, st);
	f->row_pages = kage_calloc(heat->nr_rows, sizeof(double), st);
	f->looked = kage_calloc(heat->nr_rows, sizeof(double), st);
	f->found = kage_calloc(heat->nr_rows, sizeof(double), st);
	f->accessed = kage_calloc(heat->nr_rows, sizeof(double), st);
	if (!heat->observed || !heat->seen || !heat->has_lost ||
	    !f->row_pages || !f->looked || !f->found || !f->accessed)
		return -ENOMEM;
	for (size_t i = 0; i < f->meta->nr_slots; i++)
		add_pages(heat, f->row_pages, f->meta->slots[i].gfn,
			  f->meta->slots[i].npages, 1);
	return pageset_init(&f->column_pages, f->meta, st);
}

int heat_trace(struct heat *heat, struct trace_reader *reader,
	       const struct trace_totals *totals, size_t rows, size_t columns,
	       struct status *st)
{
	struct filling f = {.heat = heat,
			    .meta = trace_reader_meta(reader),
			    .has_stream = totals->accesses,
			    .total = totals->events + totals->epoch_pages};
	int ret;

	*heat = (struct heat){.start = totals->first_time,
			      .end = totals->last_time,
			      .nr_columns = columns,
			      .is_written = !(f.meta->channels &
					      TRACE_CHANNEL_ACCESSED)};
	if (heat->end <= heat->start || (!f.has_stream && !totals->epochs))
		return status_fail(st, EINVAL,
				   "the trace holds no accesses over time");
	if (heat->nr_columns > heat->end - heat->start)
		heat->nr_columns = (size_t)(heat->end - heat->start);
	ret = init(&f, rows, st);
	if (!ret)
		ret = fill(&f, reader, st);
	pageset_fini(&f.column_pages);
	free(f.row_pages);
	free(f.looked);
	free(f.found);
	free(f.accessed);
	return ret;
}

void heat_fini(struct heat *heat)
{
	free(heat->segments);
	free(heat->observed);
	free(heat->seen);
	free(heat->has_lost);
	*heat = (struct heat){0};
}

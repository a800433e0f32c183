/* SPDX-License-Identifier: MIT */
/*
 * Parts of epochs, see epoch.h.  A part stores its set sorted and its order as a
 * permutation, so that a page seen twice shows as an overlap of neighbours.  A
 * page that occurs in two parts of one ordered epoch is not noticed here.
 */
#include "datasets/trace/epoch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "datasets/trace/format.h"
#include "datasets/trace/meta.h"

enum {
	FLAG_ORDERED = 1,
	FLAG_LAST = 2,
	FLAG_HITS = 4,
	COLUMN_RANK = 3,
	COLUMN_HITS = 4,
	RUN_FLAGS = TRACE_RUN_LEVEL_MASK | TRACE_RUN_ACCESSED | TRACE_RUN_DIRTY,
};

static const unsigned int column_bytes[EPOCH_COLUMNS] = {8, 4, 1, 2, 4};

int epoch_buffer_init(struct epoch_buffer *buffer, struct status *st)
{
	bool is_short = false;

	*buffer = (struct epoch_buffer){0};
	for (size_t c = 0; c < EPOCH_COLUMNS; c++) {
		void *data = kage_calloc(EPOCH_RUNS_MAX, column_bytes[c], st);

		buffer->columns[c] = (struct column_array){
			.data = data, .bytes = column_bytes[c]};
		is_short |= !data;
	}
	buffer->gfn = buffer->columns[0].data;
	buffer->npages = buffer->columns[1].data;
	buffer->flags = buffer->columns[2].data;
	buffer->rank = buffer->columns[COLUMN_RANK].data;
	buffer->hits = buffer->columns[COLUMN_HITS].data;
	buffer->runs = kage_calloc(EPOCH_RUNS_MAX, sizeof(*buffer->runs), st);
	buffer->is_ranked = kage_calloc(EPOCH_RUNS_MAX, 1, st);
	if (!is_short && buffer->runs && buffer->is_ranked)
		return 0;
	epoch_buffer_fini(buffer);
	return -ENOMEM;
}

void epoch_buffer_fini(struct epoch_buffer *buffer)
{
	for (size_t c = 0; c < EPOCH_COLUMNS; c++)
		free(buffer->columns[c].data);
	free(buffer->runs);
	free(buffer->is_ranked);
	*buffer = (struct epoch_buffer){0};
}

static const char *hits_flaw(const struct trace_epoch *epoch)
{
	if (!epoch->has_hits != !epoch->samples)
		return "epoch has hits without samples, or samples without hits";
	if (epoch->has_hits && epoch->is_ordered)
		return "epoch has both hits and an order";
	if (epoch->has_hits && !(epoch->channels & TRACE_CHANNEL_ACCESSED))
		return "epoch has hits, but did not observe accesses";
	return NULL;
}

const char *epoch_flaw(const struct trace_meta *meta,
		       const struct trace_epoch *epoch,
		       const struct epoch_cursor *cursor)
{
	if (epoch->index != cursor->epochs)
		return "epoch index is not the next one";
	if (epoch->start >= epoch->end || epoch->start < cursor->epoch.end)
		return "epoch times are out of order";
	if (epoch->scan_start > epoch->scan_end)
		return "epoch scan ends before it starts";
	if (!epoch->channels || epoch->channels & ~meta->channels)
		return "epoch channels are not the trace's";
	if (epoch->npages > trace_meta_pages(meta))
		return "epoch has more pages than the guest";
	return hits_flaw(epoch);
}

/* What was seen of a run, and how often. */
static const char *seen_flaw(const struct trace_epoch *epoch,
			     const struct trace_run *run)
{
	unsigned int seen = run->flags >> 2;

	if (seen & ~epoch->channels)
		return "run has a flag that its epoch did not observe";
	if (!epoch->has_hits && !seen)
		return "run was neither accessed nor dirty";
	if (run->hits > epoch->samples)
		return "run has more hits than samples";
	if (epoch->has_hits && !run->hits != !(run->flags & TRACE_RUN_ACCESSED))
		return "run was accessed without hits, or hit but not accessed";
	return NULL;
}

const char *run_flaw(const struct trace_meta *meta,
		     const struct trace_epoch *epoch,
		     const struct trace_run *run, size_t *hint)
{
	unsigned int level = run->flags & TRACE_RUN_LEVEL_MASK;
	const char *flaw;
	uint64_t mask;

	if (run->flags & ~RUN_FLAGS || level >= TRACE_NR_LEVELS)
		return "run flags are not known";
	flaw = seen_flaw(epoch, run);
	if (flaw)
		return flaw;
	mask = trace_level_pages(level) - 1;
	if (!run->npages || run->npages > TRACE_RUN_PAGES_MAX ||
	    (run->gfn | run->npages) & mask)
		return "run is empty, too long or not aligned to its level";
	if (!meta_slot(meta, run->gfn, run->npages, hint))
		return "run is outside the slots";
	return NULL;
}

static int compare_keys(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

/* Put the runs into columns by ascending gfn.  @keys: room for one per run. */
static void sort_into(struct epoch_buffer *buffer, const struct trace_run *runs,
		      size_t n, uint64_t *keys)
{
	for (size_t i = 0; i < n; i++)
		keys[i] = runs[i].gfn * EPOCH_RUNS_MAX + i;
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (size_t i = 0; i < n; i++) {
		size_t rank = keys[i] % EPOCH_RUNS_MAX;

		buffer->gfn[i] = runs[rank].gfn;
		buffer->npages[i] = runs[rank].npages;
		buffer->flags[i] = runs[rank].flags;
		buffer->rank[i] = (uint16_t)rank;
		buffer->hits[i] = runs[rank].hits;
	}
}

static void put_header(uint8_t *out, const struct trace_block *part)
{
	const struct trace_epoch *epoch = &part->epoch;

	memset(out, 0, EPOCH_HEADER_BYTES);
	put_u64(out, epoch->index);
	put_u64(out + 8, epoch->start);
	put_u64(out + 16, epoch->end);
	put_u64(out + 24, epoch->scan_start);
	put_u64(out + 32, epoch->scan_end);
	put_u64(out + 40, epoch->npages);
	put_u64(out + 48, part->first_rank);
	out[56] = (uint8_t)epoch->channels;
	out[57] = (epoch->is_ordered ? FLAG_ORDERED : 0) |
		  (part->is_last_part ? FLAG_LAST : 0) |
		  (epoch->has_hits ? FLAG_HITS : 0);
	put_u32(out + 60, epoch->samples);
}

static bool has_column(const struct trace_epoch *epoch, size_t column)
{
	if (column == COLUMN_RANK)
		return epoch->is_ordered;
	return column != COLUMN_HITS || epoch->has_hits;
}

size_t epoch_encode(uint8_t *out, const struct trace_block *part,
		    struct epoch_buffer *buffer, uint64_t *scratch)
{
	size_t n = part->nr_runs;
	uint64_t *wide = scratch + n;
	uint8_t *at = out + EPOCH_HEADER_BYTES;

	put_header(out, part);
	sort_into(buffer, part->runs, n, scratch);
	for (size_t c = 0; c < EPOCH_COLUMNS; c++) {
		if (!has_column(&part->epoch, c))
			continue;
		column_widen(wide, buffer->columns[c].data, column_bytes[c], n);
		at += column_encode(at, wide, n, scratch);
	}
	return (size_t)(at - out);
}

static const char *get_header(struct trace_block *part, const uint8_t *raw,
			      size_t bytes)
{
	if (bytes < EPOCH_HEADER_BYTES)
		return "epoch header is cut";
	if (raw[57] & ~(FLAG_ORDERED | FLAG_LAST | FLAG_HITS) ||
	    !is_zero(raw + 58, 2))
		return "epoch header has an unknown value";
	part->epoch = (struct trace_epoch){
		.index = get_u64(raw),
		.start = get_u64(raw + 8),
		.end = get_u64(raw + 16),
		.scan_start = get_u64(raw + 24),
		.scan_end = get_u64(raw + 32),
		.npages = get_u64(raw + 40),
		.channels = raw[56],
		.is_ordered = raw[57] & FLAG_ORDERED,
		.has_hits = raw[57] & FLAG_HITS,
		.samples = get_u32(raw + 60),
	};
	part->first_rank = get_u64(raw + 48);
	part->is_last_part = raw[57] & FLAG_LAST;
	return NULL;
}

static bool is_same_epoch(const struct trace_epoch *a,
			  const struct trace_epoch *b)
{
	return a->index == b->index && a->start == b->start &&
	       a->end == b->end && a->scan_start == b->scan_start &&
	       a->scan_end == b->scan_end && a->npages == b->npages &&
	       a->channels == b->channels && a->is_ordered == b->is_ordered &&
	       a->has_hits == b->has_hits && a->samples == b->samples;
}

static const char *header_flaw(const struct trace_meta *meta,
			       const struct trace_block *part,
			       const struct epoch_cursor *cursor)
{
	if (!cursor->is_open)
		return part->first_rank
			       ? "epoch lacks its first part"
			       : epoch_flaw(meta, &part->epoch, cursor);
	if (!is_same_epoch(&part->epoch, &cursor->epoch))
		return "epoch differs from its first part";
	return part->first_rank == cursor->rank ? NULL : "epoch lacks a part";
}

static const char *get_columns(struct epoch_buffer *buffer, size_t n,
			       const struct trace_epoch *epoch,
			       const uint8_t *at, const uint8_t *end,
			       uint64_t *scratch)
{
	for (size_t c = 0; c < EPOCH_COLUMNS; c++) {
		const char *flaw = NULL;

		if (has_column(epoch, c))
			flaw = column_decode(&buffer->columns[c], n, &at, end,
					     scratch);
		if (flaw)
			return flaw;
	}
	return at == end ? NULL : "bytes behind the columns";
}

/* Check each run, and move them to where their rank says. */
static const char *place_runs(struct epoch_buffer *buffer, size_t n,
			      const struct trace_meta *meta,
			      const struct trace_epoch *epoch, gfn_t free_from)
{
	size_t hint = 0;

	memset(buffer->is_ranked, 0, n);
	for (size_t i = 0; i < n; i++) {
		size_t rank = epoch->is_ordered ? buffer->rank[i] : i;
		struct trace_run run = {
			.gfn = buffer->gfn[i],
			.npages = buffer->npages[i],
			.flags = buffer->flags[i],
			.hits = epoch->has_hits ? buffer->hits[i] : 0};
		const char *flaw = run_flaw(meta, epoch, &run, &hint);

		if (flaw)
			return flaw;
		if (run.gfn < free_from)
			return "runs overlap or are not sorted";
		if (rank >= n || buffer->is_ranked[rank])
			return "ranks are no permutation";
		buffer->is_ranked[rank] = 1;
		buffer->runs[rank] = run;
		free_from = run.gfn + run.npages;
	}
	return NULL;
}

/* Move the cursor over the part.  Return: NULL, or what does not add up. */
static const char *advance(struct epoch_cursor *cursor,
			   const struct trace_block *part,
			   const struct epoch_buffer *buffer)
{
	size_t n = part->nr_runs;
	uint64_t rank = part->first_rank;

	for (size_t i = 0; i < n; i++)
		rank += buffer->npages[i];
	if (part->is_last_part ? rank != part->epoch.npages
			       : !n || rank >= part->epoch.npages)
		return "epoch's parts do not add up to its pages";
	cursor->epoch = part->epoch;
	cursor->is_open = !part->is_last_part;
	cursor->epochs += part->is_last_part;
	cursor->rank = part->is_last_part ? 0 : rank;
	cursor->free_from =
		part->is_last_part || part->epoch.is_ordered
			? 0
			: buffer->gfn[n - 1] + buffer->npages[n - 1];
	return NULL;
}

int epoch_decode(struct trace_block *part, struct epoch_buffer *buffer,
		 size_t nr_runs, const uint8_t *raw, size_t bytes,
		 uint64_t *scratch, const struct trace_meta *meta,
		 struct epoch_cursor *cursor, struct status *st)
{
	const char *flaw = get_header(part, raw, bytes);

	part->runs = buffer->runs;
	part->nr_runs = nr_runs;
	if (!flaw && nr_runs > EPOCH_RUNS_MAX)
		flaw = "too many runs in one frame";
	if (!flaw)
		flaw = header_flaw(meta, part, cursor);
	if (!flaw)
		flaw = get_columns(buffer, nr_runs, &part->epoch,
				   raw + EPOCH_HEADER_BYTES, raw + bytes,
				   scratch);
	if (!flaw)
		flaw = place_runs(buffer, nr_runs, meta, &part->epoch,
				  cursor->free_from);
	if (!flaw)
		flaw = advance(cursor, part, buffer);
	return flaw ? status_fail(st, EBADMSG, "%s", flaw) : 0;
}

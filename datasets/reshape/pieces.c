/* SPDX-License-Identifier: MIT */
/* Blocks of a trace; see pieces.h. */
#include "datasets/reshape/pieces.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "datasets/trace/stream.h"
#include "datasets/trace/whole.h"

struct rewriting {
	const struct pieces *p;
	struct trace_writer *writer;
	struct whole whole;
	struct trace_run *runs; /* of the new epoch */
	size_t n, capacity;
	struct trace_run *pieces; /* of one run or range of the old trace */
	size_t nr_pieces, room;
};

/* Where @gfn goes.  Return: whether it is kept. */
static bool place(const struct pieces *p, gfn_t gfn, gfn_t *to)
{
	uint64_t block = gfn / p->block_pages;

	if (!p->map(p->arg, &block))
		return false;
	*to = block * p->block_pages + gfn % p->block_pages;
	return true;
}

/* How many of @left pages from @gfn are in its block. */
static uint64_t in_block(const struct pieces *p, gfn_t gfn, uint64_t left)
{
	uint64_t room = p->block_pages - gfn % p->block_pages;

	return left < room ? left : room;
}

static int by_gfn(const void *a, const void *b)
{
	const struct trace_run *x = a, *y = b;

	return (x->gfn > y->gfn) - (x->gfn < y->gfn);
}

/* Cut @npages from @gfn at blocks.  The pieces are sorted by where they go: where they
 * were is not to be told by which comes first. */
static int cut_up(struct rewriting *w, const struct trace_run *like,
		  uint64_t npages, struct status *st)
{
	struct trace_run piece = *like;
	int ret = 0;

	w->nr_pieces = 0;
	for (uint64_t at = 0, n; at < npages && !ret; at += n) {
		n = in_block(w->p, like->gfn + at, npages - at);
		piece.npages = (uint32_t)n;
		if (!place(w->p, like->gfn + at, &piece.gfn))
			continue;
		ret = kage_grow(&w->pieces, &w->room, w->nr_pieces,
				sizeof(*w->pieces), st);
		if (!ret)
			w->pieces[w->nr_pieces++] = piece;
	}
	if (!ret && w->nr_pieces > 1)
		qsort(w->pieces, w->nr_pieces, sizeof(*w->pieces), by_gfn);
	return ret;
}

static int put_run(struct rewriting *w, const struct trace_run *piece,
		   struct status *st)
{
	struct trace_run *last = w->n ? &w->runs[w->n - 1] : NULL;
	int ret;

	if (last && last->gfn + last->npages == piece->gfn &&
	    last->flags == piece->flags && last->hits == piece->hits &&
	    last->npages <= TRACE_RUN_PAGES_MAX - piece->npages) {
		last->npages += piece->npages;
		return 0;
	}
	ret = kage_grow(&w->runs, &w->capacity, w->n, sizeof(*w->runs), st);
	if (!ret)
		w->runs[w->n++] = *piece;
	return ret;
}

static int cut_run(struct rewriting *w, const struct trace_run *run,
		   struct status *st)
{
	static const char *const names[] = {"4K", "2M", "1G"};
	unsigned int level = run->flags & TRACE_RUN_LEVEL_MASK;
	int ret = 0;

	if (level > w->p->level_max)
		return status_fail(st, EINVAL,
				   "gfn %#llx was seen as a leaf of %s, which "
				   "blocks of %llu pages would take apart",
				   (unsigned long long)run->gfn, names[level],
				   (unsigned long long)w->p->block_pages);
	ret = cut_up(w, run, run->npages, st);
	for (size_t i = 0; i < w->nr_pieces && !ret; i++)
		ret = put_run(w, &w->pieces[i], st);
	return ret;
}

static int put_epoch(struct rewriting *w, const struct trace_epoch *epoch,
		     struct status *st)
{
	int ret = 0;

	w->n = 0;
	for (size_t i = 0; i < w->whole.n && !ret; i++)
		ret = cut_run(w, &w->whole.runs[i], st);
	return ret ? ret
		   : trace_writer_epoch(w->writer, epoch, w->runs, w->n, st);
}

/* Pages that leave the guest, or its page tables. */
static int put_range(struct rewriting *w, const struct trace_event *event,
		     struct status *st)
{
	const struct trace_run range = {.gfn = event->gfn};
	struct trace_event piece = *event;
	int ret = cut_up(w, &range, event->count, st);

	piece.count = 0;
	for (size_t i = 0; i < w->nr_pieces && !ret; i++) {
		const struct trace_run *next = &w->pieces[i];

		if (piece.count && piece.gfn + piece.count == next->gfn) {
			piece.count += next->npages;
			continue;
		}
		if (piece.count)
			ret = trace_writer_event(w->writer, &piece, st);
		piece.gfn = next->gfn;
		piece.count = next->npages;
	}
	return ret || !piece.count ? ret
				   : trace_writer_event(w->writer, &piece, st);
}

static int put_event(struct rewriting *w, const struct trace_event *event,
		     struct status *st)
{
	struct trace_event moved = *event;

	if (event->kind == TRACE_LOST)
		return trace_writer_event(w->writer, event, st);
	if (event->kind >= TRACE_INVALIDATE)
		return put_range(w, event, st);
	if (!place(w->p, event->gfn, &moved.gfn))
		return 0;
	return trace_writer_event(w->writer, &moved, st);
}

static int put_block(struct rewriting *w, const struct trace_block *block,
		     struct status *st)
{
	int ret = 0;

	if (block->type == TRACE_BLOCK_NOTE)
		return w->p->drops_notes
			       ? 0
			       : trace_writer_note(w->writer, block->note, st);
	if (block->type == TRACE_BLOCK_EPOCH) {
		ret = whole_add(&w->whole, block, st);
		return ret > 0 ? put_epoch(w, &block->epoch, st) : ret;
	}
	for (size_t i = 0; i < block->stream.n && !ret; i++) {
		struct trace_event event = stream_event(&block->stream, i);

		ret = put_event(w, &event, st);
	}
	return ret;
}

int pieces_rewrite(const struct pieces *p, struct trace_reader *reader,
		   struct trace_writer *writer, struct status *st)
{
	struct rewriting w = {.p = p, .writer = writer};
	struct trace_block block;
	int step, ret = 0;

	while (!ret && (step = trace_reader_next(reader, &block, st)))
		ret = step < 0 ? step : put_block(&w, &block, st);
	whole_fini(&w.whole);
	free(w.runs);
	free(w.pieces);
	return ret;
}

/* SPDX-License-Identifier: MIT */
/*
 * A trace as a grid of cells, gfn against time: in each, the share of its pages that
 * the guest accessed.  A cell weighs pages by the time for which they were observed:
 * of an epoch, its pages and its length; of a stream, pages in the time of a column,
 * where one access is enough.  Of an epoch with hits, only the pages that were looked
 * at are observed, and count as the share of looks that found them accessed.
 *
 * What a cell cannot say: when in its column and where in its row.
 */
#ifndef ANALYSIS_HEAT_H
#define ANALYSIS_HEAT_H

#include "datasets/trace/trace.h"

enum {
	HEAT_ROWS_MAX = 2000,
	HEAT_COLUMNS_MAX = 4000,
};

/* Memslots with nothing or little between them; holes between segments are left
 * out of the grid. */
struct heat_segment {
	gfn_t gfn;
	uint64_t npages; /* from its first gfn to behind its last */
	size_t row;	 /* its first one; rows count with the gfn */
	size_t nr_rows;
};

struct heat {
	struct heat_segment *segments; /* by gfn */
	size_t nr_segments;
	size_t nr_rows, nr_columns;
	uint64_t start, end;	/* ticks: column c is the c-th part of them */
	double *observed;	/* per cell, row by row: pages times ticks */
	double *seen;		/* of these, accessed */
	bool *has_lost;		/* per column: events were lost */
	bool is_written;	/* the trace saw writes only */
	bool has_hits;		/* of some epoch */
	uint64_t longest_epoch; /* ticks */
};

/* Return: the gfn at which the n-th row of a segment begins; n may be nr_rows. */
gfn_t heat_row_gfn(const struct heat_segment *segment, size_t n);

/* Return: the share of a cell, 0 to 1, or NAN if nothing of it was observed. */
double heat_share(const struct heat *heat, size_t row, size_t column);

/**
 * heat_trace - read a trace into a grid
 * @totals: of the trace, for the range of time
 * @rows, @columns: at least 1; the grid has about so many rows, and no more columns
 *	than the trace has ticks
 *
 * Return: 0, -EINVAL for a trace without accesses or time, -E2BIG, -ENOMEM, or what reading
 * returns; heat_fini() is due either way.
 */
int heat_trace(struct heat *heat, struct trace_reader *reader,
	       const struct trace_totals *totals, size_t rows, size_t columns,
	       struct status *st);
void heat_fini(struct heat *heat);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Comma-separated records: a first line of column names, then a line for each record
 * (RFC 4180, cells without commas or line ends in them).
 *
 * Records of a stream have time_ns and gfn (or address, in bytes), and may have
 * kind, count, vcpu and reason; runs of epochs have start_ns, end_ns and gfn, and
 * may have epoch, ordered, npages, level, accessed, dirty, samples and hits.  An empty
 * cell says nothing; times are needed, and so is the page, but for records of kind lost
 * and for epochs without pages (npages is empty, too).
 */
#ifndef DATASETS_CSV_TABLE_H
#define DATASETS_CSV_TABLE_H

#include "datasets/convert/lines.h"

enum csv_column {
	CSV_TIME,
	CSV_KIND,
	CSV_GFN,
	CSV_COUNT,
	CSV_VCPU,
	CSV_REASON,
	CSV_EPOCH,
	CSV_START,
	CSV_END,
	CSV_ORDERED,
	CSV_NPAGES,
	CSV_LEVEL,
	CSV_ACCESSED,
	CSV_DIRTY,
	CSV_SAMPLES,
	CSV_HITS,
	CSV_ADDRESS,
	CSV_NR_COLUMNS,
};

extern const char *const csv_names[CSV_NR_COLUMNS];
extern const char *const csv_levels[TRACE_NR_LEVELS + 1];

enum {
	CSV_CELLS_MAX = 64
};

struct csv_table {
	struct lines lines;
	int column_of[CSV_CELLS_MAX]; /* by place; -1: not known to us */
	size_t nr_cells;
	bool has[CSV_NR_COLUMNS];
	const char *cell[CSV_NR_COLUMNS]; /* of the row; "" if absent */
};

/* Read the line of names.  Return: 0 or -EBADMSG. */
int csv_begin(struct csv_table *t, struct import_job *job, struct status *st);

/* Return: 1 with a row, 0 at the end, or -EBADMSG. */
int csv_next(struct csv_table *t, struct status *st);

/* A cell as a number up to @most, decimal or 0x; empty: @preset.  Return: 0 or
 * -EBADMSG. */
int csv_number(struct csv_table *t, enum csv_column column, uint64_t preset,
	       uint64_t most, uint64_t *value, struct status *st);

/* A cell as one of @n names; empty: 0. */
int csv_choice(struct csv_table *t, enum csv_column column,
	       const char *const *names, size_t n, unsigned int *value,
	       struct status *st);

#endif

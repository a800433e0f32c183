/* SPDX-License-Identifier: MIT */
/*
 * What a report says, before anybody decides how it looks.  A document is a list
 * of tables.  Formats render it; they never see the database.
 *
 * Building never fails at the call: the first error stays in the table and later
 * additions do nothing, as with struct outbuf.
 */
#ifndef ANALYSIS_TABLE_H
#define ANALYSIS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/texts.h"
#include "base/status.h"

enum cell_kind {
	CELL_MISSING, /* not known, or does not exist; never shown as zero */
	CELL_INTEGER,
	CELL_REAL,
	CELL_TEXT,
};

struct cell {
	enum cell_kind kind;
	bool is_tie;	/* shown as "~": a footnote says of what */
	uint32_t notes; /* bit n: footnote n of the table applies */
	union {
		int64_t integer;
		double real;
		const char *text; /* borrowed */
	};
};

enum column_role {
	COLUMN_VALUE,	 /* in every format */
	COLUMN_OPTIONAL, /* the same, but people see it only in sections that
			  * know a value of it */
	COLUMN_HEADING,	 /* for people: rows that agree in it are a section */
	COLUMN_DATA,	 /* for programs (csv, json): facts that people see as
			 * headings and footnotes */
	COLUMN_OPTIONAL_DATA, /* the same, where there is anything to tell */
};

struct column {
	enum column_role role;
	const char *id;	   /* for programs */
	const char *name;  /* for people */
	const char *group; /* over neighbours that share it, or NULL */
	const char *unit;  /* "" for a pure number or text */
	int decimals;	   /* of CELL_REAL, for people */
};

enum {
	TABLE_NOTES_MAX = 26 /* marks are a to z */
};

struct table {
	struct table *next; /* owned */
	const char *title;  /* or NULL; strings are owned through texts */
	const char **intro; /* lines before the table */
	struct column *columns;
	struct cell *cells; /* row by row */
	const char *notes[TABLE_NOTES_MAX];
	size_t intros, column_count, cell_count, note_count;
	size_t intro_capacity, column_capacity, cell_capacity;
	struct texts texts;
	struct status *st; /* where the first error is told; outlives the table */
	int error;	   /* first failure, negative errno */
};

/* Return: an empty table to table_free(), or NULL with @st set. */
struct table *table_new(struct status *st);
/* Free @table and all that follow it; NULL is allowed. */
void table_free(struct table *table);

/* Return: a string owned by the table; "" after an error. */
const char *table_text(struct table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* @line, @column's strings and cell texts are borrowed: they have to outlive the
 * table, or come from table_text(). */
void table_intro(struct table *table, const char *line);
void table_column(struct table *table, struct column column);
void table_cell(struct table *table, struct cell cell);
/* The next cell: a real, or the integer that is nearest to it. */
void table_real(struct table *table, double value);
void table_rounded(struct table *table, double value);
/* Return: the bit of the footnote that says @text; 0 for NULL. */
uint32_t table_note(struct table *table, const char *text);

size_t table_rows(const struct table *table);
const struct cell *table_at(const struct table *table, size_t row,
			    size_t column);
/* Some rows of a table: [begin, end). */
struct rows {
	size_t begin, end;
};

/* Make of @rows the section behind it; {0} is before the first.  Return: whether
 * there is one. */
bool table_next_section(const struct table *table, struct rows *rows);
/* Return: whether the section at @row has a new value in heading @column: in it
 * or in a heading before it.  The first section has all new. */
bool table_heading_changes(const struct table *table, size_t row,
			   size_t column);
/* Return: whether people see @column in a section of @rows. */
bool table_shows(const struct table *table, size_t column, struct rows rows);
/* Return: whether anything that people see is missing. */
bool table_has_missing(const struct table *table);

enum {
	CELL_BYTES = 64, /* reals are shown as %e from 2^64 on */
	CELL_MARK_BYTES = TABLE_NOTES_MAX + 4,
};

struct cell cell_text(const char *text);
/* Return: the cell as people read it, in @buf or the cell's own text. */
const char *cell_show(const struct column *column, const struct cell *cell,
		      char buf[CELL_BYTES]);
/* Return: "[ab]" or "~[ab]" in @buf, "" without footnotes. */
const char *cell_mark(const struct cell *cell, char buf[CELL_MARK_BYTES]);

#endif

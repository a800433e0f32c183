/* SPDX-License-Identifier: MIT */
/* Building and reading tables; see table.h.  Knows nothing of any format. */
#include "analysis/table.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct table *table_new(struct status *st)
{
	struct table *table = kage_calloc(1, sizeof(*table), st);

	if (table)
		table->st = st;
	return table;
}

void table_free(struct table *table)
{
	while (table) {
		struct table *next = table->next;

		texts_fini(&table->texts);
		free(table->intro);
		free(table->columns);
		free(table->cells);
		free(table);
		table = next;
	}
}

const char *table_text(struct table *table, const char *format, ...)
{
	const char *text = NULL;
	char *line = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&line, format, args) < 0)
		line = NULL;
	va_end(args);
	if (line)
		text = texts_printf(&table->texts, table->st, "%s", line);
	free(line);
	if (!text && !table->error)
		table->error = status_fail(table->st, ENOMEM, "out of memory");
	return text ? text : "";
}

/* Append one @size-byte element to *(void **)@array. */
static void append(struct table *table, void *array, size_t *capacity,
		   size_t *used, const void *element, size_t size)
{
	if (!table->error)
		table->error =
			kage_grow(array, capacity, *used, size, table->st);
	if (table->error)
		return;
	memcpy(*(char **)array + *used * size, element, size);
	*used += 1;
}

void table_intro(struct table *table, const char *line)
{
	append(table, &table->intro, &table->intro_capacity, &table->intros,
	       &line, sizeof(line));
}

void table_column(struct table *table, struct column column)
{
	append(table, &table->columns, &table->column_capacity,
	       &table->column_count, &column, sizeof(column));
}

void table_cell(struct table *table, struct cell cell)
{
	append(table, &table->cells, &table->cell_capacity, &table->cell_count,
	       &cell, sizeof(cell));
}

void table_real(struct table *table, double value)
{
	table_cell(table, (struct cell){.kind = CELL_REAL, .real = value});
}

void table_rounded(struct table *table, double value)
{
	table_cell(table, (struct cell){.kind = CELL_INTEGER,
					.integer = (int64_t)(value + 0.5)});
}

uint32_t table_note(struct table *table, const char *text)
{
	size_t i = 0;

	if (!text)
		return 0;
	while (i < table->note_count && strcmp(table->notes[i], text))
		i++;
	if (i == TABLE_NOTES_MAX) {
		table->error = status_fail(table->st, E2BIG,
					   "a table has at most %d footnotes",
					   TABLE_NOTES_MAX);
		return 0;
	}
	if (i == table->note_count)
		table->notes[table->note_count++] =
			table_text(table, "%s", text);
	return UINT32_C(1) << i;
}

size_t table_rows(const struct table *table)
{
	return table->column_count ? table->cell_count / table->column_count
				   : 0;
}

const struct cell *table_at(const struct table *table, size_t row,
			    size_t column)
{
	return &table->cells[row * table->column_count + column];
}

bool table_heading_changes(const struct table *table, size_t row, size_t column)
{
	for (size_t c = 0; row && c <= column; c++) {
		if (table->columns[c].role == COLUMN_HEADING &&
		    strcmp(table_at(table, row, c)->text,
			   table_at(table, row - 1, c)->text))
			return true;
	}
	return !row;
}

bool table_next_section(const struct table *table, struct rows *rows)
{
	rows->begin = rows->end;
	if (rows->begin == table_rows(table))
		return false;
	do
		rows->end++;
	while (rows->end < table_rows(table) &&
	       !table_heading_changes(table, rows->end,
				      table->column_count - 1));
	return true;
}

bool table_shows(const struct table *table, size_t column, struct rows rows)
{
	enum column_role role = table->columns[column].role;
	size_t row = rows.begin;

	while (role == COLUMN_OPTIONAL && row < rows.end &&
	       table_at(table, row, column)->kind == CELL_MISSING)
		row++;
	return role == COLUMN_VALUE ||
	       (role == COLUMN_OPTIONAL && row < rows.end);
}

static bool is_missing_in(const struct table *table, size_t column,
			  struct rows rows)
{
	for (size_t row = rows.begin; row < rows.end; row++)
		if (table_at(table, row, column)->kind == CELL_MISSING)
			return true;
	return false;
}

bool table_has_missing(const struct table *table)
{
	struct rows rows = {0};

	while (table_next_section(table, &rows))
		for (size_t c = 0; c < table->column_count; c++)
			if (table_shows(table, c, rows) &&
			    is_missing_in(table, c, rows))
				return true;
	return false;
}

struct cell cell_text(const char *text)
{
	return (struct cell){.kind = CELL_TEXT, .text = text};
}

/* Copy the number @digits to @out with commas between thousands. */
static void separate(char *out, const char *digits)
{
	const char *end = digits + strcspn(digits, ".");

	if (*digits == '-')
		*out++ = *digits++;
	while (digits < end) {
		*out++ = *digits++;
		if (digits < end && (end - digits) % 3 == 0)
			*out++ = ',';
	}
	strcpy(out, end);
}

const char *cell_show(const struct column *column, const struct cell *cell,
		      char buf[CELL_BYTES])
{
	char digits[CELL_BYTES];

	switch (cell->kind) {
	case CELL_MISSING:
		return "-";
	case CELL_TEXT:
		return cell->text;
	case CELL_INTEGER:
		snprintf(digits, sizeof(digits), "%lld",
			 (long long)cell->integer);
		break;
	case CELL_REAL:
		/* Beyond 2^64 digits mean nothing, and would not fit. */
		snprintf(digits, sizeof(digits),
			 fabs(cell->real) < 0x1p64 ? "%.*f" : "%.*e",
			 column->decimals, cell->real);
		break;
	}
	separate(buf, digits);
	return buf;
}

const char *cell_mark(const struct cell *cell, char buf[CELL_MARK_BYTES])
{
	char *out = buf;

	if (cell->is_tie)
		*out++ = '~';
	if (cell->notes)
		*out++ = '[';
	for (int i = 0; i < TABLE_NOTES_MAX; i++)
		if (cell->notes >> i & 1)
			*out++ = (char)('a' + i);
	if (cell->notes)
		*out++ = ']';
	*out = '\0';
	return buf;
}

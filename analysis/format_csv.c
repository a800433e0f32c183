/* SPDX-License-Identifier: MIT */
/*
 * RFC 4180, one header line "id [unit]".  Numbers are unrounded, a missing value is
 * an empty field.  Footnotes have no place here: what they say is in columns.
 */
#include "analysis/format.h"

#include <inttypes.h>
#include <string.h>

static void put_text(struct outbuf *out, const char *text)
{
	if (!text[strcspn(text, "\",\r\n")]) {
		outbuf_put(out, text, strlen(text));
		return;
	}
	outbuf_put(out, "\"", 1);
	for (; *text; text++) {
		if (*text == '"')
			outbuf_put(out, "\"", 1);
		outbuf_put(out, text, 1);
	}
	outbuf_put(out, "\"", 1);
}

static void put_cell(struct outbuf *out, const struct cell *cell)
{
	switch (cell->kind) {
	case CELL_MISSING:
		break;
	case CELL_INTEGER:
		outbuf_printf(out, "%" PRId64, cell->integer);
		break;
	case CELL_REAL:
		outbuf_printf(out, "%.15g", cell->real);
		break;
	case CELL_TEXT:
		put_text(out, cell->text);
		break;
	}
}

static void put_name(struct outbuf *out, const struct column *column)
{
	put_text(out, column->id);
	if (column->unit[0])
		outbuf_printf(out, " [%s]", column->unit);
}

/* Put the header, or @row of the table if @is_header is false. */
static void put_line(struct outbuf *out, const struct table *table, size_t row,
		     bool is_header)
{
	const char *comma = "";

	for (size_t c = 0; c < table->column_count; c++) {
		if (table->columns[c].role == COLUMN_HEADING)
			continue;
		outbuf_put(out, comma, strlen(comma));
		if (is_header)
			put_name(out, &table->columns[c]);
		else
			put_cell(out, table_at(table, row, c));
		comma = ",";
	}
	outbuf_put(out, "\r\n", 2);
}

static int csv_render(struct outbuf *out, const struct table *first,
		      struct status *st)
{
	(void)st;
	for (const struct table *table = first; table; table = table->next) {
		if (table != first)
			outbuf_put(out, "\r\n", 2);
		put_line(out, table, 0, true);
		for (size_t row = 0; row < table_rows(table); row++)
			put_line(out, table, row, false);
	}
	return 0;
}

const struct format_ops format_csv = {
	.summary = "comma-separated values, unrounded, one header line",
	.render = csv_render,
};

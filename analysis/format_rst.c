/* SPDX-License-Identifier: MIT */
/* reStructuredText list tables, for kernel documentation. */
#include "analysis/format.h"

#include <string.h>

static void put_text(struct outbuf *out, const char *text)
{
	/* A "-" in front would start a list. */
	if (*text == '-')
		outbuf_put(out, "\\", 1);
	for (; *text; text++) {
		if (strchr("\\*_`|[]", *text))
			outbuf_put(out, "\\", 1);
		outbuf_put(out, *text == '\n' ? " " : text, 1);
	}
}

/* A heading of @depth; escapes make the text longer, never the line shorter. */
static void put_heading(struct outbuf *out, size_t depth, const char *name,
			const char *text)
{
	static const char lines[] = "=-~^\"'";
	size_t begin = out->used;
	size_t length;

	if (name)
		outbuf_printf(out, "%s: ", name);
	put_text(out, text);
	length = out->used - begin;
	outbuf_printf(out, "\n");
	while (length--)
		outbuf_put(out, &lines[depth], 1);
	outbuf_printf(out, "\n\n");
}

static void put_item(struct outbuf *out, bool is_first)
{
	outbuf_printf(out, is_first ? "   * - " : "     - ");
}

static void put_header(struct outbuf *out, const struct table *table,
		       struct rows shown)
{
	bool is_first = true;

	outbuf_printf(out, ".. list-table::\n   :header-rows: 1\n\n");
	for (size_t c = 0; c < table->column_count; c++) {
		const struct column *column = &table->columns[c];

		if (!table_shows(table, c, shown))
			continue;
		put_item(out, is_first);
		if (column->group)
			outbuf_printf(out, "%s: ", column->group);
		put_text(out, column->name);
		if (column->unit[0])
			outbuf_printf(out, " (%s)", column->unit);
		outbuf_printf(out, "\n");
		is_first = false;
	}
}

static void put_row(struct outbuf *out, const struct table *table, size_t row,
		    struct rows shown)
{
	char text[CELL_BYTES], mark[CELL_MARK_BYTES];
	bool is_first = true;

	for (size_t c = 0; c < table->column_count; c++) {
		const struct cell *cell = table_at(table, row, c);

		if (!table_shows(table, c, shown))
			continue;
		put_item(out, is_first);
		put_text(out, cell_show(&table->columns[c], cell, text));
		if (cell->notes)
			outbuf_printf(out, " ");
		put_text(out, cell_mark(cell, mark));
		outbuf_printf(out, "\n");
		is_first = false;
	}
}

static void put_section(struct outbuf *out, const struct table *table,
			struct rows rows)
{
	size_t depth = table->title ? 1 : 0;

	for (size_t c = 0; c < table->column_count; c++) {
		if (table->columns[c].role != COLUMN_HEADING)
			continue;
		if (table_heading_changes(table, rows.begin, c))
			put_heading(out, depth, table->columns[c].name,
				    table_at(table, rows.begin, c)->text);
		depth++;
	}
	put_header(out, table, rows);
	for (size_t row = rows.begin; row < rows.end; row++)
		put_row(out, table, row, rows);
	outbuf_printf(out, "\n");
}

static void put_notes(struct outbuf *out, const struct table *table)
{
	if (table_has_missing(table))
		outbuf_printf(out, "* ``-``: not known or not applicable; "
				   "not zero\n");
	for (size_t i = 0; i < table->note_count; i++) {
		outbuf_printf(out, "* \\[%c\\] ", (char)('a' + i));
		put_text(out, table->notes[i]);
		outbuf_printf(out, "\n");
	}
	outbuf_printf(out, "\n");
}

static int rst_render(struct outbuf *out, const struct table *first,
		      struct status *st)
{
	(void)st;
	for (const struct table *table = first; table; table = table->next) {
		struct rows rows = {0};

		if (table->title)
			put_heading(out, 0, NULL, table->title);
		for (size_t i = 0; i < table->intros; i++) {
			put_text(out, table->intro[i]);
			outbuf_printf(out, "\n\n");
		}
		while (table_next_section(table, &rows))
			put_section(out, table, rows);
		put_notes(out, table);
	}
	return 0;
}

const struct format_ops format_rst = {
	.summary = "reStructuredText list tables",
	.render = rst_render,
};

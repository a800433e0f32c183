/* SPDX-License-Identifier: MIT */
/* Pipe tables of GitHub-flavoured Markdown; headings by depth of the section. */
#include "analysis/format.h"

#include <string.h>

/* Characters that Markdown would read as markup are escaped. */
static void put_text(struct outbuf *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("\\|*_<>`[]~", *text))
			outbuf_put(out, "\\", 1);
		outbuf_put(out, *text == '\n' ? " " : text, 1);
	}
}

static void put_name(struct outbuf *out, const struct column *column)
{
	if (column->group) {
		put_text(out, column->group);
		outbuf_printf(out, ": ");
	}
	put_text(out, column->name);
	if (column->unit[0]) {
		outbuf_printf(out, " (");
		put_text(out, column->unit);
		outbuf_printf(out, ")");
	}
}

static void put_header(struct outbuf *out, const struct table *table,
		       struct rows shown)
{
	const char *rule = " :-- |";

	outbuf_printf(out, "|");
	for (size_t c = 0; c < table->column_count; c++) {
		if (!table_shows(table, c, shown))
			continue;
		outbuf_printf(out, " ");
		put_name(out, &table->columns[c]);
		outbuf_printf(out, " |");
	}
	outbuf_printf(out, "\n|");
	for (size_t c = 0; c < table->column_count; c++) {
		if (!table_shows(table, c, shown))
			continue;
		outbuf_put(out, rule, strlen(rule));
		rule = " --: |";
	}
	outbuf_printf(out, "\n");
}

static void put_row(struct outbuf *out, const struct table *table, size_t row,
		    struct rows shown)
{
	char text[CELL_BYTES], mark[CELL_MARK_BYTES];

	outbuf_printf(out, "|");
	for (size_t c = 0; c < table->column_count; c++) {
		const struct cell *cell = table_at(table, row, c);

		if (!table_shows(table, c, shown))
			continue;
		outbuf_printf(out, " ");
		put_text(out, cell_show(&table->columns[c], cell, text));
		if (cell->notes)
			outbuf_printf(out, " ");
		put_text(out, cell_mark(cell, mark));
		outbuf_printf(out, " |");
	}
	outbuf_printf(out, "\n");
}

static void put_headings(struct outbuf *out, const struct table *table,
			 size_t row)
{
	int depth = table->title ? 3 : 2;

	for (size_t c = 0; c < table->column_count; c++) {
		if (table->columns[c].role != COLUMN_HEADING)
			continue;
		if (table_heading_changes(table, row, c)) {
			outbuf_printf(out, "%.*s %s: ", depth, "######",
				      table->columns[c].name);
			put_text(out, table_at(table, row, c)->text);
			outbuf_printf(out, "\n\n");
		}
		depth++;
	}
}

static void put_notes(struct outbuf *out, const struct table *table)
{
	if (table_has_missing(table))
		outbuf_printf(out, "- `-`: not known or not applicable; "
				   "not zero\n");
	for (size_t i = 0; i < table->note_count; i++) {
		outbuf_printf(out, "- \\[%c\\] ", (char)('a' + i));
		put_text(out, table->notes[i]);
		outbuf_printf(out, "\n");
	}
	outbuf_printf(out, "\n");
}

static void put_table(struct outbuf *out, const struct table *table)
{
	struct rows rows = {0};

	if (table->title) {
		outbuf_printf(out, "## ");
		put_text(out, table->title);
		outbuf_printf(out, "\n\n");
	}
	for (size_t i = 0; i < table->intros; i++) {
		put_text(out, table->intro[i]);
		outbuf_printf(out, "\n\n");
	}
	while (table_next_section(table, &rows)) {
		put_headings(out, table, rows.begin);
		put_header(out, table, rows);
		for (size_t row = rows.begin; row < rows.end; row++)
			put_row(out, table, row, rows);
		outbuf_printf(out, "\n");
	}
	put_notes(out, table);
}

static int markdown_render(struct outbuf *out, const struct table *first,
			   struct status *st)
{
	(void)st;
	for (const struct table *table = first; table; table = table->next)
		put_table(out, table);
	return 0;
}

const struct format_ops format_markdown = {
	.summary = "Markdown pipe tables",
	.render = markdown_render,
};

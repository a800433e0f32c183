/* SPDX-License-Identifier: MIT */
/*
 * Monospaced tables: three header lines (group, name, unit), then the rows of each
 * section.  Widths are those of the whole table, so sections line up.  A byte is
 * taken for a column, which is only right for ASCII.
 */
#include "analysis/grid.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum {
	GAP = 2, /* spaces between columns */
	LABEL_MIN = 8,
};

struct grid {
	const struct table *table;
	size_t limit;	  /* columns per line; 0: none */
	size_t *values;	  /* per table column: width of the widest value */
	size_t *marks;	  /* and of its footnote marks */
	struct rows rows; /* the section, which decides what is shown */
	struct outbuf *out;
};

static size_t longest(size_t a, const char *text)
{
	size_t b = strlen(text);

	return a > b ? a : b;
}

static size_t width(const struct grid *g, size_t c)
{
	return g->values[c] + g->marks[c];
}

static bool is_shown(const struct grid *g, size_t c)
{
	return table_shows(g->table, c, g->rows);
}

/* Return: the column of the row labels. */
static size_t label_column(const struct grid *g)
{
	size_t c = 0;

	while (c < g->table->column_count && !is_shown(g, c))
		c++;
	return c;
}

static bool same_group(const struct column *a, const struct column *b)
{
	return a->group && b->group && !strcmp(a->group, b->group);
}

/* Return: the column after the group that @c is in; itself alone without one. */
static size_t group_end(const struct grid *g, size_t c)
{
	const struct column *columns = g->table->columns;
	size_t end = c + 1;

	while (end < g->table->column_count &&
	       same_group(&columns[c], &columns[end]))
		end++;
	return end;
}

/* Width of [from, to) with the gaps between. */
static size_t span(const struct grid *g, size_t from, size_t to)
{
	size_t sum = 0;

	for (size_t c = from; c < to; c++)
		if (is_shown(g, c))
			sum += width(g, c) + GAP;
	return sum ? sum - GAP : 0;
}

static void measure_column(struct grid *g, size_t c)
{
	const struct column *column = &g->table->columns[c];
	char mark[CELL_MARK_BYTES], text[CELL_BYTES];

	for (size_t row = 0; row < table_rows(g->table); row++) {
		const struct cell *cell = table_at(g->table, row, c);

		g->values[c] =
			longest(g->values[c], cell_show(column, cell, text));
		g->marks[c] = longest(g->marks[c], cell_mark(cell, mark));
	}
	if (width(g, c) < longest(strlen(column->name), column->unit))
		g->values[c] = longest(strlen(column->name), column->unit) -
			       g->marks[c];
}

/* Return: whether the group [from, to) fits a line, beside the shortest label. */
static bool fits(const struct grid *g, size_t from, size_t to)
{
	size_t marks = g->marks[label_column(g)];

	return !g->limit ||
	       LABEL_MIN + marks + GAP + span(g, from, to) <= g->limit;
}

/* Return: where what stays in one piece from @c on ends: a group, or a column of a
 * group that is wider than a line. */
static size_t piece_end(const struct grid *g, size_t c)
{
	size_t begin = c, end = group_end(g, c);

	while (begin &&
	       same_group(&g->table->columns[begin - 1], &g->table->columns[c]))
		begin--;
	return fits(g, begin, end) ? end : c + 1;
}

/* Where lines are limited, a label is cut to what its widest neighbour leaves. */
static void limit_label(struct grid *g, size_t widest)
{
	size_t label = label_column(g);
	size_t taken = widest + GAP + g->marks[label];
	size_t room = g->limit > taken + LABEL_MIN ? g->limit - taken
						   : LABEL_MIN;

	if (g->limit && g->values[label] > room)
		g->values[label] = room;
}

static void measure(struct grid *g)
{
	size_t widest = 0, end;

	for (size_t c = 0; c < g->table->column_count; c++)
		measure_column(g, c);
	for (size_t c = 0; c < g->table->column_count; c = end) {
		const char *group = g->table->columns[c].group;

		end = group_end(g, c);
		if (group && span(g, c, end) < strlen(group) + 4)
			g->values[c] += strlen(group) + 4 - span(g, c, end);
	}
	for (size_t c = 0; c < g->table->column_count; c = end) {
		end = piece_end(g, c);
		if (c != label_column(g) && span(g, c, end) > widest)
			widest = span(g, c, end);
	}
	limit_label(g, widest);
}

static void put_fill(struct outbuf *out, char fill, size_t count)
{
	while (count--)
		outbuf_put(out, &fill, 1);
}

/* Put at most @limit bytes (0: all) of @text: nothing that could steer a terminal,
 * and only ASCII where lines are limited. */
static void put_text(const struct grid *g, const char *text, size_t limit)
{
	for (size_t i = 0; text[i] && (!limit || i < limit); i++) {
		unsigned char byte = (unsigned char)text[i];
		bool is_shown_as_is = byte >= ' ' && byte != 0x7f &&
				      (byte < 0x80 || !g->limit);

		outbuf_put(g->out, is_shown_as_is ? &text[i] : "?", 1);
	}
}

static void end_line(struct outbuf *out)
{
	while (out->used && out->data[out->used - 1] == ' ')
		out->used--;
	outbuf_put(out, "\n", 1);
}

/* Put @text and its @mark in the place of column @c; without a mark (NULL) the place
 * of marks is the text's too. */
static void put_field(const struct grid *g, size_t c, const char *text,
		      const char *mark)
{
	bool is_label = c == label_column(g);
	size_t used = strlen(text), room = g->values[c];
	size_t spare;

	if (!mark)
		room += g->marks[c];
	spare = used < room ? room - used : 0;
	if (!is_label)
		put_fill(g->out, ' ', spare);
	put_text(g, text, room);
	if (mark)
		put_text(g, mark, 0);
	put_fill(g->out, ' ', GAP + (is_label ? spare : 0));
	if (mark)
		put_fill(g->out, ' ', g->marks[c] - strlen(mark));
}

/* "-- group --" over the columns [from, to) */
static void put_group(const struct grid *g, size_t from, size_t to)
{
	const char *group = g->table->columns[from].group;
	size_t room = span(g, from, to);
	size_t dashes;

	if (!room)
		return;
	/* The rest of a group that was cut may be narrower than its name. */
	if (group && room < strlen(group) + 2) {
		put_text(g, group, room);
		put_fill(g->out, ' ',
			 room > strlen(group) ? room - strlen(group) : 0);
	} else if (group) {
		dashes = room - strlen(group) - 2;
		put_fill(g->out, '-', dashes / 2);
		put_fill(g->out, ' ', 1);
		put_text(g, group, 0);
		put_fill(g->out, ' ', 1);
		put_fill(g->out, '-', dashes - dashes / 2);
	} else {
		put_fill(g->out, ' ', room);
	}
	put_fill(g->out, ' ', GAP);
}

/* A block is the label column and [from, to). */
struct block {
	size_t from, to;
};

static void put_groups(const struct grid *g, struct block block)
{
	bool any = false;

	for (size_t c = block.from; c < block.to; c++)
		any |= is_shown(g, c) && g->table->columns[c].group;
	if (!any)
		return;
	put_fill(g->out, ' ', width(g, label_column(g)) + GAP);
	for (size_t c = block.from, end; c < block.to; c = end) {
		end = group_end(g, c);
		if (end > block.to)
			end = block.to;
		put_group(g, c, end);
	}
	end_line(g->out);
}

static void put_names(const struct grid *g, struct block block, bool units)
{
	const struct column *columns = g->table->columns;
	size_t label = label_column(g);

	put_field(g, label, units ? columns[label].unit : columns[label].name,
		  NULL);
	for (size_t c = block.from; c < block.to; c++)
		if (is_shown(g, c))
			put_field(g, c,
				  units ? columns[c].unit : columns[c].name,
				  NULL);
	end_line(g->out);
}

static void put_cell(const struct grid *g, size_t row, size_t c)
{
	char mark[CELL_MARK_BYTES], text[CELL_BYTES];
	const struct cell *cell = table_at(g->table, row, c);

	put_field(g, c, cell_show(&g->table->columns[c], cell, text),
		  cell_mark(cell, mark));
}

static void put_block(const struct grid *g, struct block block)
{
	put_groups(g, block);
	put_names(g, block, false);
	put_names(g, block, true);
	for (size_t row = g->rows.begin; row < g->rows.end; row++) {
		put_cell(g, row, label_column(g));
		for (size_t c = block.from; c < block.to; c++)
			if (is_shown(g, c))
				put_cell(g, row, c);
		end_line(g->out);
	}
}

/* Return: where a block that starts at @from has to end; groups that fit a line stay
 * whole. */
static size_t block_end(const struct grid *g, size_t from)
{
	size_t label = width(g, label_column(g)) + GAP;
	size_t end = piece_end(g, from);

	while (end < g->table->column_count &&
	       (!g->limit ||
		label + span(g, from, piece_end(g, end)) <= g->limit))
		end = piece_end(g, end);
	return end;
}

/* Return: how much of @text goes into a line of @room: whole words if it can. */
static size_t line_length(const char *text, size_t room)
{
	size_t cut = room;

	if (strlen(text) <= room)
		return strlen(text);
	while (cut && text[cut] != ' ')
		cut--;
	return cut ? cut : room;
}

/* Put @lead and @text in lines of at most the limit; continued ones are indented. */
static void put_wrapped(const struct grid *g, const char *lead,
			const char *text)
{
	do {
		size_t room = g->limit ? g->limit - strlen(lead) : strlen(text);
		size_t used = line_length(text, room);

		put_text(g, lead, 0);
		if (used)
			put_text(g, text, used);
		end_line(g->out);
		text += used;
		text += strspn(text, " ");
		lead = "  ";
	} while (*text);
}

static void put_headings(const struct grid *g)
{
	char lead[CELL_BYTES];

	for (size_t c = 0; c < g->table->column_count; c++) {
		const struct column *column = &g->table->columns[c];

		if (column->role != COLUMN_HEADING ||
		    !table_heading_changes(g->table, g->rows.begin, c))
			continue;
		snprintf(lead, sizeof(lead), "%s: ", column->name);
		put_wrapped(g, lead,
			    table_at(g->table, g->rows.begin, c)->text);
	}
}

static void put_section(const struct grid *g)
{
	size_t from = label_column(g) + 1;

	put_headings(g);
	while (from < g->table->column_count) {
		struct block block = {from, block_end(g, from)};

		if (span(g, block.from, block.to)) {
			put_block(g, block);
			outbuf_put(g->out, "\n", 1);
		}
		from = block.to;
	}
}

static void put_notes(const struct grid *g)
{
	char lead[] = "[a] ";

	if (table_has_missing(g->table))
		put_wrapped(g, "-: ", "not known or not applicable; not zero");
	for (size_t i = 0; i < g->table->note_count; i++) {
		lead[1] = (char)('a' + i);
		put_wrapped(g, lead, g->table->notes[i]);
	}
}

static int put_table(struct grid *g, struct status *st)
{
	const struct table *table = g->table;

	free(g->values);
	g->values = kage_calloc(2 * table->column_count + 1, sizeof(*g->values),
				st);
	if (!g->values)
		return -ENOMEM;
	g->marks = g->values + table->column_count;
	g->rows = (struct rows){0, table_rows(table)};
	measure(g);
	if (table->title)
		put_wrapped(g, "", table->title);
	for (size_t i = 0; i < table->intros; i++)
		put_wrapped(g, "", table->intro[i]);
	if (table->title || table->intros)
		outbuf_put(g->out, "\n", 1);
	g->rows = (struct rows){0};
	while (table_next_section(table, &g->rows))
		put_section(g);
	put_notes(g);
	return 0;
}

int grid_render(struct outbuf *out, const struct table *first, size_t columns,
		struct status *st)
{
	struct grid g = {.limit = columns, .out = out};
	int ret = 0;

	for (g.table = first; g.table && !ret; g.table = g.table->next) {
		if (g.table != first)
			outbuf_put(out, "\n", 1);
		ret = put_table(&g, st);
	}
	free(g.values);
	return ret;
}

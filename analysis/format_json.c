/* SPDX-License-Identifier: MIT */
/*
 * One JSON document: {"tables": [{"title", "intro", "units", "rows", "notes"}]}.
 * A row is an object by column id; a missing value is null.  Footnotes are listed,
 * but not which cell bears them: the rows say it in columns of their own.
 */
#include "analysis/format.h"

#include <errno.h>
#include <jansson.h>

static json_t *cell_value(const struct cell *cell)
{
	switch (cell->kind) {
	case CELL_INTEGER:
		return json_integer(cell->integer);
	case CELL_REAL:
		return json_real(cell->real);
	case CELL_TEXT:
		return json_string(cell->text);
	case CELL_MISSING:
		break;
	}
	return json_null();
}

static json_t *row_object(const struct table *table, size_t row)
{
	json_t *object = json_object();

	for (size_t c = 0; c < table->column_count; c++)
		if (table->columns[c].role != COLUMN_HEADING)
			json_object_set_new(
				object, table->columns[c].id,
				cell_value(table_at(table, row, c)));
	return object;
}

static json_t *rows_array(const struct table *table)
{
	json_t *array = json_array();

	for (size_t row = 0; row < table_rows(table); row++)
		json_array_append_new(array, row_object(table, row));
	return array;
}

static json_t *units_object(const struct table *table)
{
	json_t *object = json_object();

	for (size_t c = 0; c < table->column_count; c++)
		if (table->columns[c].unit[0])
			json_object_set_new(
				object, table->columns[c].id,
				json_string(table->columns[c].unit));
	return object;
}

static json_t *texts_array(const char *const *texts, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_string(texts[i]));
	return array;
}

static json_t *table_object(const struct table *table)
{
	json_t *object = json_object();

	json_object_set_new(object, "title",
			    table->title ? json_string(table->title)
					 : json_null());
	json_object_set_new(object, "intro",
			    texts_array(table->intro, table->intros));
	json_object_set_new(object, "units", units_object(table));
	json_object_set_new(object, "rows", rows_array(table));
	json_object_set_new(object, "notes",
			    texts_array(table->notes, table->note_count));
	return object;
}

static int put_json(const char *bytes, size_t count, void *out)
{
	outbuf_put(out, bytes, count);
	return 0;
}

static int json_render(struct outbuf *out, const struct table *first,
		       struct status *st)
{
	json_t *tables = json_array();
	json_t *document = json_object();
	int ret = 0;

	for (const struct table *table = first; table; table = table->next)
		json_array_append_new(tables, table_object(table));
	if (json_object_set_new(document, "tables", tables) ||
	    json_dump_callback(document, put_json, out,
			       JSON_INDENT(1) | JSON_REAL_PRECISION(15)))
		ret = status_fail(st, ENOMEM, "json: cannot be written");
	outbuf_put(out, "\n", 1);
	json_decref(document);
	return ret;
}

const struct format_ops format_json = {
	.summary = "one JSON document; missing values are null",
	.render = json_render,
};

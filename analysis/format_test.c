/* SPDX-License-Identifier: MIT */
/* Every format on one table: what is missing stays missing, nothing breaks out. */
#include <jansson.h>
#include <string.h>

#include "analysis/format.h"
#include "base/test.h"

static const struct column columns[] = {
	{COLUMN_HEADING, "trace", "trace", NULL, "", 0},
	{COLUMN_VALUE, "label", "policy", NULL, "", 0},
	{COLUMN_DATA, "id", "id", NULL, "", 0},
	{COLUMN_VALUE, "young", "young", "holds of a lock", "holds", 0},
	{COLUMN_VALUE, "unmap", "unmap", "holds of a lock", "holds", 0},
	{COLUMN_VALUE, "price", "price", NULL, "ms", 1},
};

static void add_row(struct table *table, const char *trace, const char *label,
		    struct cell young)
{
	struct cell unmap = {.kind = CELL_INTEGER, .integer = 1234567};
	struct cell price = {.kind = CELL_REAL, .real = 98765.25};

	price.notes = table_note(table, "one price is not known");
	table_cell(table, cell_text(trace));
	table_cell(table, cell_text(label));
	table_cell(table, cell_text("secret \"id\", quoted"));
	table_cell(table, young);
	table_cell(table, unmap);
	table_cell(table, price);
}

static struct table *example(void)
{
	struct cell zero = {.kind = CELL_INTEGER}, missing = {0};
	struct table *table = table_new(NULL);

	assert_non_null(table);
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		table_column(table, columns[i]);
	add_row(table, "first", "none", zero);
	add_row(table, "first", "a_*|b\xc3\xa9", missing);
	add_row(table, "second", "none", missing);
	assert_int_equal(table->error, 0);
	return table;
}

static struct outbuf render(const char *name, const struct table *table)
{
	const struct format_ops *ops = format_find(name, NULL);
	struct outbuf out = {0};

	assert_non_null(ops);
	assert_int_equal(ops->render(&out, table, NULL), 0);
	assert_int_equal(out.error, 0);
	return out;
}

/* The whole of @name's rendering is @expected. */
static void check_render(const char *name, const char *expected)
{
	struct table *table = example();
	struct outbuf out = render(name, table);

	assert_string_equal(out.data, expected);
	outbuf_fini(&out);
	table_free(table);
}

static void text_aligns_and_sections(void **state)
{
	(void)state;
	check_render("text", "trace: first\n"
			     "         - holds of a lock -\n"
			     "policy      young      unmap        price\n"
			     "            holds      holds           ms\n"
			     "none            0  1,234,567  98,765.2[a]\n"
			     "a_*|b\xc3\xa9         -  1,234,567  98,765.2[a]\n"
			     "\n"
			     "trace: second\n"
			     "         - holds of a lock -\n"
			     "policy      young      unmap        price\n"
			     "            holds      holds           ms\n"
			     "none            -  1,234,567  98,765.2[a]\n"
			     "\n"
			     "-: not known or not applicable; not zero\n"
			     "[a] one price is not known\n");
}

static void csv_quotes_and_leaves_missing_empty(void **state)
{
	(void)state;
	check_render(
		"csv",
		"label,id,young [holds],unmap [holds],price [ms]\r\n"
		"none,\"secret \"\"id\"\", quoted\",0,1234567,98765.25\r\n"
		"a_*|b\xc3\xa9,\"secret \"\"id\"\", quoted\",,1234567,98765.25\r\n"
		"none,\"secret \"\"id\"\", quoted\",,1234567,98765.25\r\n");
}

static void json_is_valid_and_missing_is_null(void **state)
{
	struct table *table = example();
	struct outbuf out = render("json", table);
	json_t *document = json_loads(out.data, 0, NULL);
	json_t *rows = json_object_get(
		json_array_get(json_object_get(document, "tables"), 0), "rows");

	(void)state;
	assert_non_null(document);
	assert_int_equal(json_array_size(rows), 3);
	assert_int_equal(json_integer_value(json_object_get(
				 json_array_get(rows, 0), "unmap")),
			 1234567);
	assert_true(json_is_integer(
		json_object_get(json_array_get(rows, 0), "young")));
	assert_true(json_is_null(
		json_object_get(json_array_get(rows, 1), "young")));
	json_decref(document);
	outbuf_fini(&out);
	table_free(table);
}

static void markup_is_escaped(void **state)
{
	struct table *table = example();
	struct outbuf markdown = render("markdown", table);
	struct outbuf rst = render("rst", table);

	(void)state;
	assert_non_null(strstr(markdown.data, "| a\\_\\*\\|b\xc3\xa9 | - |"));
	assert_non_null(strstr(markdown.data, "## trace: second\n"));
	assert_non_null(strstr(rst.data, "   * - a\\_\\*\\|b\xc3\xa9\n"
					 "     - \\-\n"));
	assert_non_null(strstr(rst.data, "trace: second\n=============\n"));
	assert_null(strstr(markdown.data, "secret"));
	assert_null(strstr(rst.data, "secret"));
	outbuf_fini(&markdown);
	outbuf_fini(&rst);
	table_free(table);
}

/* Of two sections only the first knows a value of the optional column. */
static struct table *optional_example(void)
{
	struct cell known = {.kind = CELL_INTEGER, .integer = 42};
	struct table *table = table_new(NULL);

	assert_non_null(table);
	table_column(table, columns[0]);
	table_column(table, columns[1]);
	table_column(table, (struct column){COLUMN_OPTIONAL, "extra", "extra",
					    NULL, "", 0});
	table_column(table,
		     (struct column){COLUMN_VALUE, "n", "n", NULL, "", 0});
	known.is_tie = true;
	known.notes = table_note(table, "as good as any");
	for (int row = 0; row < 2; row++) {
		table_cell(table, cell_text(row ? "second" : "first"));
		table_cell(table, cell_text("none"));
		table_cell(table, row ? (struct cell){0} : known);
		table_cell(table, (struct cell){.kind = CELL_INTEGER});
	}
	assert_int_equal(table->error, 0);
	return table;
}

static void optional_columns_show_where_they_are_known(void **state)
{
	static const struct {
		const char *format, *expected;
	} cases[] = {
		{"text", "trace: first\npolicy   extra  n\n\n"
			 "none    42~[a]  0\n\ntrace: second\npolicy  n\n\n"
			 "none    0\n\n[a] as good as any\n"},
		{"csv", "label,extra,n\r\nnone,42,0\r\nnone,,0\r\n"},
		{"markdown", "## trace: first\n\n| policy | extra | n |\n"
			     "| :-- | --: | --: |\n"
			     "| none | 42 \\~\\[a\\] | 0 |\n\n"
			     "## trace: second\n\n| policy | n |\n"
			     "| :-- | --: |\n| none | 0 |\n\n"
			     "- \\[a\\] as good as any\n\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct table *table = optional_example();
		struct outbuf out = render(cases[i].format, table);

		assert_string_equal(out.data, cases[i].expected);
		outbuf_fini(&out);
		table_free(table);
	}
}

static void assert_fits_mail(const char *text)
{
	size_t column = 0;

	for (; *text; text++) {
		column = *text == '\n' ? 0 : column + 1;
		assert_true(column <= 75);
		assert_true(*text == '\n' || (*text >= ' ' && *text <= '~'));
		assert_false(*text == ' ' && text[1] == '\n');
	}
}

/* A table far too wide: 12 groups of two columns, long labels and long prose. */
static struct table *wide_example(void)
{
	struct cell big = {.kind = CELL_INTEGER, .integer = 123456789012};
	struct table *table = table_new(NULL);

	assert_non_null(table);
	table_intro(table, "prose that has \t a tab, an \xc3\xa9 and goes on "
			   "and on until it is wider than any mail would have "
			   "it be");
	table_intro(table, "0123456789012345678901234567890123456789012345678"
			   "90123456789012345678901234567890123456789");
	table_column(table, columns[1]);
	for (int i = 0; i < 24; i++) {
		struct column column = columns[3];

		column.group = table_text(table, "group %d", i / 2);
		table_column(table, column);
	}
	table_cell(table, cell_text("linux-7.2(with=many,long=parameters,of="
				    "which,there=are,too=many)"));
	for (int i = 0; i < 24; i++)
		table_cell(table, big);
	return table;
}

static void changelog_fits_75_columns(void **state)
{
	struct table *table = wide_example();
	struct outbuf out = render("changelog", table);
	size_t seen = 0;

	(void)state;
	assert_fits_mail(out.data);
	for (const char *at = out.data; (at = strstr(at, "123,456,789,012"));
	     at++)
		seen++;
	assert_int_equal(seen, 24);
	outbuf_fini(&out);
	table_free(table);
}

static void unknown_format_names_the_known(void **state)
{
	struct status st;

	(void)state;
	assert_null(format_find("xml", &st));
	assert_string_equal(st.message, "'xml' is not a format, one of: text "
					"changelog csv json markdown rst");
}

static void numbers_are_grouped(void **state)
{
	static const struct {
		struct cell cell;
		const char *shown;
	} cases[] = {
		{{.kind = CELL_INTEGER, .integer = -1234}, "-1,234"},
		{{.kind = CELL_INTEGER, .integer = 999}, "999"},
		{{.kind = CELL_INTEGER, .integer = INT64_MIN},
		 "-9,223,372,036,854,775,808"},
		{{.kind = CELL_REAL, .real = 999999.96}, "1,000,000.0"},
		{{.kind = CELL_REAL, .real = 0.04}, "0.0"},
		{{.kind = CELL_REAL, .real = 1e300}, "1.0e+300"},
		{{.kind = CELL_REAL, .real = -1e300}, "-1.0e+300"},
		{{.kind = CELL_MISSING}, "-"},
	};
	char buf[CELL_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(cell_show(&columns[5], &cases[i].cell, buf),
				    cases[i].shown);
}

static void too_many_footnotes_are_an_error(void **state)
{
	struct status st = {""};
	struct table *table = table_new(&st);

	(void)state;
	for (int i = 0; i < TABLE_NOTES_MAX; i++)
		assert_int_equal(table_note(table,
					    table_text(table, "note %d", i)),
				 UINT32_C(1) << i);
	assert_int_equal(table_note(table, "note 3"), 8);
	assert_int_equal(table->error, 0);
	assert_int_equal(table_note(table, "one more"), 0);
	assert_true(table->error < 0);
	assert_non_null(strstr(st.message, "26"));
	table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_aligns_and_sections),
		cmocka_unit_test(csv_quotes_and_leaves_missing_empty),
		cmocka_unit_test(json_is_valid_and_missing_is_null),
		cmocka_unit_test(markup_is_escaped),
		cmocka_unit_test(optional_columns_show_where_they_are_known),
		cmocka_unit_test(changelog_fits_75_columns),
		cmocka_unit_test(unknown_format_names_the_known),
		cmocka_unit_test(numbers_are_grouped),
		cmocka_unit_test(too_many_footnotes_are_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

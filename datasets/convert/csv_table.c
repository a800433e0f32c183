/* SPDX-License-Identifier: MIT */
/* Rows of text; see csv_table.h. */
#include "datasets/convert/csv_table.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

const char *const csv_names[CSV_NR_COLUMNS] = {
	[CSV_TIME] = "time_ns",	     [CSV_KIND] = "kind",
	[CSV_GFN] = "gfn",	     [CSV_COUNT] = "count",
	[CSV_VCPU] = "vcpu",	     [CSV_REASON] = "reason",
	[CSV_EPOCH] = "epoch",	     [CSV_START] = "start_ns",
	[CSV_END] = "end_ns",	     [CSV_ORDERED] = "ordered",
	[CSV_NPAGES] = "npages",     [CSV_LEVEL] = "level",
	[CSV_ACCESSED] = "accessed", [CSV_DIRTY] = "dirty",
	[CSV_SAMPLES] = "samples",   [CSV_HITS] = "hits",
	[CSV_ADDRESS] = "address",
};

const char *const csv_levels[TRACE_NR_LEVELS + 1] = {"4K", "2M", "1G", NULL};

/* Cut one cell off, without the quotes around it. */
static char *next_cell(char **rest)
{
	char *cell = *rest, *end = strchr(cell, ',');
	size_t n;

	*rest = end ? end + 1 : NULL;
	if (end)
		*end = '\0';
	n = strlen(cell);
	if (n >= 2 && cell[0] == '"' && cell[n - 1] == '"') {
		cell[n - 1] = '\0';
		cell++;
	}
	return cell;
}

static int column_named(const char *name)
{
	for (int i = 0; i < CSV_NR_COLUMNS; i++)
		if (!strcmp(csv_names[i], name))
			return i;
	return -1;
}

static int take_name(struct csv_table *t, const char *name, struct status *st)
{
	struct import_job *job = t->lines.job;
	int column = column_named(name);
	char what[128];

	if (t->nr_cells == CSV_CELLS_MAX)
		return import_bad(job, st, "more than %d columns",
				  CSV_CELLS_MAX);
	t->column_of[t->nr_cells++] = column;
	if (column < 0) {
		snprintf(what, sizeof(what), "column %.64s", name);
		import_lost(job, what);
		return 0;
	}
	if (t->has[column])
		return import_bad(job, st, "column %s is there twice", name);
	t->has[column] = true;
	return 0;
}

static const char *missing(const struct csv_table *t)
{
	if (!t->has[CSV_GFN] && !t->has[CSV_ADDRESS])
		return "gfn (or address)";
	if (t->has[CSV_TIME])
		return t->has[CSV_START] ? "one of time_ns and start_ns too "
					   "many"
					 : NULL;
	if (!t->has[CSV_START])
		return "time_ns (or start_ns and end_ns)";
	return t->has[CSV_END] ? NULL : "end_ns";
}

int csv_begin(struct csv_table *t, struct import_job *job, struct status *st)
{
	char *rest = t->lines.text;
	int ret;

	*t = (struct csv_table){.lines = {.job = job}};
	ret = lines_next(&t->lines, st);
	if (ret < 0)
		return ret;
	for (ret = 0; rest && !ret;)
		ret = take_name(t, next_cell(&rest), st);
	if (!ret && missing(t))
		ret = import_bad(job, st, "no column %s", missing(t));
	return ret;
}

int csv_next(struct csv_table *t, struct status *st)
{
	char *rest = t->lines.text;
	size_t n = 0;
	int ret = lines_next(&t->lines, st);

	if (ret <= 0)
		return ret;
	for (size_t i = 0; i < CSV_NR_COLUMNS; i++)
		t->cell[i] = "";
	for (; rest && n < t->nr_cells; n++) {
		const char *cell = next_cell(&rest);

		if (t->column_of[n] >= 0)
			t->cell[t->column_of[n]] = cell;
	}
	if (rest || n < t->nr_cells)
		return import_bad(t->lines.job, st,
				  "%s cells than the %zu columns named",
				  rest ? "more" : "fewer", t->nr_cells);
	return 1;
}

int csv_number(struct csv_table *t, enum csv_column column, uint64_t preset,
	       uint64_t most, uint64_t *value, struct status *st)
{
	const char *at = t->cell[column];

	*value = preset;
	if (!*at)
		return 0;
	if (!lines_number(&at, strncmp(at, "0x", 2) ? 10 : 16, value) || *at ||
	    *value > most)
		return import_bad(t->lines.job, st,
				  "%s: '%.40s' is no number up to %" PRIu64,
				  csv_names[column], t->cell[column], most);
	return 0;
}

int csv_choice(struct csv_table *t, enum csv_column column,
	       const char *const *names, size_t n, unsigned int *value,
	       struct status *st)
{
	*value = 0;
	if (!*t->cell[column])
		return 0;
	for (; *value < n; ++*value)
		if (!strcmp(names[*value], t->cell[column]))
			return 0;
	return import_bad(t->lines.job, st, "%s: '%.40s' is not known",
			  csv_names[column], t->cell[column]);
}

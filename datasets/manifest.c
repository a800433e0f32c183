/* SPDX-License-Identifier: MIT */
/* The list of data sets; see manifest.h. */
#include "datasets/manifest.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum {
	FILE_MAX = 1 << 22,
	CELLS_MAX = 64
};

const char *const manifest_columns[MANIFEST_COLUMNS] = {
	[MANIFEST_NAME] = "name",
	[MANIFEST_FILE] = "file",
	[MANIFEST_ID] = "id",
	[MANIFEST_SHA256] = "sha256",
	[MANIFEST_BYTES] = "bytes",
	[MANIFEST_RECORDS] = "records_or_epochs",
	[MANIFEST_FOOTPRINT] = "footprint_pages",
	[MANIFEST_SECONDS] = "seconds",
	[MANIFEST_FIDELITY] = "fidelity",
	[MANIFEST_LICENCE] = "licence",
	[MANIFEST_RECIPE] = "recipe",
	[MANIFEST_VERSIONS] = "versions",
	[MANIFEST_CITATION] = "citation",
};

/* Which column each cell of a line belongs to; -1: none that we know. */
struct layout {
	int column[CELLS_MAX];
	size_t n;
};

void manifest_fini(struct manifest *m)
{
	free(m->folder);
	free(m->text);
	free(m->rows);
	*m = (struct manifest){0};
}

static int bad(const struct manifest *m, size_t line, const char *what,
	       struct status *st)
{
	return status_fail(st, EBADMSG, "%s/manifest.tsv: line %zu: %s",
			   m->folder, line, what);
}

static int read_text(struct manifest *m, struct status *st)
{
	char path[PATH_MAX];
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "%s/manifest.tsv", m->folder);
	file = fopen(path, "re");
	if (!file)
		return status_fail(st, errno, "%s: %s", path, strerror(errno));
	m->text = kage_calloc(1, FILE_MAX, st);
	n = m->text ? fread(m->text, 1, FILE_MAX, file) : 0;
	fclose(file);
	if (!m->text)
		return -ENOMEM;
	if (n == FILE_MAX || strlen(m->text) != n)
		return bad(m, 1, "too long, or not text", st);
	return 0;
}

static char *next_cell(char **rest, char end)
{
	char *cell = *rest, *at = strchr(cell, end);

	*rest = at ? at + 1 : NULL;
	if (at)
		*at = '\0';
	return cell;
}

static int read_names(struct manifest *m, struct layout *l, char *line,
		      struct status *st)
{
	bool has[MANIFEST_COLUMNS] = {false};

	for (char *rest = line; rest;) {
		const char *name = next_cell(&rest, '\t');
		int column = MANIFEST_COLUMNS - 1;

		while (column >= 0 && strcmp(manifest_columns[column], name))
			column--;
		if (l->n == CELLS_MAX || (column >= 0 && has[column]))
			return bad(m, 1, "too many columns, or one twice", st);
		if (column >= 0)
			has[column] = true;
		l->column[l->n++] = column;
	}
	for (size_t i = 0; i < MANIFEST_COLUMNS; i++)
		if (!has[i])
			return status_fail(st, EBADMSG,
					   "%s/manifest.tsv: line 1: no column "
					   "%s",
					   m->folder, manifest_columns[i]);
	return 0;
}

static int read_row(struct manifest *m, const struct layout *l, char *line,
		    size_t number, struct status *st)
{
	struct manifest_row row = {.line = number};
	char *rest = line;
	size_t n = 0;
	int ret;

	for (; rest && n < l->n; n++) {
		const char *cell = next_cell(&rest, '\t');

		if (l->column[n] >= 0)
			row.cell[l->column[n]] = cell;
		if (!*cell)
			return bad(m, number, "an empty cell (- is none)", st);
	}
	if (rest || n < l->n)
		return bad(m, number, "not as many cells as columns", st);
	for (size_t i = 0; i < m->n; i++)
		if (!strcmp(m->rows[i].cell[MANIFEST_NAME],
			    row.cell[MANIFEST_NAME]))
			return bad(m, number, "a name that is there already",
				   st);
	ret = kage_grow(&m->rows, &m->capacity, m->n, sizeof(row), st);
	if (!ret)
		m->rows[m->n++] = row;
	return ret;
}

int manifest_load(struct manifest *m, const char *folder, struct status *st)
{
	struct layout layout = {.n = 0};
	char *rest;
	int ret;

	*m = (struct manifest){.folder = kage_strdup(folder, st)};
	ret = m->folder ? read_text(m, st) : -ENOMEM;
	if (ret)
		return ret;
	rest = m->text;
	ret = read_names(m, &layout, next_cell(&rest, '\n'), st);
	for (size_t number = 2; !ret && rest && *rest; number++)
		ret = read_row(m, &layout, next_cell(&rest, '\n'), number, st);
	return ret;
}

const struct manifest_row *manifest_find(const struct manifest *m,
					 const char *name, struct status *st)
{
	struct outbuf known = {0};

	for (size_t i = 0; i < m->n; i++) {
		if (!strcmp(m->rows[i].cell[MANIFEST_NAME], name)) {
			outbuf_fini(&known);
			return &m->rows[i];
		}
		outbuf_printf(&known, " %s", m->rows[i].cell[MANIFEST_NAME]);
	}
	status_fail(st, EINVAL, "no data set '%s'; known:%s", name,
		    known.data ? known.data : "");
	outbuf_fini(&known);
	return NULL;
}

bool manifest_is_shipped(const struct manifest_row *row)
{
	return strcmp(row->cell[MANIFEST_FILE], "-") != 0;
}

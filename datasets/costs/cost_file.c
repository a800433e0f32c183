/* SPDX-License-Identifier: MIT */
/* Cost profiles, between text and rows; the format is in cost_file.h. */
#include "datasets/costs/cost_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/units.h"

enum {
	FIELDS = 8,
	HIGHEST_NS =
		1000000000, /* a second per operation: a slip of the unit */
	NUMBER_TEXT = 32,
};

static const char columns[] = "name\tvalue\tlow\thigh\tunit\tkind\tsource\thow";

const char *const cost_kind_names[NR_COST_KINDS] = {
	[COST_MEASURED] = "measured", [COST_DERIVED] = "derived",
	[COST_ASSUMED] = "assumed",   [COST_NOT_FOR_CITING] = "not-for-citing",
	[COST_MISSING] = "missing",
};

static const struct {
	const char *name;
	double ns;
} units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}};

struct parser {
	struct cost_file *file;
	const char *label;
	unsigned int line;
	cost_name_fn *is_known;
	void *arg;
	struct status *st;
};

static int fail(const struct parser *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int fail(const struct parser *p, const char *format, ...)
{
	char why[256];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	return status_fail(p->st, EBADMSG, "%.200s:%u: %s", p->label, p->line,
			   why);
}

/* Messages and reports show all of it, so it has to be printable. */
static int check_bytes(const struct parser *p, const char *line)
{
	for (; *line; line++)
		if ((*line < ' ' || *line > '~') && *line != '\t')
			return fail(p, "byte 0x%02x does not belong here",
				    (unsigned int)(unsigned char)*line);
	return 0;
}

/* Split at tabs, in place.  Return: how many fields there are, at most @most are
 * set. */
static size_t split(char *line, char **fields, size_t most)
{
	size_t n = 0;

	for (char *at = line; at; n++) {
		char *tab = strchr(at, '\t');

		if (tab)
			*tab++ = '\0';
		if (n < most)
			fields[n] = at;
		at = tab;
	}
	return n;
}

static int take_unit(const struct parser *p, const char *text, double *ns)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(text, units[i].name)) {
			*ns = units[i].ns;
			return 0;
		}
	return fail(p, "unit '%.40s': known are ns, us, ms", text);
}

static int take_kind(const struct parser *p, const char *text,
		     enum cost_kind *kind)
{
	for (int i = 0; i < NR_COST_KINDS; i++)
		if (!strcmp(text, cost_kind_names[i])) {
			*kind = (enum cost_kind)i;
			return 0;
		}
	return fail(p,
		    "kind '%.40s': known are measured, derived, assumed, "
		    "not-for-citing, missing",
		    text);
}

static int take_number(const struct parser *p, const char *text, double unit,
		       double *ns)
{
	double value;

	if (text[0] == '-' && text[1])
		return fail(p, "'%.40s': a cost is not negative", text);
	if (units_parse_real(text, &value, NULL) ||
	    strspn(text, "0123456789.eE+-") != strlen(text))
		return fail(p, "'%.40s' is not a number", text);
	if (value * unit > HIGHEST_NS)
		return fail(p, "'%.40s': more than a second for one operation",
			    text);
	*ns = value * unit;
	return 0;
}

static bool is_none(const char *text)
{
	return !strcmp(text, "-");
}

static int take_range(const struct parser *p, char *const *f, double unit,
		      struct cost_row *row)
{
	int ret;

	if (is_none(f[2]) != is_none(f[3]))
		return fail(p, "low and high are known both, or none is");
	row->has_range = !is_none(f[2]);
	if (!row->has_range)
		return 0;
	ret = take_number(p, f[2], unit, &row->low_ns);
	if (!ret)
		ret = take_number(p, f[3], unit, &row->high_ns);
	if (!ret &&
	    (row->low_ns > row->value_ns || row->value_ns > row->high_ns))
		ret = fail(p, "%.40s is not between %.40s and %.40s", f[1],
			   f[2], f[3]);
	return ret;
}

static int take_values(const struct parser *p, char *const *f,
		       struct cost_row *row)
{
	double unit = 1;
	int ret = take_unit(p, f[4], &unit);

	if (!ret)
		ret = take_kind(p, f[5], &row->kind);
	if (ret)
		return ret;
	if (is_none(f[1]) != (row->kind == COST_MISSING))
		return fail(p, is_none(f[1])
				       ? "a row without value is of kind "
					 "missing"
				       : "a missing cost has no value but -");
	if (row->kind != COST_MISSING)
		ret = take_number(p, f[1], unit, &row->value_ns);
	else if (!is_none(f[2]) || !is_none(f[3]))
		ret = fail(p, "a missing cost has no range but - and -");
	return ret ? ret : take_range(p, f, unit, row);
}

static int take_row(struct parser *p, char *line)
{
	struct cost_row row = {.line = p->line};
	const struct cost_row *other;
	char *f[FIELDS];
	size_t n = split(line, f, FIELDS);

	if (n != FIELDS)
		return fail(p, "%zu fields between tabs, %d are due", n,
			    FIELDS);
	row.name = f[0];
	row.source = f[6];
	row.how = f[7];
	if (p->is_known ? !p->is_known(p->arg, f[0]) : !f[0][0])
		return fail(p, "no cost '%.60s' (kage list costs)", f[0]);
	other = cost_file_row(p->file, f[0]);
	if (other)
		return fail(p, "cost '%.60s' is in line %u already", f[0],
			    other->line);
	if (!f[6][0] || !f[7][0])
		return fail(p, "source and how have to be told");
	if (p->file->nr_rows == COST_ROWS_MAX)
		return fail(p, "more than %d rows", COST_ROWS_MAX);
	if (take_values(p, f, &row))
		return -EBADMSG;
	return cost_file_add(p->file, &row, p->st);
}

static bool is_profile_name(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t length = strlen(text);

	return length && length <= COST_PROFILE_MAX &&
	       strspn(text, allowed) == length;
}

/* Return: the value of "@key TAB value", or NULL. */
static const char *value_of(const char *line, const char *key)
{
	size_t n = strlen(key);

	return !strncmp(line, key, n) && line[n] == '\t' ? line + n + 1 : NULL;
}

/* The four lines before the rows; @step says which is due. */
static int take_head(struct parser *p, const char *line, unsigned int step)
{
	const char *value;

	switch (step) {
	case 0:
		return strcmp(line, "kage-costs\t1")
			       ? fail(p, "a cost profile begins with "
					 "'kage-costs', a tab and 1")
			       : 0;
	case 1:
		value = value_of(line, "profile");
		if (!value || !is_profile_name(value))
			return fail(p,
				    "'profile', a tab and its name are due: "
				    "up to %d letters, digits, . _ -",
				    COST_PROFILE_MAX);
		p->file->profile = value;
		return 0;
	case 2:
		value = value_of(line, "host");
		if (!value || !*value || strchr(value, '\t'))
			return fail(p, "'host', a tab and the machine are due");
		p->file->host = value;
		return 0;
	default:
		return strcmp(line, columns)
			       ? fail(p, "the names of the columns are due: %s",
				      "name value low high unit kind source "
				      "how, between tabs")
			       : 0;
	}
}

static int take_lines(struct parser *p)
{
	enum {
		HEAD_LINES = 4
	};
	unsigned int step = 0;
	int ret = 0;

	for (char *at = p->file->text; at && *at && !ret;) {
		char *end = strchr(at, '\n');

		if (end)
			*end++ = '\0';
		p->line++;
		ret = check_bytes(p, at);
		if (!ret && *at && *at != '#')
			ret = step < HEAD_LINES ? take_head(p, at, step++)
						: take_row(p, at);
		at = end;
	}
	if (!ret && !p->file->nr_rows)
		ret = fail(p, "the file ends before its first row");
	return ret;
}

int cost_file_parse(struct cost_file *file, const char *label, const char *text,
		    size_t bytes, cost_name_fn *is_known, void *arg,
		    struct status *st)
{
	struct parser p = {file, label, 0, is_known, arg, st};

	*file = (struct cost_file){0};
	if (bytes > COST_FILE_BYTES)
		return status_fail(st, EBADMSG,
				   "%.200s:1: more than %d bytes are no cost "
				   "profile",
				   label, COST_FILE_BYTES);
	file->text = kage_calloc(1, bytes + 1, st);
	if (!file->text)
		return -ENOMEM;
	memcpy(file->text, text, bytes);
	if (strlen(file->text) < bytes) {
		for (const char *at = text; *at; at++)
			p.line += *at == '\n';
		p.line++;
		return fail(&p, "byte 0x00 does not belong here");
	}
	return take_lines(&p);
}

int cost_file_load(struct cost_file *file, const char *path,
		   cost_name_fn *is_known, void *arg, struct status *st)
{
	FILE *in = fopen(path, "re");
	char *text = NULL;
	size_t bytes = 0;
	int ret = 0;

	*file = (struct cost_file){0};
	if (!in)
		return status_fail(st, errno, "%s: %s", path, strerror(errno));
	text = kage_calloc(1, COST_FILE_BYTES + 1, st);
	if (!text)
		ret = -ENOMEM;
	if (!ret)
		bytes = fread(text, 1, COST_FILE_BYTES + 1, in);
	if (!ret && ferror(in))
		ret = status_fail(st, errno, "%s: %s", path, strerror(errno));
	if (!ret)
		ret = cost_file_parse(file, path, text, bytes, is_known, arg,
				      st);
	fclose(in);
	free(text);
	return ret;
}

void cost_file_fini(struct cost_file *file)
{
	free(file->rows);
	free(file->text);
	*file = (struct cost_file){0};
}

const struct cost_row *cost_file_row(const struct cost_file *file,
				     const char *name)
{
	for (size_t i = 0; i < file->nr_rows; i++)
		if (!strcmp(file->rows[i].name, name))
			return &file->rows[i];
	return NULL;
}

int cost_file_add(struct cost_file *file, const struct cost_row *row,
		  struct status *st)
{
	if (kage_grow(&file->rows, &file->capacity, file->nr_rows, sizeof(*row),
		      st))
		return -ENOMEM;
	file->rows[file->nr_rows++] = *row;
	return 0;
}

static const char *number(char text[NUMBER_TEXT], double value)
{
	for (int digits = 6; digits <= 17; digits++) {
		snprintf(text, NUMBER_TEXT, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	return text;
}

void cost_file_print(const struct cost_file *file, struct outbuf *out)
{
	char value[NUMBER_TEXT], low[NUMBER_TEXT], high[NUMBER_TEXT];

	outbuf_printf(out, "kage-costs\t1\nprofile\t%s\nhost\t%s\n%s\n",
		      file->profile, file->host, columns);
	for (size_t i = 0; i < file->nr_rows; i++) {
		const struct cost_row *r = &file->rows[i];
		bool has_value = r->kind != COST_MISSING;

		outbuf_printf(out, "%s\t%s\t%s\t%s\tns\t%s\t%s\t%s\n", r->name,
			      has_value ? number(value, r->value_ns) : "-",
			      r->has_range ? number(low, r->low_ns) : "-",
			      r->has_range ? number(high, r->high_ns) : "-",
			      cost_kind_names[r->kind], r->source, r->how);
	}
}

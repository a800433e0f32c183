/* SPDX-License-Identifier: MIT */
/*
 * Scenario files, from bytes to lines of words; what the words mean is in
 * statement.c.  What can be judged only with all steps at hand is judged here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "datasets/scenario/parse_internal.h"

static int fail_at(struct parser *p, unsigned int line, const char *format,
		   va_list args)
{
	char why[256];

	vsnprintf(why, sizeof(why), format, args);
	return status_fail(p->st, EBADMSG, "%.200s:%u: %s", p->scenario->path,
			   line, why);
}

int parser_fail(struct parser *p, const char *format, ...)
{
	va_list args;
	int ret;

	va_start(args, format);
	ret = fail_at(p, p->line, format, args);
	va_end(args);
	return ret;
}

int parser_fail_at(struct parser *p, unsigned int line, const char *format, ...)
{
	va_list args;
	int ret;

	va_start(args, format);
	ret = fail_at(p, line, format, args);
	va_end(args);
	return ret;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Split [@at, @end) into words.  Messages show words, so they must be printable. */
static int split(struct parser *p, const char *at, const char *end)
{
	p->nr_words = 0;
	while (at < end) {
		const char *start = at;

		while (at < end && !is_blank(*at)) {
			if (*at <= ' ' || *at > '~')
				return parser_fail(
					p, "byte 0x%02x does not belong here",
					(unsigned int)(unsigned char)*at);
			at++;
		}
		if (at > start) {
			size_t length = (size_t)(at - start);

			if (p->nr_words == SCENARIO_WORDS_MAX)
				return parser_fail(p, "more than %d words",
						   SCENARIO_WORDS_MAX);
			if (length >= sizeof(p->words[0]))
				return parser_fail(p, "a word is too long");
			memcpy(p->words[p->nr_words], start, length);
			p->words[p->nr_words++][length] = '\0';
		}
		while (at < end && is_blank(*at))
			at++;
	}
	return 0;
}

static int parse_line(struct parser *p, const char *line, size_t length)
{
	const char *comment = memchr(line, '#', length);
	int ret = split(p, line, comment ? comment : line + length);

	if (ret || !p->nr_words)
		return ret;
	ret = parser_statement(p);
	p->has_begun = true;
	return ret;
}

static int parse_lines(struct parser *p, const char *text, size_t size)
{
	int ret = 0;

	while (size && !ret) {
		const char *newline = memchr(text, '\n', size);
		size_t length = newline ? (size_t)(newline - text) : size;

		p->line++;
		ret = parse_line(p, text, length);
		length += newline != NULL;
		text += length;
		size -= length;
	}
	return ret;
}

/* How many epochs are played; none can follow `epochs all`. */
static int count_epochs(struct parser *p)
{
	struct scenario *s = p->scenario;

	for (size_t i = 0; i < s->nr_steps; i++) {
		const struct scenario_step *step = &s->steps[i];
		uint64_t n = scenario_step_epochs(step);

		if (n && s->all_epochs)
			return parser_fail_at(
				p, step->line,
				"no epoch is left behind 'epochs all'");
		if (n == SCENARIO_ALL)
			s->all_epochs = true;
		else if (n > SCENARIO_EPOCHS_MAX - s->nr_epochs)
			return parser_fail_at(p, step->line,
					      "more than %d epochs",
					      SCENARIO_EPOCHS_MAX);
		else
			s->nr_epochs += n;
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct scenario_step *const *x = a, *const *y = b;
	int order = strcmp((*x)->name, (*y)->name);

	if (order)
		return order;
	return (*x)->line < (*y)->line ? -1 : (*x)->line > (*y)->line;
}

static int check_names(struct parser *p)
{
	const struct scenario *s = p->scenario;
	const struct scenario_step **named;
	size_t n = 0;
	int ret = 0;

	named = kage_calloc(s->nr_steps, sizeof(const void *), p->st);
	if (!named)
		return -ENOMEM;
	for (size_t i = 0; i < s->nr_steps; i++)
		if (s->steps[i].word == SCENARIO_SNAPSHOT)
			named[n++] = &s->steps[i];
	qsort(named, n, sizeof(const void *), by_name);
	for (size_t i = 1; i < n && !ret; i++)
		if (!strcmp(named[i]->name, named[i - 1]->name))
			ret = parser_fail_at(
				p, named[i]->line,
				"snapshot '%s' is there already, in line %u",
				named[i]->name, named[i - 1]->line);
	free(named);
	return ret;
}

static int check_whole(struct parser *p)
{
	int ret;

	if (p->depth)
		return parser_fail_at(p, p->blocks[p->depth - 1].line,
				      "its 'end' is missing");
	if (!p->scenario->nr_steps)
		return parser_fail_at(p, p->line ? p->line : 1,
				      "the scenario has no step");
	ret = count_epochs(p);
	return ret ? ret : check_names(p);
}

int scenario_parse(struct scenario *scenario, const char *text, size_t size,
		   const char *path, struct status *st)
{
	struct parser p = {.scenario = scenario, .st = st};
	int ret;

	*scenario = (struct scenario){.path = kage_strdup(path, st)};
	if (!scenario->path)
		return -ENOMEM;
	if (size > SCENARIO_BYTES_MAX)
		return status_fail(st, EBADMSG,
				   "%.200s: a scenario has at most %d bytes",
				   path, SCENARIO_BYTES_MAX);
	ret = parse_lines(&p, text, size);
	return ret ? ret : check_whole(&p);
}

static int read_file(const char *path, char *text, size_t *size,
		     struct status *st)
{
	FILE *file = fopen(path, "rb");
	int error = 0;

	if (!file)
		return status_fail(st, errno, "%s: %s", path, strerror(errno));
	errno = 0;
	*size = fread(text, 1, SCENARIO_BYTES_MAX + 1, file);
	if (ferror(file))
		error = errno ? errno : EIO;
	fclose(file);
	return error ? status_fail(st, error, "%s: %s", path, strerror(error))
		     : 0;
}

int scenario_load(struct scenario *scenario, const char *path,
		  struct status *st)
{
	char *text = kage_calloc(SCENARIO_BYTES_MAX + 1, 1, st);
	size_t size = 0;
	int ret = text ? 0 : -ENOMEM;

	*scenario = (struct scenario){0};
	if (!ret)
		ret = read_file(path, text, &size, st);
	if (!ret)
		ret = scenario_parse(scenario, text, size, path, st);
	free(text);
	return ret;
}

void scenario_fini(struct scenario *scenario)
{
	free(scenario->path);
	free(scenario->steps);
	*scenario = (struct scenario){0};
}

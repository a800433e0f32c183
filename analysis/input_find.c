/* SPDX-License-Identifier: MIT */
/* Traces and scenarios by content; see input_find.h. */
#include "analysis/input_find.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct kind {
	const char *suffix;
	/* Write the id of a file.  Return: 0, or a negative errno. */
	int (*read_id)(char id[TRACE_ID_TEXT], const char *path);
};

static int read_trace_id(char id[TRACE_ID_TEXT], const char *path)
{
	struct trace_reader *reader;
	const struct trace_totals *totals;
	struct status why;
	int ret = trace_reader_open(&reader, path, 0, &why);

	if (ret)
		return ret;
	totals = trace_reader_totals(reader);
	if (totals)
		trace_id_text(id, totals->id);
	trace_reader_close(reader);
	return totals ? 0 : -ENODATA; /* a pipe */
}

static void scenario_text(char id[TRACE_ID_TEXT], uint64_t number)
{
	snprintf(id, TRACE_ID_TEXT, "%016" PRIx64, number);
}

static int read_scenario_id(char id[TRACE_ID_TEXT], const char *path)
{
	struct scenario scenario = {0};
	struct status why;
	int ret = scenario_load(&scenario, path, &why);

	if (!ret)
		scenario_text(id, scenario_id(&scenario));
	scenario_fini(&scenario);
	return ret;
}

static const struct kind traces = {".kgt", read_trace_id};
static const struct kind scenarios = {".scn", read_scenario_id};

static bool has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), tail = strlen(suffix);

	return n > tail && !strcmp(name + n - tail, suffix);
}

struct search {
	const struct kind *kind;
	const char *where, *id;
	char *path; /* of the caller; PATH_MAX */
	size_t seen, unreadable;
};

/* Return: 1 if it is the file @name, 0 if not, or a negative errno. */
static int try_file(struct search *s, const char *name, struct status *st)
{
	char id[TRACE_ID_TEXT];

	if (!has_suffix(name, s->kind->suffix))
		return 0;
	if (snprintf(s->path, PATH_MAX, "%s/%s", s->where, name) >= PATH_MAX)
		return status_fail(st, ENAMETOOLONG, "%.200s: name too long",
				   s->where);
	s->seen++;
	if (s->kind->read_id(id, s->path)) {
		s->unreadable++;
		return 0;
	}
	return !strcmp(id, s->id);
}

static int search_folder(struct search *s, struct status *st)
{
	struct dirent **entries;
	int n = scandir(s->where, &entries, NULL, alphasort), ret = 0;

	if (n < 0)
		return status_fail(st, errno, "%s: %s", s->where,
				   strerror(errno));
	for (int i = 0; i < n; i++) {
		if (!ret)
			ret = try_file(s, entries[i]->d_name, st);
		free(entries[i]);
	}
	free(entries);
	return ret;
}

static int find(struct search *s, const char *results_path, struct status *st)
{
	struct stat info;
	int ret;

	if (stat(s->where, &info) || !S_ISDIR(info.st_mode)) {
		if (snprintf(s->path, PATH_MAX, "%s", s->where) < PATH_MAX)
			return 0;
		return status_fail(st, ENAMETOOLONG, "%.200s: name too long",
				   s->where);
	}
	ret = search_folder(s, st);
	if (ret)
		return ret < 0 ? ret : 0;
	return status_fail(st, ENOENT,
			   "%.200s: none of %zu files *%s in %.200s has its "
			   "content id %s%s",
			   results_path, s->seen, s->kind->suffix, s->where,
			   s->id,
			   s->unreadable ? " (some cannot be read)" : "");
}

int input_find_trace(char path[PATH_MAX], const char *where,
		     const struct scenario_results *results,
		     const char *results_path, struct status *st)
{
	struct search s = {&traces, where, results->trace_id, path, 0, 0};

	return find(&s, results_path, st);
}

int input_find_scenario(char path[PATH_MAX], const char *where,
			const struct scenario_results *results,
			const char *results_path, struct status *st)
{
	char id[TRACE_ID_TEXT];
	struct search s = {&scenarios, where, id, path, 0, 0};

	scenario_text(id, results->scenario_id);
	return find(&s, results_path, st);
}

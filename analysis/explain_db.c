/* SPDX-License-Identifier: MIT */
/*
 * Explaining stored runs: a results database says how a run was made, and names its
 * trace by content.  It cannot know where the file is now: that is looked for.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analysis/explain.h"
#include "analysis/queries.h"
#include "analysis/texts.h"
#include "base/units.h"
#include "replay/run.h"

enum explain_column {
	TRACE_NAME,
	TRACE_ID,
	POLICY,
	POLICY_PARAMS,
	KERNEL,
	MMU,
	MMU_PARAMS,
	NUMA,
	NUMA_PARAMS,
	CHUNK,
	DRIVER,
	DRIVER_PARAMS,
	LIMIT_PAGES,
	LIMIT_TEXT,
	PACE_NS,
	WRONG_WINDOW_NS,
	SAMPLES,
	ASKED_PS_PER_TICK,
	EPOCH_RULE,
	SEED,
	LOWER_BOUND,
	REV,
	REFAULTS,
	EVICTIONS,
	COMMAND,
	MEMORY,
	MIX,
};

struct stored {
	sqlite3_stmt *stmt;	 /* at the row of a run */
	struct texts texts;	 /* of one run */
	char scenario[PATH_MAX]; /* of its driver; "": it has none */
	char note[256];
	struct explain_job job;
};

static const char *text(sqlite3_stmt *stmt, enum explain_column column)
{
	const unsigned char *value = sqlite3_column_text(stmt, (int)column);

	return value ? (const char *)value : "";
}

static uint64_t number(sqlite3_stmt *stmt, enum explain_column column)
{
	return (uint64_t)sqlite3_column_int64(stmt, (int)column);
}

/* "NAME:key=value:key=value", as the command line has it */
static const char *with_params(struct stored *s, enum explain_column name,
			       struct status *st)
{
	const char *params = text(s->stmt, name + 1);
	char word[512];

	snprintf(word, sizeof(word), "%s%s%s", text(s->stmt, name),
		 *params ? ":" : "", params);
	for (char *c = word; *c; c++)
		*c = *c == ',' ? ':' : *c;
	return texts_printf(&s->texts, st, "%s", word);
}

static bool has_word(const char *text, const char *word)
{
	return strstr(text, word) != NULL;
}

static void set_options(struct engine_options *o, sqlite3_stmt *stmt,
			uint64_t gfn)
{
	const char *rule = text(stmt, EPOCH_RULE);

	*o = (struct engine_options){
		.seed = number(stmt, SEED),
		.ps_per_tick = (uint32_t)number(stmt, ASKED_PS_PER_TICK),
		.nr_samples = number(stmt, SAMPLES),
		.writes_as_accesses = number(stmt, LOWER_BOUND),
		.holds_epochs = has_word(rule, "-hold"),
		.expand = has_word(rule, "-all")   ? EXPAND_ALL
			  : has_word(rule, "-one") ? EXPAND_ONE
						   : EXPAND_REFUSE,
		.watches = true,
		.watched_gfn = gfn,
	};
}

static int set_request(struct stored *s, struct status *st)
{
	struct plan_request *r = &s->job.request;
	sqlite3_stmt *stmt = s->stmt;

	*r = (struct plan_request){
		.policies = with_params(s, POLICY, st),
		.kernel = texts_printf(&s->texts, st, "%s", text(stmt, KERNEL)),
		.mmu = with_params(s, MMU, st),
		.numa = with_params(s, NUMA, st),
		.chunk = texts_printf(&s->texts, st, "%s", text(stmt, CHUNK)),
		.driver = s->scenario[0] ? texts_printf(&s->texts, st, "%s:%s",
							text(stmt, DRIVER),
							s->scenario)
					 : with_params(s, DRIVER, st),
		.pace_ns = number(stmt, PACE_NS),
		.wrong_window_ns = number(stmt, WRONG_WINDOW_NS),
	};
	if (sqlite3_column_type(stmt, LIMIT_PAGES) == SQLITE_INTEGER) {
		r->limits = texts_printf(&s->texts, st, "%" PRIu64 "K",
					 4 * number(stmt, LIMIT_PAGES));
		s->job.limit_text = texts_printf(&s->texts, st, "%s",
						 text(stmt, LIMIT_TEXT));
	}
	if (*text(stmt, MEMORY))
		r->memory =
			texts_printf(&s->texts, st, "%s", text(stmt, MEMORY));
	if (*text(stmt, MIX))
		return status_fail(
			st, EINVAL,
			"runs with a mixed trace (%s) cannot be explained: they are synthetic",
			text(stmt, MIX));
	return r->policies && r->kernel && r->mmu && r->driver && r->numa &&
			       r->chunk
		       ? 0
		       : -ENOMEM;
}

/* Return: whether the file at @path is the trace called @id. */
static bool is_trace(const char *path, const char *id)
{
	const struct trace_totals *totals;
	struct trace_reader *reader;
	char found[TRACE_ID_TEXT] = "";

	if (access(path, R_OK) || trace_reader_open(&reader, path, 0, NULL))
		return false;
	totals = trace_reader_totals(reader);
	if (totals)
		trace_id_text(found, totals->id);
	trace_reader_close(reader);
	return !strcmp(found, id);
}

/* Return: the word of the command that made the run which is the trace, or NULL. */
static const char *in_command(struct stored *s, struct status *st)
{
	const char *at = text(s->stmt, COMMAND);

	while (*at) {
		size_t length = strcspn(at, " ");
		const char *word =
			texts_printf(&s->texts, st, "%.*s", (int)length, at);

		if (!word || is_trace(word, text(s->stmt, TRACE_ID)))
			return word;
		at += length + (at[length] == ' ');
	}
	return NULL;
}

/* As named by the command, else beside the database, else here. */
static int find_trace(struct stored *s, const char *db, const char *given,
		      struct status *st)
{
	const char *id = text(s->stmt, TRACE_ID);
	const char *name = text(s->stmt, TRACE_NAME);
	const char *slash = strrchr(db, '/');
	const char *path = given ? given : in_command(s, st);

	if (!path) {
		path = texts_printf(&s->texts, st, "%.*s%s.kgt",
				    slash ? (int)(slash - db + 1) : 0, db,
				    name);
		if (path && !is_trace(path, id))
			path = texts_printf(&s->texts, st, "%s.kgt", name);
	}
	if (!path)
		return -ENOMEM;
	s->job.path = path;
	if (is_trace(path, id))
		return 0;
	return status_fail(
		st, ENOENT,
		"%s: trace '%s' (%.12s) is not %s; --trace FILE says where it is",
		db, name, id,
		given ? given : "where it was, beside it or here");
}

/* Say whether the repeat came to what is stored. */
static void compare(void *arg, const struct lane *lane)
{
	struct stored *s = arg;
	uint64_t refaults = lane->counters.n[COUNT_refaults];
	uint64_t evictions = lane->counters.n[COUNT_evictions];
	bool is_same = refaults == number(s->stmt, REFAULTS) &&
		       evictions == number(s->stmt, EVICTIONS);
	bool is_same_model = !strcmp(text(s->stmt, REV), run_model_rev);
	char a[UNITS_TEXT], b[UNITS_TEXT];
	size_t used;

	used = (size_t)snprintf(
		s->note, sizeof(s->note),
		"stored%s: %s refaults, %s evictions; repeated: ",
		is_same_model ? "" : " by another version of the models",
		units_count(a, number(s->stmt, REFAULTS)),
		units_count(b, number(s->stmt, EVICTIONS)));
	if (is_same)
		snprintf(s->note + used, sizeof(s->note) - used, "the same");
	else
		snprintf(s->note + used, sizeof(s->note) - used, "%s and %s",
			 units_count(a, refaults), units_count(b, evictions));
	s->job.note = s->note;
}

/* Return: whether @name, without parameters, is in the list; NULL has all. */
static bool is_chosen(const char *list, const char *name)
{
	size_t length = strlen(name);

	while (list && *list) {
		if (!strncmp(list, name, length) &&
		    strchr(",:", list[length])) /* finds the end, too */
			return true;
		list += strcspn(list, ",");
		list += *list == ',';
	}
	return !list;
}

static bool is_wanted(sqlite3_stmt *stmt, const struct explain_choice *choice)
{
	return explain_is_of_scenario(choice->scenario_path,
				      text(stmt, DRIVER_PARAMS)) &&
	       is_chosen(choice->policies, text(stmt, POLICY)) &&
	       is_chosen(choice->limits, text(stmt, LIMIT_TEXT)) &&
	       (!choice->trace_path ||
		is_trace(choice->trace_path, text(stmt, TRACE_ID)));
}

static int explain_run(struct stored *s, const char *db,
		       const struct explain_choice *choice,
		       struct explain_out *out, struct status *st)
{
	int ret = find_trace(s, db, choice->trace_path, st);

	if (!ret && !strcmp(text(s->stmt, DRIVER), "script"))
		ret = explain_find_scenario(s->scenario, choice->scenario_path,
					    text(s->stmt, DRIVER_PARAMS),
					    text(s->stmt, COMMAND), db, st);
	if (!ret)
		ret = set_request(s, st);
	if (ret)
		return ret;
	set_options(&s->job.options, s->stmt, choice->gfn);
	return explain_job_run(&s->job, out, compare, s, st);
}

/* One page number means nothing in two guests. */
static int check_one_trace(char *first, sqlite3_stmt *stmt, const char *db,
			   struct status *st)
{
	if (!*first)
		snprintf(first, TRACE_ID_TEXT, "%s", text(stmt, TRACE_ID));
	if (!strcmp(first, text(stmt, TRACE_ID)))
		return 0;
	return status_fail(
		st, EINVAL,
		"%s: holds runs of several traces; --trace FILE says which is meant",
		db);
}

/* Before hours are spent: whether anything is asked for, and of one guest only. */
static int check_choice(sqlite3 *db, const char *path,
			const struct explain_choice *choice, struct status *st)
{
	char first[TRACE_ID_TEXT] = "";
	sqlite3_stmt *stmt;
	int ret = queries_start(db, query_explain, NULL, &stmt, st);

	while (!ret && (ret = queries_step(stmt, st)) == 1)
		ret = is_wanted(stmt, choice)
			      ? check_one_trace(first, stmt, path, st)
			      : 0;
	if (!ret && !*first)
		ret = status_fail(
			st, EINVAL,
			"%s: no run of a policy is as asked for (--policy, --limit, --trace, --scenario)",
			path);
	sqlite3_finalize(stmt);
	return ret;
}

int explain_db(const char *path, const struct explain_choice *choice,
	       struct explain_out *out, struct status *st)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	int ret = queries_open(path, &db, st);

	if (!ret)
		ret = check_choice(db, path, choice, st);
	if (!ret)
		ret = queries_start(db, query_explain, NULL, &stmt, st);
	while (!ret && (ret = queries_step(stmt, st)) == 1) {
		struct stored s = {.stmt = stmt};

		ret = is_wanted(stmt, choice)
			      ? explain_run(&s, path, choice, out, st)
			      : 0;
		texts_fini(&s.texts);
	}
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return ret;
}

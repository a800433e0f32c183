/* SPDX-License-Identifier: MIT */
/* Results from JSON: everything that is read is checked, unknown keys are ignored. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/scenario/results.h"

enum {
	/* of a snapshot; a kernel has a hundred counters and four generations */
	COUNTERS_MAX = 1024,
	GENERATIONS_MAX = 64,
	EVICTED_MAX =
		1 << 26, /* of a file; a run of few bytes may claim many */
};

static int bad(struct status *st, const char *what)
{
	return status_fail(st, EBADMSG, "'%s' is missing or not sound", what);
}

/* Return: 0 and @value, SCENARIO_UNKNOWN if the key is absent, or -EBADMSG. */
static int get_number(const json_t *object, const char *key, uint64_t *value,
		      struct status *st)
{
	const json_t *number = json_object_get(object, key);

	*value = SCENARIO_UNKNOWN;
	if (!number)
		return 0;
	if (!json_is_integer(number) || json_integer_value(number) < 0)
		return bad(st, key);
	*value = (uint64_t)json_integer_value(number);
	return 0;
}

static int need_number(const json_t *object, const char *key, uint64_t *value,
		       struct status *st)
{
	int ret = get_number(object, key, value, st);

	return !ret && *value == SCENARIO_UNKNOWN ? bad(st, key) : ret;
}

/* Copy a text that may be absent into @size bytes. */
static int get_text(const json_t *object, const char *key, char *text,
		    size_t size, struct status *st)
{
	const json_t *value = json_object_get(object, key);

	text[0] = '\0';
	if (!value)
		return 0;
	if (!json_is_string(value) || json_string_length(value) >= size)
		return bad(st, key);
	memcpy(text, json_string_value(value), json_string_length(value) + 1);
	return 0;
}

static int get_id(struct scenario_results *r, const json_t *root,
		  struct status *st)
{
	char text[20];
	char *end;
	int ret = get_text(root, "scenario_id", text, sizeof(text), st);

	r->scenario_id = strtoull(text, &end, 16);
	return !ret && (*end || end == text) ? bad(st, "scenario_id") : ret;
}

/* Before results said it themselves, only the details did. */
static void get_concurrent(struct scenario_results *r, const json_t *root)
{
	const json_t *details = json_object_get(root, "details");

	r->is_concurrent = json_is_true(json_object_get(root, "concurrent")) ||
			   json_is_true(json_object_get(details, "concurrent"));
}

static int get_details(struct scenario_results *r, const json_t *root,
		       struct status *st)
{
	const json_t *details = json_object_get(root, "details");

	if (!details)
		return 0;
	if (!json_is_object(details))
		return bad(st, "details");
	r->details = json_dumps(details, JSON_COMPACT);
	return r->details ? 0 : status_fail(st, ENOMEM, "out of memory");
}

static int get_header(struct scenario_results *r, const json_t *root,
		      struct status *st)
{
	uint64_t version;
	char by[8];
	int ret = need_number(root, "kage_scenario_results", &version, st);

	if (!ret && version != 1)
		ret = bad(st, "kage_scenario_results");
	if (!ret)
		ret = get_text(root, "by", by, sizeof(by), st);
	if (!ret && strcmp(by, "model") && strcmp(by, "kernel"))
		ret = bad(st, "by");
	if (ret)
		return ret;
	r->by_model = !strcmp(by, "model");
	get_concurrent(r, root);
	if (get_text(root, "kernel", r->kernel, sizeof(r->kernel), st) ||
	    get_text(root, "policy", r->policy, sizeof(r->policy), st) ||
	    get_text(root, "scenario", r->scenario, sizeof(r->scenario), st) ||
	    get_text(root, "trace", r->trace, sizeof(r->trace), st) ||
	    get_text(root, "mix", r->mix, sizeof(r->mix), st) ||
	    get_text(root, "trace_id", r->trace_id, sizeof(r->trace_id), st) ||
	    need_number(root, "seed", &r->seed, st) ||
	    need_number(root, "footprint_pages", &r->footprint_pages, st) ||
	    get_id(r, root, st))
		return -EBADMSG;
	return get_details(r, root, st);
}

static int get_counters(struct scenario_snapshot *snapshot,
			const json_t *object, struct status *st)
{
	json_t *counters = json_object_get(object, "counters"), *value;
	const char *name;

	if (!json_is_object(counters) ||
	    json_object_size(counters) > COUNTERS_MAX)
		return bad(st, "counters");
	json_object_foreach(counters, name, value)
	{
		if (!json_is_integer(value) || json_integer_value(value) < 0 ||
		    strlen(name) >= sizeof(snapshot->counters->name))
			return bad(st, "counters");
		if (scenario_snapshot_count(snapshot, name,
					    (uint64_t)json_integer_value(value),
					    st))
			return -ENOMEM;
	}
	return 0;
}

static int get_generations(struct scenario_snapshot *snapshot,
			   const json_t *object, struct status *st)
{
	json_t *generations = json_object_get(object, "generations"), *item;
	int ret = 0;
	size_t i;

	if (!json_is_array(generations) ||
	    json_array_size(generations) > GENERATIONS_MAX)
		return bad(st, "generations");
	json_array_foreach(generations, i, item)
	{
		struct scenario_generation g;

		ret = get_number(item, "age_ms", &g.age_ms, st);
		if (!ret)
			ret = get_number(item, "anon", &g.anon, st);
		if (!ret)
			ret = get_number(item, "file", &g.file, st);
		if (!ret)
			ret = scenario_snapshot_generation(snapshot, &g, st);
		if (ret)
			return ret;
	}
	return 0;
}

/* The step of the newest snapshot: a snapshot, and behind that of the one before. */
static int get_step_of(const struct scenario_results *r, const json_t *object,
		       uint64_t *step, struct status *st)
{
	size_t before = r->nr_snapshots - 1;
	int ret = need_number(object, "step", step, st);

	if (ret)
		return ret;
	if (*step >= r->nr_steps || r->steps[*step].word != SCENARIO_SNAPSHOT ||
	    (before && *step <= r->snapshots[before - 1].step))
		return bad(st, "step");
	return 0;
}

static int get_snapshot(struct scenario_results *r, const json_t *object,
			struct status *st)
{
	char name[SCENARIO_NAME_TEXT];
	struct scenario_snapshot *snapshot;
	uint64_t epochs;
	int ret = get_text(object, "name", name, sizeof(name), st);

	if (!ret && !name[0])
		ret = bad(st, "name");
	if (!ret)
		ret = need_number(object, "epochs", &epochs, st);
	if (ret)
		return ret;
	snapshot = scenario_results_snapshot(r, name, epochs, st);
	if (!snapshot)
		return -ENOMEM;
	ret = get_step_of(r, object, &snapshot->step, st);
	if (!ret)
		ret = get_counters(snapshot, object, st);
	return ret ? ret : get_generations(snapshot, object, st);
}

static int get_run(struct scenario_results *r, const json_t *run,
		   struct status *st)
{
	json_t *first = json_array_get(run, 0), *count = json_array_get(run, 1);
	json_int_t gfn = json_integer_value(first);
	json_int_t n = json_integer_value(count);
	int ret = 0;

	if (!json_is_integer(first) || !json_is_integer(count) || gfn < 0 ||
	    n < 1 || n > EVICTED_MAX ||
	    (uint64_t)gfn > TRACE_GFN_LIMIT - (uint64_t)n ||
	    r->nr_evicted + (size_t)n > EVICTED_MAX)
		return bad(st, "evicted");
	for (json_int_t i = 0; i < n && !ret; i++)
		ret = scenario_results_evict(r, (gfn_t)(gfn + i), st);
	return ret;
}

/* The pages of the newest step, and how many there are to be. */
static int get_evicted(struct scenario_results *r, const json_t *object,
		       struct status *st)
{
	json_t *evicted = json_object_get(object, "evicted"), *run;
	uint64_t pages;
	int ret = get_number(object, "evicted_pages", &pages, st);
	size_t i;

	if (ret)
		return ret;

	if (!evicted) {
		r->has_evicted = false;
		return 0;
	}
	if (!json_is_array(evicted))
		return bad(st, "evicted");
	json_array_foreach(evicted, i, run)
	{
		ret = get_run(r, run, st);
		if (ret)
			return ret;
	}
	if (pages != SCENARIO_UNKNOWN &&
	    pages != r->steps[r->nr_steps - 1].nr_evicted)
		return bad(st, "evicted_pages");
	return 0;
}

static int find_word(const json_t *object, enum scenario_word *word,
		     struct status *st)
{
	char text[16];
	int ret = get_text(object, "word", text, sizeof(text), st);

	if (ret)
		return ret;
	for (unsigned int i = 0; i < SCENARIO_NR_WORDS; i++) {
		*word = (enum scenario_word)i;
		if (!strcmp(scenario_words[i], text))
			return 0;
	}
	return bad(st, "word");
}

static int get_point(struct scenario_results *r, const json_t *item,
		     struct scenario_point *before, struct status *st)
{
	json_t *calls = json_array_get(item, 0);
	json_t *touches = json_array_get(item, 1);
	struct scenario_point point = {
		(uint64_t)json_integer_value(calls),
		(uint64_t)json_integer_value(touches),
	};

	if (!json_is_integer(calls) || !json_is_integer(touches) ||
	    json_integer_value(calls) < 0 || json_integer_value(touches) < 0 ||
	    point.calls < before->calls || point.touches < before->touches)
		return bad(st, "course");
	*before = point;
	return scenario_results_point(r, &point, st);
}

/* Of the newest step, whose calls and touches are known. */
static int get_course(struct scenario_results *r, const json_t *object,
		      struct status *st)
{
	const struct scenario_beside *b = &r->steps[r->nr_steps - 1].beside;
	json_t *course = json_object_get(object, "course"), *item;
	struct scenario_point last = {0, 0};
	size_t i;
	int ret = 0;

	if (!course)
		return 0;
	if (!json_is_array(course) ||
	    json_array_size(course) > SCENARIO_POINTS_MAX)
		return bad(st, "course");
	json_array_foreach(course, i, item)
	{
		ret = get_point(r, item, &last, st);
		if (ret)
			return ret;
	}
	return last.calls > b->calls || last.touches > b->touches
		       ? bad(st, "course")
		       : 0;
}

/* Some of the hot pages are not more than all of them. */
static int get_beside(struct scenario_beside *beside, const json_t *object,
		      struct status *st)
{
	if (get_number(object, "touches", &beside->touches, st) ||
	    get_number(object, "calls", &beside->calls, st) ||
	    get_number(object, "hot_pages", &beside->hot, st) ||
	    get_number(object, "hot_kept", &beside->kept, st) ||
	    get_number(object, "hot_present", &beside->present, st))
		return -EBADMSG;
	if (beside->kept != SCENARIO_UNKNOWN && beside->kept > beside->hot)
		return bad(st, "hot_kept");
	if (beside->present != SCENARIO_UNKNOWN &&
	    beside->present > beside->hot)
		return bad(st, "hot_present");
	return 0;
}

static int get_step(struct scenario_results *r, const json_t *object,
		    struct status *st)
{
	struct scenario_step step = {0};
	struct scenario_outcome *outcome;
	uint64_t line;
	int ret = need_number(object, "line", &line, st);

	if (!ret && line > UINT32_MAX)
		ret = bad(st, "line");
	if (!ret)
		ret = find_word(object, &step.word, st);
	if (ret)
		return ret;
	step.line = (unsigned int)line;
	outcome = scenario_results_step(r, &step, st);
	if (!outcome)
		return -ENOMEM;
	if (get_number(object, "asked", &outcome->asked, st) ||
	    get_number(object, "requests", &outcome->requests, st) ||
	    get_number(object, "passes", &outcome->passes, st) ||
	    need_number(object, "epochs", &outcome->epochs, st) ||
	    get_beside(&outcome->beside, object, st))
		return -EBADMSG;
	ret = get_course(r, object, st);
	return ret ? ret : get_evicted(r, object, st);
}

static int get_list(struct scenario_results *r, const json_t *root,
		    const char *key,
		    int (*get)(struct scenario_results *r, const json_t *object,
			       struct status *st),
		    struct status *st)
{
	json_t *list = json_object_get(root, key), *item;
	struct status why = {""};
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > SCENARIO_STEPS_MAX)
		return bad(st, key);
	json_array_foreach(list, i, item)
	{
		int ret = get(r, item, &why);

		if (ret)
			return status_fail(st, -ret, "%s[%zu]: %.400s", key, i,
					   why.message);
	}
	return 0;
}

/* jansson quotes what it stumbled over, whatever bytes that is. */
static int fail_json(const char *path, const json_error_t *error,
		     struct status *st)
{
	char text[JSON_ERROR_TEXT_LENGTH];

	if (error->line < 0) /* "unable to open", or out of memory */
		return status_fail(st, ENOENT, "%.200s: %s", path, error->text);
	snprintf(text, sizeof(text), "%s", error->text);
	for (char *at = text; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	return status_fail(st, EBADMSG, "%.200s: line %d: %s", path,
			   error->line, text);
}

int scenario_results_read(struct scenario_results *results, const char *path,
			  struct status *st)
{
	json_error_t error;
	json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	struct status why = {""};
	int ret;

	*results = (struct scenario_results){.has_evicted = true};
	if (!root)
		return fail_json(path, &error, st);
	ret = get_header(results, root, &why);
	if (!ret) /* snapshots name steps */
		ret = get_list(results, root, "steps", get_step, &why);
	if (!ret)
		ret = get_list(results, root, "snapshots", get_snapshot, &why);
	if (ret)
		status_fail(st, -ret, "%.200s: %.300s", path, why.message);
	json_decref(root);
	if (ret)
		scenario_results_fini(results);
	return ret;
}

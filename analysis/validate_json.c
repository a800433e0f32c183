/* SPDX-License-Identifier: MIT */
/* A comparison for programs.  Keys whose value is not known are absent. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "analysis/validate.h"

/* A failed allocation leaves NULL, which the caller of validate_json() finds in the
 * end: json_*_new() pass it on. */
static int put_count(json_t *object, const char *key, uint64_t value)
{
	if (value == SCENARIO_UNKNOWN)
		return 0;
	return json_object_set_new(object, key,
				   json_integer((json_int_t)value));
}

static int put_real(json_t *object, const char *key, double value)
{
	return isnan(value)
		       ? 0
		       : json_object_set_new(object, key, json_real(value));
}

static json_t *counters_object(const struct validate_snapshot *s)
{
	json_t *object = json_object();
	int failed = 0;

	for (size_t i = 0; i < s->nr_counters; i++) {
		const struct validate_counter *c = &s->counters[i];
		json_t *both = json_object();

		failed |= put_count(both, "model", c->model) ||
			  put_count(both, "kernel", c->kernel) ||
			  put_real(both, "error", validate_error(c));
		failed |= json_object_set_new(object, c->name, both);
	}
	if (!failed)
		return object;
	json_decref(object);
	return NULL;
}

static json_t *generations_array(const struct scenario_snapshot *s)
{
	json_t *array = json_array();
	int failed = 0;

	for (size_t i = 0; i < s->nr_generations; i++) {
		uint64_t anon = s->generations[i].anon;

		failed |= json_array_append_new(
			array, anon == SCENARIO_UNKNOWN
				       ? json_null()
				       : json_integer((json_int_t)anon));
	}
	if (!failed)
		return array;
	json_decref(array);
	return NULL;
}

static json_t *snapshot_object(const struct validate_snapshot *s)
{
	json_t *object = json_pack("{s:s, s:o, s:{s:o, s:o}}", "name",
				   s->kernel->name, "counters",
				   counters_object(s), "generations", "model",
				   generations_array(s->model), "kernel",
				   generations_array(s->kernel));

	if (object && !put_real(object, "misplaced", s->misplaced))
		return object;
	json_decref(object);
	return NULL;
}

/* Of a concurrent run the pages themselves are not compared. */
static json_t *beside_object(const struct validate_step *step)
{
	json_t *object = json_pack("{s:I, s:I, s:s, s:I, s:I}", "step",
				   (json_int_t)step->index, "line",
				   (json_int_t)step->kernel->line, "word",
				   scenario_words[step->kernel->word], "model",
				   (json_int_t)step->evicted.a, "kernel",
				   (json_int_t)step->evicted.b);
	json_t *hot = validate_hot_json(step);

	if (object && !put_count(object, "asked", validate_asked(step)) &&
	    (!hot || !json_object_set_new(object, "hot", hot)))
		return object;
	json_decref(object);
	return NULL;
}

static json_t *step_object(const struct validate_step *step)
{
	json_t *object = json_pack("{s:I, s:I, s:s, s:I, s:I, s:I}", "step",
				   (json_int_t)step->index, "line",
				   (json_int_t)step->kernel->line, "word",
				   scenario_words[step->kernel->word], "model",
				   (json_int_t)step->evicted.a, "kernel",
				   (json_int_t)step->evicted.b, "common",
				   (json_int_t)step->evicted.common);
	const struct agreement *evicted = &step->evicted;

	if (object && !put_count(object, "asked", validate_asked(step)) &&
	    !put_real(object, "jaccard", agreement_jaccard(evicted)) &&
	    !put_real(object, "tau", agreement_tau(evicted)))
		return object;
	json_decref(object);
	return NULL;
}

static int put_lists(json_t *object, const struct validation *v)
{
	json_t *snapshots = json_array(), *steps;
	int failed = json_object_set_new(object, "snapshots", snapshots);

	for (size_t i = 0; i < v->nr_snapshots && !v->is_concurrent && !failed;
	     i++)
		failed = json_array_append_new(
			snapshots, snapshot_object(&v->snapshots[i]));
	if (failed || !v->has_evicted)
		return failed;
	steps = json_array();
	failed = json_object_set_new(object, "steps", steps);
	for (size_t i = 0; i < v->nr_steps && !failed; i++)
		failed = json_array_append_new(
			steps, v->is_concurrent ? beside_object(&v->steps[i])
						: step_object(&v->steps[i]));
	return failed;
}

/* Paths are bytes, and JSON is UTF-8. */
static json_t *path_text(const char *path)
{
	json_t *text = json_string(path);

	return text ? text : json_string("?");
}

json_t *validate_json(const struct validation *validation)
{
	const struct scenario_results *k = validation->kernel;
	const struct scenario_results *m = validation->model;
	char id[20];
	json_t *object;

	snprintf(id, sizeof(id), "%016" PRIx64, k->scenario_id);
	object = json_pack(
		"{s:o, s:s, s:{s:s, s:s, s:b}, s:s, s:s, s:s, s:s, s:I, "
		"s:I}",
		"file", path_text(validation->path), "kernel", k->kernel,
		"model", "kernel", m->kernel, "policy", m->policy,
		"is_substitute", (int)validation->is_substitute, "scenario",
		k->scenario, "scenario_id", id, "trace", k->trace, "trace_id",
		k->trace_id, "seed", (json_int_t)k->seed, "footprint_pages",
		(json_int_t)k->footprint_pages);
	if (object && validation->is_concurrent &&
	    json_object_set_new(object, "concurrent", json_true())) {
		json_decref(object);
		return NULL;
	}
	if (object && !put_lists(object, validation))
		return object;
	json_decref(object);
	return NULL;
}

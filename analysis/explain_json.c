/* SPDX-License-Identifier: MIT */
/*
 * A life for programs: {"gfn", "trace", "trace_id", "policy", ..., "totals",
 * "events": [{"kind", "first_ns", "last_ns", "count", "rank", "evicted_ns"}]}.  Ranks
 * count generations from the youngest, 0; null: in none.
 */
#include "analysis/explain.h"

static json_t *params(const struct param_spec *specs, const void *values)
{
	char text[256];

	return param_format(specs, values, text, sizeof(text))
		       ? json_null()
		       : json_string(text);
}

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *rank(int value)
{
	return value == LIFE_NO_RANK ? json_null() : json_integer(value);
}

static json_t *event(const struct life_event *e)
{
	json_t *o = json_object();

	json_object_set_new(o, "kind", json_string(life_names[e->kind]));
	json_object_set_new(o, "first_ns", number(e->first_ns));
	json_object_set_new(o, "last_ns", number(e->last_ns));
	json_object_set_new(o, "count", number(e->count));
	json_object_set_new(o, "rank", rank(e->rank));
	json_object_set_new(o, "evicted_ns",
			    e->kind == LIFE_REFAULT ? number(e->since_ns)
						    : json_null());
	return o;
}

static json_t *events(const struct life *life)
{
	json_t *list = json_array();

	for (size_t i = 0; i < life->nr_events; i++)
		json_array_append_new(list, event(&life->events[i]));
	return list;
}

static json_t *totals(const struct life *life)
{
	json_t *o = json_object();

	for (int k = 0; k < LIFE_KINDS; k++)
		json_object_set_new(o, life_names[k], number(life->totals[k]));
	return o;
}

static void put_config(json_t *o, const struct lane_config *c)
{
	json_object_set_new(o, "policy", json_string(c->policy->name));
	json_object_set_new(o, "policy_params",
			    params(c->policy->ops->params, c->policy_params));
	json_object_set_new(o, "kernel", json_string(c->version->name));
	json_object_set_new(o, "mmu", json_string(c->mmu->name));
	json_object_set_new(o, "driver", json_string(c->driver->name));
	json_object_set_new(o, "driver_params",
			    c->scenario ? json_string(c->scenario_text)
					: params(c->driver->ops->params,
						 c->driver_params));
	json_object_set_new(o, "limit_pages",
			    c->driver->ops->needs_limit ? number(c->limit_pages)
							: json_null());
	json_object_set_new(o, "pace_ns", number(c->pace_ns));
}

json_t *explain_json_lane(const struct explained *what, const struct lane *lane)
{
	const struct explain_job *job = what->job;
	json_t *o = json_object();

	json_object_set_new(o, "gfn", number(job->options.watched_gfn));
	json_object_set_new(o, "trace", json_string(job->path));
	json_object_set_new(o, "trace_id", json_string(what->trace_id));
	put_config(o, lane->config);
	json_object_set_new(o, "note",
			    job->note ? json_string(job->note) : json_null());
	json_object_set_new(o, "end_ns", number(what->trace->duration_ns));
	json_object_set_new(o, "is_resident",
			    json_boolean(lane->life->is_resident));
	json_object_set_new(o, "rank", rank(life_rank(lane)));
	json_object_set_new(o, "totals", totals(lane->life));
	json_object_set_new(o, "events", events(lane->life));
	return o;
}

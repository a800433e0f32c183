/* SPDX-License-Identifier: MIT */
/*
 * A scenario, step by step, in all lanes of a pass.  The guest's accesses take the
 * same way as those of a trace; the host's work is the driver's.
 */
#include "replay/script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/scenario/hot.h"
#include "replay/engine_internal.h"

struct script {
	struct engine *e;
	const struct scenario *scenario;
	struct playback playback;
	size_t epoch;	     /* the next one to play */
	uint64_t *footprint; /* a bit per page; owned */
	struct beside beside;
	int error; /* of steps that cannot return one */
};

static uint64_t now_ns(const struct script *s)
{
	return engine_ns(s->e, s->e->now_tick);
}

static int play_epoch(struct script *s, struct status *st)
{
	const struct playback_epoch *epoch = &s->playback.epochs[s->epoch++];
	const struct playback_touch *touch = &s->playback.touches[epoch->first];
	int ret = 0;

	for (size_t i = 0; i < epoch->n && !ret; i++)
		ret = engine_push(s->e, touch[i].gfn, touch[i].is_write, st);
	return ret ? ret : engine_play(s->e, epoch->start, epoch->end, st);
}

/* The guest touches footprint pages [first, last], all at one instant. */
static int touch_pages(struct script *s, size_t first, size_t last,
		       bool is_write, struct status *st)
{
	struct engine *e = s->e;
	size_t n = last - first + 1;
	int ret = engine_reserve(e, n, st);

	if (ret)
		return ret;
	gfn_map_translate(&e->map, s->playback.footprint + first, n, e->index);
	for (size_t i = 0; i < n; i++)
		e->tick[i] = e->now_tick;
	memset(e->is_write, is_write, n);
	engine_accesses(e, e->index, e->tick, e->is_write, n);
	return 0;
}

/* The pages that the guest goes on with, or whose fate is of interest; NULL: none. */
static const struct playback_epoch *last_epoch(const struct script *s)
{
	return s->epoch ? &s->playback.epochs[s->epoch - 1] : NULL;
}

static void let_go_on(struct script *s, const struct scenario_step *step,
		      struct lane *lane)
{
	const struct playback_epoch *epoch = last_epoch(s);
	int ret = 0;

	s->beside.kernel = s->e->options->beside;
	if (s->beside.kernel && epoch && !step->is_frozen &&
	    scenario_word_has_hot(step->word))
		ret = beside_begin(&s->beside, lane, &s->playback, epoch,
				   &s->e->map, lane->script->nr_steps - 1,
				   now_ns(s), NULL);
	s->error = ret ? ret : s->error;
}

static void obey(struct script *s, const struct scenario_step *step,
		 uint64_t request)
{
	for (size_t i = 0; i < s->e->nr_lanes; i++) {
		struct lane *lane = &s->e->lanes[i];

		let_go_on(s, step, lane);
		lane->config->driver->ops->obey(lane, step, request, now_ns(s));
		beside_end(&s->beside, lane);
	}
}

/* Requests, with an epoch between any two of them. */
static int reclaim(struct script *s, const struct scenario_step *step,
		   struct status *st)
{
	uint64_t requests = scenario_requests(step);
	int ret = 0;

	for (uint64_t i = 0; i < requests && !ret; i++) {
		obey(s, step, i);
		if (i + 1 < requests && !step->is_frozen)
			ret = play_epoch(s, st);
	}
	return ret;
}

static int run_step(struct script *s, const struct scenario_step *step,
		    struct status *st)
{
	uint64_t left = s->playback.nr_epochs - s->epoch;
	int ret = 0;

	switch (step->word) {
	case SCENARIO_POPULATE:
		if (s->playback.nr_pages)
			ret = touch_pages(s, 0, s->playback.nr_pages - 1, true,
					  st);
		break;
	case SCENARIO_SWEEP:
		ret = touch_pages(s, step->first, step->last, false, st);
		break;
	case SCENARIO_EPOCHS:
		if (step->count < left)
			left = step->count;
		for (; left && !ret; left--)
			ret = play_epoch(s, st);
		break;
	case SCENARIO_RECLAIM:
		ret = reclaim(s, step, st);
		break;
	default:
		obey(s, step, 0);
		break;
	}
	return ret;
}

/* Begin a step's outcome in every lane. */
static int begin_step(struct script *s, const struct scenario_step *step,
		      struct status *st)
{
	for (size_t i = 0; i < s->e->nr_lanes; i++) {
		struct scenario_outcome *o =
			scenario_results_step(s->e->lanes[i].script, step, st);

		if (!o)
			return -ENOMEM;
		if (step->word == SCENARIO_RECLAIM)
			o->requests = scenario_requests(step);
		if (s->e->options->beside && scenario_word_has_hot(step->word))
			o->beside.touches = o->beside.calls = 0;
	}
	return 0;
}

/* Return: pages of the last epoch before the step that are resident now. */
static uint64_t count_present(const struct script *s, const struct lane *lane,
			      size_t first_epoch)
{
	const struct playback_epoch *hot = &s->playback.epochs[first_epoch - 1];
	uint64_t present = 0;

	for (size_t i = 0; i < hot->n; i++) {
		uint32_t page;

		gfn_map_translate(&s->e->map,
				  &s->playback.touches[hot->first + i].gfn, 1,
				  &page);
		present += !!(mglru_flags(&lane->mglru, page) & PAGE_RESIDENT);
	}
	return present;
}

static void end_step(struct script *s, size_t first_epoch)
{
	for (size_t i = 0; i < s->e->nr_lanes; i++) {
		const struct lane *lane = &s->e->lanes[i];
		struct scenario_results *r = lane->script;
		struct scenario_outcome *o = &r->steps[r->nr_steps - 1];

		o->epochs = s->epoch - first_epoch;
		if (first_epoch && r->is_concurrent &&
		    scenario_word_has_hot(o->word))
			o->beside.present = count_present(s, lane, first_epoch);
	}
}

static int run_steps(struct script *s, struct status *st)
{
	int ret = 0;

	for (size_t i = 0; i < s->scenario->nr_steps && !ret; i++) {
		const struct scenario_step *step = &s->scenario->steps[i];
		size_t first_epoch = s->epoch;

		ret = begin_step(s, step, st);
		if (!ret)
			ret = run_step(s, step, st);
		if (!ret && s->error)
			ret = status_fail(st, -s->error, "out of memory");
		if (!ret)
			end_step(s, first_epoch);
	}
	return ret;
}

/* "batched:batch=64,lock=write", as far as there is room */
static void describe_policy(char *text, size_t size,
			    const struct lane_config *config)
{
	size_t used = (size_t)snprintf(text, size, "%s:", config->policy->name);

	if (param_format(config->policy->ops->params, config->policy_params,
			 text + used, size - used) ||
	    !text[used])
		text[used - 1] = '\0';
}

static void describe(struct script *s, const char *path)
{
	const char *slash = strrchr(path, '/');

	for (size_t i = 0; i < s->e->nr_lanes; i++) {
		const struct lane_config *config = s->e->lanes[i].config;
		struct scenario_results *r = s->e->lanes[i].script;

		r->by_model = true;
		r->has_evicted = true;
		r->is_concurrent = s->e->options->beside;
		r->scenario_id = scenario_id(s->scenario);
		r->seed = s->e->options->seed;
		r->footprint_pages = s->playback.nr_pages;
		snprintf(r->kernel, sizeof(r->kernel), "%s",
			 config->version->name);
		describe_policy(r->policy, sizeof(r->policy), config);
		snprintf(r->scenario, sizeof(r->scenario), "%s",
			 scenario_name(s->scenario));
		snprintf(r->trace, sizeof(r->trace), "%s",
			 slash ? slash + 1 : path);
		snprintf(r->trace_id, sizeof(r->trace_id), "%s",
			 s->playback.trace_id);
		if (s->e->options->mix)
			snprintf(r->mix, sizeof(r->mix), "%s",
				 s->e->options->mix->text);
	}
}

/* Lanes know pages; whoever reads results knows gfns. */
static void name_evicted(struct script *s)
{
	for (size_t i = 0; i < s->e->nr_lanes; i++) {
		struct scenario_results *r = s->e->lanes[i].script;

		for (size_t k = 0; k < r->nr_evicted; k++)
			r->evicted[k] = gfn_map_gfn(&s->e->map,
						    (uint32_t)r->evicted[k]);
	}
}

static int count_hot(struct script *s, struct status *st)
{
	int ret = 0;

	for (size_t i = 0; i < s->e->nr_lanes && !ret; i++)
		ret = scenario_count_hot(s->e->lanes[i].script, &s->playback,
					 st);
	return ret;
}

static int check_lanes(const struct script *s, struct status *st)
{
	for (size_t i = 0; i < s->e->nr_lanes; i++)
		if (s->e->lanes[i].config->scenario != s->scenario)
			return status_fail(
				st, EINVAL,
				"lanes of one pass must have one scenario");
	if (s->playback.has_large && s->e->options->expand != EXPAND_ALL)
		return status_fail(
			st, EINVAL,
			"the trace has 2M or 1G records: a scenario needs --expand=all");
	if (s->e->options->beside)
		return beside_check(s->e->options->beside, s->scenario, st);
	return 0;
}

/* As kage live does before the first step (SCENARIO.md). */
static void make_tables(struct script *s)
{
	for (size_t i = 0; i < s->e->nr_lanes; i++)
		mglru_make_tables(&s->e->lanes[i].mglru);
}

/* What kage live names of what is evicted: a huge folio has other pages, too. */
static int list_footprint(struct script *s, struct status *st)
{
	s->footprint = engine_list_footprint(s->e, s->playback.footprint,
					     s->playback.nr_pages, st);
	for (size_t i = 0; i < s->e->nr_lanes; i++)
		s->e->lanes[i].footprint = s->footprint;
	return s->footprint ? 0 : -ENOMEM;
}

static void forget_footprint(struct script *s)
{
	for (size_t i = 0; i < s->e->nr_lanes; i++)
		s->e->lanes[i].footprint = NULL;
	free(s->footprint);
}

int engine_script(struct engine *e, const char *path, struct status *st)
{
	struct script s = {.e = e, .scenario = e->lanes[0].config->scenario};
	int ret = playback_load(&s.playback, path, s.scenario, e->options->seed,
				st);

	if (ret)
		return ret;
	ret = check_lanes(&s, st);
	if (!ret)
		ret = list_footprint(&s, st);
	if (!ret) {
		describe(&s, path);
		make_tables(&s);
		e->breath = SCENARIO_BREATH;
		engine_start(e, s.playback.nr_epochs
					? s.playback.epochs[0].start
					: e->trace->totals.first_time);
		ret = run_steps(&s, st);
	}
	name_evicted(&s);
	if (!ret)
		ret = count_hot(&s, st);
	beside_fini(&s.beside);
	e->trace->is_ordered = s.playback.is_ordered;
	e->trace->footprint_pages = s.playback.nr_pages;
	e->trace->mixed_pages = 0; /* playback knows the guest's alone */
	forget_footprint(&s);
	playback_fini(&s.playback);
	return ret;
}

static int run_lane(const char *path, const struct engine_options *options,
		    const struct plan *plan, struct scenario_results *results,
		    struct status *st)
{
	const struct lane_config *config = &plan->lanes[0];
	struct engine_trace trace;
	struct lane lane;
	int ret =
		engine_run(path, options, &config, 1, &lane, NULL, &trace, st);

	if (!ret) {
		*results = *lane.script;
		*lane.script = (struct scenario_results){0};
	}
	lane_fini(&lane);
	return ret;
}

int script_replay(const char *path, const struct engine_options *options,
		  const struct plan_request *request,
		  struct scenario_results *results, struct status *st)
{
	struct plan plan;
	/* limits in percent are none of a scenario's: any footprint will do */
	int ret = plan_init(&plan, request, UINT32_MAX, st);

	*results = (struct scenario_results){0};
	if (!ret && !plan.scenario)
		ret = status_fail(
			st, EINVAL,
			"only --driver script:FILE.scn has snapshots");
	if (!ret && plan.nr_lanes != 1)
		ret = status_fail(
			st, EINVAL,
			"snapshots are of one policy; --policy names it");
	if (!ret)
		ret = run_lane(path, options, &plan, results, st);
	plan_fini(&plan);
	return ret;
}

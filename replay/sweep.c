/* SPDX-License-Identifier: MIT */
/*
 * One trace through all of its lanes and bounds; see sweep.h.  Lanes are dealt out
 * to passes, one per thread; each pass has a reader and page words of its own, so
 * the number of threads cannot change a result.
 */
#include "replay/sweep.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "replay/feeder.h"
#include "replay/store.h"

/* What the scout has decoded is kept for the passes, unless it is more. */
#define DECODED_BYTES_MAX (UINT64_C(1) << 30)

struct pass {
	const struct lane_config *config[ENGINE_LANES_MAX];
	struct run run[ENGINE_LANES_MAX];
	struct lane *lanes; /* owned */
	size_t n;
	struct engine_trace trace;
	uint64_t elapsed_ns;
};

struct bound_run {
	const struct plan_bound *bound;
	struct run run;
	struct bound_result result;
	struct bound_sample *samples; /* owned */
	size_t nr_samples;
	uint64_t elapsed_ns;
};

struct work {
	const struct sweep *sweep;
	const char *path;
	struct store *store;
	struct plan plan;
	struct run_context context;
	struct engine_options
		options; /* of lanes: with a timeline if asked for */
	struct timeline_options timeline;
	struct costs costs;
	char costs_digest[RUN_DIGEST];
	char trace_id[TRACE_ID_TEXT];
	uint64_t nr_epochs; /* 0: a stream */
	uint64_t guest_pages;
	struct engine_trace trace; /* of the scout */
	struct engine_tape tape;
	struct feed_store decoded;
	struct pass *passes; /* owned */
	size_t nr_passes;
	struct bound_run *bounds; /* owned */
	size_t nr_bounds;
	pthread_mutex_t saving; /* protects the store and the outcome */
	struct sweep_outcome *outcome;
};

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* A pass may decode ahead where it leaves a processor idle. */
static struct engine_options options_of(const struct engine_options *wanted,
					size_t nr_passes)
{
	struct engine_options options = *wanted;

	options.reads_ahead = nr_passes < pool_default_threads();
	return options;
}

/* A pass without lanes: the footprint, and the accesses for the bounds. */
static int scout(struct work *w, bool wants_tape, struct status *st)
{
	struct engine_options options = options_of(&w->sweep->options, 1);
	struct lane none;

	options.store = &w->decoded;
	return engine_run(w->path, &options, NULL, 0, &none,
			  wants_tape ? &w->tape : NULL, &w->trace, st);
}

/* How epochs become accesses: "epoch", then what is not the default. */
static const char *epoch_rule(const struct engine_options *options,
			      const struct trace_totals *totals)
{
	static const char *const rules[][3] = {
		{"epoch", "epoch-all", "epoch-one"},
		{"epoch-hold", "epoch-hold-all", "epoch-hold-one"},
	};

	return totals->epochs ? rules[options->holds_epochs][options->expand]
			      : "stream";
}

static int identify(struct work *w, struct status *st)
{
	struct trace_reader *reader;
	const struct trace_totals *totals;
	int ret = trace_reader_open(&reader, w->path, 0, st);

	if (ret)
		return ret;
	totals = trace_reader_totals(reader);
	if (totals) {
		const struct trace_meta *meta = trace_reader_meta(reader);

		trace_id_text(w->trace_id, totals->id);
		w->nr_epochs = totals->epochs;
		w->guest_pages = trace_meta_pages(meta);
		w->context = (struct run_context){
			.trace_id = w->trace_id,
			.cost_profile = w->sweep->cost_profile,
			.costs_digest = w->costs_digest,
			.options = &w->options,
			.epoch_rule = epoch_rule(&w->sweep->options, totals),
			.lower_bound =
				!(meta->channels & TRACE_CHANNEL_ACCESSED),
		};
	} else {
		ret = engine_refuse_unfinished(w->path, st);
	}
	trace_reader_close(reader);
	return ret;
}

/* Return: whether this very run is among those to be made: a list named it twice. */
static bool is_dealt(const struct work *w, const struct run *run)
{
	for (size_t p = 0; p < w->nr_passes; p++)
		for (size_t i = 0; i < w->passes[p].n; i++)
			if (!strcmp(w->passes[p].run[i].id, run->id))
				return true;
	for (size_t i = 0; i < w->nr_bounds; i++)
		if (!strcmp(w->bounds[i].run.id, run->id))
			return true;
	return false;
}

/* Return: 1 if @run need not be made, 0 if it must, or a negative errno. */
static int is_needless(struct work *w, const struct run *run,
		       struct sweep_outcome *outcome, struct status *st)
{
	int ret = is_dealt(w, run);

	if (!ret)
		ret = store_has_run(w->store, run, st);
	outcome->skipped += ret > 0;
	return ret;
}

/* Return: whether each lane has an order of accesses of its own (closed_loop.h). */
static bool is_closed(const struct sweep *sweep)
{
	return sweep->timeline && sweep->timeline->is_closed;
}

/* A bound knows the accesses of the trace, and not when a late guest makes them. */
static int plan_runs(struct plan *plan, const struct sweep *sweep,
		     uint64_t footprint, struct status *st)
{
	int ret = plan_init(plan, &sweep->request, footprint, st);

	if (ret || !is_closed(sweep) || !plan->nr_bounds)
		return ret;
	if (sweep->request.policies)
		return status_fail(
			st, EINVAL,
			"--closed-loop: %s is a bound for accesses as the trace has them",
			plan->bounds[0].bound->name);
	plan->nr_bounds = 0;
	return 0;
}

/* Deal the lanes that are not stored yet out to the passes. */
static int deal(struct work *w, struct sweep_outcome *outcome,
		struct status *st)
{
	size_t wanted = w->sweep->threads, least;

	least = (w->plan.nr_lanes + ENGINE_LANES_MAX - 1) / ENGINE_LANES_MAX;
	if (is_closed(w->sweep))
		least = w->plan.nr_lanes;
	if (wanted > w->plan.nr_lanes)
		wanted = w->plan.nr_lanes;
	w->nr_passes = wanted > least ? wanted : least;
	w->passes = kage_calloc(w->nr_passes, sizeof(*w->passes), st);
	if (!w->passes)
		return -ENOMEM;
	for (size_t i = 0, dealt = 0; i < w->plan.nr_lanes; i++) {
		struct pass *pass = &w->passes[dealt % w->nr_passes];
		struct run run;
		int ret;

		run_of_lane(&run, &w->plan.lanes[i], &w->context);
		ret = is_needless(w, &run, outcome, st);
		if (ret < 0)
			return ret;
		if (ret)
			continue;
		pass->run[pass->n] = run;
		pass->config[pass->n++] = &w->plan.lanes[i];
		dealt++;
	}
	return 0;
}

static int pick_bounds(struct work *w, struct sweep_outcome *outcome,
		       struct status *st)
{
	w->bounds = kage_calloc(w->plan.nr_bounds, sizeof(*w->bounds), st);
	if (!w->bounds)
		return -ENOMEM;
	for (size_t i = 0; i < w->plan.nr_bounds; i++) {
		struct bound_run *b = &w->bounds[w->nr_bounds];
		int ret;

		b->bound = &w->plan.bounds[i];
		run_of_bound(&b->run, b->bound, &w->context);
		ret = is_needless(w, &b->run, outcome, st);
		if (ret < 0)
			return ret;
		w->nr_bounds += !ret;
	}
	return 0;
}

static int save_trace(struct work *w, const struct engine_trace *trace,
		      struct status *st)
{
	struct trace_reader *reader;
	int ret = trace_reader_open(&reader, w->path, 0, st);

	if (ret)
		return ret;
	ret = store_trace(w->store, w->path, trace_reader_meta(reader), trace,
			  st);
	trace_reader_close(reader);
	return ret;
}

/* What is finished is stored at once: an interrupted sweep keeps it. */
static int save_pass(struct work *w, struct pass *pass, struct status *st)
{
	const struct store_provenance p = {w->sweep->command, pass->elapsed_ns,
					   pass->n};
	int ret;

	pthread_mutex_lock(&w->saving);
	ret = save_trace(w, &pass->trace, st);
	for (size_t i = 0; i < pass->n && !ret; i++) {
		ret = store_lane(w->store, &pass->run[i], &pass->lanes[i], &p,
				 st);
		w->outcome->stored += !ret;
	}
	pthread_mutex_unlock(&w->saving);
	return ret;
}

static int save_bound(struct work *w, struct bound_run *b, struct status *st)
{
	const struct store_provenance p = {w->sweep->command, b->elapsed_ns, 1};
	int ret;

	pthread_mutex_lock(&w->saving);
	ret = save_trace(w, &w->trace, st);
	if (!ret)
		ret = store_bound(w->store, &b->run, &b->result, b->samples,
				  b->nr_samples, &w->trace, &p, st);
	w->outcome->stored += !ret;
	pthread_mutex_unlock(&w->saving);
	return ret;
}

/* What epochs hide shows in a repeat with epochs twice as long; one has no pair. */
static int fit_epochs(const struct work *w, struct pass *pass,
		      struct engine_options options, struct status *st)
{
	struct lane *coarse = kage_calloc(pass->n, sizeof(*coarse), st);
	/* steps of a scenario count epochs: it is another with longer ones */
	bool has_pairs = w->nr_epochs > 1 && !w->plan.scenario;
	struct engine_trace trace;
	int ret = coarse ? 0 : -ENOMEM;

	options.coarsen_by = 2;
	options.nr_samples = 1;
	options.counts_idle_age = false;
	options.measures_accuracy = false;
	options.timeline = NULL;
	if (!ret && has_pairs)
		ret = engine_run(w->path, &options, pass->config, pass->n,
				 coarse, NULL, &trace, st);
	for (size_t i = 0; i < pass->n && !ret; i++)
		ret = epoch_fit_set(&pass->lanes[i], &pass->trace,
				    has_pairs ? &coarse[i] : NULL, st);
	for (size_t i = 0; i < pass->n && coarse; i++)
		lane_fini(&coarse[i]);
	free(coarse);
	return ret;
}

static int run_pass(void *arg, size_t index, struct status *st)
{
	struct work *w = arg;
	struct pass *pass = &w->passes[index];
	struct engine_options options = options_of(&w->options, w->nr_passes);
	uint64_t start = clock_ns();
	int ret;

	if (w->decoded.is_whole)
		options.store = &w->decoded;
	if (!pass->n)
		return 0;
	pass->lanes = kage_calloc(pass->n, sizeof(*pass->lanes), st);
	if (!pass->lanes)
		return -ENOMEM;
	ret = engine_run(w->path, &options, pass->config, pass->n, pass->lanes,
			 NULL, &pass->trace, st);
	pass->elapsed_ns = clock_ns() - start;
	if (!ret && w->nr_epochs)
		ret = fit_epochs(w, pass, options, st);
	return ret ? ret : save_pass(w, pass, st);
}

static void note_sample(void *arg, const struct bound_result *so_far,
			uint64_t resident)
{
	struct bound_run *b = arg;

	b->samples[b->nr_samples++] = (struct bound_sample){*so_far, resident};
}

/* A stream has no epochs of its own: the intervals of its series stand for them. */
static struct bound_trace tape_as_trace(const struct work *w)
{
	const struct engine_tape *tape = &w->tape;

	return (struct bound_trace){
		.page = tape->page,
		.n = tape->n,
		.npages = tape->npages,
		.epoch_at = w->nr_epochs ? tape->epoch_at : tape->sample_at,
		.nr_epochs = w->nr_epochs ? tape->nr_epochs : tape->nr_samples,
		.seed = w->sweep->options.seed,
	};
}

static int run_bound(void *arg, size_t index, struct status *st)
{
	struct work *w = arg;
	struct bound_run *b = &w->bounds[index];
	const struct bound_trace trace = tape_as_trace(w);
	const struct bound_observer observer = {note_sample, w->tape.sample_at,
						w->tape.nr_samples, b};
	uint64_t start = clock_ns();
	int ret;

	b->samples = kage_calloc(w->tape.nr_samples, sizeof(*b->samples), st);
	if (!b->samples)
		return -ENOMEM;
	ret = b->bound->bound->ops->run(&trace, b->bound->config.limit_pages,
					&observer, &b->result, st);
	b->elapsed_ns = clock_ns() - start;
	return ret ? ret : save_bound(w, b, st);
}

static void work_fini(struct work *w)
{
	for (size_t p = 0; p < w->nr_passes && w->passes; p++) {
		for (size_t i = 0; i < w->passes[p].n && w->passes[p].lanes;
		     i++)
			lane_fini(&w->passes[p].lanes[i]);
		free(w->passes[p].lanes);
	}
	for (size_t i = 0; i < w->nr_bounds; i++)
		free(w->bounds[i].samples);
	free(w->passes);
	free(w->bounds);
	engine_tape_fini(&w->tape);
	feed_store_fini(&w->decoded);
	plan_fini(&w->plan);
	costs_fini(&w->costs);
	store_close(w->store);
	pthread_mutex_destroy(&w->saving);
}

/* Plan as if every page were touched: what is asked for is checked before the trace
 * is read, and it shows what the scout has to find out. */
static int draft(struct work *w, bool *wants_scout, bool *wants_tape,
		 struct status *st)
{
	const struct plan_request *request = &w->sweep->request;
	struct plan plan;
	int ret = plan_runs(&plan, w->sweep, w->guest_pages, st);

	*wants_tape = plan.nr_bounds;
	*wants_scout = *wants_tape || plan_needs_footprint(request);
	plan_fini(&plan);
	return ret;
}

/* What is timed, and by which costs. */
static int load_costs(struct work *w, struct status *st)
{
	const char *profile = w->sweep->cost_profile;
	int ret;

	if (!w->sweep->timeline)
		return 0;
	ret = store_load_costs(w->store, profile, &w->costs, st);
	return ret ? ret
		   : store_costs_digest(w->store, profile, w->costs_digest, st);
}

/* The options of lanes, with their timeline: before any run is named. */
static void set_options(struct work *w)
{
	w->options = w->sweep->options;
	if (!w->sweep->timeline)
		return;
	w->timeline = *w->sweep->timeline;
	w->timeline.costs = &w->costs;
	w->timeline.seed = w->options.seed;
	w->options.timeline = &w->timeline;
}

static int plan_work(struct work *w, struct sweep_outcome *outcome,
		     struct status *st)
{
	bool wants_scout = false, wants_tape = false;
	int ret;

	set_options(w);
	ret = identify(w, st);
	if (!ret)
		ret = draft(w, &wants_scout, &wants_tape, st);
	if (!ret && wants_scout)
		ret = scout(w, wants_tape, st);
	if (!ret)
		ret = plan_runs(&w->plan, w->sweep, w->trace.footprint_pages,
				st);
	if (!ret)
		ret = store_open(&w->store, w->sweep->database,
				 w->sweep->cost_profile, w->sweep->own_costs,
				 st);
	if (!ret)
		ret = load_costs(w, st);
	if (!ret)
		ret = deal(w, outcome, st);
	return ret ? ret : pick_bounds(w, outcome, st);
}

int sweep_trace(const struct sweep *sweep, const char *path,
		struct sweep_outcome *outcome, struct status *st)
{
	struct work w = {.sweep = sweep,
			 .path = path,
			 .outcome = outcome,
			 .decoded.bytes_max = DECODED_BYTES_MAX};
	size_t before = outcome->skipped;
	int ret;

	pthread_mutex_init(&w.saving, NULL);
	ret = plan_work(&w, outcome, st);
	if (ret ||
	    outcome->skipped - before == w.plan.nr_lanes + w.plan.nr_bounds)
		goto out;
	ret = pool_run(sweep->threads, w.nr_passes, run_pass, &w, st);
	if (!ret)
		ret = pool_run(sweep->threads, w.nr_bounds, run_bound, &w, st);
out:
	work_fini(&w);
	return ret;
}

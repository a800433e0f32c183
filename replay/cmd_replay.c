/* SPDX-License-Identifier: MIT */
/* kage replay: traces through policies into a results database. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/outbuf.h"
#include "base/pool.h"
#include "replay/cmd.h"
#include "replay/cost_profile.h"
#include "replay/mix.h"
#include "replay/script.h"
#include "replay/sweep.h"
#include "replay/words.h"

struct replay_values {
	struct replay_words words;
	const char *output, *cost, *costs, *snapshots, *mix;
	uint64_t samples, threads, vcpus, reclaimers, agers;
	bool idle_age, accuracy, time, closed_loop;
};

static const struct replay_values presets = {
	.words = {REPLAY_WORDS_PRESETS},
};

#define VALUE(name) offsetof(struct replay_values, name)

static const struct opt opts[] = {
	REPLAY_WORDS_OPTS(VALUE(words)),
	{"output", 'o', OPT_STRING, VALUE(output), "FILE.db",
	 "results database; added to if it exists"},
	{"snapshots", 0, OPT_STRING, VALUE(snapshots), "FILE.json",
	 "with a script: what one policy counted and evicted, step by step"},
	{"mix", 0, OPT_STRING, VALUE(mix), "TRACE:file",
	 "add a second trace as file pages of the memcg: synthetic"},
	{"cost", 0, OPT_STRING, VALUE(cost), "PROFILE",
	 "prices of a host (x86-tdp); kage list costs"},
	{"costs", 0, OPT_STRING, VALUE(costs), "FILE.costs",
	 "prices of your own host (kage calibrate; doc/costs.md)"},
	{"samples", 0, OPT_COUNT, VALUE(samples), "N",
	 "intervals of the time series (128, or one per epoch)"},
	{"idle-age", 0, OPT_FLAG, VALUE(idle_age), NULL,
	 "also store true idle ages per interval"},
	{"accuracy", 0, OPT_FLAG, VALUE(accuracy), NULL,
	 "also judge each aging pass by the accesses: slower"},
	{"time", 0, OPT_FLAG, VALUE(time), NULL,
	 "also put a time on it: locks, stalls and passes, by the costs"},
	{"vcpus", 0, OPT_COUNT, VALUE(vcpus), "N",
	 "with --time: share the faults of the trace out (as recorded)"},
	{"reclaimers", 0, OPT_COUNT, VALUE(reclaimers), "N",
	 "with --time: threads that reclaim (0: vCPUs that fault)"},
	{"agers", 0, OPT_COUNT, VALUE(agers), "N",
	 "with --time: threads that walk (0: who reclaims)"},
	{"closed-loop", 0, OPT_FLAG, VALUE(closed_loop), NULL,
	 "with --time: a stall delays what its vCPU does next; moves decisions"},
	{"threads", 'j', OPT_COUNT, VALUE(threads), "N",
	 "passes at a time (as many as processors)"},
	{0},
};

static int set_options(struct engine_options *options,
		       const struct replay_values *v, struct status *st)
{
	int ret = replay_words_options(&v->words, options, st);

	if (ret)
		return ret;
	if (v->threads > 4096)
		return status_fail(st, EINVAL, "--threads: up to 4096");
	if (v->samples > 100000)
		return status_fail(st, EINVAL, "--samples: at most 100000");
	options->nr_samples = v->samples;
	options->counts_idle_age = v->idle_age;
	options->measures_accuracy = v->accuracy;
	return 0;
}

/* One lane by itself: what is stored of lanes has no steps. */
static int write_snapshots(const struct cmd_call *call,
			   const struct sweep *sweep, struct status *st)
{
	const struct replay_values *v = call->values;
	struct scenario_results results;
	int ret;

	if (call->argc != 1)
		return status_fail(st, EINVAL,
				   "--snapshots: needs exactly one trace");
	ret = script_replay(call->argv[0], &sweep->options, &sweep->request,
			    &results, st);
	if (!ret)
		ret = scenario_results_write(&results, v->snapshots, st);
	if (!ret)
		printf("%zu steps, %zu snapshots: %s\n", results.nr_steps,
		       results.nr_snapshots, v->snapshots);
	scenario_results_fini(&results);
	return ret;
}

static int run_sweep(const struct cmd_call *call, struct sweep *sweep,
		     struct status *st)
{
	struct sweep_outcome outcome = {0};
	struct outbuf line = {0};
	int ret = 0;

	outbuf_printf(&line, "kage");
	for (char *const *word = call->words; *word; word++)
		outbuf_printf(&line, " %s", *word);
	sweep->command = line.data ? line.data : "";
	for (int i = 0; i < call->argc && !ret; i++)
		ret = sweep_trace(sweep, call->argv[i], &outcome, st);
	outbuf_fini(&line);
	if (!ret)
		printf("%zu runs stored, %zu were there already: %s\n",
		       outcome.stored, outcome.skipped, sweep->database);
	return ret;
}

static int set_time(struct sweep *sweep, struct timeline_options *timeline,
		    const struct replay_values *v, struct status *st)
{
	if (!v->time &&
	    (v->vcpus || v->reclaimers || v->agers || v->closed_loop))
		return status_fail(
			st, EINVAL,
			"--vcpus, --reclaimers, --agers and --closed-loop need --time");
	if (v->time && v->snapshots)
		return status_fail(st, EINVAL,
				   "--time: a scenario has no time of its own");
	if (v->vcpus > TIMELINE_VCPUS_MAX)
		return status_fail(st, EINVAL, "--vcpus: up to %d",
				   TIMELINE_VCPUS_MAX);
	if (v->reclaimers > TIMELINE_RECLAIMERS_MAX ||
	    v->agers > TIMELINE_AGERS_MAX)
		return status_fail(st, EINVAL,
				   "--reclaimers and --agers: up to %d each",
				   TIMELINE_AGERS_MAX);
	*timeline = (struct timeline_options){
		.vcpus = (uint32_t)v->vcpus,
		.reclaimers = (uint32_t)v->reclaimers,
		.agers = (uint32_t)v->agers,
		.is_closed = v->closed_loop,
	};
	if (v->time)
		sweep->timeline = timeline;
	return 0;
}

static int set_costs(struct sweep *sweep, struct cost_file *own,
		     const struct replay_values *v, struct status *st)
{
	int ret;

	if (!v->costs)
		return 0;
	if (v->cost)
		return status_fail(st, EINVAL,
				   "--costs: the file names its profile; leave "
				   "--cost out");
	ret = cost_profile_load(own, v->costs, st);
	if (!ret) {
		sweep->own_costs = own;
		sweep->cost_profile = own->profile;
	}
	return ret;
}

static int run(const struct cmd_call *call, struct status *st)
{
	const struct replay_values *v = call->values;
	struct sweep sweep = {
		.request = replay_words_request(&v->words),
		.cost_profile = v->cost ? v->cost : "x86-tdp",
		.database = v->output,
		.threads = v->threads ? (unsigned int)v->threads
				      : pool_default_threads(),
	};
	struct mix mix = {.text = ""};
	struct timeline_options timeline;
	struct cost_file own = {0};
	int ret = set_options(&sweep.options, v, st);

	if (!ret && v->output && !strcmp(v->output, "-"))
		ret = status_fail(
			st, EINVAL,
			"replay: -o names a database, not standard output");
	if (!ret && (!call->argc || (!v->output && !v->snapshots)))
		ret = status_fail(
			st, EINVAL,
			"replay: needs a trace and -o FILE.db (see --help)");
	if (!ret && v->mix) {
		ret = mix_load(&mix, v->mix, &sweep.options, st);
		sweep.options.mix = &mix;
	}
	if (!ret)
		ret = set_time(&sweep, &timeline, v, st);
	if (!ret)
		ret = set_costs(&sweep, &own, v, st);
	if (!ret && v->snapshots)
		ret = write_snapshots(call, &sweep, st);
	if (!ret && v->output)
		ret = run_sweep(call, &sweep, st);
	mix_fini(&mix);
	cost_file_fini(&own);
	return ret;
}

const struct cmd cmd_replay = {
	.name = "replay",
	.summary = "run traces through aging policies; results go to SQLite",
	.operands = " FILE.kgt...",
	.details =
		"kage list shows the policies, bounds, drivers and their parameters.\n"
		"A run that the database holds already is not repeated.",
	.opts = opts,
	.presets = &presets,
	.values_size = sizeof(presets),
	.run = run,
};

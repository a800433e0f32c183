/* SPDX-License-Identifier: MIT */
/* Identity of runs; see run.h. */
#include "replay/run.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "base/param.h"
#include "model_rev.h"
#include "replay/mix.h"

const char run_model_rev[] = MODEL_REV;

static void set_id(struct run *run)
{
	char text[2048];
	XXH128_hash_t hash;
	int n = snprintf(text, sizeof(text),
			 "%s|%s|%s|%s|%s|%s|%s|%s|%" PRIu64 "|%" PRIu64
			 "|%" PRIu64 "|%" PRIu64 "|%" PRIu64 "|%" PRIu32
			 "|%s|%d|%s|%s|%s|%s|%s|%s|%s|%s|%s",
			 run->trace_id, run->policy, run->policy_params,
			 run->kernel, run->mmu, run->mmu_params, run->driver,
			 run->driver_params, run->limit_pages, run->pace_ns,
			 run->wrong_window_ns, run->seed, run->nr_samples,
			 run->ps_per_tick, run->epoch_rule, run->lower_bound,
			 run->cost_profile, run->limit_text, run_model_rev,
			 run->numa, run->numa_params, run->chunk, run->memory,
			 run->mix ? run->mix : "", run->closed_loop);

	assert(n > 0 && (size_t)n < sizeof(text));
	hash = XXH3_128bits(text, (size_t)n);
	snprintf(run->id, sizeof(run->id), "%016" PRIx64 "%016" PRIx64,
		 (uint64_t)hash.high64, (uint64_t)hash.low64);
}

static void set_context(struct run *run, const struct run_context *context)
{
	snprintf(run->trace_id, sizeof(run->trace_id), "%s", context->trace_id);
	run->seed = context->options->seed;
	if (context->options->mix)
		run->mix = context->options->mix->text;
	run->nr_samples = context->options->nr_samples;
	run->ps_per_tick = context->options->ps_per_tick;
	run->lower_bound = context->lower_bound;
	run->epoch_rule = context->epoch_rule;
	run->cost_profile = context->cost_profile;
}

/* What lanes and bounds have in common. */
static void set_config(struct run *run, const struct lane_config *config)
{
	const struct memory memory = memory_or_default(config->memory);

	run->kernel = config->version->name;
	run->mmu = config->mmu->name;
	param_format(config->mmu->ops->params, config->mmu_params,
		     run->mmu_params, sizeof(run->mmu_params));
	run->numa = config->numa->name;
	run->chunk = lane_chunk_names[config->chunk];
	if (config->numa->mode != NUMA_OFF)
		param_format(numa_specs, config->numa_params, run->numa_params,
			     sizeof(run->numa_params));
	run->driver = config->driver->name;
	run->has_limit = config->driver->ops->needs_limit;
	run->limit_pages = config->limit_pages;
	run->limit_text = config->limit_text;
	run->pace_ns = config->pace_ns;
	run->wrong_window_ns = config->wrong_window_ns;
	if (config->scenario)
		memcpy(run->driver_params, config->scenario_text,
		       sizeof(config->scenario_text));
	else
		param_format(config->driver->ops->params, config->driver_params,
			     run->driver_params, sizeof(run->driver_params));
	param_format(memory_params, &memory, run->memory, sizeof(run->memory));
}

static void set_time(struct run *run, const struct run_context *context)
{
	const struct timeline_options *timeline = context->options->timeline;

	if (!timeline)
		return;
	timeline_setup(timeline, run->time_setup);
	if (timeline->is_closed)
		snprintf(run->closed_loop, sizeof(run->closed_loop),
			 "%s,costs=%s", run->time_setup, context->costs_digest);
}

void run_of_lane(struct run *run, const struct lane_config *config,
		 const struct run_context *context)
{
	*run = (struct run){.policy = config->policy->name,
			    .has_idle_age = context->options->counts_idle_age,
			    .has_accuracy =
				    context->options->measures_accuracy};
	set_time(run, context);
	set_config(run, config);
	param_format(config->policy->ops->params, config->policy_params,
		     run->policy_params, sizeof(run->policy_params));
	set_context(run, context);
	set_id(run);
}

void run_of_bound(struct run *run, const struct plan_bound *bound,
		  const struct run_context *context)
{
	*run = (struct run){.policy = bound->bound->name, .is_bound = true};
	set_config(run, &bound->config);
	run->wrong_window_ns = 0; /* a bound does not count wrong evictions */
	set_context(run, context);
	set_id(run);
}

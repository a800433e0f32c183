/* SPDX-License-Identifier: MIT */
/* What follows from a scenario's steps; see scenario.h. */
#include "datasets/scenario/scenario.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "base/units.h"

const char *const scenario_words[SCENARIO_NR_WORDS] = {
	[SCENARIO_POPULATE] = "populate", [SCENARIO_EPOCHS] = "epochs",
	[SCENARIO_SWEEP] = "sweep",	  [SCENARIO_AGE] = "age",
	[SCENARIO_RECLAIM] = "reclaim",	  [SCENARIO_EVICT_GEN] = "evict-gen",
	[SCENARIO_LIMIT] = "limit",	  [SCENARIO_SNAPSHOT] = "snapshot",
};

const char *scenario_name(const struct scenario *scenario)
{
	const char *slash = strrchr(scenario->path, '/');

	return slash ? slash + 1 : scenario->path;
}

uint64_t scenario_requests(const struct scenario_step *step)
{
	if (!step->chunk)
		return 1;
	return step->pages / step->chunk + (step->pages % step->chunk != 0);
}

uint64_t scenario_request_pages(const struct scenario_step *step, uint64_t i)
{
	uint64_t done = i * step->chunk;

	if (!step->chunk || step->pages - done < step->chunk)
		return step->pages - done;
	return step->chunk;
}

uint64_t scenario_step_epochs(const struct scenario_step *step)
{
	if (step->word == SCENARIO_EPOCHS)
		return step->count;
	if (step->word == SCENARIO_RECLAIM && !step->is_frozen)
		return scenario_requests(step) - 1;
	return 0;
}

uint64_t scenario_limit_pages(const struct scenario_step *step,
			      uint64_t footprint_pages)
{
	return step->share > 0 ? units_share(step->share, footprint_pages)
			       : step->pages;
}

uint64_t scenario_id(const struct scenario *scenario)
{
	uint64_t id = scenario->epoch_ticks;

	for (size_t i = 0; i < scenario->nr_steps; i++) {
		const struct scenario_step *s = &scenario->steps[i];
		char text[256];
		int n = snprintf(text, sizeof(text),
				 "%s|%d|%d|%" PRIu64 "|%" PRIu64 "|%" PRIu64
				 "|%" PRIu64 "|%" PRIu64 "|%.17g|%s",
				 scenario_words[s->word], s->is_frozen,
				 s->is_forced, s->count, s->pages, s->chunk,
				 s->first, s->last, s->share, s->name);

		id = XXH3_64bits_withSeed(text, (size_t)n, id);
	}
	return id;
}

static int check_step(const struct scenario *scenario,
		      const struct scenario_step *step,
		      uint64_t footprint_pages, struct status *st)
{
	if (step->word == SCENARIO_SWEEP && step->last >= footprint_pages)
		return status_fail(
			st, EBADMSG,
			"%.200s:%u: the footprint of the trace has only %" PRIu64
			" pages",
			scenario->path, step->line, footprint_pages);
	if (step->word == SCENARIO_LIMIT &&
	    !scenario_limit_pages(step, footprint_pages))
		return status_fail(
			st, EBADMSG,
			"%.200s:%u: that is less than one page of %" PRIu64,
			scenario->path, step->line, footprint_pages);
	return 0;
}

/* The statement that plays an epoch that the trace does not have. */
static int too_many_epochs(const struct scenario *scenario, uint64_t nr_epochs,
			   struct status *st)
{
	uint64_t played = 0;
	size_t i = 0;

	for (; i < scenario->nr_steps; i++) {
		uint64_t n = scenario_step_epochs(&scenario->steps[i]);

		if (n != SCENARIO_ALL && n > nr_epochs - played)
			break;
		played += n == SCENARIO_ALL ? 0 : n;
	}
	return status_fail(st, EBADMSG,
			   "%.200s:%u: the trace has %" PRIu64
			   " epochs, and %" PRIu64 " are played",
			   scenario->path, scenario->steps[i].line, nr_epochs,
			   scenario->nr_epochs);
}

int scenario_check_kind(const struct scenario *scenario, bool has_epochs,
			struct status *st)
{
	if (has_epochs && scenario->epoch_ticks)
		return status_fail(
			st, EBADMSG,
			"%.200s: 'epoch' is for streams: the trace has epochs of its own",
			scenario->path);
	if (!has_epochs && !scenario->epoch_ticks)
		return status_fail(
			st, EBADMSG,
			"%.200s: the trace is a stream: say 'epoch TIME' first",
			scenario->path);
	return 0;
}

int scenario_check_trace(const struct scenario *scenario, uint64_t nr_epochs,
			 uint64_t footprint_pages, struct status *st)
{
	int ret = 0;

	if (scenario->nr_epochs > nr_epochs)
		return too_many_epochs(scenario, nr_epochs, st);
	for (size_t i = 0; i < scenario->nr_steps && !ret; i++)
		ret = check_step(scenario, &scenario->steps[i], footprint_pages,
				 st);
	return ret;
}

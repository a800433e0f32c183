/* SPDX-License-Identifier: MIT */
/* Plans replayed in one pass; see test_replay.h. */
#include "replay/test_replay.h"

#include <stdlib.h>

#include "base/test.h"
#include "datasets/coarsen.h"

struct plan_request test_request(const char *names, const char *limits)
{
	return (struct plan_request){
		.policies = names,
		.limits = limits,
		.kernel = "6.12",
		.mmu = "tdp",
		.driver = "limit",
		.pace_ns = 100,
		.wrong_window_ns = 1000000,
	};
}

struct outcome *test_replay(const char *path,
			    const struct engine_options *options,
			    const struct plan_request *wanted,
			    uint64_t footprint, size_t from, size_t to)
{
	struct outcome *o = calloc(1, sizeof(*o));
	const struct lane_config *configs[ENGINE_LANES_MAX];
	struct status st = {""};

	if (plan_init(&o->plan, wanted, footprint, &st))
		fail_msg("%s", st.message);
	to = to < o->plan.nr_lanes ? to : o->plan.nr_lanes;
	for (size_t i = from; i < to; i++)
		configs[i - from] = &o->plan.lanes[i];
	o->plan.nr_lanes = to - from;
	if (engine_run(path, options, configs, to - from, o->lanes, NULL,
		       &o->trace, &st))
		fail_msg("%s", st.message);
	return o;
}

void test_outcome_free(struct outcome *o)
{
	for (size_t i = 0; i < o->plan.nr_lanes; i++)
		lane_fini(&o->lanes[i]);
	plan_fini(&o->plan);
	free(o);
}

uint64_t test_count(const struct outcome *o, size_t lane, enum counter counter)
{
	return o->lanes[lane].counters.n[counter];
}

void test_coarsen(const char *from, const char *to,
		  const struct coarsen_job *job)
{
	struct trace_reader *reader;
	struct trace_writer *writer;
	struct status st = {""};

	if (trace_reader_open(&reader, from, 0, &st) ||
	    trace_writer_open(&writer, to, trace_reader_meta(reader), &st) ||
	    coarsen(reader, writer, job, &st) ||
	    trace_writer_close(writer, NULL, &st))
		fail_msg("%s", st.message);
	trace_reader_close(reader);
}

/* SPDX-License-Identifier: MIT */
/* Plans replayed in one pass; see test_replay.h. */
#include "replay/test_replay.h"

#include <stdlib.h>
#include <string.h>

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

struct costs test_costs(double scale)
{
	struct costs costs = {.profile = "test"};
	int i = 1;

	for (int c = 0; c < NR_COUNTERS; c++)
		assert_int_equal(costs_set(&costs, counter_info[c].name,
					   scale * (i++ % 7 + 1), "test", NULL),
				 0);
	for (const struct cost_info *c = cost_infos; c->name; c++)
		assert_int_equal(costs_set(&costs, c->name,
					   scale * (i++ % 5 + 1), "test", NULL),
				 0);
	return costs;
}

void test_cost(struct costs *costs, const char *name, double ns)
{
	assert_int_equal(costs_set(costs, name, ns, "test", NULL), 0);
}

void test_same_decisions(const struct lane *a, const struct lane *b)
{
	const struct mglru *x = &a->mglru, *y = &b->mglru;

	assert_memory_equal(&a->counters, &b->counters, sizeof(a->counters));
	assert_memory_equal(x->flags, y->flags, x->npages * sizeof(*x->flags));
	assert_memory_equal(x->evicted_at, y->evicted_at,
			    x->npages * sizeof(*x->evicted_at));
	assert_memory_equal(x->where, y->where, x->npages * sizeof(*x->where));
	assert_int_equal(a->nr_samples, b->nr_samples);
	for (size_t i = 0; i < a->nr_samples; i++)
		assert_memory_equal(&a->samples[i].counters,
				    &b->samples[i].counters,
				    sizeof(a->counters));
	assert_int_equal(a->nr_generations, b->nr_generations);
	for (size_t i = 0; i < a->nr_generations; i++)
		assert_memory_equal(&a->generations[i], &b->generations[i],
				    sizeof(a->generations[i]));
}

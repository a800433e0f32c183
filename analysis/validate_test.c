/* SPDX-License-Identifier: MIT */
/* Comparisons of results that are made here: what is compared, judged and refused. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/format.h"
#include "analysis/validate.h"
#include "base/alloc.h"
#include "base/test.h"

#define KERNEL_FILE "tests/fixtures/validate-kernel.json"
#define MODEL_FILE  "tests/fixtures/validate-model.json"

struct sides {
	struct scenario_results model, kernel;
};

static int load_sides(void **state)
{
	struct sides *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	assert_int_equal(scenario_results_read(&s->model, MODEL_FILE, NULL), 0);
	assert_int_equal(scenario_results_read(&s->kernel, KERNEL_FILE, NULL),
			 0);
	*state = s;
	return 0;
}

static int free_sides(void **state)
{
	struct sides *s = *state;

	scenario_results_fini(&s->model);
	scenario_results_fini(&s->kernel);
	free(s);
	return 0;
}

static struct validation compare(const struct sides *s)
{
	struct validation v;

	assert_int_equal(
		validate_init(&v, &s->model, &s->kernel, "k.json", NULL), 0);
	return v;
}

static const struct validate_limits nothing = {
	.hot = NAN,
	.tolerance = NAN,
	.min_jaccard = NAN,
	.min_tau = NAN,
	.most_misplaced = NAN,
};

static struct validate_verdict judge(const struct sides *s,
				     const struct validate_limits *limits)
{
	struct validation v = compare(s);
	struct validate_verdict verdict = {0};

	validate_judge(&v, limits, &verdict);
	validate_fini(&v);
	return verdict;
}

static const struct validate_counter *find(const struct validate_snapshot *s,
					   const char *name)
{
	for (size_t i = 0; i < s->nr_counters; i++)
		if (!strcmp(s->counters[i].name, name))
			return &s->counters[i];
	fail_msg("no counter %s", name);
	return NULL;
}

static void what_is_not_known_has_no_error(void **state)
{
	struct validation v = compare(*state);
	const struct validate_snapshot *aged = &v.snapshots[0];

	assert_int_equal(v.nr_snapshots, 2);
	assert_int_equal(aged->nr_counters, 6);
	assert_int_equal(find(aged, "pgactivate")->model, SCENARIO_UNKNOWN);
	assert_true(isnan(validate_error(find(aged, "pgactivate"))));
	assert_true(isnan(validate_error(find(aged, "sorted"))));
	/* nothing is no measure for something, but is equal to nothing */
	assert_true(isnan(validate_error(find(aged, "pgscan"))));
	assert_true(fabs(validate_error(find(aged, "pgsteal"))) < 1e-12);
	assert_true(fabs(validate_error(find(aged, "kvm_age_hva")) + 0.05) <
		    1e-12);
	assert_true(fabs(aged->misplaced - 0.05) < 1e-12);
	assert_true(isnan(v.snapshots[1].misplaced));
	validate_fini(&v);
}

static void steps_that_reclaim_are_compared(void **state)
{
	struct validation v = compare(*state);

	assert_int_equal(v.nr_steps, 2);
	assert_int_equal(v.steps[0].index, 2);
	assert_int_equal(v.steps[0].evicted.common, 7);
	assert_int_equal(v.steps[0].evicted.inversions, 1);
	assert_int_equal(v.steps[1].evicted.a + v.steps[1].evicted.b, 0);
	validate_fini(&v);
}

static void unwatched_evictions_are_not_compared(void **state)
{
	struct sides *s = *state;
	struct validate_limits limits = nothing;
	struct validation v;

	s->kernel.has_evicted = false;
	v = compare(s);
	assert_false(v.has_evicted);
	assert_int_equal(v.nr_steps, 0);
	validate_fini(&v);
	limits.min_jaccard = limits.min_tau = 0;
	assert_int_equal(judge(s, &limits).jaccards, 0);
	assert_int_equal(judge(s, &limits).taus, 0);
}

/* A page or two are within it, whatever their share; 50 of 1000 are 5 %. */
static void tolerance_is_a_share_or_pages(void **state)
{
	static const struct {
		double tolerance;
		uint64_t pages;
		size_t beyond;
		const char *worst;
	} cases[] = {
		{0.05, 16, 0, ""},
		{0.049, 16, 1,
		 "k.json: kvm_age_hva at aged: model 950, kernel 1000, "
		 "allowed 49 more or less"},
		{0, 50, 0, ""},
		{0.05, 4, 1,
		 "k.json: pgscan at aged: model 5, kernel 0, allowed 4 more "
		 "or less"},
		{0, 4, 2, "k.json: kvm_age_hva at aged:"},
		{0, 0, 4, "k.json: pgscan at aged:"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct validate_limits limits = nothing;
		struct validate_verdict verdict;

		limits.tolerance = cases[i].tolerance;
		limits.min_pages = cases[i].pages;
		verdict = judge(*state, &limits);
		assert_int_equal(verdict.counters, 6);
		assert_int_equal(verdict.jaccards + verdict.snapshots, 0);
		assert_int_equal(verdict.beyond, cases[i].beyond);
		assert_ptr_equal(strstr(verdict.worst, cases[i].worst),
				 verdict.worst);
		assert_int_equal(!*cases[i].worst, !*verdict.worst);
	}
}

static void sets_orders_and_generations_are_judged(void **state)
{
	struct validate_limits limits = nothing;
	struct validate_verdict verdict;

	limits.min_jaccard = 7.0 / 9;
	limits.min_tau = 1 - 2.0 / 21;
	limits.most_misplaced = 0.0501;
	verdict = judge(*state, &limits);
	assert_int_equal(verdict.jaccards, 1); /* two empty sets say nothing */
	assert_int_equal(verdict.taus, 1);
	assert_int_equal(verdict.snapshots, 1);
	assert_int_equal(verdict.beyond, 0);
	limits.min_jaccard = 0.78;
	limits.min_tau = 0.91;
	limits.most_misplaced = 0.01;
	verdict = judge(*state, &limits);
	assert_int_equal(verdict.beyond, 3);
	assert_string_equal(verdict.worst,
			    "k.json: generations at aged: 5% of pages "
			    "misplaced, allowed 1%");
	limits.most_misplaced = NAN;
	verdict = judge(*state, &limits);
	assert_non_null(strstr(verdict.worst, "evicted by reclaim in step 2:"));
	assert_int_equal(verdict.beyond, 2);
}

static void refuses(const struct sides *s, const char *message)
{
	struct status st = {""};

	assert_int_equal(validate_pair(&s->model, "m.json", &s->kernel,
				       "k.json", &st),
			 -EBADMSG);
	if (!strstr(st.message, message))
		fail_msg("'%s' without '%s'", st.message, message);
}

static void what_does_not_belong_together_is_refused(void **state)
{
	struct sides *s = *state;
	struct sides changed = *s;

	assert_int_equal(validate_pair(&s->model, "m.json", &s->kernel,
				       "k.json", NULL),
			 0);
	changed.kernel.by_model = true;
	refuses(&changed, "k.json: results of a model, not of a kernel");
	changed = *s;
	changed.model.by_model = false;
	refuses(&changed, "m.json: results of a kernel, not of a model");
	changed = *s;
	changed.model.scenario_id++;
	refuses(&changed, "k.json: scenario_id is 0123456789abcdef, but "
			  "0123456789abcdf0 in m.json");
	changed = *s;
	changed.model.trace_id[0] = 'f';
	refuses(&changed, "k.json: trace_id is '00112233");
	/* two unknown traces are not the same one */
	changed.model.trace_id[0] = changed.kernel.trace_id[0] = '\0';
	refuses(&changed, "k.json: trace_id is ''");
	changed = *s;
	changed.kernel.seed = 8;
	refuses(&changed, "k.json: seed is 8, but 7 in m.json");
	changed = *s;
	changed.kernel.footprint_pages = 1001;
	refuses(&changed, "footprint_pages is 1001, but 1000 in m.json");
	changed = *s;
	changed.kernel.nr_steps--;
	refuses(&changed, "the number of steps is 4, but 5 in m.json");
	changed = *s;
	changed.kernel.nr_snapshots--;
	refuses(&changed, "the number of snapshots is 1, but 2 in m.json");
}

static void other_steps_are_refused(void **state)
{
	struct sides *s = *state;

	s->kernel.snapshots[1].name[0] = 'x';
	refuses(s, "snapshot 1 is 'xeclaimed', but 'reclaimed' in m.json");
	s->kernel.steps[3].word = SCENARIO_AGE;
	refuses(s, "k.json: step 3 is 'age', but 'reclaim' in m.json");
}

/* Return: 0 or -ENOMEM. */
static int show(const struct sides *s)
{
	struct validation v;
	struct table *tables = NULL;
	struct outbuf out = {0};
	int ret = validate_init(&v, &s->model, &s->kernel, "k.json", NULL);

	if (!ret) {
		tables = validate_tables(&v, true, NULL);
		ret = tables ? format_find("changelog", NULL)
				       ->render(&out, tables, NULL)
			     : -ENOMEM;
	}
	ret = ret ? ret : out.error;
	table_free(tables);
	outbuf_fini(&out);
	validate_fini(&v);
	return ret;
}

static void every_failed_allocation_is_reported(void **state)
{
	unsigned long nth = 0;
	int ret;

	do {
		kage_alloc_fail_at(++nth);
		ret = show(*state);
		assert_int_equal(ret, kage_alloc_failed() ? -ENOMEM : 0);
	} while (ret);
	kage_alloc_fail_at(0);
	assert_true(nth > 30);
}

static void json_has_no_key_for_the_unknown(void **state)
{
	struct validation v = compare(*state);
	json_t *object = validate_json(&v), *aged, *counters;

	assert_non_null(object);
	aged = json_array_get(json_object_get(object, "snapshots"), 0);
	counters = json_object_get(aged, "counters");
	assert_int_equal(json_object_size(counters), 6);
	assert_int_equal(
		json_object_size(json_object_get(counters, "pgactivate")), 1);
	assert_int_equal(json_object_size(json_object_get(counters, "pgscan")),
			 2);
	assert_int_equal(
		json_object_size(json_object_get(counters, "kvm_age_hva")), 3);
	assert_non_null(json_object_get(aged, "misplaced"));
	aged = json_array_get(json_object_get(object, "snapshots"), 1);
	assert_null(json_object_get(aged, "misplaced"));
	assert_int_equal(json_array_size(json_object_get(object, "steps")), 2);
	json_decref(object);
	validate_fini(&v);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, load_sides, free_sides)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_not_known_has_no_error),
		TEST(steps_that_reclaim_are_compared),
		TEST(unwatched_evictions_are_not_compared),
		TEST(tolerance_is_a_share_or_pages),
		TEST(sets_orders_and_generations_are_judged),
		TEST(what_does_not_belong_together_is_refused),
		TEST(other_steps_are_refused),
		TEST(every_failed_allocation_is_reported),
		TEST(json_has_no_key_for_the_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* What every registered driver must do; no test here knows one by its name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "replay/test_replay.h"
#include "replay/test_trace.h"

enum {
	PAGES = 600,
	ACCESSES = 3000
};

struct run {
	const char *path;
	const struct driver_entry *driver;
};

static void every_parameter_tells_its_source(void **state)
{
	(void)state;
	for (const struct driver_entry *d = drivers; d->name; d++)
		for (const struct param_spec *s = d->ops->params; s && s->name;
		     s++) {
			assert_non_null(s->help);
			assert_non_null(s->unit);
			assert_non_null(s->source);
			assert_true(strlen(s->source) > 10);
		}
}

static void run_with(const struct run *run, const struct param_spec *spec,
		     double value)
{
	const struct engine_options options = {.nr_samples = 4};
	struct plan_request wanted = test_request("none,batched", NULL);
	struct outcome *o;
	char text[128];

	if (run->driver->ops->needs_limit)
		wanted.limits = "50%";
	snprintf(text, sizeof(text), "%s:%s=%.17g", run->driver->name,
		 spec->name, value);
	wanted.driver = text;
	o = test_replay(run->path, &options, &wanted, PAGES, 0, 2);
	assert_int_equal(o->trace.records, ACCESSES);
	for (size_t lane = 0; lane < 2; lane++) {
		assert_true(test_count(o, lane, COUNT_faults) > 0);
		assert_null(mglru_check(&o->lanes[lane].mglru));
		assert_int_equal(test_count(o, lane, COUNT_faults),
				 test_count(o, lane, COUNT_first_touches) +
					 test_count(o, lane, COUNT_refaults));
	}
	test_outcome_free(o);
}

static void extremes_of_every_parameter_run(void **state)
{
	char path[] = "/tmp/kage-driver-XXXXXX.kgt";
	int fd = mkstemps(path, 4);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	test_trace_mixed(path, PAGES, ACCESSES, 20, 1);
	for (const struct driver_entry *d = drivers; d->name; d++) {
		const struct run run = {path, d};

		for (const struct param_spec *s = d->ops->params; s && s->name;
		     s++) {
			run_with(&run, s, s->min);
			run_with(&run, s, s->max);
		}
	}
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_parameter_tells_its_source),
		cmocka_unit_test(extremes_of_every_parameter_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

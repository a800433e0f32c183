/* SPDX-License-Identifier: MIT */
/*
 * What share of a sweep's time goes into its database: the linker hands all calls of
 * the store to the wrappers here.  On one thread; wall time, so that waiting for the
 * disk counts.
 *
 * usage: store_bench FILE.kgt POLICIES LIMITS FILE.db
 */
#include <stdio.h>
#include <time.h>

#include "replay/store.h"
#include "replay/sweep.h"

static double in_store;

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

#define WRAP(name, params, args)                                               \
	int __real_##name params;                                              \
	int __wrap_##name params;                                              \
	int __wrap_##name params                                               \
	{                                                                      \
		double start = seconds();                                      \
		int ret = __real_##name args;                                  \
                                                                               \
		in_store += seconds() - start;                                 \
		return ret;                                                    \
	}

WRAP(store_open,
     (struct store * *store, const char *path, const char *cost_profile,
      const struct cost_file *own, struct status *st),
     (store, path, cost_profile, own, st))
WRAP(store_has_run,
     (struct store * store, const struct run *run, struct status *st),
     (store, run, st))
WRAP(store_trace,
     (struct store * store, const char *path, const struct trace_meta *meta,
      const struct engine_trace *trace, struct status *st),
     (store, path, meta, trace, st))
WRAP(store_lane,
     (struct store * store, const struct run *run, const struct lane *lane,
      const struct store_provenance *provenance, struct status *st),
     (store, run, lane, provenance, st))

int main(int argc, char **argv)
{
	struct sweep sweep = {
		.cost_profile = "x86-tdp", .command = "bench", .threads = 1};
	struct sweep_outcome outcome = {0};
	struct status st = {""};
	double start = seconds();

	if (argc != 5)
		return 2;
	sweep.request = (struct plan_request){.policies = argv[2],
					      .limits = argv[3],
					      .kernel = "6.12",
					      .mmu = "tdp",
					      .driver = "limit",
					      .pace_ns = 100};
	sweep.database = argv[4];
	if (sweep_trace(&sweep, argv[1], &outcome, &st)) {
		fprintf(stderr, "store_bench: %s\n", st.message);
		return 1;
	}
	printf("%.3f %.3f %.2f %zu\n", in_store, seconds() - start,
	       100 * in_store / (seconds() - start), outcome.stored);
	return 0;
}

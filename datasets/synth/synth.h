/* SPDX-License-Identifier: MIT */
/*
 * Synthetic guests: generators whose access pattern is known in closed form, for
 * tests and benchmarks.  They say nothing about real guests: no two real accesses
 * are independent, and no real guest has one pattern.
 */
#ifndef DATASETS_SYNTH_H
#define DATASETS_SYNTH_H

#include <stddef.h>
#include <stdint.h>

#include "base/param.h"
#include "base/rng.h"
#include "base/status.h"
#include "datasets/trace/trace.h"

/* What every generator is given besides its own parameters. */
struct synth_job {
	uint64_t pages;	   /* of the guest: gfns [0, pages) */
	uint64_t accesses; /* to generate */
	uint64_t tick_ns;  /* between two accesses */
	double writes;	   /* share of accesses that write, 0 to 1 */
	uint64_t seed;
	uint64_t epoch_ns; /* 0: a stream; else epochs of this length */
};

/*
 * One generator.  A constant table; params and state are made by the caller.
 */
struct synth {
	const char *name;
	const char *summary;
	const struct param_spec *params; /* NULL: none */
	size_t params_size;
	size_t state_size;
	/**
	 * init - prepare @state, state_size zeroed bytes; NULL: nothing to do
	 * @params: parsed, params_size bytes
	 *
	 * Return: 0, or -EINVAL when the parameters do not fit the job.
	 */
	int (*init)(void *state, const struct synth_job *job,
		    const void *params, struct status *st);
	/* fini - release what init allocated; NULL: nothing to do. */
	void (*fini)(void *state);
	/* next - return the page of access @i; called once for each, in order */
	uint64_t (*next)(void *state, uint64_t i, struct rng *rng);
};

extern const struct synth *const synths[]; /* NULL-terminated */

/* Return: the generator of that name, or NULL with @st naming those there are. */
const struct synth *synth_find(const char *name, struct status *st);

/**
 * synth_run - generate a trace
 * @params: "key=value,..." for the generator
 * @path: as trace_writer_open() takes it
 *
 * Return: 0 with @totals (may be NULL), or -errno; then no file is left.
 */
int synth_run(const struct synth *synth, const char *params,
	      const struct synth_job *job, const char *path,
	      struct trace_totals *totals, struct status *st);

#endif

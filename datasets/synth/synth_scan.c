/* SPDX-License-Identifier: MIT */
/*
 * Scan: a hot set is disturbed by sequential passes that touch each
 * page once.  Every period accesses begin with `length` pages of the scan, which
 * goes on where it stopped; the rest falls evenly on the first `hot` pages.
 * Scan share = length / period exactly; a scanned page comes back after
 * (pages - hot) scan steps.
 */
#include <errno.h>

#include "datasets/synth/synth.h"

struct params {
	uint64_t hot, period, length;
};

struct state {
	struct params p;
	uint64_t cold; /* pages behind the hot ones */
	uint64_t at;   /* of the scan */
};

static const struct param_spec specs[] = {
	{"hot", PARAM_UINT, offsetof(struct params, hot), 1024, 1, 1e12, NULL,
	 "pages", "evenly accessed between the scans", NULL},
	{"period", PARAM_UINT, offsetof(struct params, period), 65536, 1, 1e12,
	 NULL, "accesses", "from the start of one scan to the next", NULL},
	{"length", PARAM_UINT, offsetof(struct params, length), 8192, 0, 1e12,
	 NULL, "pages", "of one scan", NULL},
	{.name = NULL},
};

static int scan_init(void *opaque, const struct synth_job *job,
		     const void *params, struct status *st)
{
	struct state *s = opaque;

	s->p = *(const struct params *)params;
	if (s->p.hot >= job->pages || s->p.length > s->p.period)
		return status_fail(st, EINVAL,
				   "scan: hot must be below pages, and length "
				   "at most period");
	s->cold = job->pages - s->p.hot;
	return 0;
}

static uint64_t scan_next(void *opaque, uint64_t i, struct rng *rng)
{
	struct state *s = opaque;

	if (i % s->p.period < s->p.length)
		return s->p.hot + s->at++ % s->cold;
	return rng_below(rng, s->p.hot);
}

const struct synth synth_scan = {
	.name = "scan",
	.summary = "a hot set, disturbed by sequential scans of the rest",
	.params = specs,
	.params_size = sizeof(struct params),
	.state_size = sizeof(struct state),
	.init = scan_init,
	.next = scan_next,
};

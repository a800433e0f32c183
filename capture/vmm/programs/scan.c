/* SPDX-License-Identifier: MIT */
/* One pass after the other over all pages, a part of a pass per round. */
#include "capture/vmm/program.h"

enum {
	ALL = 1000, /* per mille */
};

struct scan_params {
	uint64_t part, stride;
	unsigned int access;
};

static const struct param_spec params[] = {
	{.name = "part",
	 .type = PARAM_UINT,
	 .offset = offsetof(struct scan_params, part),
	 .preset = 250,
	 .max = ALL,
	 .unit = "per mille of a pass",
	 .help = "done in each round"},
	{.name = "stride",
	 .type = PARAM_UINT,
	 .offset = offsetof(struct scan_params, stride),
	 .preset = 1,
	 .min = 1,
	 .max = 1e9,
	 .unit = "pages",
	 .help = "from one touched page to the next"},
	{.name = "access",
	 .type = PARAM_ENUM,
	 .offset = offsetof(struct scan_params, access),
	 .names = program_access_names,
	 .unit = "",
	 .help = "what it does to a page"},
	{.name = NULL},
};

static void scan_round(struct program_run *run)
{
	const struct scan_params *p = run->params;
	uint64_t pass = (run->npages + p->stride - 1) / p->stride;
	uint64_t part = program_part(pass, p->part);
	uint64_t from = pass ? (run->round - 1) * part % pass : 0;

	for (uint64_t i = 0; i < part; i++)
		touch(run, (from + i) % pass * p->stride, p->access);
}

static bool scan_is_steady(const void *values)
{
	const struct scan_params *p = values;

	return !p->part || p->part == ALL;
}

const struct guest_program program_scan = {
	.summary = "sequential passes over all pages",
	.params = params,
	.params_size = sizeof(struct scan_params),
	.round = scan_round,
	.is_steady = scan_is_steady,
};

/* SPDX-License-Identifier: MIT */
/*
 * A chain of pages in random order: each page says which is next, so nobody can
 * know the next access before the last one is done.  The chain is one cycle
 * (Sattolo's algorithm) and rounds go on where the last one ended.
 */
#include "base/rng.h"
#include "capture/vmm/program.h"

struct chase_params {
	uint64_t steps, writes, seed;
};

static const struct param_spec params[] = {
	{.name = "steps",
	 .type = PARAM_UINT,
	 .offset = offsetof(struct chase_params, steps),
	 .preset = 1000,
	 .max = 1e9,
	 .unit = "pages",
	 .help = "that each vCPU follows in a round"},
	{.name = "writes",
	 .type = PARAM_UINT,
	 .offset = offsetof(struct chase_params, writes),
	 .max = 1000,
	 .unit = "per mille",
	 .help = "of the steps that write the page back"},
	{.name = "seed",
	 .type = PARAM_UINT,
	 .offset = offsetof(struct chase_params, seed),
	 .preset = 1,
	 .max = 1e15,
	 .unit = "",
	 .help = "of the order and of the writes"},
	{.name = NULL},
};

static void chase_setup(struct program_run *run)
{
	const struct chase_params *p = run->params;
	struct rng rng = {rng_mix(p->seed) + rng_mix(run->vcpu)};

	for (uint64_t page = 0; page < run->npages; page++)
		touch_write(run, page, page);
	for (uint64_t i = run->npages; i-- > 1;) {
		uint64_t j = rng_below(&rng, i);
		uint64_t kept = touch_read(run, i);

		touch_write(run, i, touch_read(run, j));
		touch_write(run, j, kept);
	}
}

static void chase_round(struct program_run *run)
{
	const struct chase_params *p = run->params;
	struct rng rng = {rng_mix(p->seed + 1) + rng_mix(run->vcpu) +
			  rng_mix(run->round)};
	uint64_t page = run->state[0];

	for (uint64_t i = 0; run->npages && i < p->steps; i++) {
		uint64_t next = touch_read(run, page);

		if (rng_below(&rng, 1000) < p->writes)
			touch_write(run, page, next);
		page = next;
	}
	run->state[0] = page;
}

const struct guest_program program_chase = {
	.summary = "a chain of pages in random order, each naming the next",
	.params = params,
	.params_size = sizeof(struct chase_params),
	.setup = chase_setup,
	.round = chase_round,
};

/* SPDX-License-Identifier: MIT */
/*
 * Independent draws, few pages often and many seldom: ranks 1, 2-3, 4-7, ... are
 * octaves; within one all ranks are alike, and each octave is drawn so much more
 * or less often than the one before.  Equal octaves are Zipf's law with exponent
 * 1, in steps; doubling ones are uniform.
 */
#include "base/rng.h"
#include "capture/vmm/program.h"

enum {
	OCTAVES = 32,
	SCALE = 1 << 20, /* weight of the first octave */
};

struct zipf_params {
	uint64_t draws, octave, writes, scatter, seed;
};

#define FIELD(name) offsetof(struct zipf_params, name)
static const struct param_spec params[] = {
	{.name = "draws",
	 .type = PARAM_UINT,
	 .offset = FIELD(draws),
	 .preset = 1000,
	 .max = 1e9,
	 .unit = "touches",
	 .help = "of each vCPU in a round"},
	{.name = "octave",
	 .type = PARAM_UINT,
	 .offset = FIELD(octave),
	 .preset = 1000,
	 .min = 500,
	 .max = 2000,
	 .unit = "per mille",
	 .help = "weight against the octave before; 1000: Zipf's law, 2000: uniform"},
	{.name = "writes",
	 .type = PARAM_UINT,
	 .offset = FIELD(writes),
	 .preset = 300,
	 .max = 1000,
	 .unit = "per mille",
	 .help = "of the draws that write"},
	{.name = "scatter",
	 .type = PARAM_UINT,
	 .offset = FIELD(scatter),
	 .preset = 1,
	 .max = 1,
	 .unit = "",
	 .help = "1: pages of neighbouring ranks lie apart"},
	{.name = "seed",
	 .type = PARAM_UINT,
	 .offset = FIELD(seed),
	 .preset = 1,
	 .max = 1e15,
	 .unit = "",
	 .help = "of the draws; each vCPU draws its own"},
	{.name = NULL},
};
#undef FIELD

struct octaves {
	unsigned int nr;
	uint64_t weight[OCTAVES], total;
};

/* SCALE * 2^31 is the largest weight, so nothing overflows. */
static void weigh_octaves(struct octaves *octaves, uint64_t npages,
			  uint64_t per_mille)
{
	uint64_t weight = SCALE;

	octaves->nr = 0;
	octaves->total = 0;
	for (uint64_t first = 1; first <= npages && octaves->nr < OCTAVES;
	     first *= 2) {
		uint64_t size = npages + 1 - first;
		uint64_t here = size < first ? weight / first * size : weight;

		octaves->weight[octaves->nr++] = here;
		octaves->total += here;
		weight = weight * per_mille / 1000;
	}
}

/* Return: a rank, 0 the most popular. */
static uint64_t draw(const struct octaves *octaves, uint64_t npages,
		     struct rng *rng)
{
	uint64_t left = rng_below(rng, octaves->total);
	unsigned int k = 0;
	uint64_t first, size;

	while (k + 1 < octaves->nr && left >= octaves->weight[k])
		left -= octaves->weight[k++];
	first = (uint64_t)1 << k;
	size = npages + 1 - first;
	return first - 1 + rng_below(rng, size < first ? size : first);
}

static void zipf_round(struct program_run *run)
{
	const struct zipf_params *p = run->params;
	struct rng rng = {rng_mix(p->seed) + rng_mix(run->vcpu) + run->round};
	uint64_t stride = program_stride(run->npages, p->scatter);
	struct octaves octaves;

	rng.state = rng_mix(rng.state);
	weigh_octaves(&octaves, run->npages, p->octave);
	for (uint64_t i = 0; run->npages && i < p->draws; i++) {
		uint64_t rank = draw(&octaves, run->npages, &rng);

		touch(run, rank * stride % run->npages,
		      rng_below(&rng, 1000) < p->writes ? PROGRAM_WRITE
							: PROGRAM_READ);
	}
}

const struct guest_program program_zipf = {
	.summary = "independent draws, few pages often and many seldom",
	.params = params,
	.params_size = sizeof(struct zipf_params),
	.round = zipf_round,
};

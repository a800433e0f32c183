/* SPDX-License-Identifier: MIT */
/*
 * A hot set that every round touches, and a rotation through the cold rest.
 * With shift, the hot set moves on after so many rounds, by its own size.
 */
#include "capture/vmm/program.h"

enum {
	ALL = 1000, /* per mille */
};

struct hotcold_params {
	uint64_t hot, cold, shift, scatter;
	unsigned int hot_access, cold_access;
};

#define FIELD(name) offsetof(struct hotcold_params, name)
static const struct param_spec params[] = {
	{.name = "hot",
	 .type = PARAM_UINT,
	 .offset = FIELD(hot),
	 .preset = 100,
	 .max = ALL,
	 .unit = "per mille of the pages",
	 .help = "the hot set"},
	{.name = "hot_access",
	 .type = PARAM_ENUM,
	 .offset = FIELD(hot_access),
	 .names = program_access_names,
	 .preset = PROGRAM_WRITE,
	 .unit = "",
	 .help = "what each round does to hot pages"},
	{.name = "cold",
	 .type = PARAM_UINT,
	 .offset = FIELD(cold),
	 .max = ALL,
	 .unit = "per mille of the cold pages",
	 .help = "touched per round, in rotation"},
	{.name = "cold_access",
	 .type = PARAM_ENUM,
	 .offset = FIELD(cold_access),
	 .names = program_access_names,
	 .unit = "",
	 .help = "what it does to cold pages"},
	{.name = "shift",
	 .type = PARAM_UINT,
	 .offset = FIELD(shift),
	 .max = 1e9,
	 .unit = "rounds",
	 .help = "after which the hot set moves; 0: never"},
	{.name = "scatter",
	 .type = PARAM_UINT,
	 .offset = FIELD(scatter),
	 .max = 1,
	 .unit = "",
	 .help = "1: the hot pages lie apart"},
	{.name = NULL},
};
#undef FIELD

/* Touch @n positions from @from on; hot ones come first, where the set begins. */
static void touch_positions(struct program_run *run, uint64_t from, uint64_t n,
			    unsigned int access)
{
	const struct hotcold_params *p = run->params;
	uint64_t stride = program_stride(run->npages, p->scatter);

	for (uint64_t i = from; i < from + n; i++)
		touch(run, i % run->npages * stride % run->npages, access);
}

static void hotcold_round(struct program_run *run)
{
	const struct hotcold_params *p = run->params;
	uint64_t hot = program_part(run->npages, p->hot);
	uint64_t rest = run->npages - hot;
	uint64_t cold = program_part(rest, p->cold);
	uint64_t past = run->round - 1;
	uint64_t begin = p->shift ? past / p->shift * hot % run->npages : 0;
	uint64_t from = cold ? past * cold % rest : 0;
	uint64_t upto = cold < rest - from ? cold : rest - from;

	touch_positions(run, begin, hot, p->hot_access);
	touch_positions(run, begin + hot + from, upto, p->cold_access);
	touch_positions(run, begin + hot, cold - upto, p->cold_access);
}

static bool hotcold_is_steady(const void *values)
{
	const struct hotcold_params *p = values;

	return !p->shift && (!p->cold || p->cold == ALL);
}

const struct guest_program program_hotcold = {
	.summary = "a hot set in every round, a rotation through the cold rest",
	.params = params,
	.params_size = sizeof(struct hotcold_params),
	.round = hotcold_round,
	.is_steady = hotcold_is_steady,
};

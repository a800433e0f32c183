/* SPDX-License-Identifier: MIT */
/*
 * Tiers of a generation and the PID comparison that protects them: read_ctrl_pos,
 * reset_ctrl_pos, positive_ctrl_err, get_tier_idx, get_type_to_scan (mm/vmscan.c 6.12, with
 * NR_HIST_GENS = 1 as CONFIG_LRU_GEN_STATS=n gives it).
 */
#include "models/mglru_internal.h"

struct ctrl_pos {
	uint64_t refaulted, total;
	unsigned int gain;
};

static struct ctrl_pos read_ctrl(const struct mglru *m, enum mglru_type type,
				 unsigned int tier)
{
	const struct mglru_ctrl *c = &m->ctrl[type][tier];

	return (struct ctrl_pos){
		.refaulted = c->avg_refaulted + c->refaulted,
		.total = c->avg_total + c->evicted + c->protected,
		.gain = m->version->tier_gain[tier != 0],
	};
}

/* The gains of types: swappiness is how cheap it is to swap. */
static unsigned int type_gain(const struct mglru *m, enum mglru_type type)
{
	return type == LRU_GEN_ANON ? m->swappiness
				    : MAX_SWAPPINESS - m->swappiness;
}

static struct ctrl_pos read_type(const struct mglru *m, enum mglru_type type,
				 unsigned int first, unsigned int last)
{
	struct ctrl_pos sum = {.gain = type_gain(m, type)};

	for (unsigned int tier = first; tier <= last; tier++) {
		struct ctrl_pos pos = read_ctrl(m, type, tier);

		sum.refaulted += pos.refaulted;
		sum.total += pos.total;
	}
	return sum;
}

void mglru_reset_ctrl(struct mglru *m, enum mglru_type type)
{
	for (unsigned int tier = 0; tier < MAX_NR_TIERS; tier++) {
		struct mglru_ctrl *c = &m->ctrl[type][tier];
		struct ctrl_pos pos = read_ctrl(m, type, tier);

		*c = (struct mglru_ctrl){.avg_refaulted = pos.refaulted / 2,
					 .avg_total = pos.total / 2};
	}
}

static bool positive_ctrl_err(const struct ctrl_pos *sp,
			      const struct ctrl_pos *pv)
{
	return pv->refaulted < MIN_LRU_BATCH ||
	       pv->refaulted * (sp->total + MIN_LRU_BATCH) * sp->gain <=
		       (sp->refaulted + 1) * pv->total * pv->gain;
}

unsigned int mglru_tier_idx(const struct mglru *m, enum mglru_type type)
{
	struct ctrl_pos sp = read_ctrl(m, type, 0);
	unsigned int tier;

	for (tier = 1; tier < MAX_NR_TIERS; tier++) {
		struct ctrl_pos pv = read_ctrl(m, type, tier);

		if (!positive_ctrl_err(&sp, &pv))
			break;
	}
	return tier - 1;
}

enum mglru_type mglru_type_to_scan(const struct mglru *m, unsigned int last)
{
	struct ctrl_pos sp = read_type(m, LRU_GEN_ANON, 0, last);
	struct ctrl_pos pv = read_type(m, LRU_GEN_FILE, 0, last);

	return positive_ctrl_err(&sp, &pv) ? LRU_GEN_FILE : LRU_GEN_ANON;
}

unsigned int mglru_tier_beside(const struct mglru *m, enum mglru_type type)
{
	struct ctrl_pos sp = read_type(m, !type, 0, 0);
	unsigned int tier;

	for (tier = 1; tier < MAX_NR_TIERS; tier++) {
		struct ctrl_pos pv = read_type(m, type, tier, tier);

		if (!positive_ctrl_err(&sp, &pv))
			break;
	}
	return tier - 1;
}

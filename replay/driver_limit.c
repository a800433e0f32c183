/* SPDX-License-Identifier: MIT */
/*
 * A memcg limit with direct reclaim: a charge over the limit reclaims first
 * (try_charge_memcg in mm/memcontrol.c).  The faulting vCPU stands still meanwhile.
 *
 * It cannot know how other vCPUs would go on during that time: the trace stands
 * still for all of them, which is exact for one vCPU only.
 */
#include "replay/lane.h"

enum {
	MAX_RETRIES = 16
}; /* MAX_RECLAIM_RETRIES */

static void limit_charge(struct lane *lane, uint64_t now_ns)
{
	uint64_t limit = lane->config->limit_pages;

	for (int i = 0; i <= MAX_RETRIES && lane->mglru.resident >= limit; i++)
		lane_reclaim_now(lane, RECLAIM_DIRECT, 1, now_ns);
	lane->counters.n[COUNT_failed_reclaims] += lane->mglru.resident >=
						   limit;
}

static uint64_t limit_wrong_window(const struct lane *lane)
{
	(void)lane;
	return 1000000000;
}

const struct driver_ops driver_limit = {
	.summary = "memory limit with direct reclaim",
	.needs_limit = true,
	.charge = limit_charge,
	.wrong_window = limit_wrong_window,
};

/* SPDX-License-Identifier: MIT */
/*
 * A memcg limit with direct reclaim: a charge over the limit reclaims first
 * (try_charge_memcg in mm/memcontrol.c).  The faulting vCPU stands still meanwhile.
 *
 * It cannot know how other vCPUs would go on during that time: the trace stands
 * still for all of them, which is exact for one vCPU only.
 */
#include "replay/lane.h"

static uint64_t limit_wrong_window(const struct lane *lane)
{
	(void)lane;
	return 1000000000;
}

const struct driver_ops driver_limit = {
	.summary = "memory limit with direct reclaim",
	.needs_limit = true,
	.charge = lane_charge,
	.wrong_window = limit_wrong_window,
};

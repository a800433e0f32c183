/* SPDX-License-Identifier: MIT */
/*
 * Proactive reclaim, as a daemon of the host does it: every period, force an aging
 * pass through debugfs and then ask memory.reclaim for some pages.  Both advance at
 * the lane's pace while the guest runs on; a period that comes while work is still
 * under way is dropped.
 */
#include "replay/lane.h"

struct proactive_params {
	uint64_t period;
	uint64_t pages;
	uint64_t force;
};

static const struct param_spec proactive_specs[] = {
	{"period", PARAM_TIME, offsetof(struct proactive_params, period), 1e9,
	 1, 1e15, NULL, "ns", "from pass to pass, in time of the trace",
	 "kage's choice; daemons of hosts take seconds to minutes"},
	{"pages", PARAM_UINT, offsetof(struct proactive_params, pages), 0, 0,
	 0xffffffff, NULL, "pages", "to ask of memory.reclaim after a pass",
	 "memory_reclaim() in mm/memcontrol.c; 0: age only"},
	{"force", PARAM_UINT, offsetof(struct proactive_params, force), 1, 0, 1,
	 NULL, "", "force_scan of debugfs lru_gen: 1 visits every table",
	 "lru_gen_seq_write() in mm/vmscan.c: 1 if it is not given"},
	{0},
};

enum stage {
	WAITING,
	AGING
};

static const struct proactive_params *params(const struct lane *lane)
{
	return (const struct proactive_params *)(const void *)
		lane->config->driver_params;
}

static uint64_t proactive_first_wake(const struct lane *lane)
{
	return params(lane)->period;
}

static uint64_t proactive_wrong_window(const struct lane *lane)
{
	return params(lane)->period;
}

static void proactive_wake(struct lane *lane, uint64_t now_ns)
{
	uint64_t period = params(lane)->period;

	if (lane->stage == AGING) { /* the pass has just ended */
		lane->stage = WAITING;
		lane->wake_ns = (lane->work_ns / period + 1) * period;
		if (params(lane)->pages)
			lane_reclaim_begin(lane, RECLAIM_PROACTIVE,
					   params(lane)->pages, false,
					   lane->work_ns);
		return;
	}
	if (now_ns < lane->work_ns) { /* late: the last reclaim took longer */
		lane->wake_ns = (lane->work_ns / period + 1) * period;
		return;
	}
	lane->stage = AGING;
	lane_reclaim_begin(lane, RECLAIM_AGE, 0, params(lane)->force, now_ns);
}

const struct driver_ops driver_proactive = {
	.summary = "age and reclaim every period, beside the running guest",
	.params = proactive_specs,
	.params_size = sizeof(struct proactive_params),
	.wake = proactive_wake,
	.first_wake = proactive_first_wake,
	.wrong_window = proactive_wrong_window,
};

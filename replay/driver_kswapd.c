/* SPDX-License-Identifier: MIT */
/*
 * A machine without a limit that runs short: the memcg is all that its node can
 * reclaim.  kswapd works beside the guest, at the lane's pace, from the low watermark
 * to the high one; who allocates below the min watermark reclaims for itself and stands
 * still meanwhile.
 *
 * It cannot know what else the machine has: --limit is what is left for the memcg and
 * for free pages.  That direct reclaim of the node is modelled as that of a memcg, and
 * kswapd is woken by a clock instead of by the allocation itself.
 */
#include "replay/lane.h"

enum {
	PAGE_KIB = 4,
	MAX_RETRIES = 16, /* MAX_RECLAIM_RETRIES of kswapd_failures */
	MIN_FREE_KIB = 128,
	MAX_FREE_KIB = 262144,
};

struct kswapd_params {
	uint64_t min_free;
	uint64_t scale;
	uint64_t wake;
};

static const struct param_spec kswapd_specs[] = {
	{"min_free", PARAM_UINT, offsetof(struct kswapd_params, min_free), 0, 0,
	 0xffffffff, NULL, "pages",
	 "min watermark; 0: the square root of 16 times the memory in KiB",
	 "calculate_min_free_kbytes() in mm/page_alloc.c"},
	{"scale", PARAM_UINT, offsetof(struct kswapd_params, scale), 10, 1,
	 3000, NULL, "1/10000 of memory",
	 "from min to low, and from low to high, watermark",
	 "watermark_scale_factor; __setup_per_zone_wmarks()"},
	{"wake", PARAM_TIME, offsetof(struct kswapd_params, wake), 1e6, 1e3,
	 1e12, NULL, "ns", "how often kswapd looks at the low watermark",
	 "kage's choice; wakeup_kswapd() is called by the allocation"},
	{0},
};

struct watermarks {
	uint64_t min, low, high; /* pages */
};

static const struct kswapd_params *params(const struct lane *lane)
{
	return (const struct kswapd_params *)(const void *)
		lane->config->driver_params;
}

static uint64_t int_sqrt(uint64_t value)
{
	uint64_t root = 0;

	for (uint64_t bit = UINT64_C(1) << 31; bit; bit >>= 1)
		if ((root + bit) * (root + bit) <= value)
			root += bit;
	return root;
}

static uint64_t min_free_pages(uint64_t pages)
{
	uint64_t kib = int_sqrt(pages * PAGE_KIB * 16);

	if (kib < MIN_FREE_KIB)
		kib = MIN_FREE_KIB;
	return (kib < MAX_FREE_KIB ? kib : MAX_FREE_KIB) / PAGE_KIB;
}

static struct watermarks watermarks(const struct lane *lane)
{
	const struct kswapd_params *p = params(lane);
	uint64_t pages = lane->config->limit_pages;
	uint64_t min = p->min_free ? p->min_free : min_free_pages(pages);
	uint64_t gap = pages * p->scale / 10000;

	if (gap < min / 4)
		gap = min / 4;
	return (struct watermarks){min, min + gap, min + 2 * gap};
}

static uint64_t nr_free(const struct lane *lane)
{
	uint64_t pages = lane->config->limit_pages;
	uint64_t used = lane->mglru.resident;

	return pages > used ? pages - used : 0;
}

/* __alloc_pages_slowpath(); its success gives kswapd hope. */
static void kswapd_charge(struct lane *lane, uint32_t page, uint64_t now_ns)
{
	const uint64_t *evictions = &lane->counters.n[COUNT_evictions];
	struct watermarks mark = watermarks(lane);
	uint64_t before = *evictions;

	lane->limit_pages = lane->config->limit_pages > mark.min
				    ? lane->config->limit_pages - mark.min
				    : 1;
	lane_charge(lane, page, now_ns);
	if (*evictions != before)
		lane->stage = 0;
}

/* lane->stage is pgdat->kswapd_failures. */
static void note_outcome(struct lane *lane)
{
	struct reclaim *r = &lane->reclaim;

	if (r->kind != RECLAIM_KSWAPD)
		return;
	lane->stage = r->reclaimed ? 0 : lane->stage + 1;
	r->kind = RECLAIM_AGE; /* noted */
}

static void kswapd_wake(struct lane *lane, uint64_t now_ns)
{
	struct watermarks mark = watermarks(lane);
	const struct reclaim_node node = {
		.pages = lane->config->limit_pages,
		.high = mark.high,
		.min_ttl_ns = memory_or_default(lane->config->memory).min_ttl,
	};

	lane->wake_ns = now_ns + params(lane)->wake;
	if (now_ns < lane->work_ns) { /* it is not done in virtual time */
		lane->wake_ns = lane->work_ns;
		return;
	}
	note_outcome(lane);
	if (nr_free(lane) > mark.low || lane->stage >= MAX_RETRIES)
		return;
	reclaim_begin_kswapd(&lane->reclaim, &lane->mglru, &node);
	lane->work_ns = now_ns;
}

static uint64_t kswapd_first_wake(const struct lane *lane)
{
	return params(lane)->wake;
}

static uint64_t kswapd_wrong_window(const struct lane *lane)
{
	(void)lane;
	return 1000000000;
}

const struct driver_ops driver_kswapd = {
	.summary = "a node short of memory: kswapd beside the guest",
	.params = kswapd_specs,
	.params_size = sizeof(struct kswapd_params),
	.needs_limit = true,
	.charge = kswapd_charge,
	.wake = kswapd_wake,
	.first_wake = kswapd_first_wake,
	.wrong_window = kswapd_wrong_window,
};

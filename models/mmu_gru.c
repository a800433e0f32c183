/* SPDX-License-Identifier: MIT */
/*
 * SGI's GRU (drivers/misc/sgi-gru): a device with a TLB of its own, filled from the
 * host's page tables.  Its notifier has no young operations, so nobody learns of its
 * accesses, but the mm has a notifier and aging calls it for each page.  Every
 * invalidation flushes the TLB of each GRU that the application uses, whether or not
 * it holds the page (gru_invalidate_range_start(), gru_flush_tlb_range()): one request
 * of 1,024 pages at most; of a longer range the rest is not named in it, and what the
 * hardware makes of that is not known here.
 *
 * It cannot know what falls out of a GRU's TLB by itself: a page stays in it until it
 * is invalidated, which hides no access from the host that it could have seen.
 */
#include "models/mmu.h"

struct gru_params {
	uint64_t grus, idle;
};

enum {
	GRUMAXINVAL = 1024
};

static const struct param_spec gru_specs[] = {
	{"grus", PARAM_UINT, offsetof(struct gru_params, grus), 1, 1, 256, NULL,
	 "GRUs", "GRUs in use: one, or one per thread",
	 "J. Steiner, 2008-02-02: an application usually has a single one"},
	{"idle", PARAM_UINT, offsetof(struct gru_params, idle), 0, 0, 100, NULL,
	 "percent", "GRUs that no thread uses when something is invalidated",
	 "J. Steiner, 2008-02-02: \"can be avoided if the GRU is not currently in "
	 "use\"; mt_ctxbitmap in gru_flush_tlb_range()"},
	{0},
};

static struct mmu_traits gru_traits(const void *params, unsigned int kernel)
{
	const struct gru_params *p = params;

	(void)kernel;
	return (struct mmu_traits){
		.side[0] = {.has_ad = true},
		.device_flushes = p->grus,
		.idle_share = p->idle,
		.device_pages = GRUMAXINVAL,
	};
}

const struct mmu_ops mmu_gru = {
	.summary = "SGI GRU: no young operations, external TLB flushes",
	.params = gru_specs,
	.params_size = sizeof(struct gru_params),
	.traits = gru_traits,
};

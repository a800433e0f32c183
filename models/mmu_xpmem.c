/* SPDX-License-Identifier: MIT */
/*
 * XPMEM: memory shared between partitions, so an invalidation exchanges messages and
 * has to sleep.  Like the GRU it has no young operations.  Callers that may not sleep
 * get -EAGAIN (mmu_notifier_range_blockable() in mm/mmu_notifier.c).  Today reclaim
 * may: only the OOM reaper may not.  In the notifiers of February 2008 it was called
 * under the page-table lock (invalidate_page), where nothing could be evicted:
 * blockable=no.
 *
 * The driver is not in the kernel tree; this is what the mails of 2008 say of it.
 */
#include "models/mmu.h"

struct xpmem_params {
	unsigned int blockable;
};

static const char *const blockable_names[] = {"yes", "no", NULL};

static const struct param_spec xpmem_specs[] = {
	{"blockable", PARAM_ENUM, offsetof(struct xpmem_params, blockable), 0,
	 0, 0, blockable_names, "",
	 "whether eviction may sleep in the callback",
	 "mmu_notifier_range_blockable(); \"mmu notifiers #v5\", 2008-02"},
	{0},
};

static struct mmu_traits xpmem_traits(const void *params, unsigned int kernel)
{
	const struct xpmem_params *p = params;

	(void)kernel;
	return (struct mmu_traits){
		.side[0] = {.has_ad = true},
		.sleeps = true,
		.is_refused = p->blockable,
	};
}

const struct mmu_ops mmu_xpmem = {
	.summary = "XPMEM: no young operations, invalidations must sleep",
	.params = xpmem_specs,
	.params_size = sizeof(struct xpmem_params),
	.traits = xpmem_traits,
};

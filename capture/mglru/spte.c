/* SPDX-License-Identifier: MIT */
/* Reading SPTEs; see spte.h. */
#include "capture/mglru/spte.h"

#define BIT(n) (UINT64_C(1) << (n))

#define PERMISSIONS  UINT64_C(7) /* read, write, execute of EPT */
#define NPT_ACCESSED BIT(5)
#define LARGE	     BIT(7)
#define EPT_ACCESSED BIT(8)
#define MAPPED	     BIT(11)

const char *const spte_format_names[SPTE_NR_FORMATS] = {
	[SPTE_NPT] = "npt",
	[SPTE_EPT] = "ept",
	[SPTE_EPT_NO_AD] = "ept without A/D bits",
};

static bool is_mapped_leaf(uint64_t spte, uint64_t level)
{
	return spte & MAPPED &&
	       (level == 1 || (level <= TRACE_NR_LEVELS && spte & LARGE));
}

bool spte_was_aged(enum spte_format format, const struct spte_change *change)
{
	uint64_t gone = change->before & ~change->after;
	bool is_tracked = change->before & PERMISSIONS &&
			  !(change->after & PERMISSIONS);

	if (!is_mapped_leaf(change->before, change->level) ||
	    !is_mapped_leaf(change->after, change->level))
		return false;
	switch (format) {
	case SPTE_NPT:
		return gone & NPT_ACCESSED;
	case SPTE_EPT:
	case SPTE_EPT_NO_AD:
		return gone & EPT_ACCESSED || is_tracked;
	case SPTE_NR_FORMATS:
		break;
	}
	return false;
}

struct trace_run spte_run(const struct spte_change *change)
{
	enum trace_level level = (enum trace_level)(change->level - 1);
	uint64_t npages = trace_level_pages(level);

	return (struct trace_run){
		.gfn = change->gfn & ~(npages - 1),
		.npages = (uint32_t)npages,
		.flags = (uint8_t)(level | TRACE_RUN_ACCESSED),
	};
}

/* SPDX-License-Identifier: MIT */
/*
 * NUMA balancing beside a lane, and what a lane can know of invalidations.
 *
 * It cannot know where a fault falls within an epoch of unknown order, nor how long a
 * range stays invalid without a pace: such retries are missing.
 */
#include "models/invalidate.h"
#include "replay/lane.h"

const char *const lane_chunk_names[] = {[MMU_CHUNK_RANGE] = "range",
					[MMU_CHUNK_TABLE] = "512",
					[MMU_CHUNK_PAGE] = "page",
					NULL};

int lane_balance(struct lane *lane, const struct numa_vma *vmas, size_t nr_vmas,
		 bool is_alone, struct status *st)
{
	const struct lane_config *config = lane->config;
	const struct numa_params *params = (const void *)config->numa_params;

	is_alone = is_alone && params->scanner == NUMA_BY_VCPU;
	lane->knows_retries = is_alone || config->pace_ns;
	return numa_init(&lane->numa, config->numa->mode, params, &lane->mglru,
			 vmas, nr_vmas, is_alone ? 0 : config->pace_ns, st);
}

/*
 * A fault that meets a range under invalidation retries until that is done, which
 * stands as one retry; before 6.8 it has got the page first.  What comes here may be
 * an access to a present SPTE, too: those are not quiet either.
 */
unsigned int lane_numa_trouble(struct lane *lane, uint32_t page,
			       uint64_t now_ns)
{
	const struct mglru *m = &lane->mglru;
	unsigned int how = 0;

	if (!mglru_has_sptes(m, page, 1) &&
	    numa_is_busy(&lane->numa, &lane->mmu, page, now_ns)) {
		lane->counters.n[COUNT_retried_faults]++;
		how |= m->version->kvm_faultin_pfn_checks ? 0 : MGLRU_STALE;
	}
	if (numa_is_prot_none(&lane->numa, page)) {
		numa_fault(&lane->numa, &lane->mglru, page, now_ns);
		how |= MGLRU_HINT;
	}
	return how;
}

/* What only a lane with NUMA balancing, with KVM or with a device counts. */
bool lane_has_counter(const struct lane *lane, enum counter counter)
{
	const struct mmu_traits *t = &lane->mmu.traits;
	bool is_balanced = lane->numa.mode != NUMA_OFF;

	switch (counter) {
	case COUNT_accesses: /* of the trace, which counts them */
		return false;
	case COUNT_retried_faults:
		return is_balanced && lane->knows_retries && t->is_kvm;
	case COUNT_calls_unmap_numa:
	case COUNT_calls_unmap_migrate:
	case COUNT_numa_scans:
	case COUNT_numa_ptes:
	case COUNT_numa_updates:
	case COUNT_numa_faults:
	case COUNT_numa_migrations:
	case COUNT_numa_refused:
		return is_balanced;
	case COUNT_calls_protect:
	case COUNT_unmap_unchanged:
	case COUNT_numa_zapped:
	case COUNT_flushes_numa:
		return is_balanced && t->is_kvm;
	case COUNT_unmap_visited:
	case COUNT_unmap_sptes:
	case COUNT_unmap_zapped:
	case COUNT_flushes_unmap:
	case COUNT_ages_marked:
	case COUNT_ages_erased:
		return t->is_kvm;
	case COUNT_device_pages:
	case COUNT_device_clipped:
	case COUNT_device_idle:
		return t->device_flushes;
	default:
		return true;
	}
}

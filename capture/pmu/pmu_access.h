/* SPDX-License-Identifier: MIT */
/*
 * From samples of instruction-based sampling to accesses of guest pages, in time
 * order.
 *
 * A sample becomes an access if it was taken in guest mode, was a load or a store,
 * and its physical address lies in a page frame that is known to be the guest's.
 * All others are counted by the reason.
 *
 * What it cannot know: the mode is that of the moment of the interrupt, a few
 * operations after the one that was sampled; around entries and exits a guest's
 * access may count as the host's and is left out.
 */
#ifndef CAPTURE_PMU_ACCESS_H
#define CAPTURE_PMU_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "capture/pmu/pfn_map.h"
#include "capture/pmu/pmu_sampler.h"
#include "capture/recorder.h"

struct pmu_found {
	uint64_t time_ns;
	gfn_t gfn;
	uint16_t vcpu;
	bool is_store;
};

/* The samples, each in one of these. */
struct pmu_access_counts {
	uint64_t accesses;
	uint64_t host;	    /* not in guest mode */
	uint64_t none;	    /* no load or store with an address */
	uint64_t strangers; /* its frame is not known to be the guest's */
};

struct pmu_accesses {
	struct pfn_map map;
	struct pmu_found *found; /* not handed over yet */
	size_t nr, capacity;
	uint64_t last_ns; /* of the newest that was handed over */
	struct pmu_access_counts counts;
};

/* Take one sample; a pmu_handler, @arg is the struct pmu_accesses. */
int pmu_access_take(void *arg, const struct pmu_sample *sample,
		    struct status *st);

/* Hand over what is not younger than @horizon_ns, in time order.  One that comes
 * later and is older gets the time of the last one. */
int pmu_access_hand_over(struct pmu_accesses *accesses, uint64_t horizon_ns,
			 struct recorder *recorder, struct status *st);

void pmu_accesses_fini(struct pmu_accesses *accesses);

#endif

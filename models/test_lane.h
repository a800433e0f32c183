/* SPDX-License-Identifier: MIT */
/* One lane as the engine drives it, for tests: guest accesses under a limit. */
#ifndef MODELS_TEST_LANE_H
#define MODELS_TEST_LANE_H

#include "models/mglru.h"
#include "models/reclaim.h"

struct lane {
	struct counters counters;
	struct mmu mmu;
	struct mglru m;
	uint64_t params[POLICY_PARAMS_MAX / sizeof(uint64_t)];
	uint64_t mmu_params[MMU_PARAMS_MAX / sizeof(uint64_t)];
	uint64_t limit;	    /* pages; the memcg's memory.max */
	uint64_t now_ns;    /* advanced by every access */
	uint64_t decisions; /* digest of the evictions, in order */
};

/**
 * lane_init - lane number @bit of @pages
 * @policy, @params: as on the command line; @params may be NULL
 *
 * lane_init_mmu(): on a kind of secondary MMU and in a kernel other than the TDP MMU
 * with A/D bits of Linux 6.12; only the MMU is that kernel's.
 * Return: 0 or a negative errno; lane_fini() is safe in either case.
 */
int lane_init(struct lane *l, struct pages *pages, unsigned int bit,
	      const char *policy, const char *params, uint64_t limit);
int lane_init_mmu(struct lane *l, struct pages *pages, unsigned int bit,
		  const char *policy, const char *params, uint64_t limit,
		  const char *mmu, const char *mmu_params, const char *kernel);
void lane_fini(struct lane *l);

/* The guest touches @page; a fault reclaims until it fits or nothing helps. */
void lane_access(struct lane *l, uint32_t page);

/* The VMM touches @page. */
void lane_host_access(struct lane *l, uint32_t page);

/* A whole request, with nothing in between.  Return: pages reclaimed. */
uint64_t lane_reclaim(struct lane *l, enum reclaim_kind kind, uint64_t wanted,
		      bool force_scan);

/* Everything that tells two lanes apart: evictions and counters. */
uint64_t lane_digest(const struct lane *l);

#endif

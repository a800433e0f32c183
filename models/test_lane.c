/* SPDX-License-Identifier: MIT */
/* See test_lane.h; the retries are fewer than the engine's. */
#include "models/test_lane.h"

#include "base/param.h"
#include "base/rng.h"

enum {
	CHARGE_RETRIES = 4,
	ACCESS_NS = 1000
};

static void evicted(void *arg, uint32_t page, uint64_t now_ns)
{
	struct lane *l = arg;

	(void)now_ns;
	l->decisions = rng_mix(l->decisions ^ (page + 1));
}

int lane_init_mmu(struct lane *l, struct pages *pages, unsigned int bit,
		  const char *policy, const char *params, uint64_t limit,
		  const char *mmu, const char *mmu_params, const char *kernel)
{
	const struct policy_ops *ops = policy_find(policy)->ops;
	const struct mmu_ops *kind = mmu_find(mmu)->ops;
	int ret;

	*l = (struct lane){.limit = limit};
	l->m = (struct mglru){.version = mglru_version_find("6.12"),
			      .policy = ops,
			      .policy_params = l->params,
			      .mmu = &l->mmu,
			      .counters = &l->counters,
			      .listener = {.evicted = evicted, .arg = l},
			      .swappiness = DEF_SWAPPINESS,
			      .never_sleeps = true};
	ret = param_parse(ops->params, l->params, policy, params, NULL);
	if (!ret)
		ret = param_parse(kind->params, l->mmu_params, mmu, mmu_params,
				  NULL);
	if (!ret)
		ret = mmu_init(&l->mmu, kind, l->mmu_params, kernel, pages, bit,
			       &l->counters, NULL);
	return ret ? ret : mglru_init(&l->m, NULL);
}

int lane_init(struct lane *l, struct pages *pages, unsigned int bit,
	      const char *policy, const char *params, uint64_t limit)
{
	return lane_init_mmu(l, pages, bit, policy, params, limit, "tdp", NULL,
			     "6.12");
}

void lane_fini(struct lane *l)
{
	mglru_fini(&l->m);
	mmu_fini(&l->mmu);
}

uint64_t lane_reclaim(struct lane *l, enum reclaim_kind kind, uint64_t wanted,
		      bool force_scan)
{
	struct reclaim r;

	reclaim_begin(&r, &l->m, kind, wanted, force_scan);
	while (reclaim_step(&r, &l->m, l->now_ns))
		;
	return r.reclaimed;
}

static bool make_room(struct lane *l, uint32_t nr)
{
	for (int i = 0; i < CHARGE_RETRIES && l->m.resident + nr > l->limit;
	     i++)
		lane_reclaim(l, RECLAIM_DIRECT, nr, false);
	return l->m.resident + nr <= l->limit;
}

static void charge(struct lane *l, uint32_t page)
{
	uint32_t nr = mglru_needs_charge(&l->m, page);

	if (!make_room(l, nr) && nr > 1) {
		mglru_fall_back(&l->m, page);
		make_room(l, 1);
	}
}

/* An access to @page: what it swaps in, and then itself. */
static void bring(struct lane *l, uint32_t page)
{
	struct mglru_swapin s;
	uint32_t next;

	mglru_swapin_begin(&l->m, &s, page);
	while (mglru_swapin_next(&l->m, &s, &next)) {
		charge(l, next);
		mglru_swapin_read(&l->m, &s, l->now_ns);
	}
	mglru_swapin_end(&l->m, &s);
	if (mglru_needs_charge(&l->m, page))
		charge(l, page);
}

void lane_access(struct lane *l, uint32_t page)
{
	uint64_t *word = &l->mmu.pages->word[page];
	uint64_t unmaps = l->counters.n[COUNT_calls_unmap];
	unsigned int how = MGLRU_WRITE;

	l->now_ns += ACCESS_NS;
	*word |= l->mmu.accessed;
	if (*word & l->mmu.quiet)
		return;
	bring(l, page);
	if (l->counters.n[COUNT_calls_unmap] != unmaps)
		how |= MGLRU_STALE;
	mglru_fault(&l->m, page, l->now_ns, how);
}

void lane_host_access(struct lane *l, uint32_t page)
{
	l->now_ns += ACCESS_NS;
	bring(l, page);
	mglru_host_access(&l->m, page, l->now_ns);
}

uint64_t lane_digest(const struct lane *l)
{
	uint64_t digest = l->decisions;

	for (int i = 0; i < NR_COUNTERS; i++)
		digest = rng_mix(digest ^ l->counters.n[i]);
	return digest;
}

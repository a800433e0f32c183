/* SPDX-License-Identifier: MIT */
/* NUMA balancing and chunks on both sides of the differential test. */
#include "base/test.h"
#include "models/test_twin.h"

enum {
	SPLIT = 700, /* where the second VMA begins: in the middle of a table */
	MS = 1000000,
};

static void forget(void *arg, uint32_t page)
{
	struct twin *t = arg;

	numa_forget(&t->numa, page);
}

/* The lane's own listener counts evictions: it is asked first. */
static void evicted(void *arg, uint32_t page, uint64_t now_ns)
{
	struct twin *t = arg;

	(void)now_ns;
	t->lane.decisions = rng_mix(t->lane.decisions ^ (page + 1));
}

void twin_balance(struct twin *t)
{
	uint32_t end = t->naive.nr_anon;
	enum numa_mode mode = (enum numa_mode)(t->seed % 4);
	struct numa_params *p = &t->numa_params;

	if (t->naive.kind.is_thp) /* not modelled */
		mode = NUMA_OFF;
	*p = (struct numa_params){
		.delay = 1000 * MS,
		.min = 1000 * MS,
		.max = UINT64_C(60000) * MS,
		.adapt = 1,
		.size = (2 + t->seed % 3) << 20,
		.pinned = t->seed % 5 * 25,
		.block = 1 + t->seed % 3 * 50,
		.migratable = t->seed % 7 * 16,
		.private = 100 - t->seed % 4 * 30,
		.seed = t->seed,
	};
	t->naive.numa = (struct naive_numa){
		.is_deferred = mode == NUMA_DEFERRED,
		.is_precise = mode == NUMA_PRECISE,
		.size = p->size / 4096,
		.pinned = p->pinned,
		.block = p->block,
		.migratable = p->migratable,
		.private = p->private,
		.seed = p->seed,
		.period_min = p->min,
		.period_max = p->max,
		.vma_end = {SPLIT, end},
		.vma_start = {0, SPLIT},
		.nr_vmas = 2,
		.next_scan = p->delay,
	};
	t->lane.mmu.chunk = (enum mmu_chunk)(t->seed / 4 % 3);
	t->naive.chunk = (enum naive_chunk)(t->seed / 4 % 3);
	t->lane.m.listener = (struct mglru_listener){
		.unmapped = forget, .evicted = evicted, .arg = t};
	t->vmas[0] = (struct numa_vma){0, SPLIT};
	t->vmas[1] = (struct numa_vma){SPLIT, end};
	assert_int_equal(numa_init(&t->numa, mode, p, &t->lane.m, t->vmas, 2,
				   100, NULL),
			 0);
}

void twin_balance_end(struct twin *t)
{
	numa_fini(&t->numa);
}

void twin_scan(struct twin *t)
{
	if (t->numa.mode == NUMA_OFF)
		return;
	numa_scan(&t->numa, &t->lane.m);
	naive_numa_work(&t->naive);
}

bool twin_hint_fault(struct twin *t, uint32_t page)
{
	twin_same(t, "prot_none", page, numa_is_prot_none(&t->numa, page),
		  t->naive.page[page].is_prot_none);
	if (!numa_is_prot_none(&t->numa, page))
		return false;
	numa_fault(&t->numa, &t->lane.m, page, t->lane.now_ns);
	naive_do_numa_page(&t->naive, page, t->lane.now_ns);
	return true;
}

void twin_compare_numa(const struct twin *t)
{
	for (uint32_t page = 0; page < TWIN_PAGES; page++) {
		twin_same(t, "prot_none", page,
			  numa_is_prot_none(&t->numa, page),
			  t->naive.page[page].is_prot_none);
		twin_same(t, "lost", page,
			  t->lane.mmu.lost[page / 64] >> page % 64 & 1,
			  t->naive.page[page].is_lost);
	}
	twin_same(t, "scan offset", 0, t->numa.offset,
		  t->naive.numa.scan_offset);
	twin_same(t, "scan seq", 0, t->numa.seq, t->naive.numa.scan_seq);
	twin_same(t, "period", 0, t->numa.period_ns, t->naive.numa.scan_period);
	if (t->numa.mode != NUMA_OFF)
		twin_same(t, "next scan", 0, t->numa.next_ns,
			  t->naive.numa.next_scan);
}

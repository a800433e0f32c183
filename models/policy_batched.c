/* SPDX-License-Identifier: MIT */
/*
 * Batched walk: aging asks about every page of a walked table, `batch` pages per
 * call; eviction asks about the candidate and then about its 64-page window the same
 * way (the bitmap operation of "mm/kvm: locklessly clear the accessed bit", v2,
 * 2023-05-26, and with the lock that its reviewers asked for).  calls=2 tests first
 * and clears in a second call, as that version did.
 *
 * A bitmap says which pages of a call are meant.  The walk drops the bit of a page
 * that is absent or whose folio is not its memcg's: such a page keeps its accessed
 * bit.  walk=0 decides as the policy rmap does.  flush=1 asks about the candidate with
 * clear_flush_young(), as kernels do that have no MGLRU; walks never flush.
 *
 * batch=1 is what Linux has: lock=write 6.12, and 7.2 where aging is not lockless;
 * lock=none 7.2 on x86 (mmu_notifier_clear_young, KVM_MMU_LOCKLESS_AGING).
 */
#include "models/policy.h"
#include "models/window.h"

struct batched_params {
	uint64_t batch;
	unsigned int lock;
	uint64_t calls;
	uint64_t walk;
	uint64_t flush;
};

enum {
	LOCK_WRITE,
	LOCK_READ,
	LOCK_NONE
};

static const char *const lock_names[] = {"write", "read", "none", NULL};

#define V2 "20230526234435.662652-"

static const struct param_spec batched_specs[] = {
	{"batch", PARAM_UINT, offsetof(struct batched_params, batch), 64, 1,
	 512, NULL, "pages", "pages per call",
	 "MIN_LRU_BATCH, test_spte_young() in " V2 "11-yuzhao@google.com"},
	{"lock", PARAM_ENUM, offsetof(struct batched_params, lock), LOCK_WRITE,
	 0, 0, lock_names, "", "how a call holds mmu_lock",
	 "write: __kvm_handle_hva_range() of 6.12; read: v3 on arm64, "
	 "20240401232946.1837665-1-jthoughton@google.com; none: 7.2 on x86"},
	{"calls", PARAM_UINT, offsetof(struct batched_params, calls), 1, 1, 2,
	 NULL, "calls", "1 test-and-clear, or 2: test, then clear",
	 "1: clear_young() of 6.12 and 7.2; 2: clear_spte_young() in " V2
	 "11-yuzhao@google.com"},
	{"walk", PARAM_UINT, offsetof(struct batched_params, walk), 1, 0, 1,
	 NULL, "", "LRU_GEN_SPTE_WALK; 0 asks about candidates only",
	 "20230217041230.2417228-1-yuzhao@google.com (the name is v1's)"},
	{"flush", PARAM_UINT, offsetof(struct batched_params, flush), 0, 0, 1,
	 NULL, "", "1: flush the guest's TLBs if the candidate was young",
	 "mmu_notifier_clear_flush_young(), folio_referenced_one() of 6.1"},
	{0},
};

/* What is asked for; where the kind needs more it is given more. */
static enum mmu_lock held(const struct batched_params *p)
{
	static const enum mmu_lock locks[] = {
		[LOCK_WRITE] = MMU_LOCK_WRITE,
		[LOCK_READ] = MMU_LOCK_READ,
		[LOCK_NONE] = MMU_LOCK_NONE,
	};

	return locks[p->lock];
}

/*
 * kvm_arch_test_clear_young() of the series can walk a page table of the VM's own
 * whose accessed bits hardware sets, and nothing while there are shadow pages; later
 * kernels are lockless beyond that, but not for bitmaps.
 */
static bool has_fast_path(const struct mmu *mmu)
{
	const struct mmu_side *side = &mmu->traits.side[0];

	return mmu_is_lockless(mmu) && side->has_ad && !side->has_rmap &&
	       !mmu->traits.nested_share;
}

/* A call that has a bitmap never falls back to the lock: it bails out with 0. */
static bool bails_out(const struct batched_params *p, const struct mmu *mmu)
{
	return p->lock == LOCK_NONE && p->batch > 1 && !has_fast_path(mmu);
}

/* The part of window @w that lies in pages [from, to) of its table. */
static uint64_t clip(uint64_t mask, unsigned int w, unsigned int from,
		     unsigned int to)
{
	unsigned int base = w * WINDOW;

	if (from > base)
		mask &= UINT64_MAX << (from - base);
	if (to < base + WINDOW)
		mask &= (UINT64_C(1) << (to - base)) - 1;
	return mask;
}

/* Return: the first page of @want at @from or behind, or @end. */
static unsigned int next_wanted(const uint64_t *want, unsigned int from,
				unsigned int end)
{
	while (from < end) {
		uint64_t left = want[from / WINDOW] >> from % WINDOW;

		if (left)
			return from + (unsigned int)__builtin_ctzll(left);
		from += WINDOW - from % WINDOW;
	}
	return end;
}

/* One batch: pages [from, to) of a table; the first of them is wanted. */
struct batch {
	uint32_t first; /* of the windows */
	unsigned int from, to;
	enum counter caller;
};

/* Return: the range in pages of @mask that lie in @b, as of its bits set. */
static struct batch span_of(const struct batch *b, const uint64_t *mask)
{
	struct batch span = *b;

	span.from = next_wanted(mask, b->from, b->to);
	while (span.to > span.from &&
	       !(mask[(span.to - 1) / WINDOW] >> (span.to - 1) % WINDOW & 1))
		span.to--;
	return span;
}

/* test_clear_young(clear=false): set the bits of young SPTEs. */
static void test_batch(struct mmu *mmu, const struct batch *b,
		       const uint64_t *want, uint64_t *young)
{
	for (unsigned int w = b->from / WINDOW; w * WINDOW < b->to; w++)
		young[w] |= mmu_test_young(mmu, b->first + w * WINDOW,
					   clip(want[w], w, b->from, b->to));
}

/* test_clear_young(clear=true): visit all, clear where the bit is set. */
static void clear_batch(struct mmu *mmu, const struct batch *b,
			const uint64_t *want, const uint64_t *set)
{
	for (unsigned int w = b->from / WINDOW; w * WINDOW < b->to; w++) {
		uint64_t range = clip(want[w], w, b->from, b->to);

		mmu_clear_young(mmu, b->first + w * WINDOW, range & set[w]);
		mmu_visit(mmu, b->first + w * WINDOW, range & ~set[w]);
	}
}

static void age_batch(const struct batched_params *p, struct mmu *mmu,
		      const struct batch *b, const uint64_t *want,
		      uint64_t *young)
{
	struct batch left;

	if (bails_out(p, mmu)) {
		mmu->counters->n[b->caller]++; /* before it comes to a lock */
		return;
	}
	mmu_calls(mmu, b->caller, held(p), 1);
	if (p->calls == 1) {
		for (unsigned int w = b->from / WINDOW; w * WINDOW < b->to; w++)
			young[w] |= mmu_clear_young(mmu, b->first + w * WINDOW,
						    clip(want[w], w, b->from,
							 b->to));
		return;
	}
	test_batch(mmu, b, want, young);
	left = span_of(b, young);
	if (left.from == left.to)
		return;
	mmu_calls(mmu, b->caller, held(p), 1);
	clear_batch(mmu, &left, want, young);
}

/*
 * test_spte_young() to clear_spte_young(): a batch begins at the first page that is
 * wanted behind the last batch, wherever that is.
 */
static void age_range(const struct batched_params *p, struct mmu *mmu,
		      enum counter caller, uint32_t first, unsigned int end,
		      const uint64_t *want, uint64_t *young)
{
	unsigned int from = next_wanted(want, 0, end);

	while (from < end) {
		unsigned int to = from + (unsigned int)p->batch;
		struct batch b = {first, from, to < end ? to : end, caller};

		age_batch(p, mmu, &b, want, young);
		from = next_wanted(want, b.to, end);
	}
}

static void batched_age_table(const void *params, struct mmu *mmu,
			      uint32_t first,
			      const uint64_t want[TABLE_WINDOWS],
			      uint64_t young[TABLE_WINDOWS])
{
	const struct batched_params *p = params;

	if (p->walk)
		age_range(p, mmu, COUNT_calls_aging, first, PTRS_PER_PTE, want,
			  young);
}

static bool batched_age_victim(const void *params, struct mmu *mmu,
			       uint32_t page)
{
	const struct batched_params *p = params;

	mmu_calls(mmu, COUNT_calls_victim, held(p), 1);
	return p->flush ? mmu_clear_flush_young(mmu, page)
			: mmu_clear_young(mmu, page, 1) != 0;
}

/* should_look_around(): the answer came by the path that batches use. */
static bool batched_looks_around(const void *params, const struct mmu *mmu)
{
	const struct batched_params *p = params;

	return p->walk && !bails_out(p, mmu);
}

static uint64_t batched_age_window(const void *params, struct mmu *mmu,
				   uint32_t first, uint64_t want)
{
	const struct batched_params *p = params;
	uint64_t young = 0;

	if (p->walk)
		age_range(p, mmu, COUNT_calls_window, first, WINDOW, &want,
			  &young);
	return young;
}

const struct policy_ops policy_batched = {
	.summary = "aging walk in batches, asked again at eviction",
	.params = batched_specs,
	.params_size = sizeof(struct batched_params),
	.age_table = batched_age_table,
	.age_victim = batched_age_victim,
	.looks_around = batched_looks_around,
	.age_window = batched_age_window,
};

/* SPDX-License-Identifier: MIT */
/*
 * The aging: try_to_inc_max_seq, walk_mm down to walk_pte_range, inc_max_seq, the
 * Bloom filter (mm/vmscan.c).  The VMM is the memcg's only mm.
 */
#include <string.h>

#include "base/rng.h"
#include "models/mglru_internal.h"

enum {
	BLOOM_BITS = 1 << BLOOM_FILTER_SHIFT,
	BLOOM_WORDS = BLOOM_BITS / 64
};

void mglru_bloom_reset(struct mglru *m, uint64_t seq)
{
	uint64_t **filter = &m->filters[seq % NR_BLOOM_FILTERS];

	*filter = m->filter_memory + seq % NR_BLOOM_FILTERS * BLOOM_WORDS;
	memset(*filter, 0, BLOOM_BITS / 8);
}

/* get_item_key(): two keys of 15 bits from one hash.  The kernel hashes the address
 * of the PMD entry; here the table's number stands for it. */
static void bloom_keys(uint32_t table, uint32_t key[2])
{
	uint64_t hash = rng_mix(table + 1);

	key[0] = (uint32_t)hash & (BLOOM_BITS - 1);
	key[1] = (uint32_t)(hash >> BLOOM_FILTER_SHIFT) & (BLOOM_BITS - 1);
}

void mglru_bloom_add(struct mglru *m, uint64_t seq, uint32_t table)
{
	uint64_t *filter = m->filters[seq % NR_BLOOM_FILTERS];
	uint32_t key[2];

	if (!filter)
		return;
	bloom_keys(table, key);
	filter[key[0] / 64] |= UINT64_C(1) << key[0] % 64;
	filter[key[1] / 64] |= UINT64_C(1) << key[1] % 64;
}

bool mglru_bloom_test(const struct mglru *m, uint64_t seq, uint32_t table)
{
	const uint64_t *filter = m->filters[seq % NR_BLOOM_FILTERS];
	uint32_t key[2];

	if (!filter)
		return true;
	bloom_keys(table, key);
	return (filter[key[0] / 64] >> key[0] % 64 & 1) &&
	       (filter[key[1] / 64] >> key[1] % 64 & 1);
}

/*
 * iterate_mm_list(): a second pass finds no mm left, so it ends the iteration and
 * makes the new generation while the first one still walks.  In 6.1 the pass that
 * walks makes it.  An mm that was never walked before is scanned by force.
 */
void mglru_walk_begin(struct mglru *m, struct mglru_walk *walk, bool force_scan)
{
	*walk = (struct mglru_walk){
		.seq = m->max_seq,
		.force_scan = force_scan || !m->was_walked,
		.ends_here =
			!(m->is_walked && m->version->iterate_mm_list_waits),
	};
	if (m->is_walked)
		return;
	m->was_walked = true;
	/* get_next_mm(), should_skip_mm() */
	if (!walk->force_scan && !m->has_run && !m->never_sleeps)
		return;
	m->has_run = false;
	walk->has_mm = m->is_walked = true;
	mglru_bloom_reset(m, walk->seq + 1);
}

/* walk_pte_range(): ask the primary and, through the policy, the secondary MMU;
 * promote what was young.  Return: PTEs visited. */
static uint32_t scan_table(struct mglru *m, struct mglru_walk *walk,
			   uint32_t table)
{
	uint32_t first = table * PTRS_PER_PTE, visited = 0, nr_young = 0;
	uint64_t want[TABLE_WINDOWS], young[TABLE_WINDOWS] = {0};
	unsigned int gen = gen_from_seq(m->max_seq);

	for (uint32_t w = 0; w < TABLE_WINDOWS; w++) {
		want[w] = mglru_want(m, first + w * WINDOW);
		visited += window_count(want[w]);
	}
	if (m->policy->age_table && visited)
		m->policy->age_table(m->policy_params, m->mmu, first, want,
				     young);
	for (uint32_t w = 0; w < TABLE_WINDOWS; w++) {
		uint32_t base = first + w * WINDOW;

		young[w] |= mglru_clear_primary(m, base, want[w]);
		nr_young += window_count(young[w]);
		mglru_tell_asked(m, MGLRU_ASKS_WALK, base, want[w], young[w]);
		for (; young[w]; young[w] &= young[w] - 1)
			mglru_update_gen(
				m, base + (uint32_t)__builtin_ctzll(young[w]),
				gen);
	}
	if (suitable_to_scan(PTRS_PER_PTE, nr_young))
		mglru_bloom_add(m, walk->seq + 1, table);
	m->counters->n[COUNT_tables]++;
	m->counters->n[COUNT_aging_ptes] += visited;
	m->counters->n[COUNT_aging_young] += nr_young;
	return visited;
}

/*
 * walk_pmd_range(): whether a table can be left out.  6.1 looks at the accessed bit
 * of its PMD entry, even if forced, which the VM does not set; a policy that asks the
 * secondary MMU could not have it so.
 */
static bool is_skipped(struct mglru *m, const struct mglru_walk *walk,
		       uint32_t table)
{
	if (m->version->walk_pmd_range_skips_old && !m->policy->age_table) {
		if (!(m->table[table] & TABLE_PMD_YOUNG))
			return true;
		m->table[table] &= (uint8_t)~TABLE_PMD_YOUNG;
	}
	return !walk->force_scan && !mglru_bloom_test(m, walk->seq, table);
}

uint32_t mglru_walk_step(struct mglru *m, struct mglru_walk *walk)
{
	uint32_t tables = m->npages / PTRS_PER_PTE;

	if (!walk->has_mm || walk->seq != m->max_seq)
		return 0;
	while (walk->table < tables) {
		uint32_t table = walk->table++;
		uint32_t visited;

		if (m->is_huge && m->is_huge[table]) {
			visited = mglru_scan_huge(m, table);
			if (visited)
				return visited;
			continue;
		}
		if (!(m->table[table] & TABLE_EXISTS))
			continue;
		if (is_skipped(m, walk, table)) {
			m->counters->n[COUNT_tables_skipped]++;
			continue;
		}
		visited = scan_table(m, walk, table);
		if (visited)
			return visited;
	}
	return 0;
}

/* inc_max_seq() */
bool mglru_walk_end(struct mglru *m, const struct mglru_walk *walk,
		    uint64_t now_ns)
{
	if (walk->seq != m->max_seq || !walk->ends_here)
		return false;
	m->is_walked = false;
	if (m->listener.aging_ends)
		m->listener.aging_ends(m->listener.arg, now_ns);
	if (nr_gens(m) == MAX_NR_GENS)
		mglru_drain_oldest(m);
	m->max_seq++;
	m->timestamps[gen_from_seq(m->max_seq)] = now_ns;
	m->counters->n[COUNT_passes]++;
	if (m->listener.new_generation)
		m->listener.new_generation(m->listener.arg, now_ns);
	return true;
}

uint64_t mglru_gen_size(const struct mglru *m, uint64_t seq)
{
	int64_t size = m->nr_pages[gen_from_seq(seq)];

	return size > 0 ? (uint64_t)size : 0;
}

uint64_t mglru_evictable_size(const struct mglru *m)
{
	uint64_t total = 0;

	for (uint64_t seq = m->min_seq; seq <= m->max_seq; seq++)
		total += mglru_gen_size(m, seq);
	return total;
}

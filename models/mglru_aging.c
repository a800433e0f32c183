/* SPDX-License-Identifier: MIT */
/*
 * The aging: try_to_inc_max_seq, walk_mm down to walk_pte_range, inc_max_seq, the
 * Bloom filter (mm/vmscan.c).
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

void mglru_walk_begin(struct mglru *m, struct mglru_walk *walk, bool force_scan)
{
	*walk = (struct mglru_walk){.seq = m->max_seq,
				    .force_scan = force_scan,
				    .mm = MGLRU_NR_MMS};
	walk->is_last = m->version->iterate_mm_list(m, walk);
}

/*
 * Which pages of a table are asked about.  Their words are anywhere in it: all are
 * asked for before the first is waited for.  Return: how many.
 */
static uint32_t want_of_table(const struct mglru *m, uint32_t first,
			      uint64_t want[TABLE_WINDOWS])
{
	const uint64_t *word = m->mmu->pages->word + first;
	uint32_t n = 0;

	for (uint32_t w = 0; w < TABLE_WINDOWS; w++, word += WINDOW) {
		uint64_t left = want[w] = mglru_want(m, first + w * WINDOW);

		for (; left && m->policy->age_table; left &= left - 1)
			__builtin_prefetch(word + __builtin_ctzll(left), 1);
		n += window_count(want[w]);
	}
	return n;
}

/* walk_pte_range(): ask the primary and, through the policy, the secondary MMU;
 * promote what was young.  Return: PTEs visited. */
static uint32_t scan_table(struct mglru *m, struct mglru_walk *walk,
			   uint32_t table)
{
	uint64_t want[TABLE_WINDOWS], young[TABLE_WINDOWS] = {0};
	uint32_t first = table * PTRS_PER_PTE, nr_young;
	uint32_t visited = want_of_table(m, first, want);
	unsigned int gen = gen_from_seq(m->max_seq);

	if (m->policy->age_table && visited && first < m->file_first)
		m->policy->age_table(m->policy_params, m->mmu, first, want,
				     young);
	for (uint32_t w = 0; w < TABLE_WINDOWS; w++)
		young[w] |= mglru_clear_primary(m, first + w * WINDOW, want[w]);
	nr_young = mglru_spread_young(m, first, want, young, TABLE_WINDOWS);
	for (uint32_t w = 0; w < TABLE_WINDOWS; w++) {
		uint32_t base = first + w * WINDOW;

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
 * walk_pmd_range(): whether the accessed bit of the PMD entry counts.  The VM does not
 * set it, so that a policy that asks the secondary MMU could not have it so.
 */
static bool looks_at_pmd(const struct mglru *m, const struct mglru_walk *walk)
{
	if (walk->mm == MGLRU_MM_VMM)
		return m->version->walk_pmd_range_skips_old &&
		       !m->policy->age_table;
	return m->version->walk_pmd_range_skips_old || !walk->force_scan;
}

/* walk_pmd_range(): whether a table can be left out. */
static bool is_skipped(struct mglru *m, const struct mglru_walk *walk,
		       uint32_t table)
{
	if (looks_at_pmd(m, walk)) {
		if (!(m->table[table] & TABLE_PMD_YOUNG))
			return true;
		m->table[table] &= (uint8_t)~TABLE_PMD_YOUNG;
	}
	return !walk->force_scan && !mglru_bloom_test(m, walk->seq, table);
}

/* should_skip_vma(): memory of a type that is not evicted is not aged. */
static bool is_aged(const struct mglru *m, const struct mglru_walk *walk)
{
	enum mglru_type type = walk->mm == MGLRU_MM_VMM ? LRU_GEN_ANON
							: LRU_GEN_FILE;

	return type >= min_type(m) && type <= max_type(m);
}

/* walk_mm().  Return: as mglru_walk_step(), of this mm. */
static uint32_t walk_mm(struct mglru *m, struct mglru_walk *walk)
{
	uint32_t visited = 0;

	while (!visited && walk->table < walk->end && is_aged(m, walk)) {
		uint32_t table = walk->table++;

		if (m->is_huge && m->is_huge[table])
			visited = mglru_scan_huge(m, table);
		else if (!(m->table[table] & TABLE_EXISTS))
			continue;
		else if (is_skipped(m, walk, table))
			m->counters->n[COUNT_tables_skipped]++;
		else
			visited = scan_table(m, walk, table);
	}
	return visited;
}

uint32_t mglru_walk_step(struct mglru *m, struct mglru_walk *walk)
{
	while (walk->mm != MGLRU_NR_MMS && walk->seq == m->max_seq) {
		uint32_t visited = walk_mm(m, walk);

		if (visited)
			return visited;
		walk->is_last = m->version->iterate_mm_list(m, walk);
	}
	return 0;
}

/* inc_max_seq() */
bool mglru_walk_end(struct mglru *m, const struct mglru_walk *walk,
		    uint64_t now_ns)
{
	if (walk->seq != m->max_seq || !walk->is_last)
		return false;
	if (m->listener.aging_ends)
		m->listener.aging_ends(m->listener.arg, now_ns);
	for (enum mglru_type type = 0; type < ANON_AND_FILE; type++)
		if (nr_gens(m, type) == MAX_NR_GENS)
			mglru_inc_min_seq(m, type);
	m->max_seq++;
	m->timestamps[gen_from_seq(m->max_seq)] = now_ns;
	m->counters->n[COUNT_passes]++;
	if (m->listener.new_generation)
		m->listener.new_generation(m->listener.arg, now_ns);
	return true;
}

uint64_t mglru_gen_size(const struct mglru *m, enum mglru_type type,
			uint64_t seq)
{
	int64_t size = m->nr_pages[type][gen_from_seq(seq)];

	return size > 0 ? (uint64_t)size : 0;
}

uint64_t mglru_evictable_size(const struct mglru *m)
{
	uint64_t total = 0;

	for (enum mglru_type type = min_type(m); type <= max_type(m); type++)
		for (uint64_t seq = m->min_seq[type]; seq <= m->max_seq; seq++)
			total += mglru_gen_size(m, type, seq);
	return total;
}

uint64_t mglru_evictable_min_seq(const struct mglru *m)
{
	uint64_t first = m->min_seq[min_type(m)];
	uint64_t last = m->min_seq[max_type(m)];

	return first < last ? first : last;
}

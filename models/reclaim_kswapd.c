/* SPDX-License-Identifier: MIT */
/*
 * kswapd: balance_pgdat(), kswapd_shrink_node(), lru_gen_age_node(),
 * lru_gen_shrink_node() and shrink_one() (mm/vmscan.c) of a node with one zone, whose
 * reclaimable memory is all in one memcg.
 *
 * It cannot know other memcgs, and with them the order of the memcg LRU; nor slab, nor
 * what the OOM killer would do: that it is called is counted.
 */
#include "models/mglru_internal.h"
#include "models/reclaim_internal.h"

static uint64_t nr_free(const struct reclaim *r, const struct mglru *m)
{
	return r->node.pages > m->resident ? r->node.pages - m->resident : 0;
}

void reclaim_begin_kswapd(struct reclaim *r, struct mglru *m,
			  const struct reclaim_node *node)
{
	*r = (struct reclaim){.kind = RECLAIM_KSWAPD,
			      .state = RECLAIM_BALANCE,
			      .priority = DEF_PRIORITY,
			      .node = *node};
	m->counters->n[COUNT_reclaims]++;
}

bool reclaim_rotate_to_tail(struct mglru *m)
{
	if (m->is_tail)
		return false;
	m->is_tail = true;
	return true;
}

bool reclaim_should_run_aging(const struct mglru *m)
{
	return m->version->get_nr_to_scan(m, DEF_PRIORITY - 1).must_age;
}

static unsigned int fls_long(uint64_t value)
{
	return value ? 64 - (unsigned int)__builtin_clzll(value) : 0;
}

/* NR_INACTIVE_ANON and NR_INACTIVE_FILE: lru_gen_is_active() is not */
static uint64_t inactive_size(const struct mglru *m)
{
	uint64_t size = 0;

	for (enum mglru_type type = min_type(m); type <= LRU_GEN_FILE; type++)
		for (uint64_t back = MIN_NR_GENS; back < MAX_NR_GENS; back++)
			size += mglru_gen_size(m, type, m->max_seq - back);
	return size;
}

static void set_initial_priority(struct reclaim *r, const struct mglru *m)
{
	int priority;

	if (r->priority != DEF_PRIORITY || r->nr_to_reclaim < MIN_LRU_BATCH)
		return;
	priority = (int)fls_long(inactive_size(m)) - 1 -
		   (int)fls_long(r->nr_to_reclaim - 1);
	if (priority < DEF_PRIORITY / 2)
		priority = DEF_PRIORITY / 2;
	r->priority = priority < DEF_PRIORITY ? priority : DEF_PRIORITY;
}

/* Whether the oldest generation is as old as min_ttl_ms wants what is evicted to be. */
static bool is_old_enough(const struct reclaim *r, const struct mglru *m,
			  uint64_t now_ns)
{
	uint64_t seq = m->version->lruvec_is_reclaimable(m);

	return now_ns > m->timestamps[gen_from_seq(seq)] + r->node.min_ttl_ns;
}

/* age_lruvec() of 6.1.  Return: false if the working set must be kept. */
static bool age_lruvec(struct reclaim *r, struct mglru *m, uint64_t now_ns)
{
	uint64_t nr_to_scan = mglru_evictable_size(m) >> r->priority;

	if (reclaim_below_min(r, m))
		return false;
	if (r->node.min_ttl_ns &&
	    (!is_old_enough(r, m, now_ns) ||
	     (!nr_to_scan && r->priority != DEF_PRIORITY)))
		return false;
	if (reclaim_should_run_aging(m)) {
		mglru_walk_begin(m, &r->walk, false);
		r->ages_node = true;
		r->state = RECLAIM_WALK;
	}
	return true;
}

static bool lruvec_is_reclaimable(const struct reclaim *r,
				  const struct mglru *m, uint64_t now_ns)
{
	return !reclaim_below_min(r, m) &&
	       mglru_evictable_size(m) >> r->priority &&
	       is_old_enough(r, m, now_ns);
}

static void lru_gen_age_node(struct reclaim *r, struct mglru *m,
			     uint64_t now_ns)
{
	bool success = true;

	if (!m->version->lru_gen_age_node) {
		set_initial_priority(r, m);
		if (r->node.min_ttl_ns)
			success = lruvec_is_reclaimable(r, m, now_ns);
	} else if (!r->memcgs_need_aging) {
		r->memcgs_need_aging = true;
	} else {
		success = age_lruvec(r, m, now_ns) || !r->node.min_ttl_ns;
	}
	m->counters->n[COUNT_min_ttl_ooms] += !success;
}

void reclaim_balance(struct reclaim *r, struct mglru *m, uint64_t now_ns)
{
	uint64_t high = r->node.high;

	if (r->priority < 1 || nr_free(r, m) > high) {
		r->state = RECLAIM_IDLE;
		return;
	}
	r->state = RECLAIM_SHRINK;
	lru_gen_age_node(r, m, now_ns);
	r->nr_reclaimed = r->nr_isolated = 0;
	r->should_age = r->need_rotate = false;
	r->nr_to_reclaim = high > SWAP_CLUSTER_MAX ? high : SWAP_CLUSTER_MAX;
	if (!m->version->lru_gen_age_node)
		set_initial_priority(r, m);
}

bool reclaim_kswapd_aborts(const struct reclaim *r, const struct mglru *m)
{
	bool is_done = r->nr_reclaimed >= r->nr_to_reclaim;

	if (m->version->lru_gen_age_node) /* 6.1 */
		return is_done && r->priority <= DEF_PRIORITY - 2 &&
		       nr_free(r, m) >= r->node.high;
	return is_done || nr_free(r, m) > r->node.high + MIN_LRU_BATCH ||
	       (m->version->aborts_after_aging && r->should_age);
}

/* The end of shrink_one() */
static void rotate(const struct reclaim *r, struct mglru *m)
{
	if (r->need_rotate)
		m->is_tail = false;
	else if (!(mglru_evictable_size(m) >> r->priority))
		m->is_tail = !m->is_tail;
}

void reclaim_kswapd_next(struct reclaim *r, struct mglru *m)
{
	bool raises = r->nr_isolated < r->nr_to_reclaim;

	if (!m->version->lru_gen_age_node && r->has_shrunk)
		rotate(r, m);
	r->has_shrunk = false;
	r->reclaimed += r->nr_reclaimed;
	if (raises || !r->nr_reclaimed)
		r->priority--;
	r->state = RECLAIM_BALANCE;
}

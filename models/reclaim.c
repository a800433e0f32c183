/* SPDX-License-Identifier: MIT */
/* The reclaim loops as a state machine; see reclaim.h. */
#include "models/reclaim.h"

#include "models/reclaim_internal.h"

enum {
	MAX_RECLAIM_RETRIES = 16
};

/* run_aging(): -ERANGE while four generations exist. */
static bool may_age(const struct mglru *m, bool force_scan)
{
	return force_scan || !m->version->run_aging_has_range ||
	       m->max_seq - mglru_evictable_min_seq(m) + 1 < MAX_NR_GENS;
}

static void begin_aging(struct reclaim *r, struct mglru *m, bool force_scan)
{
	if (!may_age(m, force_scan))
		return;
	mglru_walk_begin(m, &r->walk, force_scan);
	r->state = RECLAIM_WALK;
}

/* run_eviction(): -EINVAL for generations that must stay. */
static void begin_generations(struct reclaim *r, const struct mglru *m,
			      uint64_t back)
{
	if (back < MIN_NR_GENS || back > m->max_seq)
		return;
	r->last_seq = m->max_seq - back;
	r->batch.has_walk = true; /* set_mm_walk(NULL, true) */
	r->batch.can_swap = false;
	r->state = RECLAIM_EVICT_OLD;
}

void reclaim_begin(struct reclaim *r, struct mglru *m, enum reclaim_kind kind,
		   uint64_t wanted, bool force_scan)
{
	*r = (struct reclaim){.kind = kind,
			      .state = RECLAIM_IDLE,
			      .wanted = wanted,
			      .retries = MAX_RECLAIM_RETRIES};
	if (kind == RECLAIM_AGE) {
		begin_aging(r, m, force_scan);
	} else if (kind == RECLAIM_GENERATIONS) {
		begin_generations(r, m, wanted);
	} else if (wanted) {
		r->state = RECLAIM_TRY;
		m->counters->n[COUNT_reclaims]++;
	}
}

/* try_to_free_mem_cgroup_pages() */
static void try_to_free(struct reclaim *r, const struct mglru *m)
{
	uint64_t left = r->wanted - r->reclaimed;
	uint64_t batch = r->kind == RECLAIM_PROACTIVE
				 ? left / m->version->memory_reclaim
				 : left;

	r->nr_to_reclaim = batch > SWAP_CLUSTER_MAX ? batch : SWAP_CLUSTER_MAX;
	r->nr_reclaimed = 0;
	r->is_full_walk = false;
	r->memcg_low_reclaim = r->memcg_low_skipped = false;
	r->priority = DEF_PRIORITY;
	r->state = RECLAIM_SHRINK;
}

/* Whether anybody but the memcg itself wants its memory: mem_cgroup_unprotected() */
static bool has_protection(const struct reclaim *r, const struct mglru *m)
{
	return m->is_nested || r->kind == RECLAIM_KSWAPD;
}

bool reclaim_below_min(const struct reclaim *r, const struct mglru *m)
{
	if (!has_protection(r, m))
		return m->version->below_min_spares_empty && !m->resident;
	return m->memory_min >= m->resident;
}

bool reclaim_below_low(const struct reclaim *r, const struct mglru *m)
{
	return has_protection(r, m) && m->memory_low >= m->resident;
}

/* shrink_node_memcgs(); of the node since 6.2 shrink_one() */
static bool is_skipped(struct reclaim *r, struct mglru *m)
{
	if (reclaim_below_min(r, m)) {
		m->is_tail &= r->kind != RECLAIM_KSWAPD;
		return true;
	}
	if (!reclaim_below_low(r, m) || r->memcg_low_reclaim)
		return false;
	if (r->kind == RECLAIM_KSWAPD && !m->version->lru_gen_age_node)
		return reclaim_rotate_to_tail(m);
	r->memcg_low_skipped = true;
	return true;
}

/* apply_proportional_protection() */
static uint64_t scale(struct reclaim *r, const struct mglru *m, uint64_t scan)
{
	uint64_t protection = m->memory_min;

	if (!has_protection(r, m) || !(m->memory_min || m->memory_low) ||
	    !m->version->apply_proportional_protection)
		return scan;
	if (!r->memcg_low_reclaim && m->memory_low > m->memory_min) {
		protection = m->memory_low;
		r->memcg_low_skipped = true;
	}
	scan -= (uint64_t)((unsigned __int128)scan * protection /
			   ((m->resident > protection ? m->resident
						      : protection) +
			    1));
	return scan > SWAP_CLUSTER_MAX ? scan : SWAP_CLUSTER_MAX;
}

/* get_nr_to_scan() for each batch, mem_cgroup_below_min() in it or beside it */
static bool is_spared(const struct reclaim *r, const struct mglru *m)
{
	return reclaim_below_min(r, m) ||
	       (m->version->get_nr_to_scan_spares_low &&
		!r->memcg_low_reclaim && reclaim_below_low(r, m));
}

static uint64_t first_nr_to_scan(struct reclaim *r, const struct mglru *m)
{
	uint64_t nr_to_scan =
		m->version->get_nr_to_scan(m, r->priority).nr_to_scan;

	/* the share is taken of all that there is, before the priority */
	if (m->version->apply_proportional_protection && has_protection(r, m))
		nr_to_scan =
			scale(r, m,
			      m->version->get_nr_to_scan(m, 0).nr_to_scan) >>
			r->priority;
	return nr_to_scan;
}

/* lru_gen_shrink_lruvec() and try_to_shrink_lruvec() up to their loop. */
static void shrink(struct reclaim *r, struct mglru *m)
{
	const struct mglru_version *v = m->version;

	if (is_skipped(r, m)) {
		m->counters->n[COUNT_protected_skips]++;
		r->state = RECLAIM_NEXT_PRIORITY;
		return;
	}
	r->has_shrunk = true;
	mglru_lru_add_drain(m);
	r->nr_scanned = 0;
	r->need_swapping = r->need_aging = false;
	r->first_seq = m->max_seq;
	r->nr_to_scan = first_nr_to_scan(r, m);
	/* set_mm_walk(): look-around promotes lazily */
	r->batch.has_walk =
		r->kind == RECLAIM_KSWAPD ||
		(v->set_mm_walk_proactive && r->kind == RECLAIM_PROACTIVE);
	r->batch.can_swap = true;
	r->state = RECLAIM_BUDGET;
	if (v->get_nr_to_scan_once && !r->nr_to_scan)
		r->state = RECLAIM_NEXT_PRIORITY;
}

/* evict_folios(), or the end for this priority if there is nothing to scan. */
static void evict(struct reclaim *r, struct mglru *m)
{
	uint64_t left = r->nr_to_scan - r->nr_scanned;

	if (!r->nr_to_scan) {
		r->state = RECLAIM_NEXT_PRIORITY;
		return;
	}
	mglru_isolate(m, &r->batch,
		      left < MIN_LRU_BATCH ? left : MIN_LRU_BATCH);
	r->state = RECLAIM_VERDICT;
}

/* The top of the loop of try_to_shrink_lruvec(). */
static void decide(struct reclaim *r, struct mglru *m)
{
	const struct mglru_version *v = m->version;
	struct mglru_budget budget = v->get_nr_to_scan(m, r->priority);

	if (is_spared(r, m)) {
		r->need_rotate = true;
		r->state = RECLAIM_NEXT_PRIORITY;
		return;
	}
	if (!v->get_nr_to_scan_once)
		r->nr_to_scan = budget.nr_to_scan;
	if (r->kind == RECLAIM_KSWAPD && v->lru_gen_age_node) {
		r->need_aging = reclaim_should_run_aging(m);
		if (budget.must_age) { /* leave it to lru_gen_age_node() */
			r->state = RECLAIM_NEXT_PRIORITY;
			return;
		}
	}
	if (!budget.must_age) {
		evict(r, m);
		return;
	}
	r->has_cold = mglru_evictable_min_seq(m) + MIN_NR_GENS <= m->max_seq;
	mglru_walk_begin(m, &r->walk, false);
	r->state = RECLAIM_WALK;
}

/* What follows a pass: 6.12 leaves this priority with nothing scanned. */
static void aged(struct reclaim *r, struct mglru *m, bool has_aged)
{
	const struct mglru_version *v = m->version;

	r->should_age = true;
	r->need_rotate |= has_aged;
	if (r->kind == RECLAIM_AGE) {
		r->state = RECLAIM_IDLE;
	} else if (r->ages_node) {
		r->ages_node = false;
		r->state = RECLAIM_SHRINK;
	} else if (!v->evicts_after_aging) {
		r->state = RECLAIM_NEXT_PRIORITY;
	} else {
		r->batch.has_walk = true; /* of try_to_inc_max_seq() */
		if (!v->get_nr_to_scan_once && !has_aged && !r->has_cold)
			r->nr_to_scan = 0;
		evict(r, m);
	}
}

static uint32_t walk(struct reclaim *r, struct mglru *m, uint64_t now_ns)
{
	uint32_t visited = mglru_walk_step(m, &r->walk);

	if (!visited)
		aged(r, m, mglru_walk_end(m, &r->walk, now_ns));
	return visited;
}

/* The loop of run_eviction(). */
static void evict_old(struct reclaim *r, struct mglru *m)
{
	if (r->last_seq < mglru_evictable_min_seq(m)) {
		r->state = RECLAIM_IDLE;
		return;
	}
	mglru_isolate(m, &r->batch, MAX_LRU_BATCH);
	r->state = RECLAIM_VERDICT;
}

/* should_abort_scan(), and what follows it */
static bool should_abort_scan(const struct reclaim *r, const struct mglru *m)
{
	const struct mglru_version *v = m->version;

	if (r->kind == RECLAIM_KSWAPD)
		return reclaim_kswapd_aborts(r, m);
	if (v->aborts_aged_twice && m->max_seq - r->first_seq > 1)
		return true;
	if (v->need_swapping && !r->need_swapping)
		return false;
	return v->should_abort_scan && r->nr_reclaimed >= r->nr_to_reclaim;
}

/* evict_folios() is through with a batch. */
static enum reclaim_state after_batch(struct reclaim *r, const struct mglru *m)
{
	if (r->kind == RECLAIM_GENERATIONS)
		return r->batch.scanned ? RECLAIM_EVICT_OLD : RECLAIM_IDLE;
	if (!r->batch.scanned)
		return RECLAIM_NEXT_PRIORITY;
	if (r->nr_scanned < r->nr_to_scan && !should_abort_scan(r, m))
		return RECLAIM_BUDGET;
	/* see the comment in lru_gen_age_node() */
	if (r->nr_reclaimed >= MIN_LRU_BATCH && !r->need_aging)
		r->memcgs_need_aging = false;
	return RECLAIM_NEXT_PRIORITY;
}

static uint32_t verdict(struct reclaim *r, struct mglru *m, uint64_t now_ns)
{
	if (r->batch.at < r->batch.n) {
		r->nr_reclaimed += mglru_shrink_one(m, &r->batch, now_ns);
		return 1;
	}
	r->nr_isolated += r->batch.nr_pages;
	r->need_swapping |= r->batch.n && r->batch.type == LRU_GEN_ANON;
	r->nr_reclaimed += mglru_put_back(m, &r->batch, now_ns);
	r->nr_scanned += r->batch.scanned;
	r->state = after_batch(r, m);
	return 0;
}

/* The loop of do_try_to_free_pages(). */
static void next_priority(struct reclaim *r, struct mglru *m)
{
	if (r->kind == RECLAIM_KSWAPD)
		reclaim_kswapd_next(r, m);
	else if (r->nr_reclaimed >= r->nr_to_reclaim || --r->priority < 0)
		r->state = RECLAIM_TRIED;
	else
		r->state = RECLAIM_SHRINK;
}

static void tried(struct reclaim *r, const struct mglru *m)
{
	if (!r->nr_reclaimed && !r->is_full_walk &&
	    m->version->memcg_full_walk) {
		r->is_full_walk = true;
		r->priority = DEF_PRIORITY;
		r->state = RECLAIM_SHRINK;
		return;
	}
	if (!r->nr_reclaimed && r->memcg_low_skipped) {
		r->memcg_low_reclaim = true;
		r->memcg_low_skipped = false;
		r->priority = DEF_PRIORITY;
		r->state = RECLAIM_SHRINK;
		return;
	}
	r->reclaimed += r->nr_reclaimed;
	if (r->kind == RECLAIM_DIRECT || r->reclaimed >= r->wanted ||
	    (!r->nr_reclaimed && !r->retries--))
		r->state = RECLAIM_IDLE;
	else
		r->state = RECLAIM_TRY;
}

uint32_t reclaim_step(struct reclaim *r, struct mglru *m, uint64_t now_ns)
{
	uint32_t work = 0;

	while (!work && r->state != RECLAIM_IDLE) {
		switch (r->state) {
		case RECLAIM_TRY:
			try_to_free(r, m);
			break;
		case RECLAIM_SHRINK:
			shrink(r, m);
			break;
		case RECLAIM_BUDGET:
			decide(r, m);
			break;
		case RECLAIM_WALK:
			work = walk(r, m, now_ns);
			break;
		case RECLAIM_VERDICT:
			work = verdict(r, m, now_ns);
			break;
		case RECLAIM_NEXT_PRIORITY:
			next_priority(r, m);
			break;
		case RECLAIM_TRIED:
			tried(r, m);
			break;
		case RECLAIM_EVICT_OLD:
			evict_old(r, m);
			break;
		case RECLAIM_BALANCE:
			reclaim_balance(r, m, now_ns);
			break;
		case RECLAIM_IDLE:
			break;
		}
	}
	return work;
}

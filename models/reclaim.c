/* SPDX-License-Identifier: MIT */
/* The reclaim loops as a state machine; see reclaim.h. */
#include "models/reclaim.h"

enum {
	MAX_RECLAIM_RETRIES = 16
};

/* run_aging(): without force_scan, -ERANGE while four generations exist. */
static bool may_age(const struct mglru *m, bool force_scan)
{
	return force_scan || m->max_seq - m->min_seq + 1 < MAX_NR_GENS;
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
	r->state = RECLAIM_EVICT_OLD;
}

void reclaim_begin(struct reclaim *r, struct mglru *m, enum reclaim_kind kind,
		   uint64_t wanted, bool force_scan)
{
	*r = (struct reclaim){.kind = kind,
			      .state = RECLAIM_IDLE,
			      .wanted = wanted,
			      .retries = MAX_RECLAIM_RETRIES};
	/* set_mm_walk(NULL, sc->proactive): look-around promotes lazily */
	r->batch.has_walk = kind == RECLAIM_PROACTIVE;
	if (kind == RECLAIM_AGE) {
		begin_aging(r, m, force_scan);
	} else if (kind == RECLAIM_GENERATIONS) {
		begin_generations(r, m, wanted);
	} else if (wanted) {
		r->state = RECLAIM_TRY;
		m->counters->n[COUNT_reclaims]++;
	}
}

/* lru_gen_shrink_lruvec() */
static void begin_shrink(struct reclaim *r, struct mglru *m)
{
	mglru_lru_add_drain(m);
	r->nr_scanned = 0;
	r->state = RECLAIM_BUDGET;
}

/* try_to_free_mem_cgroup_pages(); memory_reclaim() asks for quarters. */
static void try_to_free(struct reclaim *r, struct mglru *m)
{
	uint64_t left = r->wanted - r->reclaimed;
	uint64_t batch = r->kind == RECLAIM_PROACTIVE ? left / 4 : left;

	r->nr_to_reclaim = batch > SWAP_CLUSTER_MAX ? batch : SWAP_CLUSTER_MAX;
	r->nr_reclaimed = 0;
	r->is_full_walk = false;
	r->priority = DEF_PRIORITY;
	begin_shrink(r, m);
}

/* The top of the loop of try_to_shrink_lruvec(). */
static void decide(struct reclaim *r, struct mglru *m)
{
	struct mglru_budget budget = mglru_get_nr_to_scan(m, r->priority);

	if (budget.must_age) {
		mglru_walk_begin(m, &r->walk, false);
		r->state = RECLAIM_WALK;
	} else if (!budget.nr_to_scan) {
		r->state = RECLAIM_NEXT_PRIORITY;
	} else {
		r->nr_to_scan = budget.nr_to_scan;
		mglru_isolate(m, &r->batch);
		r->state = RECLAIM_VERDICT;
	}
}

/* After a pass the kernel leaves this priority with nothing scanned. */
static uint32_t walk(struct reclaim *r, struct mglru *m, uint64_t now_ns)
{
	uint32_t visited = mglru_walk_step(m, &r->walk);

	if (visited)
		return visited;
	mglru_walk_end(m, &r->walk, now_ns);
	r->state = r->kind == RECLAIM_AGE ? RECLAIM_IDLE
					  : RECLAIM_NEXT_PRIORITY;
	return 0;
}

/* The loop of run_eviction(). */
static void evict_old(struct reclaim *r, struct mglru *m)
{
	if (r->last_seq < m->min_seq) {
		r->state = RECLAIM_IDLE;
		return;
	}
	mglru_isolate(m, &r->batch);
	r->state = RECLAIM_VERDICT;
}

/* evict_folios() is through with a batch. */
static enum reclaim_state after_batch(const struct reclaim *r)
{
	if (r->kind == RECLAIM_GENERATIONS)
		return r->batch.scanned ? RECLAIM_EVICT_OLD : RECLAIM_IDLE;
	if (!r->batch.scanned || r->nr_scanned >= r->nr_to_scan)
		return RECLAIM_NEXT_PRIORITY;
	return RECLAIM_BUDGET;
}

static uint32_t verdict(struct reclaim *r, struct mglru *m, uint64_t now_ns)
{
	if (r->batch.at < r->batch.n) {
		r->nr_reclaimed += mglru_shrink_one(m, &r->batch, now_ns);
		return 1;
	}
	mglru_put_back(m, &r->batch);
	r->nr_scanned += r->batch.scanned;
	r->state = after_batch(r);
	return 0;
}

/* The loop of do_try_to_free_pages(). */
static void next_priority(struct reclaim *r, struct mglru *m)
{
	if (r->nr_reclaimed >= r->nr_to_reclaim || --r->priority < 0)
		r->state = RECLAIM_TRIED;
	else
		begin_shrink(r, m);
}

static void tried(struct reclaim *r, struct mglru *m)
{
	if (!r->nr_reclaimed && !r->is_full_walk) {
		r->is_full_walk = true;
		r->priority = DEF_PRIORITY;
		begin_shrink(r, m);
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
		case RECLAIM_IDLE:
			break;
		}
	}
	return work;
}

/* SPDX-License-Identifier: MIT */
/* From what counters say was done to jobs for threads; see timeline.h. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "replay/timeline_internal.h"

static const char *const cost_names[] = {
#define COST_NAME(name, of) #name,
	TIMELINE_COSTS(COST_NAME)
#undef COST_NAME
};

void timeline_load_costs(struct timeline *t)
{
	for (int i = 0; i < TIMELINE_NR_COSTS; i++)
		t->is_known[i] =
			costs_ns(t->options.costs, cost_names[i], &t->cost[i]);
}

uint64_t timeline_price(struct timeline *t, enum timeline_cost cost, uint64_t n)
{
	if (!n)
		return 0;
	if (!t->is_known[cost])
		t->is_lacking[cost] = true;
	return t->is_known[cost] ? (uint64_t)llround(t->cost[cost] * (double)n)
				 : 0;
}

#define PRICE(t, d, name) timeline_price(t, TIME_##name, (d)->n[COUNT_##name])

/* What was counted since the last look. */
static struct counters look(struct timeline *t)
{
	struct counters d;

	for (int i = 0; i < NR_COUNTERS; i++)
		d.n[i] = t->lane.counters->n[i] - t->seen.n[i];
	t->seen = *t->lane.counters;
	return d;
}

static void put(struct timeline *t, struct job *job, struct op op)
{
	if (t->error)
		return;
	if (kage_grow(&job->ops, &job->capacity, job->n, sizeof(op), NULL))
		t->error = -ENOMEM;
	else
		job->ops[job->n++] = op;
}

static void put_run(struct timeline *t, struct job *job, uint64_t ns)
{
	if (ns)
		put(t, job, (struct op){.kind = OP_RUN, .gap_ns = ns});
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* Young calls of one lock mode in a row: @n of them in @total_ns with what comes between,
 * @sptes beyond the first of each. */
struct calls {
	enum mmu_lock mode;
	uint64_t flushes; /* at most n */
	uint32_t lock;
	bool is_row;
	uint64_t n, total_ns, extra_ns;
};

static void put_calls(struct timeline *t, struct job *job,
		      const struct calls *c)
{
	uint64_t hold_ns;

	if (!c->n)
		return;
	if (c->mode == MMU_LOCK_NONE) {
		put_run(t, job, c->total_ns);
		return;
	}
	hold_ns = timeline_price(t, TIME_hold_young, 1) + c->extra_ns / c->n;
	put(t, job,
	    (struct op){.kind = OP_HOLDS,
			.class = TIMELINE_AGER,
			.mode = c->mode,
			.flushes = (uint32_t)c->flushes,
			.lock = c->lock,
			.is_row = c->is_row,
			.n = (uint32_t)c->n,
			.hold_ns = hold_ns,
			.gap_ns = less(c->total_ns / c->n, hold_ns)});
	put_run(t, job, c->total_ns % c->n);
}

/* Flushes of clear_flush_young(): the others are of invalidations. */
static uint64_t young_flushes(const struct counters *d)
{
	return d->n[COUNT_flushes] - d->n[COUNT_flushes_unmap];
}

/* clear_flush_young() without mmu_lock */
static void put_bare_flushes(struct timeline *t, struct job *job,
			     uint64_t flushes)
{
	if (flushes)
		put(t, job,
		    (struct op){.kind = OP_FLUSH, .n = (uint32_t)flushes});
}

/*
 * The young calls of a step, which take @between_ns beside their own price.  Where some
 * hold a lock and some do not, the victim's is the one that does, and that flushes.
 */
static void put_young(struct timeline *t, struct job *job,
		      const struct counters *d, uint32_t page,
		      uint64_t between_ns)
{
	uint64_t writes = d->n[COUNT_lock_write_young];
	uint64_t reads = d->n[COUNT_lock_read_young];
	uint64_t rmaps = d->n[COUNT_lock_rmap];
	uint64_t n = d->n[COUNT_calls_aging] + d->n[COUNT_calls_victim] +
		     d->n[COUNT_calls_window];
	uint64_t extra_ns =
		timeline_price(t, TIME_sptes, less(d->n[COUNT_sptes], n));
	uint64_t ns = PRICE(t, d, calls_aging) + PRICE(t, d, calls_victim) +
		      PRICE(t, d, calls_window) + extra_ns +
		      PRICE(t, d, lock_write_young) +
		      PRICE(t, d, lock_read_young) + PRICE(t, d, lock_rmap) +
		      between_ns;
	uint64_t flushes = young_flushes(d), units = writes + reads + rmaps;
	uint64_t bare = less(n, writes + reads) && !rmaps ? n - writes - reads
							  : 0;
	struct calls c = {.n = writes, .mode = MMU_LOCK_WRITE};

	t->result.ager_cpu_ns += ns;
	units += bare;
	if (!units) {
		put_run(t, job, ns);
		put_bare_flushes(t, job, flushes);
		return;
	}
	c.flushes = writes ? flushes : 0;
	c.total_ns = ns * writes / units;
	c.extra_ns = extra_ns * writes / units;
	put_calls(t, job, &c);
	c = (struct calls){.n = reads,
			   .mode = MMU_LOCK_READ,
			   .flushes = reads && !writes ? flushes : 0,
			   .total_ns = ns * reads / units,
			   .extra_ns = extra_ns * reads / units};
	put_calls(t, job, &c);
	c = (struct calls){.n = rmaps,
			   .mode = MMU_LOCK_WRITE,
			   .lock = timeline_rmap(t, page),
			   .is_row = true,
			   .total_ns = ns * rmaps / units};
	if (t->lane.locks_rmaps)
		put_calls(t, job, &c);
	put_run(t, job, ns * bare / units);
	if (!writes && !reads)
		put_bare_flushes(t, job, flushes);
}

static void put_lock(struct timeline *t, struct job *job, enum op_kind kind,
		     uint32_t page, enum timeline_class class)
{
	put(t, job,
	    (struct op){.kind = kind,
			.class = class,
			.mode = MMU_LOCK_WRITE,
			.lock = timeline_pte_lock(page)});
}

/* One table of a pass. */
static void put_table(struct timeline *t, struct job *job,
		      const struct counters *d, uint32_t first)
{
	struct counters young = *d;
	uint64_t between_ns = PRICE(t, d, aging_ptes) + PRICE(t, d, tables) +
			      PRICE(t, d, promoted);

	young.n[COUNT_calls_victim] = young.n[COUNT_calls_window] = 0;
	if (!t->pass)
		t->pass = timeline_pass(t);
	if (!t->pass)
		return;
	t->pass->left++;
	put(t, job, (struct op){.kind = OP_PASS, .pass = t->pass});
	put_lock(t, job, OP_LOCK, first, TIMELINE_AGER);
	put_young(t, job, &young, first, between_ns);
	put_lock(t, job, OP_UNLOCK, first, TIMELINE_AGER);
	put(t, job, (struct op){.kind = OP_PASS_END, .pass = t->pass});
}

/* Invalidations of KVM: start and end, or numa_protect(), which is one hold.  What was
 * zapped is shared out among those that flush.  The price of a call has its holds and a
 * zap in it. */
static void put_holds(struct timeline *t, struct job *job,
		      const struct counters *d, uint32_t page,
		      uint64_t outside_ns)
{
	uint64_t protects = d->n[COUNT_calls_protect];
	uint64_t n = (d->n[COUNT_lock_write_unmap] - protects) / 2 + protects;
	uint64_t flushes = d->n[COUNT_flushes_unmap];
	uint64_t zaps = d->n[COUNT_unmap_sptes];
	struct op op = {.class = TIMELINE_INVALIDATION, .mode = MMU_LOCK_WRITE};
	uint64_t hold_ns = timeline_price(t, TIME_hold_unmap, 1);
	uint64_t zap_ns = timeline_price(t, TIME_zap, zaps != 0);

	if (t->lane.locks_rmaps)
		op.inner = timeline_rmap(t, page);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t share = i < flushes ? zaps * (i + 1) / flushes -
						       zaps * i / flushes
					     : 0;

		op.kind = i < protects ? OP_HOLDS : OP_UNMAP;
		op.flushes = i < flushes;
		op.hold_ns = hold_ns;
		op.gap_ns =
			less(outside_ns / n, (i < protects ? 1 : 2) * hold_ns +
						     (share ? zap_ns : 0));
		op.zap_ns = timeline_price(t, TIME_zap, share);
		op.n = (uint32_t)share;
		if (op.kind == OP_HOLDS) {
			op.hold_ns += op.zap_ns;
			op.n = 1;
		}
		put(t, job, op);
	}
}

/* Invalidations of devices, which share what all of them take. */
static void put_lockless(struct timeline *t, struct job *job, uint64_t calls,
			 uint64_t all_ns)
{
	for (uint64_t i = 0; i < calls; i++)
		put(t, job,
		    (struct op){.kind = OP_CALL,
				.gap_ns = all_ns * (i + 1) / calls -
					  all_ns * i / calls});
}

static void put_unmaps(struct timeline *t, struct job *job,
		       const struct counters *d, uint32_t page)
{
	uint64_t outside_ns =
		PRICE(t, d, calls_unmap) + PRICE(t, d, calls_protect) +
		PRICE(t, d, device_flushes) + PRICE(t, d, unmap_sleeps) +
		PRICE(t, d, lock_write_unmap) + PRICE(t, d, numa_ptes) +
		PRICE(t, d, numa_migrations);
	uint64_t calls = d->n[COUNT_calls_unmap];

	if (d->n[COUNT_lock_write_unmap])
		put_holds(t, job, d, page, outside_ns);
	else if (calls)
		put_lockless(t, job, calls, outside_ns);
	else
		put_run(t, job, outside_ns);
}

/* One candidate of eviction, and what sorting of lists came before it. */
static void put_verdict(struct timeline *t, struct job *job,
			const struct counters *d, uint32_t page)
{
	struct counters young = *d;

	put_run(t, job,
		PRICE(t, d, sorted) + PRICE(t, d, protected) +
			PRICE(t, d, rmap_walks));
	young.n[COUNT_calls_aging] = 0;
	if (d->n[COUNT_rmap_walks]) {
		put_lock(t, job, OP_LOCK, page, TIMELINE_AGER);
		put_young(t, job, &young, page, PRICE(t, d, lookaround_ptes));
		put_lock(t, job, OP_UNLOCK, page, TIMELINE_AGER);
	}
	put_unmaps(t, job, d, page);
}

/* Return: the job that a step of reclaim belongs to: the access's own, or a new one. */
static struct job *job_of(struct timeline *t)
{
	bool is_direct = t->access && !t->options.reclaimers;

	return is_direct ? t->access : timeline_job(t);
}

static void deal(struct timeline *t, struct job *job, uint32_t pool,
		 uint64_t now_ns)
{
	if (!job || job == t->access)
		return;
	job->is_reclaim = pool == timeline_reclaimers(t);
	timeline_submit(t, pool, job, now_ns);
}

static void walk_table(struct timeline *t, const struct counters *d,
		       uint32_t first, uint64_t now_ns)
{
	struct job *job = t->options.agers ? timeline_job(t) : job_of(t);

	if (!job)
		return;
	if (job == t->access)
		put(t, job, (struct op){.kind = OP_RECLAIM});
	put_table(t, job, d, first);
	if (job == t->access)
		put(t, job, (struct op){.kind = OP_RECLAIM_END});
	deal(t, job, timeline_agers(t), now_ns);
}

static void judge_page(struct timeline *t, const struct counters *d,
		       uint32_t page, uint64_t now_ns)
{
	struct job *job = job_of(t);

	if (!job)
		return;
	if (job == t->access)
		put(t, job, (struct op){.kind = OP_RECLAIM});
	put_verdict(t, job, d, page);
	if (job == t->access)
		put(t, job, (struct op){.kind = OP_RECLAIM_END});
	deal(t, job, timeline_reclaimers(t), now_ns);
}

/* The pass is over when the tables that were walked are. */
static void close_pass(struct timeline *t, const struct counters *d)
{
	struct pass *pass = t->pass;

	t->result.ager_cpu_ns += PRICE(t, d, passes);
	t->pass = NULL;
	if (!pass)
		return;
	pass->is_closed = true;
	pass->left++;
	timeline_pass_done(t, pass);
}

/* Locks of a table and of a candidate do not come in one step, but a pass that ends
 * leaves its candidates to the step that ends it. */
void timeline_reclaimed(struct timeline *t, const struct reclaim *r,
			uint64_t now_ns)
{
	struct counters d = look(t);
	uint32_t candidate = r->batch.at ? r->batch.page[r->batch.at - 1]
					 : t->page;

	/* a huge folio is no table, but its PMD is visited */
	if (d.n[COUNT_tables] || d.n[COUNT_aging_ptes])
		walk_table(t, &d, (r->walk.table - 1) * PTRS_PER_PTE, now_ns);
	if (d.n[COUNT_passes])
		close_pass(t, &d);
	if (d.n[COUNT_rmap_walks] || d.n[COUNT_calls_unmap] ||
	    d.n[COUNT_sorted] || d.n[COUNT_protected])
		judge_page(t, &d, candidate, now_ns);
}

uint32_t timeline_vcpu(const struct timeline *t, uint32_t page,
		       uint32_t recorded)
{
	uint64_t hash = rng_mix(t->options.seed ^ (page + UINT64_C(1)) << 20);

	return t->options.vcpus ? (uint32_t)(hash % t->options.vcpus)
				: recorded % t->result.vcpus;
}

void timeline_access_begins(struct timeline *t, uint32_t page, uint32_t vcpu,
			    uint64_t now_ns)
{
	t->page = page;
	t->vcpu = timeline_vcpu(t, page, vcpu);
	sim_run(&t->sim, now_ns);
	look(t);
	t->access = timeline_job(t);
}

static void put_fault(struct timeline *t, struct job *job,
		      const struct counters *d)
{
	uint64_t faults = d->n[COUNT_faults];
	uint64_t reads = d->n[COUNT_lock_read_fault];
	uint64_t holds = reads + d->n[COUNT_lock_write_fault];
	uint64_t hold_ns =
		timeline_price(t, TIME_hold_fault, holds) / (holds ? holds : 1);
	uint64_t ptl_ns = timeline_price(t, TIME_hold_ptl, faults);

	job->swap_ns = PRICE(t, d, refaults);
	put_run(t, job,
		less(PRICE(t, d, faults), hold_ns * holds + ptl_ns) +
			PRICE(t, d, stale_faults) +
			PRICE(t, d, retried_faults) + PRICE(t, d, track_exits) +
			PRICE(t, d, lock_read_fault) +
			PRICE(t, d, lock_write_fault) + job->swap_ns);
	if (faults) {
		put_lock(t, job, OP_LOCK, t->page, TIMELINE_FAULT);
		put_run(t, job, ptl_ns);
		put_lock(t, job, OP_UNLOCK, t->page, TIMELINE_FAULT);
	}
	if (holds)
		put(t, job,
		    (struct op){.kind = OP_HOLDS,
				.class = TIMELINE_FAULT,
				.mode = reads ? MMU_LOCK_READ : MMU_LOCK_WRITE,
				.inner = t->lane.locks_rmaps
						 ? timeline_rmap(t, t->page)
						 : 0,
				.n = (uint32_t)holds,
				.hold_ns = hold_ns});
	job->is_fault = true;
}

void timeline_access_ends(struct timeline *t)
{
	struct counters d = look(t);
	struct job *job = t->access;

	t->access = NULL;
	if (!job)
		return;
	if (d.n[COUNT_faults] || d.n[COUNT_track_exits] ||
	    d.n[COUNT_stale_faults])
		put_fault(t, job, &d);
	put_unmaps(t, job, &d, t->page);
	timeline_submit(t, t->vcpu, job, t->sim.now_ns);
}

void timeline_host(struct timeline *t, uint64_t now_ns)
{
	struct counters d = look(t);
	struct job *job = timeline_job(t);

	if (!job)
		return;
	put_unmaps(t, job, &d, t->page);
	timeline_submit(t, timeline_hosts(t), job, now_ns);
}

/* SPDX-License-Identifier: MIT */
/* Jobs on threads that queue on locks, and what comes of it; see timeline.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "replay/timeline_internal.h"

enum {
	UNMAP_PIECES =
		512, /* a long zap looks so often whether somebody waits */
	WAITING_OPS_MAX = 1 << 25 /* some GB: threads that never catch up */
};

const char *const timeline_locks[] = {"mmu_lock", "pte_lock", "rmap"};
const char *const timeline_classes[] = {"fault", "invalidation", "ager"};

static const struct {
	const char *name;
	unsigned int of;
} costs[] = {
#define COST_ROW(name, of) {#name, of},
	TIMELINE_COSTS(COST_ROW)
#undef COST_ROW
};

void timeline_setup(const struct timeline_options *options,
		    char text[TIMELINE_SETUP])
{
	char vcpus[16] = "recorded";

	if (options->vcpus)
		snprintf(vcpus, sizeof(vcpus), "%u", options->vcpus);
	snprintf(text, TIMELINE_SETUP, "vcpus=%s,reclaimers=%u,agers=%u%s",
		 vcpus, options->reclaimers, options->agers,
		 options->is_closed ? ",closed-loop" : "");
}

struct job *timeline_job(struct timeline *t)
{
	struct job *job = t->spare;

	if (!job)
		job = kage_calloc(1, sizeof(*job), NULL);
	else
		t->spare = job->next;
	if (!job)
		t->error = -ENOMEM;
	else
		*job = (struct job){.ops = job->ops, .capacity = job->capacity};
	return job;
}

void timeline_drop(struct timeline *t, struct job *job)
{
	job->next = t->spare;
	t->spare = job;
}

void timeline_submit(struct timeline *t, uint32_t pool, struct job *job,
		     uint64_t now_ns)
{
	if (!job->n || t->error) { /* half a job would keep its locks */
		timeline_drop(t, job);
		return;
	}
	sim_run(&t->sim, now_ns);
	t->waiting_ops += job->n;
	if (t->waiting_ops > WAITING_OPS_MAX)
		t->error = -ENOMEM;
	if (sim_submit(&t->sim, pool, job, NULL)) {
		t->error = -ENOMEM;
		timeline_drop(t, job);
	}
}

static bool is_vcpu(const struct timeline *t, uint32_t thread)
{
	return thread < t->result.vcpus;
}

/* Return: how long its sender waits for a remote flush that begins now. */
static uint64_t flush(struct timeline *t)
{
	uint64_t running = t->result.vcpus - t->busy_vcpus;

	t->result.flushes++;
	t->result.ipis += running;
	t->result.stall_flush_ns += timeline_price(t, TIME_flush_exit, running);
	t->exits_ns += timeline_price(t, TIME_flush_exit, running != 0);
	return timeline_price(t, TIME_flushes, 1) +
	       timeline_price(t, TIME_flush_vcpu, running);
}

static struct sim_step run_for(uint64_t ns)
{
	return (struct sim_step){.op = SIM_RUN, .ns = ns};
}

static struct sim_step lock(struct timeline *t, uint32_t thread,
			    const struct op *op, uint32_t number,
			    enum mmu_lock mode)
{
	t->class[thread] = op->class;
	return (struct sim_step){.op = SIM_LOCK, .lock = number, .mode = mode};
}

static struct sim_step unlock(uint32_t number)
{
	return (struct sim_step){.op = SIM_UNLOCK, .lock = number};
}

/* The op is done. */
static void go_on(struct job *job)
{
	job->at++;
	job->phase = 0;
	job->i = 0;
}

/* Return: whether hold @i of the op's n has one of its flushes: they are spread out. */
static bool does_flush(const struct op *op, uint64_t i)
{
	return (i + 1) * op->flushes / op->n != i * op->flushes / op->n;
}

/* A row goes on with the first page behind the last one. */
static uint32_t number_of(const struct timeline *t, const struct job *job,
			  const struct op *op)
{
	uint32_t first = timeline_rmap(t, 0);

	if (!op->is_row)
		return op->lock;
	return first + (uint32_t)((op->lock - first + (uint64_t)job->i) %
				  t->lane.npages);
}

static struct sim_step hold(struct timeline *t, uint32_t thread,
			    struct job *job, const struct op *op)
{
	uint32_t number = number_of(t, job, op);

	switch (job->phase++) {
	case 0:
		return run_for(op->gap_ns);
	case 1:
		return lock(t, thread, op, number, op->mode);
	case 2:
		if (op->inner)
			return lock(t, thread, op, op->inner, MMU_LOCK_WRITE);
		return run_for(0);
	case 3:
		return op->inner ? unlock(op->inner) : run_for(0);
	case 4:
		return run_for(op->hold_ns +
			       (does_flush(op, job->i) ? flush(t) : 0));
	default:
		job->phase = 0;
		if (++job->i == op->n)
			go_on(job);
		return unlock(number);
	}
}

/* Return: what the next piece of a zap takes; pieces differ by 1 ns. */
static uint64_t piece_ns(const struct op *op, uint32_t i, uint32_t pieces)
{
	return op->zap_ns * (i + 1) / pieces - op->zap_ns * i / pieces;
}

/* Zap, and between pieces let those in who wait. */
static struct sim_step zap(struct job *job, const struct op *op)
{
	uint32_t pieces = op->n < UNMAP_PIECES ? op->n : UNMAP_PIECES;
	uint32_t at = job->i++;

	if (at + 2 < 2 * pieces)
		job->phase--; /* again */
	if (!pieces)
		return run_for(0);
	if (at % 2)
		return (struct sim_step){.op = SIM_YIELD, .lock = op->lock};
	return run_for(piece_ns(op, at / 2, pieces));
}

static struct sim_step unmap(struct timeline *t, uint32_t thread,
			     struct job *job, const struct op *op)
{
	switch (job->phase++) {
	case 0:
		job->op_ns = t->sim.now_ns;
		return lock(t, thread, op, op->lock, op->mode);
	case 1:
		return op->inner
			       ? lock(t, thread, op, op->inner, MMU_LOCK_WRITE)
			       : run_for(0);
	case 2:
		return op->inner ? unlock(op->inner) : run_for(0);
	case 3:
		return run_for(op->hold_ns);
	case 4:
		return zap(job, op);
	case 5:
		return run_for(op->flushes ? flush(t) : 0);
	case 6:
		return unlock(op->lock);
	case 7:
		return run_for(op->gap_ns);
	case 8:
		return lock(t, thread, op, op->lock, op->mode);
	case 9:
		return run_for(op->hold_ns);
	default:
		hist_add(&t->result.invalidation, t->sim.now_ns - job->op_ns);
		go_on(job);
		return unlock(op->lock);
	}
}

/* Marks take no time: note them, and come to the next op. */
static void mark(struct timeline *t, struct job *job, const struct op *op)
{
	uint64_t now_ns = t->sim.now_ns;

	switch (op->kind) {
	case OP_PASS:
		if (!op->pass->nr_walking++)
			op->pass->since_ns = now_ns;
		break;
	case OP_PASS_END:
		if (!--op->pass->nr_walking)
			op->pass->took_ns += now_ns - op->pass->since_ns;
		timeline_pass_done(t, op->pass);
		break;
	case OP_RECLAIM:
		job->reclaim_ns = now_ns;
		break;
	default:
		t->result.stall_reclaim_ns += now_ns - job->reclaim_ns;
		t->result.reclaim_ns += now_ns - job->reclaim_ns;
		break;
	}
	go_on(job);
}

static struct sim_step play(struct timeline *t, uint32_t thread,
			    struct job *job, const struct op *op)
{
	switch (op->kind) {
	case OP_RUN:
		go_on(job);
		return run_for(op->gap_ns);
	case OP_LOCK:
		go_on(job);
		return lock(t, thread, op, op->lock, op->mode);
	case OP_UNLOCK:
		go_on(job);
		return unlock(op->lock);
	case OP_HOLDS:
		return hold(t, thread, job, op);
	case OP_FLUSH:
		if (++job->i == op->n)
			go_on(job);
		return run_for(flush(t));
	case OP_UNMAP:
		return unmap(t, thread, job, op);
	case OP_CALL:
		go_on(job);
		hist_add(&t->result.invalidation, op->gap_ns);
		return run_for(op->gap_ns);
	default:
		mark(t, job, op);
		return run_for(0);
	}
}

static struct sim_step finish_job(struct timeline *t, uint32_t thread,
				  struct job *job)
{
	uint64_t took_ns = t->sim.now_ns - job->started_ns;

	if (is_vcpu(t, thread)) {
		t->busy_vcpus--;
		if (t->done)
			t->done[t->nr_done++] =
				(struct timeline_done){thread, t->sim.now_ns};
		hist_add(&t->result.stall, took_ns);
		t->result.stall_lock_ns += t->sim.threads[thread].waits;
		t->result.stall_swap_ns += job->swap_ns;
	}
	t->waiting_ops -= job->n;
	if (job->is_reclaim)
		t->result.reclaim_ns += took_ns;
	timeline_drop(t, job);
	return (struct sim_step){.op = SIM_DONE};
}

static struct sim_step next(void *arg, struct sim *sim, uint32_t thread)
{
	struct timeline *t = arg;
	struct job *job = sim->threads[thread].job;

	if (!job->has_started) {
		job->has_started = true;
		job->started_ns = sim->now_ns;
		t->busy_vcpus += is_vcpu(t, thread);
	}
	if (job->at == job->n)
		return finish_job(t, thread, job);
	return play(t, thread, job, &job->ops[job->at]);
}

static enum timeline_lock kind_of(const struct timeline *t, uint32_t number)
{
	if (!number)
		return TIMELINE_MMU_LOCK;
	return number < timeline_rmap(t, 0) ? TIMELINE_PTE_LOCK
					    : TIMELINE_RMAP_LOCK;
}

static struct timeline_use *use_of(struct timeline *t, uint32_t number,
				   enum timeline_class class)
{
	struct timeline_use **use = &t->result.uses[kind_of(t, number)][class];

	if (!*use)
		*use = kage_calloc(1, sizeof(**use), NULL);
	if (!*use)
		t->error = -ENOMEM;
	return *use;
}

static void granted(void *arg, struct sim *sim, uint32_t thread,
		    uint32_t number, uint64_t wait_ns)
{
	struct timeline *t = arg;
	struct timeline_use *use = use_of(t, number, t->class[thread]);

	(void)sim;
	if (use)
		hist_add(&use->wait, wait_ns);
	if (wait_ns)
		timeline_price(t, TIME_lock_handover, 1);
}

static void released(void *arg, struct sim *sim, uint32_t thread,
		     uint32_t number, uint64_t hold_ns)
{
	struct timeline *t = arg;
	struct timeline_use *use = use_of(t, number, t->class[thread]);

	(void)sim;
	if (use)
		hist_add(&use->hold, hold_ns);
}

static const struct sim_ops ops = {next, granted, released};

static int start(struct timeline *t, struct status *st)
{
	uint32_t vcpus = t->result.vcpus, nr_locks = timeline_rmap(t, 0);
	uint32_t *pools = kage_calloc(vcpus + 3, sizeof(*pools), st);
	int ret;

	if (!pools)
		return -ENOMEM;
	for (uint32_t v = 0; v < vcpus; v++)
		pools[v] = 1;
	pools[vcpus] = t->options.reclaimers ? t->options.reclaimers : 1;
	pools[vcpus + 1] = t->options.agers;
	pools[vcpus + 2] = 1;
	if (t->lane.locks_rmaps)
		nr_locks += t->lane.npages;
	ret = sim_init(&t->sim, &ops, t, pools, vcpus + 3, nr_locks,
		       t->is_known[TIME_lock_handover]
			       ? (uint64_t)(t->cost[TIME_lock_handover] + 0.5)
			       : 0,
		       st);
	free(pools);
	if (ret)
		return ret;
	t->class = kage_calloc(t->sim.nr_threads, sizeof(*t->class), st);
	if (t->options.is_closed)
		t->done = kage_calloc(vcpus, sizeof(*t->done), st);
	return t->class && (t->done || !t->options.is_closed) ? 0 : -ENOMEM;
}

int timeline_new(struct timeline **out, const struct timeline_options *options,
		 const struct timeline_lane *lane, struct status *st)
{
	struct timeline *t = kage_calloc(1, sizeof(*t), st);

	*out = t;
	if (!t)
		return -ENOMEM;
	t->options = *options;
	t->lane = *lane;
	t->result.vcpus = options->vcpus	 ? options->vcpus
			  : lane->recorded_vcpus ? lane->recorded_vcpus
						 : 1;
	t->result.reclaimers = options->reclaimers;
	t->result.agers = options->agers;
	t->result.has_time = lane->has_time;
	timeline_load_costs(t);
	return start(t, st);
}

static void free_job(struct job *job)
{
	free(job->ops);
	free(job);
}

static void free_spare(struct timeline *t)
{
	while (t->spare) {
		struct job *job = t->spare;

		t->spare = job->next;
		free_job(job);
	}
}

static void finish_all(struct timeline *t)
{
	free(t->done);
	t->done = NULL; /* nobody asks any more, and a vCPU may be done twice */
	sim_finish(&t->sim);
}

void timeline_free(struct timeline *t)
{
	if (!t)
		return;
	if (t->access)
		timeline_drop(t, t->access);
	if (t->sim.threads)
		finish_all(t); /* gives all jobs back */
	timeline_free_passes(t);
	free_spare(t);
	for (int l = 0; l < TIMELINE_LOCKS; l++)
		for (int c = 0; c < TIMELINE_CLASSES; c++)
			free(t->result.uses[l][c]);
	free(t->class);
	sim_fini(&t->sim);
	free(t);
}

/* Say what was lacking, and what is therefore not known. */
static void tell_lacking(struct timeline *t)
{
	struct timeline_result *r = &t->result;
	unsigned int of = 0;
	size_t used = 0;
	bool lacks = false;

	r->lacking[0] = '\0';
	for (int i = 0; i < TIMELINE_NR_COSTS; i++) {
		if (!t->is_lacking[i])
			continue;
		of |= costs[i].of;
		used += (size_t)snprintf(r->lacking + used,
					 sizeof(r->lacking) - used, "%s%s",
					 lacks ? ", " : "", costs[i].name);
		lacks = true;
	}
	r->knows_time = r->has_time && !lacks;
	for (unsigned int c = 0; c < TIMELINE_CLASSES; c++)
		r->knows_holds[c] = !(of & 1u << c);
	r->knows_ager_cpu = !(of & OF_CPU);
}

int timeline_finish(struct timeline *t, uint64_t end_ns)
{
	finish_all(t);
	t->result.span_ns = t->sim.now_ns > end_ns ? t->sim.now_ns : end_ns;
	t->result.behind_ns = timeline_end_ns(t) - end_ns;
	t->result.evictions = t->lane.counters->n[COUNT_evictions];
	tell_lacking(t);
	return t->error;
}

const struct timeline_result *timeline_result(const struct timeline *t)
{
	return &t->result;
}

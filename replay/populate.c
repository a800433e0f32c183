/* SPDX-License-Identifier: MIT */
/* vCPUs that populate memory, and one ager; see populate.h. */
#include "replay/populate.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "models/sim.h"

enum {
	MMU_LOCK_NUMBER = 0,
	NR_LOCKS
};

/* What a thread does next. */
enum phase {
	OUTSIDE,
	ENTER,
	INSIDE,
	LEAVE
};

struct loop {
	const struct populate *p;
	struct populate_result *result;
	uint64_t *present;    /* per vCPU, pages so far; owned */
	enum phase *phase;    /* per thread, the ager the last; owned */
	uint32_t nr_done;     /* vCPUs that are through */
	uint64_t start_pages; /* of each vCPU, before the ager starts */

	uint32_t region; /* where the ager is */
	uint64_t page;
	uint64_t pass_began_ns, pass_sum_ns;
	bool has_begun;
	uint64_t faults;
	double fault_waits, young_waits;
	double carry_ns; /* what rounding the ager's times left */
	struct rng rng;
};

static struct sim_step run_for(double ns)
{
	return (struct sim_step){.op = SIM_RUN, .ns = (uint64_t)llround(ns)};
}

/* The ager's times are short: what is rounded off now is added later. */
static struct sim_step run_exactly(struct loop *l, double ns)
{
	double whole = floor(ns + l->carry_ns);

	l->carry_ns += ns - whole;
	return (struct sim_step){.op = SIM_RUN, .ns = (uint64_t)whole};
}

static struct sim_step fault(struct loop *l, uint32_t vcpu, uint64_t now_ns)
{
	const struct populate *p = l->p;
	double outside = p->fault_ns - p->fault_hold_ns;

	switch (l->phase[vcpu]++) {
	case OUTSIDE:
		return run_for(-log1p(-rng_unit(&l->rng)) * outside);
	case ENTER:
		return (struct sim_step){.op = SIM_LOCK, .mode = p->fault_lock};
	case INSIDE:
		return run_for(p->fault_hold_ns);
	case LEAVE:
		break;
	}
	l->phase[vcpu] = OUTSIDE;
	l->present[vcpu]++;
	l->faults++;
	if (l->present[vcpu] == p->pages && ++l->nr_done == p->vcpus)
		l->result->vcpu_ns = now_ns;
	return (struct sim_step){.op = SIM_UNLOCK};
}

/* Return: whether there is a page to age; begins and ends passes. */
static bool find_page(struct loop *l, uint64_t now_ns)
{
	if (!l->has_begun) {
		l->has_begun = true;
		l->pass_began_ns = now_ns;
	}
	while (l->region < l->p->vcpus && l->page >= l->present[l->region]) {
		l->region++;
		l->page = 0;
	}
	if (l->region < l->p->vcpus)
		return true;
	l->result->passes++;
	l->pass_sum_ns += now_ns - l->pass_began_ns;
	l->region = 0;
	l->has_begun = false;
	return false;
}

/* Until the ager starts it looks again and again, without a lock. */
static bool is_early(const struct loop *l)
{
	return l->faults < l->start_pages * l->p->vcpus;
}

static struct sim_step age(struct loop *l, uint64_t now_ns)
{
	const struct populate *p = l->p;
	enum phase *phase = &l->phase[p->vcpus];
	bool locks = p->young_lock != MMU_LOCK_NONE;

	if (*phase == OUTSIDE) {
		if (is_early(l))
			return run_for(1000);
		if (!find_page(l, now_ns) && l->nr_done == p->vcpus)
			return (struct sim_step){.op = SIM_DONE};
		if (!l->has_begun && !find_page(l, now_ns))
			return run_for(1000); /* nothing there yet */
		l->page++;
		l->result->aged_pages++;
		*phase = locks ? ENTER : OUTSIDE;
		return run_exactly(l, p->young_ns -
					      (locks ? p->young_hold_ns : 0));
	}
	if (*phase == ENTER) {
		*phase = INSIDE;
		return (struct sim_step){.op = SIM_LOCK, .mode = p->young_lock};
	}
	if (*phase == INSIDE) {
		*phase = LEAVE;
		return run_exactly(l, p->young_hold_ns);
	}
	*phase = OUTSIDE;
	return (struct sim_step){.op = SIM_UNLOCK};
}

static struct sim_step next(void *arg, struct sim *sim, uint32_t thread)
{
	struct loop *l = arg;

	if (thread == l->p->vcpus)
		return age(l, sim->now_ns);
	if (l->present[thread] == l->p->pages)
		return (struct sim_step){.op = SIM_DONE};
	return fault(l, thread, sim->now_ns);
}

static void granted(void *arg, struct sim *sim, uint32_t thread, uint32_t lock,
		    uint64_t wait_ns)
{
	struct loop *l = arg;

	(void)sim;
	(void)lock;
	if (thread == l->p->vcpus)
		l->young_waits += (double)wait_ns;
	else
		l->fault_waits += (double)wait_ns;
}

static const struct sim_ops ops = {.next = next, .granted = granted};

static int start(struct loop *l, struct sim *sim, struct status *st)
{
	const uint32_t pools[] = {l->p->vcpus, l->p->has_ager};
	uint32_t threads = l->p->vcpus + 1;
	int ret;

	l->present = kage_calloc(threads, sizeof(*l->present), st);
	l->phase = kage_calloc(threads, sizeof(*l->phase), st);
	ret = sim_init(sim, &ops, l, pools, 2, NR_LOCKS,
		       (uint64_t)llround(l->p->handover_ns), st);
	if (!l->present || !l->phase)
		ret = -ENOMEM;
	for (uint32_t v = 0; v < l->p->vcpus && !ret; v++)
		ret = sim_submit(sim, 0, l, st);
	if (!ret && l->p->has_ager)
		ret = sim_submit(sim, 1, l, st);
	return ret;
}

int populate_run(const struct populate *p, struct populate_result *result,
		 struct status *st)
{
	struct loop l = {.p = p, .result = result, .rng = {p->seed}};
	struct sim sim = {0};
	int ret;

	*result = (struct populate_result){0};
	if (!p->vcpus || !p->pages || p->fault_hold_ns > p->fault_ns ||
	    p->young_hold_ns > p->young_ns || p->fault_hold_ns < 0 ||
	    p->young_hold_ns < 0 || p->handover_ns < 0)
		return status_fail(st, EINVAL,
				   "populate: holds must fit their operations");
	l.start_pages = (uint64_t)(p->start_share * (double)p->pages);
	ret = start(&l, &sim, st);
	if (!ret) {
		sim_finish(&sim);
		result->fault_wait_ns = l.fault_waits / (double)l.faults;
		if (result->aged_pages)
			result->young_wait_ns =
				l.young_waits / (double)result->aged_pages;
		if (result->passes)
			result->pass_ns =
				(double)l.pass_sum_ns / (double)result->passes;
	}
	sim_fini(&sim);
	free(l.present);
	free(l.phase);
	return ret;
}

/* SPDX-License-Identifier: MIT */
/* Events in a heap, waiters in lists; see sim.h. */
#include "models/sim.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
	return a->ns != b->ns ? a->ns < b->ns : a->order < b->order;
}

static void push(struct sim *sim, uint32_t thread, uint64_t ns)
{
	struct sim_event event = {ns, sim->order++, thread};
	size_t at = sim->heap_n++;

	for (; at && is_before(&event, &sim->heap[(at - 1) / 2]);
	     at = (at - 1) / 2)
		sim->heap[at] = sim->heap[(at - 1) / 2];
	sim->heap[at] = event;
}

static struct sim_event pop(struct sim *sim)
{
	struct sim_event first = sim->heap[0];
	struct sim_event last = sim->heap[--sim->heap_n];
	size_t at = 0, child;

	while ((child = 2 * at + 1) < sim->heap_n) {
		if (child + 1 < sim->heap_n &&
		    is_before(&sim->heap[child + 1], &sim->heap[child]))
			child++;
		if (!is_before(&sim->heap[child], &last))
			break;
		sim->heap[at] = sim->heap[child];
		at = child;
	}
	sim->heap[at] = last;
	return first;
}

static bool is_free(const struct sim_lock *lock, enum mmu_lock mode)
{
	return !lock->is_written && (mode == MMU_LOCK_READ || !lock->readers);
}

static void take(struct sim *sim, uint32_t thread, const struct sim_step *want)
{
	struct sim_thread *t = &sim->threads[thread];
	struct sim_lock *lock = &sim->locks[want->lock];
	uint64_t wait_ns = sim->now_ns - t->queued_ns;

	if (want->mode == MMU_LOCK_WRITE)
		lock->is_written = true;
	else
		lock->readers++;
	t->held[t->nr_held++] =
		(struct sim_held){want->lock, want->mode, sim->now_ns};
	t->waits += wait_ns;
	if (sim->ops->granted)
		sim->ops->granted(sim->arg, sim, thread, want->lock, wait_ns);
}

static int64_t dequeue(struct sim *sim, struct sim_lock *lock)
{
	int64_t thread = lock->head;

	lock->head = sim->threads[thread].next;
	if (lock->head == SIM_NONE)
		lock->tail = SIM_NONE;
	return thread;
}

/* Hand @lock to those at the head of its queue that may have it. */
static void hand_over(struct sim *sim, struct sim_lock *lock)
{
	while (lock->head != SIM_NONE && !lock->is_handing) {
		struct sim_thread *t = &sim->threads[lock->head];

		if (!is_free(lock, t->want.mode))
			return;
		if (lock->handover_ns) {
			lock->is_handing = t->is_granted = true;
			push(sim, (uint32_t)lock->head,
			     sim->now_ns + lock->handover_ns);
			return;
		}
		take(sim, (uint32_t)lock->head, &t->want);
		push(sim, (uint32_t)dequeue(sim, lock), sim->now_ns);
	}
}

/* The end of a hand-over: the head of the queue has its lock. */
static void arrive(struct sim *sim, uint32_t thread)
{
	struct sim_thread *t = &sim->threads[thread];
	struct sim_lock *lock = &sim->locks[t->want.lock];

	t->is_granted = lock->is_handing = false;
	dequeue(sim, lock);
	take(sim, thread, &t->want);
	hand_over(sim, lock);
}

static void enqueue(struct sim *sim, uint32_t thread,
		    const struct sim_step *want)
{
	struct sim_thread *t = &sim->threads[thread];
	struct sim_lock *lock = &sim->locks[want->lock];

	t->want = *want;
	t->next = SIM_NONE;
	if (lock->tail == SIM_NONE)
		lock->head = thread;
	else
		sim->threads[lock->tail].next = thread;
	lock->tail = thread;
}

/* Return: whether @thread has the lock now, without waiting. */
static bool acquire(struct sim *sim, uint32_t thread,
		    const struct sim_step *want)
{
	struct sim_lock *lock = &sim->locks[want->lock];

	sim->threads[thread].queued_ns = sim->now_ns;
	if (lock->head == SIM_NONE && is_free(lock, want->mode)) {
		take(sim, thread, want);
		return true;
	}
	enqueue(sim, thread, want);
	return false;
}

/* Return: how @thread held @lock. */
static enum mmu_lock drop(struct sim *sim, uint32_t thread, uint32_t number)
{
	struct sim_thread *t = &sim->threads[thread];
	struct sim_lock *lock = &sim->locks[number];
	struct sim_held held;
	unsigned int i = 0;

	while (t->held[i].lock != number)
		i++;
	held = t->held[i];
	t->held[i] = t->held[--t->nr_held];
	if (held.mode == MMU_LOCK_WRITE)
		lock->is_written = false;
	else
		lock->readers--;
	if (sim->ops->released)
		sim->ops->released(sim->arg, sim, thread, number,
				   sim->now_ns - held.since_ns);
	return held.mode;
}

/* Return: whether @thread goes on at once: nobody waits. */
static bool yield(struct sim *sim, uint32_t thread, uint32_t number)
{
	struct sim_step again = {.op = SIM_LOCK, .lock = number};

	if (!sim_is_contended(sim, number))
		return true;
	again.mode = drop(sim, thread, number);
	sim->threads[thread].queued_ns = sim->now_ns;
	enqueue(sim, thread, &again);
	hand_over(sim, &sim->locks[number]);
	return false;
}

/* Take the next job of the pool, or park.  Return: whether there was one. */
static bool take_job(struct sim *sim, uint32_t thread)
{
	struct sim_thread *t = &sim->threads[thread];
	struct sim_pool *pool = &sim->pools[t->pool];

	t->waits = 0;
	if (!pool->n) {
		t->job = NULL;
		t->next = pool->parked;
		pool->parked = thread;
		return false;
	}
	t->job = pool->jobs[pool->first];
	pool->first = (pool->first + 1) % pool->capacity;
	pool->n--;
	return true;
}

/* Let @thread do all that takes no time. */
static void go_on(struct sim *sim, uint32_t thread)
{
	for (bool goes_on = true; goes_on;) {
		struct sim_step step = sim->ops->next(sim->arg, sim, thread);

		switch (step.op) {
		case SIM_RUN:
			goes_on = !step.ns;
			if (step.ns)
				push(sim, thread, sim->now_ns + step.ns);
			break;
		case SIM_LOCK:
			goes_on = acquire(sim, thread, &step);
			break;
		case SIM_UNLOCK:
			drop(sim, thread, step.lock);
			hand_over(sim, &sim->locks[step.lock]);
			break;
		case SIM_YIELD:
			goes_on = yield(sim, thread, step.lock);
			break;
		case SIM_DONE:
			goes_on = take_job(sim, thread);
			break;
		}
	}
}

void sim_fire(struct sim *sim)
{
	struct sim_event event = pop(sim);

	sim->now_ns = event.ns;
	if (sim->threads[event.thread].is_granted)
		arrive(sim, event.thread);
	go_on(sim, event.thread);
}

void sim_run(struct sim *sim, uint64_t ns)
{
	while (sim->heap_n && sim->heap[0].ns < ns)
		sim_fire(sim);
	if (sim->now_ns < ns)
		sim->now_ns = ns;
}

void sim_finish(struct sim *sim)
{
	while (sim->heap_n)
		sim_fire(sim);
}

static int grow(struct sim_pool *pool, struct status *st)
{
	size_t capacity = pool->capacity ? 2 * pool->capacity : 8;
	void **jobs = kage_calloc(capacity, sizeof(*jobs), st);

	if (!jobs)
		return -ENOMEM;
	for (size_t i = 0; i < pool->n; i++)
		jobs[i] = pool->jobs[(pool->first + i) % pool->capacity];
	free(pool->jobs);
	pool->jobs = jobs;
	pool->first = 0;
	pool->capacity = capacity;
	return 0;
}

int sim_submit(struct sim *sim, uint32_t number, void *job, struct status *st)
{
	struct sim_pool *pool = &sim->pools[number];
	uint32_t thread;

	if (pool->n == pool->capacity && grow(pool, st))
		return -ENOMEM;
	pool->jobs[(pool->first + pool->n++) % pool->capacity] = job;
	if (pool->parked == SIM_NONE)
		return 0;
	thread = (uint32_t)pool->parked;
	pool->parked = sim->threads[thread].next;
	take_job(sim, thread);
	push(sim, thread, sim->now_ns);
	return 0;
}

/* The thread with the lowest number is the first to work. */
static void fill_pools(struct sim *sim, const uint32_t *pool_threads)
{
	uint32_t thread = sim->nr_threads;

	for (uint32_t p = sim->nr_pools; p-- > 0;) {
		sim->pools[p].parked = SIM_NONE;
		for (uint32_t i = 0; i < pool_threads[p]; i++) {
			struct sim_thread *t = &sim->threads[--thread];

			t->pool = p;
			t->next = sim->pools[p].parked;
			sim->pools[p].parked = thread;
		}
	}
}

int sim_init(struct sim *sim, const struct sim_ops *ops, void *arg,
	     const uint32_t *pool_threads, uint32_t nr_pools, uint32_t nr_locks,
	     uint64_t handover_ns, struct status *st)
{
	*sim = (struct sim){.ops = ops,
			    .arg = arg,
			    .nr_pools = nr_pools,
			    .nr_locks = nr_locks};
	for (uint32_t p = 0; p < nr_pools; p++)
		sim->nr_threads += pool_threads[p];
	sim->threads = kage_calloc(sim->nr_threads, sizeof(*sim->threads), st);
	sim->locks = kage_calloc(nr_locks, sizeof(*sim->locks), st);
	sim->pools = kage_calloc(nr_pools, sizeof(*sim->pools), st);
	sim->heap = kage_calloc(sim->nr_threads, sizeof(*sim->heap), st);
	if (!sim->threads || !sim->locks || !sim->pools || !sim->heap)
		return -ENOMEM;
	for (uint32_t l = 0; l < nr_locks; l++)
		sim->locks[l] = (struct sim_lock){.handover_ns = handover_ns,
						  .head = SIM_NONE,
						  .tail = SIM_NONE};
	fill_pools(sim, pool_threads);
	return 0;
}

void sim_fini(struct sim *sim)
{
	for (uint32_t p = 0; p < sim->nr_pools && sim->pools; p++)
		free(sim->pools[p].jobs);
	free(sim->threads);
	free(sim->locks);
	free(sim->pools);
	free(sim->heap);
	*sim = (struct sim){0};
}

/* SPDX-License-Identifier: MIT */
/*
 * Threads that queue on locks: a discrete-event simulator in integer nanoseconds.
 *
 * A lock is the kernel's queued rwlock (kernel/locking/qrwlock.c, 6.12 and 7.2):
 *
 *	- readers share, a writer is alone;
 *	- one FIFO queue of readers and writers (wait_lock): who comes while anybody
 *	  waits joins its end.  So a waiting writer blocks new readers (_QW_WAITING,
 *	  set by the writer at the head), and a reader at the head waits only for a
 *	  writer that holds, which keeps all others out as well;
 *	- from the end of a hold to the start of the next one that waited for it there
 *	  is a hand-over: the queue's spin lock and the lock's cache line move to the
 *	  next processor.  Waiting readers go in one by one, each after a hand-over.
 *
 * Always taken for write it is a queued spinlock (kernel/locking/qspinlock.c): the
 * PTE lock that walk_pte_range() holds, and the lock bit of an rmap
 * (KVM_RMAP_LOCKED, arch/x86/kvm/mmu/mmu.c of 7.2), which in the kernel is not
 * FIFO.
 *
 * Aging never yields: its notifier calls may not block (kvm_age_hva_range(), virt/kvm/kvm_main.c
 * of 7.2).  Zaps do: where somebody waits
 * a writer drops the lock and queues again (tdp_mmu_iter_cond_resched(),
 * arch/x86/kvm/mmu/tdp_mmu.c; rwlock_needbreak(), which is never true of a kernel
 * that is not preemptible).
 *
 * It cannot know what the kernel's scheduler does: every thread has a processor of
 * its own, and nothing but the locks delays it.
 *
 * Threads belong to pools; a pool is a FIFO of jobs that its threads take as they get
 * free.  What a job does is asked for step by step.  At equal times what was decided
 * earlier happens earlier, so a run is the same everywhere.
 */
#ifndef MODELS_SIM_H
#define MODELS_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "models/mmu.h"

enum {
	SIM_HELD_MAX = 2, /* locks that a thread may hold at a time */
	SIM_NONE = -1
};

enum sim_op {
	SIM_RUN,    /* for ns */
	SIM_LOCK,   /* lock, in mode */
	SIM_UNLOCK, /* lock */
	SIM_YIELD,  /* lock: drop it and queue again if somebody waits for it */
	SIM_DONE    /* the job is done */
};

struct sim_step {
	enum sim_op op;
	uint64_t ns;
	uint32_t lock;
	enum mmu_lock mode; /* READ or WRITE */
};

struct sim_held {
	uint32_t lock;
	enum mmu_lock mode;
	uint64_t since_ns;
};

struct sim_thread {
	uint32_t pool;
	void *job;	    /* NULL: parked */
	uint64_t queued_ns; /* when it began to wait for a lock */
	uint64_t waits; /* since its job began: ns spent waiting for locks */
	struct sim_held held[SIM_HELD_MAX];
	unsigned int nr_held;

	struct sim_step want; /* the lock that it waits for */
	int64_t next;	      /* behind it in the queue of a lock */
	bool is_granted;      /* its next event is the end of a hand-over */
};

struct sim_lock {
	uint64_t handover_ns;
	uint32_t readers;
	bool is_written, is_handing;
	int64_t head, tail; /* of waiting threads */
};

struct sim_pool {
	void **jobs; /* owned ring; the jobs are the caller's */
	size_t first, n, capacity;
	int64_t parked; /* a list of its idle threads, through next */
};

struct sim_event {
	uint64_t ns, order;
	uint32_t thread;
};

struct sim;

struct sim_ops {
	/* What does @thread do next for its job?  SIM_DONE gives the job back. */
	struct sim_step (*next)(void *arg, struct sim *sim, uint32_t thread);

	/* It has @lock, after having waited; it has given it back.  NULL: none */
	void (*granted)(void *arg, struct sim *sim, uint32_t thread,
			uint32_t lock, uint64_t wait_ns);
	void (*released)(void *arg, struct sim *sim, uint32_t thread,
			 uint32_t lock, uint64_t hold_ns);
};

struct sim {
	const struct sim_ops *ops;
	void *arg;
	uint64_t now_ns;
	uint64_t order; /* of the next event */
	struct sim_thread *threads;
	struct sim_lock *locks;
	struct sim_pool *pools;
	uint32_t nr_threads, nr_locks, nr_pools;
	struct sim_event *heap; /* at most one event of each thread */
	size_t heap_n;
};

/**
 * sim_init - pools of parked threads, and free locks
 * @pool_threads: per pool, how many threads
 * @handover_ns: of all locks; change sim.locks[] where they differ
 *
 * Return: 0 or -ENOMEM; sim_fini() is safe in either case.
 */
int sim_init(struct sim *sim, const struct sim_ops *ops, void *arg,
	     const uint32_t *pool_threads, uint32_t nr_pools, uint32_t nr_locks,
	     uint64_t handover_ns, struct status *st);
void sim_fini(struct sim *sim);

/* A job for @pool arrives now; not NULL.  Return: 0 or -ENOMEM. */
int sim_submit(struct sim *sim, uint32_t pool, void *job, struct status *st);

/* Let everything happen that is due before @ns, and then be there. */
void sim_run(struct sim *sim, uint64_t ns);

/* Return: when the next thing happens; UINT64_MAX: nothing does. */
static inline uint64_t sim_next_ns(const struct sim *sim)
{
	return sim->heap_n ? sim->heap[0].ns : UINT64_MAX;
}

/* Let the next thing happen; there is one. */
void sim_fire(struct sim *sim);

/* Let everything happen until no thread has anything to do. */
void sim_finish(struct sim *sim);

/* Return: whether anybody waits for @lock. */
static inline bool sim_is_contended(const struct sim *sim, uint32_t lock)
{
	return sim->locks[lock].head != SIM_NONE;
}

#endif

/* SPDX-License-Identifier: MIT */
/* What its two halves share: timeline_price.c makes jobs, timeline.c plays them. */
#ifndef REPLAY_TIMELINE_INTERNAL_H
#define REPLAY_TIMELINE_INTERNAL_H

#include "models/sim.h"
#include "replay/timeline.h"

/* Costs that are asked for, and what cannot be known without them; waits, stalls and
 * all that is elapsed time need each of them. */
enum {
	OF_TIME = 0,
	OF_FAULT = 1 << TIMELINE_FAULT,
	OF_UNMAP = 1 << TIMELINE_INVALIDATION,
	OF_YOUNG = 1 << TIMELINE_AGER,
	OF_CPU = 1 << TIMELINE_CLASSES
};

#define TIMELINE_COSTS(X)                                                      \
	X(faults, OF_TIME)                                                     \
	X(refaults, OF_TIME)                                                   \
	X(stale_faults, OF_TIME)                                               \
	X(track_exits, OF_TIME)                                                \
	X(lock_read_fault, OF_TIME)                                            \
	X(lock_write_fault, OF_TIME)                                           \
	X(hold_fault, OF_FAULT)                                                \
	X(hold_ptl, OF_FAULT)                                                  \
	X(calls_aging, OF_CPU)                                                 \
	X(calls_victim, OF_CPU)                                                \
	X(calls_window, OF_CPU)                                                \
	X(sptes, OF_YOUNG | OF_CPU)                                            \
	X(hold_young, OF_YOUNG)                                                \
	X(lock_write_young, OF_CPU)                                            \
	X(lock_read_young, OF_CPU)                                             \
	X(lock_rmap, OF_CPU)                                                   \
	X(aging_ptes, OF_YOUNG | OF_CPU)                                       \
	X(tables, OF_YOUNG | OF_CPU)                                           \
	X(promoted, OF_YOUNG | OF_CPU)                                         \
	X(passes, OF_CPU)                                                      \
	X(lookaround_ptes, OF_YOUNG | OF_CPU)                                  \
	X(rmap_walks, OF_TIME)                                                 \
	X(sorted, OF_TIME)                                                     \
	X(protected, OF_TIME)                                                  \
	X(calls_unmap, OF_TIME)                                                \
	X(lock_write_unmap, OF_TIME)                                           \
	X(calls_protect, OF_TIME)                                              \
	X(numa_ptes, OF_TIME)                                                  \
	X(numa_migrations, OF_TIME)                                            \
	X(retried_faults, OF_TIME)                                             \
	X(hold_unmap, OF_UNMAP)                                                \
	X(zap, OF_UNMAP)                                                       \
	X(flushes, OF_UNMAP)                                                   \
	X(flush_vcpu, OF_UNMAP)                                                \
	X(flush_exit, OF_TIME)                                                 \
	X(device_flushes, OF_TIME)                                             \
	X(unmap_sleeps, OF_TIME)                                               \
	X(lock_handover, OF_TIME)

enum timeline_cost {
#define COST_ID(name, of) TIME_##name,
	TIMELINE_COSTS(COST_ID)
#undef COST_ID
	TIMELINE_NR_COSTS
};

/* A pass while its tables are being walked. */
struct pass {
	struct pass *next; /* of all that are not over */
	uint64_t took_ns;  /* while at least one of its tables was walked */
	uint64_t since_ns;
	uint32_t nr_walking;
	uint32_t left; /* tables that are not done, and one until it is closed */
	bool is_closed;
};

enum op_kind {
	OP_RUN,	 /* for gap_ns */
	OP_LOCK, /* a PTE lock */
	OP_UNLOCK,
	OP_HOLDS,    /* n times: gap_ns, then hold_ns with the lock */
	OP_FLUSH,    /* n times, with no lock but those of ops around it */
	OP_UNMAP,    /* start with n zaps, gap_ns, end */
	OP_CALL,     /* gap_ns: an invalidation that takes no lock of KVM's */
	OP_PASS,     /* a part of the pass begins */
	OP_PASS_END, /* and is done */
	OP_RECLAIM,  /* direct reclaim begins */
	OP_RECLAIM_END
};

struct op {
	enum op_kind kind;
	enum timeline_class class;
	enum mmu_lock mode;
	bool is_row;	  /* OP_HOLDS: of lock, lock + 1, lock + 2 .. */
	uint32_t flushes; /* of the n holds, or in the first one */
	uint32_t lock, n;
	uint32_t inner; /* a lock inside, for no time; 0: none */
	uint64_t gap_ns, hold_ns, zap_ns; /* zap_ns: of all n */
	struct pass *pass;
};

struct job {
	struct job *next; /* of spare ones */
	struct op *ops;	  /* owned */
	size_t n, capacity;
	bool is_fault;
	bool is_reclaim; /* of a reclaimer */
	uint64_t swap_ns;

	/* where it is */
	bool has_started;
	size_t at;
	unsigned int phase;
	uint32_t i;
	uint64_t started_ns, op_ns, reclaim_ns;
};

struct timeline {
	struct timeline_options options;
	struct timeline_lane lane;
	struct timeline_result result;
	struct sim sim;
	int error;

	bool is_known[TIMELINE_NR_COSTS], is_lacking[TIMELINE_NR_COSTS];
	double cost[TIMELINE_NR_COSTS];

	struct counters seen; /* as of the last look */
	uint32_t page, vcpu;  /* of the access that is under way */
	struct job *access;   /* its job, or NULL */
	struct pass *pass;    /* that new tables belong to, or NULL */
	struct pass *passes;  /* owned */
	struct job *spare;
	uint32_t busy_vcpus;
	uint64_t waiting_ops; /* of jobs that were submitted and are not done */

	/* closed loop: vCPUs that nobody has been told of, and when they were done; owned */
	struct timeline_done {
		uint32_t vcpu;
		uint64_t ns;
	} * done;
	uint32_t nr_done;
	uint64_t exits_ns;
	uint64_t guest_ns; /* when the guest was done; 0: not yet */

	/* per thread */
	enum timeline_class *class; /* owned: of the lock it asks for */
	uint32_t first_worker;	    /* threads before it are vCPUs */
};

/* Numbers of locks: mmu_lock, a PTE lock per table, an rmap per page. */
static inline uint32_t timeline_pte_lock(uint32_t page)
{
	return 1 + page / PTRS_PER_PTE;
}

static inline uint32_t timeline_rmap(const struct timeline *t, uint32_t page)
{
	return 1 + (t->lane.npages + PTRS_PER_PTE - 1) / PTRS_PER_PTE + page;
}

/* Pools: one per vCPU, then these. */
static inline uint32_t timeline_reclaimers(const struct timeline *t)
{
	return t->result.vcpus;
}

static inline uint32_t timeline_agers(const struct timeline *t)
{
	return t->options.agers ? t->result.vcpus + 1 : t->result.vcpus;
}

static inline uint32_t timeline_hosts(const struct timeline *t)
{
	return t->result.vcpus + 2;
}

/* Return: what @n of it cost; a cost that is not known is noted as lacking. */
uint64_t timeline_price(struct timeline *t, enum timeline_cost cost,
			uint64_t n);
void timeline_load_costs(struct timeline *t);

/* Return: an empty job, or NULL with the error noted. */
struct job *timeline_job(struct timeline *t);
void timeline_drop(struct timeline *t, struct job *job);

/* Give @job to @pool at @now_ns; one without anything to do is dropped. */
void timeline_submit(struct timeline *t, uint32_t pool, struct job *job,
		     uint64_t now_ns);

/* Return: a new pass, or NULL with the error noted. */
struct pass *timeline_pass(struct timeline *t);

/* Return: what tells how late it ended. */
uint64_t timeline_end_ns(const struct timeline *t);

/* One part more of the pass is done. */
void timeline_pass_done(struct timeline *t, struct pass *pass);
void timeline_free_passes(struct timeline *t);

#endif

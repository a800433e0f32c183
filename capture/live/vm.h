/* SPDX-License-Identifier: MIT */
/*
 * The guest of `kage live`, in a process of its own, so that a cgroup can hold it
 * alone: memory is charged to the cgroup of the process that faults it in
 * (mm/memcontrol.c get_mem_cgroup_from_mm()), and an OOM kill takes that process and
 * not us.
 *
 * The VM, its code and page tables and all threads are made, and their memory
 * is touched, before the process moves: they stay charged where they were.  Pages that
 * it writes later are charged to the cgroup: some of its stacks and libraries, copied
 * at the first write.
 *
 * The process ends with us (PR_SET_PDEATHSIG), and with its socket.
 */
#ifndef CAPTURE_LIVE_VM_H
#define CAPTURE_LIVE_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"
#include "capture/vmm/vmm.h"
#include "datasets/scenario/playback.h"

/*
 * LIVE_VM_BATCH: after as many touches the vCPU sleeps, which does two things on any
 * machine alike: MGLRU sees that the process has run again (lru_gen_use_mm() at a
 * context switch; an mm that has not is skipped by aging), and evictions are fetched.
 * SCENARIO_BREATH is the same for the models.
 */
enum {
	LIVE_VM_BATCH = SCENARIO_BREATH,
	LIVE_VM_VCPUS_MAX = 16,
};

struct live_vm_shared;

struct live_vm {
	pid_t pid; /* 0: there is none */
	int socket;
	struct live_vm_shared *shared;
	struct trace_slot
		slot; /* of the data, with its address in that process */
	pid_t tids[LIVE_VM_VCPUS_MAX];
	unsigned int nr_vcpus;
	uint64_t rounds; /* played, with those of the start */
};

struct live_vm_config {
	uint64_t pages;
	unsigned int nr_vcpus;
	enum vmm_backing backing;
	bool is_thp;
	/*
	 * vCPUs run as SCHED_FIFO, so that nobody gets between two aging passes of a
	 * reclaim of theirs: whether the second one walks depends on that, too.
	 */
	bool is_undisturbed;
	int procs; /* cgroup.procs, to be written when all is ready; -1: none */
};

/**
 * live_vm_start - fork, make the VM, move into the cgroup
 *
 * To be called before we have threads.
 * Return: 0 with @vm to be given to live_vm_stop(), or an error; then there is
 * nothing to stop.
 */
int live_vm_start(struct live_vm *vm, const struct live_vm_config *config,
		  struct status *st);

/**
 * live_vm_begin - let the guest follow orders, and do not wait for it
 * @n: at most LIVE_VM_BATCH for each vCPU
 *
 * Order i goes to vCPU i % nr_vcpus: with one, they are followed in order.
 * vm->socket becomes readable when all are done; live_vm_end() is due then, before
 * anything else.
 * Return: 0, or -ECHILD with a message if the process has ended.
 */
int live_vm_begin(struct live_vm *vm, const uint32_t *orders, size_t n,
		  struct status *st);

/* Wait until what was begun is done.  Return: 0, -ECHILD, or the VM's error. */
int live_vm_end(struct live_vm *vm, struct status *st);

/**
 * live_vm_play - the guest follows orders (vmm_make_order()), in order
 * @n: any; they are handed over in batches
 *
 * Returns when it is done.
 * Return: 0, or -ECHILD with a message if the process has ended, or the VM's error.
 */
int live_vm_play(struct live_vm *vm, const uint32_t *orders, size_t n,
		 struct status *st);

/*
 * Wait until the process and its vCPUs sleep.  What has answered may still be on its
 * way there, and running it once more marks its memory as used: aging leaves a process
 * out that has not run since the last pass (mm/vmscan.c should_skip_mm(),
 * lru_gen_use_mm()).
 */
void live_vm_settle(const struct live_vm *vm);

/* Harmless without live_vm_start(). */
void live_vm_stop(struct live_vm *vm);

#endif

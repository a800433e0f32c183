/* SPDX-License-Identifier: MIT */
/* The VMM's parts among themselves; see vmm.h for what it is. */
#ifndef CAPTURE_VMM_INTERNAL_H
#define CAPTURE_VMM_INTERNAL_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stddef.h>

#include "capture/vmm/guest_abi.h"
#include "capture/vmm/vmm.h"

enum vcpu_state {
	VCPU_RUNNING, /* in KVM_RUN, or on its way there */
	VCPU_WAITING, /* before a round */
	VCPU_FULL,    /* held until its ring is harvested */
	VCPU_ENDED,   /* its thread is done, or was never begun */
};

struct vcpu {
	struct vmm *vmm;
	unsigned int id;
	int fd;
	struct kvm_run *run;
	struct kvm_dirty_gfn *ring; /* NULL: none */
	uint32_t ring_next;	    /* entry to be harvested next; wraps */
	bool was_full;		    /* when the harvest began */
	unsigned int nr_empty;	    /* harvests in a row, though it was full */
	pthread_t thread;
	bool has_thread;

	/* Under the VM's lock. */
	enum vcpu_state state;
	bool is_kicked; /* somebody waits for it to leave the guest */
	pid_t tid;
	uint64_t rounds; /* done */
};

struct vmm {
	struct vmm_config config;
	int kvm, fd;
	int event; /* eventfd, see vmm_fd() */
	size_t run_bytes;
	struct trace_slot slots[VMM_SLOTS];
	struct mapping {
		void *base;
		size_t bytes;
	} mappings[VMM_SLOTS]; /* with what alignment costs */
	int memfd;
	uint64_t *bitmap;	   /* VMM_LOG_BITMAP: one bit per data page */
	bool is_log_cleared_by_us; /* KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 */

	pthread_mutex_t lock;
	pthread_cond_t changed; /* CLOCK_MONOTONIC */
	bool is_stopping;
	uint64_t rounds_allowed;
	uint64_t rounds_told; /* by vmm_wait() */
	uint64_t ring_full, dirty_pages;
	int error; /* of the first vCPU that failed */
	struct status failure;
	struct vcpu vcpus[GUEST_VCPUS_MAX];
};

/* memory.c: the slots and what the guest finds in them. */
int vmm_memory_init(struct vmm *vmm, struct status *st);
void vmm_memory_fini(struct vmm *vmm);

/* registers.c: a vCPU before its first instruction, in 64-bit mode. */
int vcpu_registers_init(const struct vcpu *vcpu, struct status *st);

/* vcpu.c */
int vcpu_create(struct vcpu *vcpu, struct status *st);
int vcpu_start(struct vcpu *vcpu, struct status *st);
void vcpu_destroy(struct vcpu *vcpu);

/* Make running vCPUs leave the guest once; the caller holds the lock. */
void vmm_kick_locked(struct vmm *vmm);

/* exits.c: what an exit that ends a guest means, as one message. */
int vcpu_bad_exit(const struct vcpu *vcpu, struct status *st);

/* dirty_log.c, dirty_ring.c */
int dirty_log_init(struct vmm *vmm, struct status *st);
int dirty_log_harvest(struct vmm *vmm, vmm_dirty_fn *dirty, void *context,
		      struct status *st);
int dirty_ring_init(struct vmm *vmm, struct status *st);
int dirty_ring_map(struct vcpu *vcpu, struct status *st);
void dirty_ring_unmap(struct vcpu *vcpu);
int dirty_ring_harvest(struct vmm *vmm, vmm_dirty_fn *dirty, void *context,
		       struct status *st);

#endif

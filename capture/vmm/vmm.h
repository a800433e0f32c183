/* SPDX-License-Identifier: MIT */
/*
 * A small virtual machine monitor on /dev/kvm for guest programs (program.h):
 * no firmware, no devices, no interrupts.  The guest has two memslots with a hole
 * between them: slot 0 holds code, page tables and stacks, slot 1 the data pages
 * at 4 GiB.  Guest page tables have their accessed and dirty bits preset, so that
 * the guest's page walks write nothing.
 *
 * Instead of a program, the guest can do what the caller orders, round by round.
 *
 * vCPUs run on threads of their own and go round by round.  Stepped, each waits at
 * the end of a round until vmm_go(); otherwise it sleeps there for the pace.
 *
 * All functions are for one controlling thread.  Only the process that created a
 * VM may use it (kvm_vm_ioctl() returns -EIO elsewhere).
 */
#ifndef CAPTURE_VMM_VMM_H
#define CAPTURE_VMM_VMM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"
#include "capture/vmm/program.h"
#include "datasets/trace/trace.h"

enum {
	VMM_SLOT_LOW,
	VMM_SLOT_DATA,
	VMM_SLOTS,
};

#define VMM_ENDLESS UINT64_MAX

enum vmm_backing {
	VMM_ANON,
	VMM_MEMFD,
};

/* Which writes to data pages KVM reports; slot 0 is never logged. */
enum vmm_logging {
	VMM_LOG_NONE,
	VMM_LOG_BITMAP, /* KVM_GET_DIRTY_LOG */
	VMM_LOG_RING,	/* KVM_CAP_DIRTY_LOG_RING */
};

extern const char *const vmm_backing_names[], *const vmm_logging_names[];

/* Return: 0 with the @backing of that name, or -EINVAL with those there are. */
int vmm_find_backing(const char *name, enum vmm_backing *backing,
		     struct status *st);

struct vmm_config {
	const struct program_entry *program; /* NULL: see vmm_order() */
	const void *params;		     /* copied */
	uint64_t pages;	  /* of the data slot; shared out among the vCPUs */
	uint64_t rounds;  /* including round 0, the setup; or VMM_ENDLESS */
	uint64_t pace_ns; /* sleep after each round, unless stepped */
	uint32_t ring_entries; /* VMM_LOG_RING: a power of two; per vCPU */
	uint32_t breath; /* leave the guest after so many writes; 0: never */
	unsigned int nr_vcpus;
	enum vmm_backing backing;
	enum vmm_logging logging;
	bool is_thp;	 /* ask for huge pages; else refuse them */
	bool is_stepped; /* vmm_go() starts each round; needed without program */
};

/*
 * On breath: KVM holds a vCPU whose ring is nearly full before it enters the guest
 * again, and keeps 64 entries for what comes until then.  A KVM that emulates many
 * instructions in one go (kvm-pvm of Linux 6.18: pvm_emul_batch) gets there too
 * late and may overrun the ring, whatever its size.  On such a KVM let the guest
 * leave by itself, at most every 32 writes.
 */

struct vmm_counts {
	uint64_t rounds;      /* done by all vCPUs */
	uint64_t ring_full;   /* times a vCPU was held for its full ring */
	uint64_t dirty_pages; /* handed out by vmm_harvest() */
};

enum vmm_event {
	VMM_TIMEOUT,
	VMM_ROUND, /* all vCPUs are at the round's end; unless stepped: of round 0 */
	VMM_RING_FULL, /* a vCPU is held until vmm_harvest() */
	VMM_ENDED,     /* all vCPUs have done their rounds */
};

struct vmm;

/* Return: 0, or an error that says what /dev/kvm lacks for a VM with @logging. */
int vmm_probe(enum vmm_logging logging, struct status *st);

/**
 * vmm_create - a VM whose vCPUs have not begun
 *
 * Return: 0 with *@vmm to be given to vmm_destroy(); -EINVAL for a configuration
 * that nobody can run; another error when this machine cannot.
 */
int vmm_create(struct vmm **vmm, const struct vmm_config *config,
	       struct status *st);

/* Return: VMM_SLOTS slots, with the addresses of their pages in this process. */
const struct trace_slot *vmm_slots(const struct vmm *vmm);

/*
 * Start the vCPU threads.  They block all signals, so a caller's signal handling
 * does not see them.  Once only.
 */
int vmm_start(struct vmm *vmm, struct status *st);

/* Return: the thread id of a vCPU, 0 before vmm_start(). */
pid_t vmm_vcpu_tid(const struct vmm *vmm, unsigned int vcpu);

/* Stepped: let each vCPU do one more round; after the last, end. */
void vmm_go(struct vmm *vmm);

enum {
	VMM_ORDERS_MAX = 4095, /* per vCPU and round */
};

/* An order: touch this page of the data slot, counted from its first. */
static inline uint32_t vmm_make_order(uint64_t page, bool is_write)
{
	return (uint32_t)(page << 1 | is_write);
}

/* Return: what an order to write that is followed in @round leaves in the page's
 * first word. */
uint64_t vmm_order_value(uint64_t round);

/**
 * vmm_order - what a vCPU without a program does in the rounds to come
 * @orders: at most VMM_ORDERS_MAX; copied
 *
 * To be called while the vCPU waits for vmm_go(): before the first one, or after
 * VMM_ROUND.  Round 0 is like all others.  At first there are no orders.
 */
void vmm_order(struct vmm *vmm, unsigned int vcpu, const uint32_t *orders,
	       size_t n);

/* Return: a descriptor that is readable while vmm_wait() may have news. */
int vmm_fd(const struct vmm *vmm);

/**
 * vmm_wait - until something happens
 * @timeout_ms: -1 for as long as it takes, 0 to look only
 *
 * A round is told once, the other states as long as they last.
 * Return: enum vmm_event, or an error of a vCPU, the first one.
 */
int vmm_wait(struct vmm *vmm, int timeout_ms, struct status *st);

/*
 * Receives a written page.  Return: 0, or a negative errno that ends the harvest;
 * what was not handed out by then is lost.
 */
typedef int vmm_dirty_fn(void *context, gfn_t gfn, unsigned int vcpu);

#define VMM_ANY_VCPU UINT32_MAX

/**
 * vmm_harvest - hand out the pages written since the last harvest, and log anew
 *
 * Ring: per vCPU, in the order in which KVM pushed them; a page can come more than
 * once, since KVM pushes without looking at what the rings hold.  vCPUs are made to leave the guest first, since CPUs
 * that log by themselves (PML) do so into a buffer that only an exit empties.  Held
 * vCPUs go on.  Bitmap: ascending, @vcpu is VMM_ANY_VCPU.  Pages that are written
 * meanwhile come now or next time.
 * Return: 0; -ENOBUFS when KVM overran a ring, so that pages are lost and the ring
 * cannot be used any more; or an error of KVM's or of @dirty.
 */
int vmm_harvest(struct vmm *vmm, vmm_dirty_fn *dirty, void *context,
		struct status *st);

void vmm_counts(struct vmm *vmm, struct vmm_counts *counts);

/* End the vCPU threads wherever they are; what was logged can still be
 * harvested.  Harmless when they have ended. */
void vmm_stop(struct vmm *vmm);

/* Stops first.  Harmless with NULL. */
void vmm_destroy(struct vmm *vmm);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Which guest-physical addresses a KVM memslot of a running QEMU has.
 *
 * Neither the kernel nor QMP tells anybody the number of a memslot.  QEMU keeps a
 * table of them in its own memory (accel/kvm, since dirty rings exist: 6.1 and
 * later): an array with, per slot, guest-physical address, size, address in the
 * process (64 bits each), number (32 bits), and the address space at byte 56.  We
 * look for that array in /proc/PID/mem with what the monitor says of every
 * memslot.
 *
 * What it cannot know: whether another QEMU arranges the table otherwise.  So
 * nothing is taken that is not confirmed: every memslot of the monitor's view must
 * be found, at equal distances in the order of the numbers, and in one table only;
 * else there is no answer.  The slots of system management mode (address space 1)
 * are not looked for.
 */
#ifndef CAPTURE_QEMU_SLOTS_H
#define CAPTURE_QEMU_SLOTS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/status.h"
#include "capture/qemu/qemu_view.h"
#include "datasets/trace/trace.h"

struct kvm_slot {
	uint32_t id;
	gfn_t gfn;
	uint64_t npages;
};

struct kvm_slots {
	size_t nr;
	struct kvm_slot *slots; /* by gfn */
};

/* The memory of the process; needs the right to trace it when it is opened. */
struct qemu_memory {
	int fd;
	FILE *maps;
	uint64_t table; /* where the table was last; 0: unknown */
};

/* Return: 0, -ESRCH, or -EPERM with the fix.  qemu_memory_close() is due in every
 * case. */
int qemu_memory_open(struct qemu_memory *memory, pid_t pid, struct status *st);
void qemu_memory_close(struct qemu_memory *memory);

/**
 * qemu_slots_read - find the table and the numbers of the view's memslots
 *
 * Return: 0 with @slots->slots owned by the caller; -EAGAIN if no table agrees
 * with @view (it changed meanwhile, or it looks otherwise); -ENOTUNIQ if several
 * do and differ; -ENOMEM; -ESRCH.
 */
int qemu_slots_read(struct qemu_memory *memory, const struct qemu_view *view,
		    struct kvm_slots *slots, struct status *st);

/* The same with QEMU's view of now.  It may change between the two. */
int qemu_slots_ask(struct qemu_memory *memory, struct qmp *qmp,
		   struct kvm_slots *slots, struct status *st);

/* Return: the slot with that number, or NULL. */
const struct kvm_slot *kvm_slots_find(const struct kvm_slots *slots,
				      uint32_t id);

#endif

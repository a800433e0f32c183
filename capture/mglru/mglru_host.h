/* SPDX-License-Identifier: MIT */
/*
 * Whether this host's kernel can age a guest's pages through MGLRU so that we see
 * which were accessed: what backend mglru needs, as far as files tell it.
 *
 * What it cannot know: whether aging asks KVM at all.  That came with Linux 6.12
 * (mm/vmscan.c walk_pte_range(): ptep_clear_young_notify()), but versions are only
 * a hint, because distributions move patches.  The backend finds out by its first
 * pass.
 */
#ifndef CAPTURE_MGLRU_HOST_H
#define CAPTURE_MGLRU_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"
#include "capture/mglru/spte.h"

enum {
	MGLRU_REASON_BYTES = 256,
};

#define MGLRU_SYSTEM "kvmmmu"
#define MGLRU_EVENT  "kvm_tdp_mmu_spte_changed"

struct mglru_host {
	char release[65];  /* uname -r */
	unsigned int mask; /* LRU_GEN_* (lru_gen.h) that are on */
	enum spte_format format;
	char reason[MGLRU_REASON_BYTES]; /* all that is wrong; "" if nothing */
	char fix[MGLRU_REASON_BYTES];	 /* in the same order */
};

/* Return: whether aging before this kernel's version left SPTEs alone: before
 * 6.12, by its name alone.  A name without a version counts as new. */
bool mglru_is_old(const char *release);

/* What the files of /sys say, which @sysfs is a descriptor of: KVM's parameters,
 * MGLRU's switch.  @kind: of KVM, as fingerprint_kvm() names it: where both vendors'
 * modules are built in, the parameters of the one that the CPU cannot use are there,
 * too.  Fills everything but @release. */
void mglru_host_look(struct mglru_host *host, int sysfs, const char *kind);

/* As mglru_host_look() for this machine, and the files that need privileges:
 * debugfs lru_gen, the tracepoint. */
void mglru_host_check(struct mglru_host *host);

/**
 * mglru_period_check - is there time for the passes?
 *
 * A pass that takes more than half of an epoch sees the end of one and the
 * beginning of the next, and costs the guest as much.
 * Return: 0, or -EINVAL with a period that would do.
 */
int mglru_period_check(uint64_t period_ns, uint64_t pass_ns, struct status *st);

/**
 * mglru_count_vms - VMs whose memory is charged to a cgroup
 * @text: of lru_gen
 * @path: the cgroup, as lru_gen lists it
 *
 * From the folders PID-FD in debugfs kvm (virt/kvm/kvm_main.c
 * kvm_create_vm_debugfs()).  A VM whose first process is gone, or is in another
 * PID namespace than ours, is not counted.
 * Return: how many, or -ENOENT if the kernel has no such folder.
 */
int mglru_count_vms(int debugfs, const char *text, const char *path,
		    struct status *st);

#endif

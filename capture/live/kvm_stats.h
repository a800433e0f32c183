/* SPDX-License-Identifier: MIT */
/*
 * KVM's own counters of a VM, from debugfs kvm/PID-FD (virt/kvm/kvm_main.c
 * kvm_create_vm_debugfs()): numbers of mappings, faults, flushes.
 *
 * The PID is that of the first PID namespace: from inside another one the VM is not
 * found.
 */
#ifndef CAPTURE_LIVE_KVM_STATS_H
#define CAPTURE_LIVE_KVM_STATS_H

#include <jansson.h>
#include <sys/types.h>

/* Return: {file: number} of the first VM of process @pid, or NULL.  @debugfs:
 * hostfs_open() */
json_t *kvm_stats_read(int debugfs, pid_t pid);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What KVM's tracepoints of faults and invalidations say about guest pages.  No
 * files; backend_kvm_fault.c reads the events.
 *
 * kvm_page_fault has a guest-physical address only with two-dimensional paging:
 * npf_interception() and handle_ept_violation() give it, but shadow paging's
 * kvm_handle_page_fault() gives the guest-virtual one.  What is called error_code
 * is the page-fault error code on AMD (write bit 1, fetch bit 4) and the exit
 * qualification on Intel (write bit 1, fetch bit 2); both in 6.12 and 7.2.  A
 * fault while the CPU reads the guest's page tables counts as a write on both.
 *
 * A guest that runs guests of its own is not told apart: their faults come with
 * their physical addresses.
 */
#ifndef CAPTURE_KVM_FAULTS_H
#define CAPTURE_KVM_FAULTS_H

#include "capture/guest/guest.h"
#include "datasets/trace/trace.h"

enum kvm_paging {
	KVM_PAGING_OTHER, /* shadow page tables, or not known */
	KVM_PAGING_EPT,
	KVM_PAGING_NPT,
};

/* Return: the paging of KVM on this host; OTHER where it cannot be told. */
enum kvm_paging kvm_paging_of_host(void);

/* Return: the access behind a kvm_page_fault, without time and vcpu. */
struct trace_event kvm_fault_access(enum kvm_paging paging,
				    uint64_t fault_address,
				    uint64_t error_code);

/**
 * kvm_fault_invalidation - the part of a kvm_unmap_hva_range in one slot
 *
 * Return: whether [@start, @end) meets the slot; then @event is the record,
 * without time.
 */
bool kvm_fault_invalidation(const struct trace_slot *slot, uint64_t start,
			    uint64_t end, struct trace_event *event);

#endif

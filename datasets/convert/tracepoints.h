/* SPDX-License-Identifier: MIT */
/*
 * Tracepoints as `perf script` prints them, a line each: "COMM TID [CPU] SECONDS:
 * SYSTEM:EVENT: TEXT".  Known are
 *
 *	kvm:kvm_page_fault	accesses of a guest that KVM had not mapped
 *	kvm:kvm_dirty_ring_push	first writes: a page of a memslot (virt/kvm/dirty_ring.c)
 *	damon:damon_aggregated	a region of a snapshot (mm/damon/core.c)
 *
 * and what perf says of losses (PERF_RECORD_LOST).  TEXT is the kernel's TP_printk() of
 * 5.18 to 7.2.  kvm_page_fault has a guest-physical address with EPT or NPT only, and
 * nothing in the file tells whether it was so.  kvm_dirty_ring_push names a memslot by
 * number, and nothing tells where that is: its pages are numbered from 0.
 */
#ifndef DATASETS_TRACEPOINTS_H
#define DATASETS_TRACEPOINTS_H

#include "datasets/convert/import.h"

struct tracepoints_params {
	unsigned int events;
	unsigned int paging;
	uint64_t slot;
	uint64_t samples;
	uint64_t target;
};

extern const struct param_spec tracepoints_params[];
extern const char *const tracepoints_lost[];

/* Import the lines of the job's file. */
int tracepoints_read(struct import_job *job, struct status *st);

/* The same of another file that is made of the job's one, as @what names it. */
int tracepoints_read_made(struct import_job *job, FILE *made, const char *what,
			  struct status *st);

#endif

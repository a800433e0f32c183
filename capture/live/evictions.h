/* SPDX-License-Identifier: MIT */
/*
 * Which guest pages the host evicts, in order: the ranges of tracepoint
 * kvm_unmap_hva_range, which reclaim causes before it unmaps a page
 * (mm/rmap.c try_to_unmap_one()).
 *
 * Other things unmap too: a write to a page that was read before and shows the zero
 * page until then, compaction, balancing.  What the guest's own threads do is an
 * eviction only while they reclaim (mm_vmscan_memcg_reclaim_begin to _end, or
 * _direct_reclaim_); what any other thread unmaps counts.
 *
 * A huge page is told twice by Linux 6.1, not by 6.12: once when its entry is split,
 * and at once again when it is unmapped (mm/rmap.c try_to_unmap_one(),
 * mm/huge_memory.c __split_huge_pmd()).  The second time does not count.
 *
 * What it cannot know: whether a page stayed out.  Reclaim that unmapped a page may
 * still fail to write it and map it again; a huge page for which swap has no room in
 * one piece is unmapped to be split, and then page by page.
 */
#ifndef CAPTURE_LIVE_EVICTIONS_H
#define CAPTURE_LIVE_EVICTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"
#include "capture/tracing/tracer.h"
#include "datasets/trace/trace.h"

enum {
	EVICTIONS_VCPUS_MAX = 16,
	EVICTIONS_THREADS = 64,
};

/* What a thread unmapped last. */
struct evictions_range {
	pid_t tid;
	uint64_t start, end;
};

/* A page of the data slot was evicted.  Return: 0, or an error that ends it. */
typedef int (*evictions_fn)(void *arg, uint64_t page, struct status *st);

struct evictions {
	struct tracer *tracer;
	struct trace_slot slot; /* hva, npages */
	pid_t tids[EVICTIONS_VCPUS_MAX];
	bool is_reclaiming[EVICTIONS_VCPUS_MAX];
	unsigned int nr_tids;
	struct evictions_range last[EVICTIONS_THREADS]; /* by tid, modulo */
	evictions_fn evicted;
	void *arg;
	uint64_t events,
		others;	   /* others: unmaps that were no evictions, in pages */
	uint64_t repeated; /* pages of huge ones, told for the second time */
	uint64_t lost;
};

/**
 * evictions_open - prepare; evictions_begin() starts
 * @slot, @tids, @nr_tids: the guest's memory and its vCPU threads
 *
 * Return: 0, or an error of tracer_open().
 */
int evictions_open(struct evictions *evictions, int tracefs,
		   const struct trace_slot *slot, const pid_t *tids,
		   unsigned int nr_tids, struct status *st);
void evictions_close(struct evictions *evictions);

int evictions_begin(struct evictions *evictions, struct status *st);

/* Hand over what there is.  Return: 0, -ENOBUFS with a message when events were
 * lost, or an error. */
int evictions_drain(struct evictions *evictions, struct status *st);

/* Stop and hand over the rest.  Return: as evictions_drain(). */
int evictions_end(struct evictions *evictions, struct status *st);

/* Take one event.  For tests. */
int evictions_take(struct evictions *evictions,
		   const struct tracer_event *event, struct status *st);

#endif

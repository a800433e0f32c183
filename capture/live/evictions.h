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
 * What it cannot know: whether a page stayed out.  Reclaim that unmapped a page may
 * still fail to write it and map it again.
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
};

/* A page of the data slot was evicted.  Return: 0, or an error that ends it. */
typedef int (*evictions_fn)(void *arg, uint64_t page, struct status *st);

struct evictions {
	struct tracer *tracer;
	struct trace_slot slot; /* hva, npages */
	pid_t tids[EVICTIONS_VCPUS_MAX];
	bool is_reclaiming[EVICTIONS_VCPUS_MAX];
	unsigned int nr_tids;
	evictions_fn evicted;
	void *arg;
	uint64_t events,
		others; /* others: unmaps that were no evictions, in pages */
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

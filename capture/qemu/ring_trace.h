/* SPDX-License-Identifier: MIT */
/*
 * What goes into the dirty rings of a VM's vCPUs, from outside: the tracepoint
 * kvm_dirty_ring_push of its threads, what tells that memslots were deleted, and
 * what was lost.
 *
 * Losses are known twice: what perf counts, and gaps in the rings' own counting
 * (dirty_index), which also finds what perf neither delivers nor counts.
 */
#ifndef CAPTURE_RING_TRACE_H
#define CAPTURE_RING_TRACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"
#include "capture/guest/guest.h"
#include "capture/qemu/push_map.h"

struct ring_trace;

/* Could it be opened here?  Return: 0, or as tracer_open() and hostfs_open(). */
int ring_trace_probe(struct status *st);

/* Return: whether Intel's log of dirtied pages is on: what one drain brings has no
 * order then (before Linux 7). */
bool ring_trace_has_pml(void);

/* Nothing is recorded before ring_trace_enable().  @ring_bytes: per thread; a push
 * takes some 75.  Return: as tracer_open(). */
int ring_trace_open(struct ring_trace **trace, const struct guest *guest,
		    uint64_t ring_bytes, struct status *st);
void ring_trace_close(struct ring_trace *trace); /* NULL is fine */

int ring_trace_enable(struct ring_trace *trace, struct status *st);
int ring_trace_fd(const struct ring_trace *trace);

/* Pushes from @from_ns (CLOCK_MONOTONIC) on are kept; until then none. */
void ring_trace_keep(struct ring_trace *trace, uint64_t from_ns);

/* Take in what happened.  Return: 1, 0 when all threads have ended, or an error. */
int ring_trace_drain(struct ring_trace *trace, struct status *st);

/* The same up to this call, for which it waits some milliseconds. */
int ring_trace_drain_all(struct ring_trace *trace, struct status *st);

/* Drain to the end, and record no more. */
int ring_trace_finish(struct ring_trace *trace, struct status *st);

/* Return: what was kept since ring_trace_forget(), and the zaps since then. */
const struct push_list *ring_trace_pushes(const struct ring_trace *trace);

/* Forget them, and keep none until ring_trace_keep(). */
void ring_trace_forget(struct ring_trace *trace);

/* Return: how many pushes were lost since the last call. */
uint64_t ring_trace_take_losses(struct ring_trace *trace);

/* Return: a thread whose ring was overrun and which never runs again, or 0. */
pid_t ring_trace_stuck(const struct ring_trace *trace);

#endif

/* SPDX-License-Identifier: MIT */
/* Unmapped ranges as evicted pages; see evictions.h. */
#include "capture/live/evictions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	RING_BYTES = 4 << 20, /* per CPU: some 50,000 events */
	RINGS_BYTES = 64 << 20,
	RING_BYTES_MIN = 256 << 10,
};

enum point {
	UNMAP,
	MEMCG_BEGIN,
	MEMCG_END,
	DIRECT_BEGIN,
	DIRECT_END,
	NR_POINTS
};

/* Large hosts get less per CPU: what evicts is one thread, or a few. */
static size_t ring_bytes(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t bytes = RINGS_BYTES / (size_t)(cpus > 0 ? cpus : 1);

	if (bytes > RING_BYTES)
		return RING_BYTES;
	return bytes < RING_BYTES_MIN ? RING_BYTES_MIN : bytes;
}

int evictions_open(struct evictions *evictions, int tracefs,
		   const struct trace_slot *slot, const pid_t *tids,
		   unsigned int nr_tids, struct status *st)
{
	uint64_t end = slot->hva + slot->npages * TRACE_PAGE_BYTES;
	char filter[96];
	const struct tracer_point points[NR_POINTS] = {
		[UNMAP] = {"kvm",
			   "kvm_unmap_hva_range",
			   {"start", "end", NULL},
			   filter},
		[MEMCG_BEGIN] = {.system = "vmscan",
				 .event = "mm_vmscan_memcg_reclaim_begin"},
		[MEMCG_END] = {.system = "vmscan",
			       .event = "mm_vmscan_memcg_reclaim_end"},
		[DIRECT_BEGIN] = {.system = "vmscan",
				  .event = "mm_vmscan_direct_reclaim_begin"},
		[DIRECT_END] = {.system = "vmscan",
				.event = "mm_vmscan_direct_reclaim_end"},
	};
	const struct tracer_plan plan = {.points = points,
					 .nr_points = NR_POINTS,
					 .ring_bytes = ring_bytes()};

	*evictions = (struct evictions){.slot = *slot, .nr_tids = nr_tids};
	memcpy(evictions->tids, tids, nr_tids * sizeof(*tids));
	snprintf(filter, sizeof(filter),
		 "start < 0x%" PRIx64 " && end > 0x%" PRIx64, end, slot->hva);
	return tracer_open(&evictions->tracer, tracefs, &plan, st);
}

void evictions_close(struct evictions *evictions)
{
	tracer_close(evictions->tracer);
	evictions->tracer = NULL;
}

int evictions_begin(struct evictions *evictions, struct status *st)
{
	return tracer_enable(evictions->tracer, st);
}

/* Return: the index of a vCPU's thread, or nr_tids. */
static unsigned int vcpu_of(const struct evictions *evictions, pid_t tid)
{
	unsigned int i = 0;

	while (i < evictions->nr_tids && evictions->tids[i] != tid)
		i++;
	return i;
}

/* The part of the range that is in the slot, page by page. */
static int take_range(struct evictions *evictions, uint64_t start, uint64_t end,
		      bool is_eviction, struct status *st)
{
	const struct trace_slot *slot = &evictions->slot;
	uint64_t last = slot->hva + slot->npages * TRACE_PAGE_BYTES;
	int ret = 0;

	start = start > slot->hva ? start : slot->hva;
	end = end < last ? end : last;
	for (; start < end && !ret; start += TRACE_PAGE_BYTES) {
		evictions->others += !is_eviction;
		if (is_eviction)
			ret = evictions->evicted(
				evictions->arg,
				(start - slot->hva) / TRACE_PAGE_BYTES, st);
	}
	return ret;
}

/* Is it the second of two notifications of a huge page?  A third one is new. */
static bool is_repeated(struct evictions *evictions, pid_t tid, uint64_t start,
			uint64_t end)
{
	struct evictions_range *last =
		&evictions->last[(unsigned int)tid % EVICTIONS_THREADS];
	bool is_same = end - start > TRACE_PAGE_BYTES && last->tid == tid &&
		       last->start == start && last->end == end;

	*last = is_same ? (struct evictions_range){0}
			: (struct evictions_range){tid, start, end};
	return is_same;
}

static int take_unmap(struct evictions *evictions, pid_t tid, uint64_t start,
		      uint64_t end, bool is_eviction, struct status *st)
{
	if (is_repeated(evictions, tid, start, end)) {
		evictions->repeated += (end - start) / TRACE_PAGE_BYTES;
		return 0;
	}
	return take_range(evictions, start, end, is_eviction, st);
}

int evictions_take(struct evictions *evictions,
		   const struct tracer_event *event, struct status *st)
{
	unsigned int vcpu = vcpu_of(evictions, event->tid);
	bool is_ours = vcpu < evictions->nr_tids;

	evictions->events++;
	if (event->which == UNMAP)
		return take_unmap(evictions, event->tid, event->field[0],
				  event->field[1],
				  !is_ours || evictions->is_reclaiming[vcpu],
				  st);
	if (is_ours)
		evictions->is_reclaiming[vcpu] = event->which == MEMCG_BEGIN ||
						 event->which == DIRECT_BEGIN;
	return 0;
}

static int take(void *arg, const struct tracer_event *event, struct status *st)
{
	return evictions_take(arg, event, st);
}

static int judge(struct evictions *evictions, int ret, uint64_t lost,
		 struct status *st)
{
	evictions->lost += lost;
	if (ret >= 0 && lost)
		return status_fail(st, ENOBUFS,
				   "%" PRIu64 " events of evictions were lost",
				   lost);
	return ret < 0 ? ret : 0;
}

int evictions_drain(struct evictions *evictions, struct status *st)
{
	uint64_t lost = 0;
	int ret = tracer_drain(evictions->tracer, take, evictions, &lost, st);

	return judge(evictions, ret, lost, st);
}

int evictions_end(struct evictions *evictions, struct status *st)
{
	uint64_t lost = 0;
	int ret = tracer_finish(evictions->tracer, take, evictions, &lost, st);

	return judge(evictions, ret, lost, st);
}

/* SPDX-License-Identifier: MIT */
/* Judging samples and putting them in order; see pmu_access.h. */
#include "capture/pmu/pmu_access.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "capture/pmu/ibs.h"

static bool is_in_guest(const struct pmu_sample *sample)
{
	return sample->mode == PERF_RECORD_MISC_GUEST_KERNEL ||
	       sample->mode == PERF_RECORD_MISC_GUEST_USER;
}

/* Return: where the sample is counted; an access fills @found. */
static uint64_t *judge(struct pmu_accesses *accesses,
		       const struct pmu_sample *sample, struct pmu_found *found)
{
	struct pmu_access_counts *counts = &accesses->counts;
	struct ibs_access access;

	if (!is_in_guest(sample))
		return &counts->host;
	if (!ibs_parse(sample->raw, sample->raw_size, &access))
		return &counts->none;
	if (!pfn_map_find(&accesses->map, access.physical / TRACE_PAGE_BYTES,
			  &found->gfn))
		return &counts->strangers;
	found->time_ns = sample->time_ns;
	found->vcpu = (uint16_t)sample->thread;
	found->is_store = access.is_store;
	return &counts->accesses;
}

int pmu_access_take(void *arg, const struct pmu_sample *sample,
		    struct status *st)
{
	struct pmu_accesses *accesses = arg;
	struct pmu_found found;
	uint64_t *count = judge(accesses, sample, &found);
	int ret;

	++*count;
	if (count != &accesses->counts.accesses)
		return 0;
	ret = kage_grow(&accesses->found, &accesses->capacity, accesses->nr,
			sizeof(*accesses->found), st);
	if (!ret)
		accesses->found[accesses->nr++] = found;
	return ret;
}

static int by_time(const void *a, const void *b)
{
	const struct pmu_found *left = a, *right = b;

	if (left->time_ns != right->time_ns)
		return left->time_ns < right->time_ns ? -1 : 1;
	return (left->vcpu > right->vcpu) - (left->vcpu < right->vcpu);
}

static int hand_over_one(struct pmu_accesses *accesses,
			 const struct pmu_found *found,
			 struct recorder *recorder, struct status *st)
{
	struct trace_event event = {
		.gfn = found->gfn,
		.count = 1,
		.vcpu = found->vcpu,
		.kind = found->is_store ? TRACE_WRITE : TRACE_READ,
	};

	if (found->time_ns > accesses->last_ns)
		accesses->last_ns = found->time_ns;
	event.time = recorder_time(recorder, accesses->last_ns);
	return recorder_access(recorder, &event, st);
}

int pmu_access_hand_over(struct pmu_accesses *accesses, uint64_t horizon_ns,
			 struct recorder *recorder, struct status *st)
{
	size_t n = 0;
	int ret = 0;

	if (!accesses->nr)
		return 0;
	qsort(accesses->found, accesses->nr, sizeof(*accesses->found), by_time);
	while (!ret && n < accesses->nr &&
	       accesses->found[n].time_ns <= horizon_ns)
		ret = hand_over_one(accesses, &accesses->found[n++], recorder,
				    st);
	accesses->nr -= n;
	memmove(accesses->found, accesses->found + n,
		accesses->nr * sizeof(*accesses->found));
	return ret;
}

void pmu_accesses_fini(struct pmu_accesses *accesses)
{
	pfn_map_fini(&accesses->map);
	free(accesses->found);
	accesses->found = NULL;
	accesses->nr = 0;
}

/* SPDX-License-Identifier: MIT */
/* Counting tracepoints; see counters.h. */
#include "capture/live/counters.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "capture/host/cpu_list.h"
#include "capture/tracing/hostfs.h"
#include "capture/tracing/perf_ring.h"

/* guest_faults: faults that KVM cannot resolve from its own tables. */
const struct live_counter live_counters[] = {
	{"kvm_age_hva", "kvm", "kvm_age_hva"},
	{"kvm_test_age_hva", "kvm", "kvm_test_age_hva"},
	{"kvm_unmap_hva_range", "kvm", "kvm_unmap_hva_range"},
	{"kvm_tdp_mmu_spte_changed", "kvmmmu", "kvm_tdp_mmu_spte_changed"},
	{"guest_faults", "kvm", "kvm_page_fault"},
	{NULL, NULL, NULL},
};

/* Return: its number, or 0 if the kernel has no such tracepoint. */
static uint64_t number_of(int tracefs, const struct live_counter *counter)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), "events/%s/%s/id", counter->system,
		 counter->event);
	if (hostfs_read(tracefs, path, text, sizeof(text), NULL) <= 0)
		return 0;
	return strtoull(text, NULL, 10);
}

static int open_counter(int *fds, const int *cpus, size_t nr_cpus,
			uint64_t number, struct status *st)
{
	const struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = number,
	};

	for (size_t i = 0; i < nr_cpus && number; i++) {
		fds[i] = perf_ring_open(&attr, -1, cpus[i], st);
		if (fds[i] < 0)
			return fds[i];
	}
	return 0;
}

int live_counting_open(struct live_counting *counting, int tracefs,
		       struct status *st)
{
	size_t nr = 0;
	int *cpus, ret;

	*counting = (struct live_counting){.fds = NULL};
	while (live_counters[nr].name)
		nr++;
	ret = cpu_list_online(&cpus, &counting->nr_cpus, st);
	if (ret)
		return ret;
	counting->fds = kage_calloc(nr * counting->nr_cpus, sizeof(int), st);
	if (!counting->fds) {
		free(cpus);
		return -ENOMEM;
	}
	counting->nr_counters = nr;
	for (size_t i = 0; i < nr * counting->nr_cpus; i++)
		counting->fds[i] = -1;
	for (size_t i = 0; i < nr && !ret; i++)
		ret = open_counter(counting->fds + i * counting->nr_cpus, cpus,
				   counting->nr_cpus,
				   number_of(tracefs, &live_counters[i]), st);
	free(cpus);
	return ret;
}

void live_counting_close(struct live_counting *counting)
{
	for (size_t i = 0; i < counting->nr_counters * counting->nr_cpus; i++)
		if (counting->fds[i] >= 0)
			close(counting->fds[i]);
	free(counting->fds);
	*counting = (struct live_counting){.fds = NULL};
}

uint64_t live_counting_value(const struct live_counting *counting, size_t i)
{
	uint64_t sum = 0, n;

	for (size_t cpu = 0; cpu < counting->nr_cpus; cpu++) {
		int fd = counting->fds[i * counting->nr_cpus + cpu];

		if (fd < 0 || read(fd, &n, sizeof(n)) != sizeof(n))
			return UINT64_MAX;
		sum += n;
	}
	return sum;
}

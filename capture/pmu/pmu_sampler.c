/* SPDX-License-Identifier: MIT */
/* One buffer per thread, or per CPU where threads cannot be; see pmu_sampler.h. */
#include "capture/pmu/pmu_sampler.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "capture/host/cpu_list.h"
#include "capture/tracing/perf_ring.h"

/* perf_event_open(2), PERF_RECORD_SAMPLE with what make_attr() asks for. */
struct record {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t time;
	uint32_t raw_size;
	unsigned char raw[];
};

struct lane {
	int fd;
	struct perf_ring ring;
};

struct pmu_sampler {
	struct lane *lanes;
	size_t nr_lanes;
	bool is_per_cpu;
	pid_t *threads;
	size_t nr_threads;
	unsigned char *scratch;
	struct pmu_sampler_stats stats;
};

static void make_attr(struct perf_event_attr *attr,
		      const struct pmu_sampler_plan *plan)
{
	*attr = plan->event->attr;
	attr->sample_period = plan->period;
	attr->freq = 0;
	attr->sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
			    PERF_SAMPLE_RAW;
	attr->read_format = PERF_FORMAT_LOST; /* Linux 6.0 */
	attr->disabled = 1;
	attr->watermark = 1;
	attr->wakeup_watermark = UINT32_MAX; /* who drains has a clock */
	attr->use_clockid = 1;
	attr->clockid = CLOCK_MONOTONIC;
}

static int allocate(struct pmu_sampler *sampler, size_t nr_lanes,
		    struct status *st)
{
	free(sampler->lanes);
	sampler->nr_lanes = 0;
	sampler->lanes = kage_calloc(nr_lanes, sizeof(*sampler->lanes), st);
	if (!sampler->lanes)
		return -ENOMEM;
	sampler->nr_lanes = nr_lanes;
	for (size_t i = 0; i < nr_lanes; i++) {
		sampler->lanes[i].fd = -1;
		sampler->lanes[i].ring.scratch = sampler->scratch;
	}
	return 0;
}

static int open_lane(struct lane *lane, const struct pmu_sampler_plan *plan,
		     pid_t tid, int cpu, struct status *st)
{
	struct perf_event_attr attr;

	make_attr(&attr, plan);
	lane->fd = perf_ring_open(&attr, tid, cpu, st);
	return lane->fd < 0 ? lane->fd
			    : perf_ring_map(&lane->ring, lane->fd,
					    plan->ring_bytes, st);
}

static int open_on_threads(struct pmu_sampler *sampler,
			   const struct pmu_sampler_plan *plan,
			   struct status *st)
{
	int ret = allocate(sampler, plan->nr_threads, st);

	for (size_t i = 0; i < plan->nr_threads && !ret; i++)
		ret = open_lane(&sampler->lanes[i], plan, plan->threads[i], -1,
				st);
	return ret;
}

static int open_on_cpus(struct pmu_sampler *sampler,
			const struct pmu_sampler_plan *plan, struct status *st)
{
	size_t nr_cpus;
	int *cpus;
	int ret = cpu_list_online(&cpus, &nr_cpus, st);

	if (ret)
		return ret;
	sampler->is_per_cpu = true;
	ret = allocate(sampler, nr_cpus, st);
	for (size_t i = 0; i < nr_cpus && !ret; i++)
		ret = open_lane(&sampler->lanes[i], plan, -1, cpus[i], st);
	free(cpus);
	return ret;
}

int pmu_sampler_open(struct pmu_sampler **out,
		     const struct pmu_sampler_plan *plan, struct status *st)
{
	struct pmu_sampler *sampler = kage_calloc(1, sizeof(*sampler), st);
	int ret = -ENOMEM;

	*out = NULL;
	if (!sampler)
		return ret;
	sampler->scratch = kage_calloc(1, PERF_RING_RECORD_MAX, st);
	sampler->threads =
		kage_calloc(plan->nr_threads, sizeof(*sampler->threads), st);
	if (sampler->scratch && sampler->threads) {
		sampler->nr_threads = plan->nr_threads;
		memcpy(sampler->threads, plan->threads,
		       plan->nr_threads * sizeof(*plan->threads));
		ret = open_on_threads(sampler, plan, st);
	}
	/* perf_invalid_context: the PMU has no events of threads */
	if (ret == -EINVAL && sampler->lanes && sampler->lanes[0].fd < 0)
		ret = open_on_cpus(sampler, plan, st);
	if (ret)
		pmu_sampler_close(sampler);
	else
		*out = sampler;
	return ret;
}

void pmu_sampler_close(struct pmu_sampler *sampler)
{
	if (!sampler)
		return;
	for (size_t i = 0; i < sampler->nr_lanes; i++) {
		perf_ring_unmap(&sampler->lanes[i].ring);
		if (sampler->lanes[i].fd >= 0)
			close(sampler->lanes[i].fd);
	}
	free(sampler->lanes);
	free(sampler->threads);
	free(sampler->scratch);
	free(sampler);
}

int pmu_sampler_enable(struct pmu_sampler *sampler, struct status *st)
{
	for (size_t i = 0; i < sampler->nr_lanes; i++)
		if (ioctl(sampler->lanes[i].fd, PERF_EVENT_IOC_ENABLE, 0))
			return status_fail(st, errno, "perf event: %s",
					   strerror(errno));
	return 0;
}

void pmu_sampler_disable(struct pmu_sampler *sampler)
{
	for (size_t i = 0; i < sampler->nr_lanes; i++)
		ioctl(sampler->lanes[i].fd, PERF_EVENT_IOC_DISABLE, 0);
}

static size_t find_thread(const struct pmu_sampler *sampler, size_t lane,
			  pid_t tid)
{
	size_t i = 0;

	if (!sampler->is_per_cpu)
		return lane;
	while (i < sampler->nr_threads && sampler->threads[i] != tid)
		i++;
	return i;
}

static int take_sample(struct pmu_sampler *sampler, size_t lane,
		       const struct record *record, pmu_handler handler,
		       void *arg, struct status *st)
{
	size_t room = record->header.size - offsetof(struct record, raw);
	struct pmu_sample sample = {
		.time_ns = record->time,
		.thread = find_thread(sampler, lane, (pid_t)record->tid),
		.mode = record->header.misc & PERF_RECORD_MISC_CPUMODE_MASK,
		.raw = record->raw,
		.raw_size = record->raw_size,
	};

	if (record->header.size < sizeof(*record) || record->raw_size > room)
		return status_fail(st, EBADMSG,
				   "a sample of %u bytes is cut short",
				   record->header.size);
	if (sample.thread == sampler->nr_threads)
		return 0;
	sampler->stats.samples++;
	return handler(arg, &sample, st);
}

static int drain_lane(struct pmu_sampler *sampler, size_t lane,
		      pmu_handler handler, void *arg, struct status *st)
{
	struct perf_ring *ring = &sampler->lanes[lane].ring;
	const struct perf_event_header *record;
	int ret;

	perf_ring_begin(ring);
	while ((ret = perf_ring_next(ring, &record, st)) > 0) {
		if (record->type == PERF_RECORD_SAMPLE)
			ret = take_sample(sampler, lane, (const void *)record,
					  handler, arg, st);
		else
			sampler->stats.throttled += record->type ==
						    PERF_RECORD_THROTTLE;
		if (ret < 0)
			break;
	}
	perf_ring_end(ring);
	return ret;
}

int pmu_sampler_drain(struct pmu_sampler *sampler, pmu_handler handler,
		      void *arg, struct status *st)
{
	int ret = 0;

	for (size_t i = 0; i < sampler->nr_lanes && !ret; i++)
		ret = drain_lane(sampler, i, handler, arg, st);
	return ret;
}

void pmu_sampler_stats(const struct pmu_sampler *sampler,
		       struct pmu_sampler_stats *stats)
{
	struct {
		uint64_t value, lost;
	} count;

	*stats = sampler->stats;
	stats->lost = 0;
	for (size_t i = 0; i < sampler->nr_lanes; i++)
		if (read(sampler->lanes[i].fd, &count, sizeof(count)) ==
		    sizeof(count))
			stats->lost += count.lost;
}

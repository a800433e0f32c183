/* SPDX-License-Identifier: MIT */
/* A descriptor per event, or per event and vCPU thread; see pmu_counters.h. */
#include "capture/pmu/pmu_counters.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "capture/tracing/perf_ring.h"

#define AT_GUEST "@guest"

static int open_on(struct pmu_counters *counters,
		   const struct perf_event_attr *attr, pid_t tid,
		   struct status *st)
{
	int ret = kage_grow(&counters->fds, &counters->capacity,
			    counters->nr_fds, sizeof(*counters->fds), st);

	if (!ret)
		ret = kage_grow(&counters->start, &counters->start_capacity,
				counters->nr_fds, sizeof(*counters->start), st);
	if (!ret)
		ret = perf_ring_open(attr, tid, -1, st);
	if (ret < 0)
		return ret;
	counters->fds[counters->nr_fds++] = ret;
	return 0;
}

/* The number of characters of @name before "@guest", or of all of it. */
static size_t event_length(const char *name, enum pmu_side *side)
{
	size_t n = strlen(name), suffix = strlen(AT_GUEST);
	bool is_guest = n > suffix && !strcmp(name + n - suffix, AT_GUEST);

	*side = is_guest ? PMU_GUEST : PMU_HOST;
	return is_guest ? n - suffix : n;
}

static int encode(const char *name, const struct pmu_cpu *cpu,
		  struct perf_event_attr *attr, enum pmu_side *side,
		  struct status *st)
{
	struct pmu_event event;
	char bare[PMU_NAME_MAX];
	int ret;

	snprintf(bare, sizeof(bare), "%.*s", (int)event_length(name, side),
		 name);
	ret = pmu_event_encode(&event, bare, *side, cpu, st);
	if (!ret)
		ret = pmu_event_check(&event, cpu, st);
	*attr = event.attr;
	attr->sample_period = 0;
	attr->freq = 0;
	attr->disabled = 1;
	attr->read_format = PERF_FORMAT_TOTAL_TIME_ENABLED |
			    PERF_FORMAT_TOTAL_TIME_RUNNING;
	return ret;
}

static int open_counter(struct pmu_counters *counters, const char *name,
			const struct pmu_cpu *cpu, const pid_t *vcpus,
			size_t nr_vcpus, struct status *st)
{
	struct pmu_counter *counter = &counters->counters[counters->nr];
	struct perf_event_attr attr;
	enum pmu_side side;
	int ret = encode(name, cpu, &attr, &side, st);

	if (!ret && side == PMU_GUEST && !nr_vcpus)
		ret = status_fail(st, EINVAL,
				  "'%s': the guest's threads are not known",
				  name);
	if (ret)
		return ret;
	snprintf(counter->name, sizeof(counter->name), "%s", name);
	counter->first = counters->nr_fds;
	if (side == PMU_HOST)
		ret = open_on(counters, &attr, 0, st);
	for (size_t i = 0; side == PMU_GUEST && i < nr_vcpus && !ret; i++)
		ret = open_on(counters, &attr, vcpus[i], st);
	counter->nr = counters->nr_fds - counter->first;
	counters->nr++;
	return ret;
}

int pmu_counters_open(struct pmu_counters *counters, const char *text,
		      const struct pmu_cpu *cpu, const pid_t *vcpus,
		      size_t nr_vcpus, struct status *st)
{
	char name[PMU_NAME_MAX];
	int ret = 0;

	*counters = (struct pmu_counters){.nr = 0};
	while (text && !ret) {
		size_t n = strcspn(text, "+");

		if (counters->nr == PMU_COUNTERS_MAX || n >= sizeof(name))
			return status_fail(st, E2BIG,
					   "at most %d events of %d characters "
					   "are counted at once",
					   PMU_COUNTERS_MAX, PMU_NAME_MAX - 1);
		snprintf(name, sizeof(name), "%.*s", (int)n, text);
		ret = open_counter(counters, name, cpu, vcpus, nr_vcpus, st);
		text = text[n] ? text + n + 1 : NULL;
	}
	return ret;
}

void pmu_counters_close(struct pmu_counters *counters)
{
	while (counters->nr_fds)
		close(counters->fds[--counters->nr_fds]);
	free(counters->fds);
	free(counters->start);
	*counters = (struct pmu_counters){.nr = 0};
}

/* A vCPU thread that has ended counts no more, which is no error. */
static int for_all(const struct pmu_counters *counters, unsigned long request,
		   struct status *st)
{
	for (size_t i = 0; i < counters->nr_fds; i++)
		if (ioctl(counters->fds[i], request, 0))
			return status_fail(st, errno, "counting: %s",
					   strerror(errno));
	return 0;
}

static int read_counter(int fd, struct pmu_reading *reading, struct status *st)
{
	return read(fd, reading, sizeof(*reading)) == sizeof(*reading)
		       ? 0
		       : status_fail(st, EIO, "a counter cannot be read");
}

int pmu_counters_start(struct pmu_counters *counters, struct status *st)
{
	int ret = 0;

	for (size_t i = 0; i < counters->nr_fds && !ret; i++)
		ret = read_counter(counters->fds[i], &counters->start[i], st);
	return ret ? ret : for_all(counters, PERF_EVENT_IOC_ENABLE, st);
}

void pmu_count_between(const struct pmu_reading *start,
		       const struct pmu_reading *end, struct pmu_count *count)
{
	uint64_t value = end->value - start->value;
	uint64_t enabled = end->enabled_ns - start->enabled_ns;
	uint64_t running = end->running_ns - start->running_ns;

	count->is_known = running || !enabled;
	count->is_scaled = running && running < enabled;
	count->value = count->is_scaled
			       ? (uint64_t)((double)value * (double)enabled /
					    (double)running)
			       : value;
}

/* The sum over the counter's threads. */
static int sum_up(const struct pmu_counters *counters, size_t which,
		  struct pmu_count *sum, struct status *st)
{
	const struct pmu_counter *counter = &counters->counters[which];

	*sum = (struct pmu_count){.name = counter->name, .is_known = true};
	for (size_t i = counter->first; i < counter->first + counter->nr; i++) {
		struct pmu_reading end;
		struct pmu_count count;
		int ret = read_counter(counters->fds[i], &end, st);

		if (ret)
			return ret;
		pmu_count_between(&counters->start[i], &end, &count);
		sum->value += count.value;
		sum->is_known &= count.is_known;
		sum->is_scaled |= count.is_scaled;
	}
	return 0;
}

int pmu_counters_stop(struct pmu_counters *counters,
		      struct pmu_count counts[PMU_COUNTERS_MAX],
		      struct status *st)
{
	int ret = for_all(counters, PERF_EVENT_IOC_DISABLE, st);

	for (size_t i = 0; i < counters->nr && !ret; i++)
		ret = sum_up(counters, i, &counts[i], st);
	return ret;
}

void pmu_counters_text(const struct pmu_count *counts, size_t nr, char *buf,
		       size_t size)
{
	size_t n = 0;

	*buf = '\0';
	for (size_t i = 0; i < nr && n < size; i++) {
		n += (size_t)snprintf(buf + n, size - n, "%s%s %s",
				      i ? ", " : "", counts[i].name,
				      !counts[i].is_known   ? "unknown"
				      : counts[i].is_scaled ? "about "
							    : "");
		if (counts[i].is_known && n < size)
			n += (size_t)snprintf(buf + n, size - n, "%" PRIu64,
					      counts[i].value);
	}
}

/* SPDX-License-Identifier: MIT */
/*
 * Setting a tracer up.  One lane per thread or CPU: a buffer, shared by an event
 * per tracepoint that is watched there; see tracer.h.
 */
#include "capture/tracing/tracer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "capture/host/cpu_list.h"
#include "capture/tracing/tracer_internal.h"

static int open_event(const struct lane *lane, struct member *member,
		      const struct tracepoint *tp, const char *filter,
		      uint32_t wakeup, struct status *st)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = tp->id,
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID |
			       PERF_SAMPLE_TIME | PERF_SAMPLE_CPU |
			       PERF_SAMPLE_RAW,
		.disabled = 1,
		.watermark = 1,
		.wakeup_watermark = wakeup,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};

	member->fd = perf_ring_open(&attr, lane->tid, lane->cpu, st);
	if (member->fd < 0)
		return member->fd;
	if (ioctl(member->fd, PERF_EVENT_IOC_ID, &member->id))
		return status_fail(st, errno, "perf event's id: %s",
				   strerror(errno));
	if (filter && ioctl(member->fd, PERF_EVENT_IOC_SET_FILTER, filter))
		return status_fail(st, ENODEV,
				   "the kernel refuses the filter '%s': %s",
				   filter, strerror(errno));
	return 0;
}

static bool is_watched(const struct tracer_plan *plan, const struct lane *lane,
		       size_t point)
{
	bool is_everywhere = !plan->nr_tids || plan->everywhere >> point & 1;

	return is_everywhere == (lane->tid < 0);
}

/* The first event of a lane brings the buffer, the others write into it. */
static int share_buffer(struct lane *lane, const struct member *member,
			size_t bytes, struct status *st)
{
	if (lane->fd < 0) {
		lane->fd = member->fd;
		return perf_ring_map(&lane->ring, lane->fd, bytes, st);
	}
	if (!ioctl(member->fd, PERF_EVENT_IOC_SET_OUTPUT, lane->fd))
		return 0;
	return status_fail(st, errno, "sharing a buffer: %s", strerror(errno));
}

static int open_lane(struct tracer *tracer, struct lane *lane,
		     const struct tracer_plan *plan, struct status *st)
{
	struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = lane};
	size_t quarter = plan->ring_bytes / 4;
	uint32_t wakeup = quarter < UINT32_MAX ? (uint32_t)quarter : UINT32_MAX;
	int ret = 0;

	lane->fd = -1;
	lane->ring.scratch = tracer->scratch;
	for (size_t i = 0; i < plan->nr_points && !ret; i++) {
		if (!is_watched(plan, lane, i))
			continue;
		ret = open_event(lane, &lane->members[i], &tracer->points[i],
				 plan->points[i].filter, wakeup, st);
		if (!ret)
			ret = share_buffer(lane, &lane->members[i],
					   plan->ring_bytes, st);
	}
	if (!ret && epoll_ctl(tracer->epoll, EPOLL_CTL_ADD, lane->fd, &wanted))
		ret = status_fail(st, errno, "epoll: %s", strerror(errno));
	return ret;
}

static int open_points(struct tracer *tracer, int tracefs,
		       const struct tracer_plan *plan, struct status *st)
{
	const struct tracer_point *point = plan->points;
	int ret = 0;

	for (; tracer->nr_points < plan->nr_points; tracer->nr_points++) {
		ret = tracepoint_open(&tracer->points[tracer->nr_points],
				      tracefs, point->system, point->event,
				      point->fields, st);
		if (ret)
			break;
		point++;
	}
	return ret;
}

static int allocate(struct tracer *tracer, const struct tracer_plan *plan,
		    size_t nr_lanes, struct status *st)
{
	size_t nr_members = nr_lanes * plan->nr_points;

	tracer->points =
		kage_calloc(plan->nr_points, sizeof(*tracer->points), st);
	tracer->lanes = kage_calloc(nr_lanes, sizeof(*tracer->lanes), st);
	tracer->members = kage_calloc(nr_members, sizeof(*tracer->members), st);
	tracer->heap = kage_calloc(nr_lanes, sizeof(struct lane *), st);
	tracer->scratch = kage_calloc(1, PERF_RING_RECORD_MAX, st);
	if (!tracer->points || !tracer->lanes || !tracer->members ||
	    !tracer->heap || !tracer->scratch)
		return -ENOMEM;
	for (size_t i = 0; i < nr_members; i++)
		tracer->members[i].fd = -1;
	for (size_t i = 0; i < nr_lanes; i++)
		tracer->lanes[i].members =
			tracer->members + i * plan->nr_points;
	tracer->nr_lanes = nr_lanes;
	tracer->epoll = epoll_create1(EPOLL_CLOEXEC);
	return tracer->epoll >= 0
		       ? 0
		       : status_fail(st, errno, "epoll: %s", strerror(errno));
}

/* The lanes of the threads, then those of the CPUs. */
static void place_lanes(struct tracer *tracer, const struct tracer_plan *plan,
			const int *cpus)
{
	tracer->nr_threads = tracer->nr_alive = plan->nr_tids;
	for (size_t i = 0; i < tracer->nr_lanes; i++) {
		bool is_thread = i < plan->nr_tids;

		tracer->lanes[i].tid = is_thread ? plan->tids[i] : -1;
		tracer->lanes[i].cpu = is_thread ? -1 : cpus[i - plan->nr_tids];
	}
}

static int open_all(struct tracer *tracer, int tracefs,
		    const struct tracer_plan *plan, const int *cpus,
		    size_t nr_cpus, struct status *st)
{
	int ret = allocate(tracer, plan, plan->nr_tids + nr_cpus, st);

	if (!ret)
		ret = open_points(tracer, tracefs, plan, st);
	if (!ret)
		place_lanes(tracer, plan, cpus);
	for (size_t i = 0; i < tracer->nr_lanes && !ret; i++)
		ret = open_lane(tracer, &tracer->lanes[i], plan, st);
	return ret;
}

int tracer_open(struct tracer **out, int tracefs,
		const struct tracer_plan *plan, struct status *st)
{
	struct tracer *tracer = kage_calloc(1, sizeof(*tracer), st);
	size_t nr_cpus = 0;
	int *cpus = NULL;
	int ret = -ENOMEM;

	*out = NULL;
	if (!tracer)
		return ret;
	tracer->epoll = -1;
	ret = plan->nr_tids && !plan->everywhere
		      ? 0
		      : cpu_list_online(&cpus, &nr_cpus, st);
	if (!ret)
		ret = open_all(tracer, tracefs, plan, cpus, nr_cpus, st);
	if (ret)
		tracer_close(tracer);
	else
		*out = tracer;
	free(cpus);
	return ret;
}

void tracer_close(struct tracer *tracer)
{
	if (!tracer)
		return;
	for (size_t i = 0; i < tracer->nr_lanes; i++)
		perf_ring_unmap(&tracer->lanes[i].ring);
	for (size_t i = 0; i < tracer->nr_lanes * tracer->nr_points; i++)
		if (tracer->members[i].fd >= 0)
			close(tracer->members[i].fd);
	for (size_t i = 0; i < tracer->nr_points; i++)
		tracepoint_close(&tracer->points[i]);
	if (tracer->epoll >= 0)
		close(tracer->epoll);
	free(tracer->scratch);
	free(tracer->heap);
	free(tracer->members);
	free(tracer->lanes);
	free(tracer->points);
	free(tracer);
}

int tracer_fd(const struct tracer *tracer)
{
	return tracer->epoll;
}

static int for_all(struct tracer *tracer, unsigned long request,
		   struct status *st)
{
	for (size_t i = 0; i < tracer->nr_lanes * tracer->nr_points; i++)
		if (tracer->members[i].fd >= 0 &&
		    ioctl(tracer->members[i].fd, request, 0))
			return status_fail(st, errno, "perf event: %s",
					   strerror(errno));
	return 0;
}

int tracer_enable(struct tracer *tracer, struct status *st)
{
	return for_all(tracer, PERF_EVENT_IOC_ENABLE, st);
}

int tracer_disable(struct tracer *tracer, struct status *st)
{
	return for_all(tracer, PERF_EVENT_IOC_DISABLE, st);
}

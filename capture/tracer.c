/* SPDX-License-Identifier: MIT */
/*
 * One lane per thread or CPU: a buffer, shared by an event per tracepoint.  The
 * lanes are merged through a heap of their first events; see tracer.h.
 */
#include "capture/tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "capture/cpu_list.h"
#include "capture/perf_ring.h"

enum {
	WAKEUPS = 32, /* taken from epoll at once */
};

/* perf_event_open(2), PERF_RECORD_SAMPLE with what open_event() asks for. */
struct sample {
	struct perf_event_header header;
	uint64_t id;
	uint32_t pid, tid;
	uint64_t time;
	uint32_t cpu, reserved;
	uint32_t raw_size;
	unsigned char raw[];
};

struct member {
	int fd;
	uint64_t id; /* what its samples carry */
};

struct lane {
	struct perf_ring ring;
	struct member *members; /* one per point */
	bool has_event;		/* @event was read and not handed over */
	struct tracer_event event;
	uint64_t values[TRACEPOINT_FIELDS];
};

struct tracer {
	struct tracepoint *points;
	size_t nr_points;
	struct lane *lanes;
	size_t nr_lanes;
	struct member *members; /* of all lanes */
	struct lane **heap;	/* earliest first */
	size_t nr_heap;
	unsigned char *scratch;
	int epoll;
	size_t nr_alive; /* lanes whose thread may still run */
	uint64_t last_ns, seen, late, reported;
};

/* -- opening -- */

static int open_event(struct member *member, const struct tracepoint *tp,
		      const char *filter, pid_t tid, int cpu, uint32_t wakeup,
		      struct status *st)
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

	member->fd = perf_ring_open(&attr, tid, cpu, st);
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

/* The first event of a lane brings the buffer, the others write into it. */
static int open_lane(struct tracer *tracer, struct lane *lane,
		     const struct tracer_plan *plan, pid_t tid, int cpu,
		     struct status *st)
{
	struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = lane};
	size_t quarter = plan->ring_bytes / 4;
	uint32_t wakeup = quarter < UINT32_MAX ? (uint32_t)quarter : UINT32_MAX;
	int ret = 0;

	lane->ring.scratch = tracer->scratch;
	for (size_t i = 0; i < plan->nr_points && !ret; i++)
		ret = open_event(&lane->members[i], &tracer->points[i],
				 plan->points[i].filter, tid, cpu, wakeup, st);
	if (ret)
		return ret;
	ret = perf_ring_map(&lane->ring, lane->members[0].fd, plan->ring_bytes,
			    st);
	for (size_t i = 1; i < plan->nr_points && !ret; i++)
		if (ioctl(lane->members[i].fd, PERF_EVENT_IOC_SET_OUTPUT,
			  lane->members[0].fd))
			ret = status_fail(st, errno, "sharing a buffer: %s",
					  strerror(errno));
	if (!ret && epoll_ctl(tracer->epoll, EPOLL_CTL_ADD, lane->members[0].fd,
			      &wanted))
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
	tracer->nr_lanes = tracer->nr_alive = nr_lanes;
	tracer->epoll = epoll_create1(EPOLL_CLOEXEC);
	return tracer->epoll >= 0
		       ? 0
		       : status_fail(st, errno, "epoll: %s", strerror(errno));
}

static int open_all(struct tracer *tracer, int tracefs,
		    const struct tracer_plan *plan, const int *cpus,
		    size_t nr_cpus, struct status *st)
{
	size_t nr_lanes = plan->nr_tids ? plan->nr_tids : nr_cpus;
	int ret = allocate(tracer, plan, nr_lanes, st);

	if (!ret)
		ret = open_points(tracer, tracefs, plan, st);
	for (size_t i = 0; i < nr_lanes && !ret; i++)
		ret = open_lane(tracer, &tracer->lanes[i], plan,
				plan->nr_tids ? plan->tids[i] : -1,
				plan->nr_tids ? -1 : cpus[i], st);
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
	ret = plan->nr_tids ? 0 : cpu_list_online(&cpus, &nr_cpus, st);
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
		if (ioctl(tracer->members[i].fd, request, 0))
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

/* -- reading -- */

static int decode(struct tracer *tracer, struct lane *lane,
		  const struct sample *sample, struct status *st)
{
	size_t which = 0, room;

	if (sample->header.size < sizeof(*sample))
		return status_fail(st, EBADMSG, "a sample of %u bytes",
				   sample->header.size);
	room = sample->header.size - offsetof(struct sample, raw);
	while (which < tracer->nr_points &&
	       lane->members[which].id != sample->id)
		which++;
	if (which == tracer->nr_points || sample->raw_size > room)
		return status_fail(st, EBADMSG,
				   "a sample that is none of ours, or is cut "
				   "(%u of %zu bytes)",
				   sample->raw_size, room);
	lane->event = (struct tracer_event){
		.time_ns = sample->time,
		.tid = (pid_t)sample->tid,
		.cpu = sample->cpu,
		.which = (unsigned int)which,
		.field = lane->values,
	};
	return tracepoint_decode(&tracer->points[which], sample->raw,
				 sample->raw_size, lane->values, st);
}

/* Read the lane's next event, if it has none yet and there is one. */
static int fill(struct tracer *tracer, struct lane *lane, struct status *st)
{
	const struct perf_event_header *record;
	int ret;

	while (!lane->has_event) {
		ret = perf_ring_next(&lane->ring, &record, st);
		if (ret <= 0)
			return ret;
		if (record->type != PERF_RECORD_SAMPLE)
			continue;
		ret = decode(tracer, lane, (const void *)record, st);
		if (ret)
			return ret;
		lane->has_event = true;
	}
	return 0;
}

/* Whether @a goes first; the order of lanes decides between equals. */
static bool is_before(const struct lane *a, const struct lane *b)
{
	if (a->event.time_ns != b->event.time_ns)
		return a->event.time_ns < b->event.time_ns;
	return a < b;
}

static void swap(struct lane **a, struct lane **b)
{
	struct lane *kept = *a;

	*a = *b;
	*b = kept;
}

static void sift_down(struct tracer *tracer, size_t at)
{
	struct lane **heap = tracer->heap;
	size_t child;

	while ((child = 2 * at + 1) < tracer->nr_heap) {
		if (child + 1 < tracer->nr_heap &&
		    is_before(heap[child + 1], heap[child]))
			child++;
		if (!is_before(heap[child], heap[at]))
			break;
		swap(&heap[child], &heap[at]);
		at = child;
	}
}

/* Look at all buffers; from now on nothing new is seen. */
static int begin(struct tracer *tracer, struct status *st)
{
	int ret = 0;

	tracer->nr_heap = 0;
	for (size_t i = 0; i < tracer->nr_lanes && !ret; i++) {
		struct lane *lane = &tracer->lanes[i];

		perf_ring_begin(&lane->ring);
		ret = fill(tracer, lane, st);
		if (lane->has_event)
			tracer->heap[tracer->nr_heap++] = lane;
	}
	for (size_t i = tracer->nr_heap / 2; i > 0; i--)
		sift_down(tracer, i - 1);
	return ret;
}

/* Hand over the earliest event, and put the lane's next one in its place. */
static int hand_over(struct tracer *tracer, tracer_handler handler, void *arg,
		     struct status *st)
{
	struct lane *lane = tracer->heap[0];
	int ret;

	if (lane->event.time_ns < tracer->last_ns) {
		lane->event.time_ns = tracer->last_ns;
		tracer->late++;
	}
	tracer->last_ns = lane->event.time_ns;
	tracer->seen++;
	lane->has_event = false;
	ret = handler(arg, &lane->event, st);
	if (!ret)
		ret = fill(tracer, lane, st);
	if (!lane->has_event)
		tracer->heap[0] = tracer->heap[--tracer->nr_heap];
	sift_down(tracer, 0);
	return ret;
}

static int merge(struct tracer *tracer, uint64_t horizon_ns,
		 tracer_handler handler, void *arg, struct status *st)
{
	int ret = begin(tracer, st);

	while (!ret && tracer->nr_heap &&
	       tracer->heap[0]->event.time_ns <= horizon_ns)
		ret = hand_over(tracer, handler, arg, st);
	for (size_t i = 0; i < tracer->nr_lanes; i++)
		perf_ring_end(&tracer->lanes[i].ring);
	return ret;
}

/* Make the descriptor silent again, and stop watching threads that ended: they
 * would keep it readable for ever. */
static void take_wakeups(struct tracer *tracer)
{
	struct epoll_event events[WAKEUPS];
	int n;

	do {
		n = epoll_wait(tracer->epoll, events, WAKEUPS, 0);
		for (int i = 0; i < n; i++) {
			const struct lane *lane = events[i].data.ptr;

			if (!(events[i].events & (EPOLLHUP | EPOLLERR)))
				continue;
			epoll_ctl(tracer->epoll, EPOLL_CTL_DEL,
				  lane->members[0].fd, NULL);
			tracer->nr_alive--;
		}
	} while (n == WAKEUPS);
}

/* Return: how much more than was reported so far is now known to be @lost. */
static uint64_t newly_lost(struct tracer *tracer, uint64_t lost)
{
	uint64_t more = lost > tracer->reported ? lost - tracer->reported : 0;

	tracer->reported += more;
	return more;
}

static uint64_t lost_by_records(const struct tracer *tracer)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < tracer->nr_lanes; i++)
		lost += tracer->lanes[i].ring.lost;
	return lost;
}

int tracer_drain(struct tracer *tracer, tracer_handler handler, void *arg,
		 uint64_t *lost, struct status *st)
{
	struct timespec now;
	int ret;

	take_wakeups(tracer);
	clock_gettime(CLOCK_MONOTONIC, &now);
	ret = merge(tracer,
		    (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec,
		    handler, arg, st);
	*lost = newly_lost(tracer, lost_by_records(tracer));
	return ret ? ret : tracer->nr_alive > 0;
}

/* Events that fired while enabled, written to a buffer or not. */
static int count_made(const struct tracer *tracer, uint64_t *made,
		      struct status *st)
{
	uint64_t n;

	*made = 0;
	for (size_t i = 0; i < tracer->nr_lanes * tracer->nr_points; i++) {
		if (read(tracer->members[i].fd, &n, sizeof(n)) != sizeof(n))
			return status_fail(st, EIO,
					   "a perf event cannot be counted");
		*made += n;
	}
	return 0;
}

int tracer_finish(struct tracer *tracer, tracer_handler handler, void *arg,
		  uint64_t *lost, struct status *st)
{
	uint64_t made;
	int ret = tracer_disable(tracer, st);

	*lost = 0;
	take_wakeups(tracer);
	if (!ret)
		ret = count_made(tracer, &made, st);
	if (!ret)
		ret = merge(tracer, UINT64_MAX, handler, arg, st);
	if (!ret && made > tracer->seen + lost_by_records(tracer)) {
		/* Lost at the end, or counted and still being written by
		 * another CPU: wait until it is out of there. */
		syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
		ret = merge(tracer, UINT64_MAX, handler, arg, st);
	}
	if (ret)
		return ret;
	*lost = newly_lost(tracer, made - tracer->seen);
	return tracer->nr_alive > 0;
}

uint64_t tracer_late(const struct tracer *tracer)
{
	return tracer->late;
}

/* SPDX-License-Identifier: MIT */
/* Merging the lanes through a heap of their first events; see tracer.h. */
#include <errno.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/tracing/tracer_internal.h"

enum {
	WAKEUPS = 32, /* taken from epoll at once */
	/* An event has its time before it is published; in between its CPU may
	 * have other things to do. */
	SETTLE_NS = 1000000,
};

/* perf_event_open(2), PERF_RECORD_SAMPLE with what tracer.c asks for. */
struct sample {
	struct perf_event_header header;
	uint64_t id;
	uint32_t pid, tid;
	uint64_t time;
	uint32_t cpu, reserved;
	uint32_t raw_size;
	unsigned char raw[];
};

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
	lane->lost = lane->ring.lost;
	ret = handler(arg, &lane->event, st);
	if (!ret)
		ret = fill(tracer, lane, st);
	if (!lane->has_event)
		tracer->heap[0] = tracer->heap[--tracer->nr_heap];
	sift_down(tracer, 0);
	return ret;
}

static int merge(struct tracer *tracer, uint64_t horizon,
		 tracer_handler handler, void *arg, struct status *st)
{
	int ret = begin(tracer, st);

	while (!ret && tracer->nr_heap &&
	       tracer->heap[0]->event.time_ns <= horizon)
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
			epoll_ctl(tracer->epoll, EPOLL_CTL_DEL, lane->fd, NULL);
			tracer->nr_alive -= lane->tid >= 0;
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
		lost += tracer->lanes[i].lost;
	return lost;
}

/* Unless there were none from the beginning. */
static bool are_threads_gone(const struct tracer *tracer)
{
	return tracer->nr_threads && !tracer->nr_alive;
}

/* With one lane there is no order to keep. */
static uint64_t horizon_ns(const struct tracer *tracer)
{
	return tracer->nr_lanes > 1 ? clock_ns() - SETTLE_NS : UINT64_MAX;
}

int tracer_drain(struct tracer *tracer, tracer_handler handler, void *arg,
		 uint64_t *lost, struct status *st)
{
	int ret;

	take_wakeups(tracer);
	ret = merge(tracer, horizon_ns(tracer), handler, arg, st);
	*lost = newly_lost(tracer, lost_by_records(tracer));
	return ret ? ret : !are_threads_gone(tracer);
}

/* Events that fired while enabled, written to a buffer or not. */
static int count_made(const struct tracer *tracer, uint64_t *made,
		      struct status *st)
{
	uint64_t n;

	*made = 0;
	for (size_t i = 0; i < tracer->nr_lanes * tracer->nr_points; i++) {
		if (tracer->members[i].fd < 0)
			continue;
		if (read(tracer->members[i].fd, &n, sizeof(n)) != sizeof(n))
			return status_fail(st, EIO,
					   "a perf event cannot be counted");
		*made += n;
	}
	return 0;
}

/* All that is there; nothing is being added. */
static int drain_rest(struct tracer *tracer, uint64_t made,
		      tracer_handler handler, void *arg, struct status *st)
{
	int ret = merge(tracer, UINT64_MAX, handler, arg, st);

	if (ret || made == tracer->seen + lost_by_records(tracer))
		return ret;
	/* Lost at the end, or counted and still being written by another CPU:
	 * wait until it is out of there. */
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	return merge(tracer, UINT64_MAX, handler, arg, st);
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
		ret = drain_rest(tracer, made, handler, arg, st);
	if (ret)
		return ret;
	*lost = newly_lost(tracer, made - tracer->seen);
	tracer->last_ns = clock_ns();
	return !are_threads_gone(tracer);
}

uint64_t tracer_time_ns(const struct tracer *tracer)
{
	return tracer->last_ns;
}

uint64_t tracer_late(const struct tracer *tracer)
{
	return tracer->late;
}

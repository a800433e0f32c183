/* SPDX-License-Identifier: MIT */
/* Tracing dirty rings; see ring_trace.h. */
#include "capture/qemu/ring_trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "capture/host/fingerprint.h"
#include "capture/tracing/hostfs.h"
#include "capture/tracing/tracer.h"

enum {
	PROBE_RING_BYTES = 64 << 10,
	SETTLE_NS =
		2000000, /* the tracer holds back what is younger than 1 ms */
	ZAP_RING_BYTES = 64 << 10,
	STUCK_EXITS = 1000, /* without a push between them */
};

enum point {
	PUSH,
	FULL,
	NR_POINTS
};

enum push_field {
	RING,
	DIRTY_INDEX,
	SLOT,
	OFFSET
};

static const struct tracer_point points[NR_POINTS] = {
	[PUSH] = {"kvm",
		  "kvm_dirty_ring_push",
		  {"index", "dirty_index", "slot", "offset"},
		  NULL},
	[FULL] = {"kvm", "kvm_dirty_ring_exit", {NULL}, NULL},
};

/* Of one vCPU. */
struct ring {
	pid_t tid; /* 0: has not pushed yet */
	uint32_t next_index;
	unsigned int exits; /* because it is full, since the last push */
};

struct ring_trace {
	struct tracer *tracer; /* pushes and full rings */
	struct tracer *zaps;   /* few: a flood of pushes cannot push them out */
	struct push_list list;
	uint64_t from_ns;    /* pushes before are not kept */
	uint64_t drained_ns; /* when the last drain began */
	uint64_t lost, gaps, reported;
	struct ring rings[GUEST_VCPUS_MAX];
	unsigned int lone_exits; /* of threads that never pushed */
	pid_t stuck;
};

static const struct tracer_point zap_point = {
	"kvmmmu", "kvm_mmu_zap_all_fast", {NULL}, NULL};

static int open_tracers(struct tracer **pushes, struct tracer **zaps,
			const pid_t *tids, size_t nr_tids, uint64_t ring_bytes,
			struct status *st)
{
	const struct tracer_plan push_plan = {
		.points = points,
		.nr_points = NR_POINTS,
		.tids = tids,
		.nr_tids = nr_tids,
		.ring_bytes = ring_bytes,
	};
	const struct tracer_plan zap_plan = {
		.points = &zap_point,
		.nr_points = 1,
		.tids = tids,
		.nr_tids = nr_tids,
		.ring_bytes = ZAP_RING_BYTES,
	};
	int tracefs = hostfs_open("tracefs", st);
	int ret = tracefs;

	if (tracefs < 0)
		return ret;
	ret = tracer_open(pushes, tracefs, &push_plan, st);
	if (!ret)
		ret = tracer_open(zaps, tracefs, &zap_plan, st);
	close(tracefs);
	return ret;
}

int ring_trace_probe(struct status *st)
{
	const pid_t self = getpid();
	struct tracer *pushes = NULL, *zaps = NULL;
	int ret = open_tracers(&pushes, &zaps, &self, 1, PROBE_RING_BYTES, st);

	tracer_close(pushes);
	tracer_close(zaps);
	return ret;
}

bool ring_trace_has_pml(void)
{
	char mechanism[FINGERPRINT_WORD];

	fingerprint_kvm_word(-1, "dirty_mechanism", mechanism);
	return !strcmp(mechanism, "PML");
}

/* Memslots come and go in the threads that hold QEMU's big lock: the main thread
 * and the vCPUs. */
int ring_trace_open(struct ring_trace **trace, const struct guest *guest,
		    uint64_t ring_bytes, struct status *st)
{
	pid_t tids[GUEST_VCPUS_MAX + 1] = {guest->pid};

	*trace = kage_calloc(1, sizeof(**trace), st);
	if (!*trace)
		return -ENOMEM;
	(*trace)->from_ns = UINT64_MAX;
	memcpy(tids + 1, guest->vcpus, guest->nr_vcpus * sizeof(*tids));
	return open_tracers(&(*trace)->tracer, &(*trace)->zaps, tids,
			    guest->nr_vcpus + 1, ring_bytes, st);
}

void ring_trace_close(struct ring_trace *t)
{
	if (!t)
		return;
	tracer_close(t->tracer);
	tracer_close(t->zaps);
	push_list_fini(&t->list);
	free(t);
}

int ring_trace_enable(struct ring_trace *t, struct status *st)
{
	int ret;

	t->drained_ns = clock_ns();
	ret = tracer_enable(t->zaps, st);
	return ret ? ret : tracer_enable(t->tracer, st);
}

int ring_trace_fd(const struct ring_trace *t)
{
	return tracer_fd(t->tracer);
}

void ring_trace_keep(struct ring_trace *t, uint64_t from_ns)
{
	t->from_ns = from_ns;
}

static void count_gap(struct ring_trace *t, const struct tracer_event *event)
{
	uint64_t index = event->field[RING];
	uint32_t dirty_index = (uint32_t)event->field[DIRTY_INDEX];
	struct ring *ring;

	if (index >= GUEST_VCPUS_MAX)
		return;
	ring = &t->rings[index];
	if (ring->tid)
		t->gaps += (uint32_t)(dirty_index - ring->next_index);
	ring->tid = event->tid;
	ring->next_index = dirty_index + 1;
	ring->exits = 0;
}

/* A full ring is emptied by QEMU before the vCPU goes on.  One that was written
 * beyond its end never is: QEMU waits for KVM, and KVM for QEMU. */
static void count_full(struct ring_trace *t, pid_t tid)
{
	unsigned int *exits = &t->lone_exits;

	for (size_t i = 0; i < GUEST_VCPUS_MAX; i++)
		if (t->rings[i].tid == tid)
			exits = &t->rings[i].exits;
	if (++*exits > STUCK_EXITS)
		t->stuck = tid;
}

static int take_event(void *arg, const struct tracer_event *event,
		      struct status *st)
{
	struct ring_trace *t = arg;
	struct push push = {.time_ns = event->time_ns};

	if (event->which == FULL) {
		count_full(t, event->tid);
		return 0;
	}
	count_gap(t, event);
	if (event->time_ns < t->from_ns)
		return 0;
	push.slot = (uint32_t)event->field[SLOT];
	push.offset = event->field[OFFSET];
	return push_list_add(&t->list, &push, st);
}

static int take_zap(void *arg, const struct tracer_event *event,
		    struct status *st)
{
	struct ring_trace *t = arg;

	(void)st;
	push_list_zap(&t->list, event->time_ns);
	return 0;
}

/* Both are complete up to some moments ago (tracer.h). */
static int take_all(struct ring_trace *t,
		    int (*drain)(struct tracer *, tracer_handler, void *,
				 uint64_t *, struct status *),
		    struct status *st)
{
	uint64_t start = clock_ns(), lost = 0, lost_zaps = 0;
	int ret = drain(t->zaps, take_zap, t, &lost_zaps, st);

	if (lost_zaps) {
		push_list_zap(&t->list, t->drained_ns);
		push_list_zap(&t->list, start);
	}
	if (ret >= 0)
		ret = drain(t->tracer, take_event, t, &lost, st);
	t->lost += lost;
	t->drained_ns = start;
	return ret;
}

int ring_trace_drain(struct ring_trace *t, struct status *st)
{
	return take_all(t, tracer_drain, st);
}

int ring_trace_finish(struct ring_trace *t, struct status *st)
{
	return take_all(t, tracer_finish, st);
}

const struct push_list *ring_trace_pushes(const struct ring_trace *t)
{
	return &t->list;
}

void ring_trace_forget(struct ring_trace *t)
{
	push_list_clear(&t->list);
	t->from_ns = UINT64_MAX;
}

uint64_t ring_trace_take_losses(struct ring_trace *t)
{
	uint64_t never_came = t->lost > t->gaps ? t->lost : t->gaps;
	uint64_t fresh = never_came - t->reported;

	t->reported = never_came;
	return fresh;
}

pid_t ring_trace_stuck(const struct ring_trace *t)
{
	return t->stuck;
}

int ring_trace_drain_all(struct ring_trace *trace, struct status *st)
{
	const struct timespec pause = {0, SETTLE_NS};

	nanosleep(&pause, NULL);
	return ring_trace_drain(trace, st);
}

/* SPDX-License-Identifier: MIT */
/* Accesses of each vCPU in a queue, the queues in a heap; see closed_loop.h. */
#include "replay/closed_loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct access {
	uint64_t ns;	 /* of the trace */
	uint64_t number; /* in the trace: the order at equal times */
	uint32_t page;
	uint16_t vcpu; /* as recorded */
	bool is_write;
};

struct vcpu {
	struct access *queue; /* owned: [first, n) are still to be made */
	size_t first, n, capacity;
	uint64_t late_ns;
	uint64_t began_ns; /* the access that it waits for */
	uint64_t exits_ns; /* of timeline_exits_ns(), what is in late_ns */
	bool is_busy;
};

/* A vCPU that is not busy, and when it will make its next access. */
struct turn {
	uint64_t ns, number;
	uint32_t vcpu;
};

struct closed_loop {
	struct engine *e;
	struct timeline *timeline;
	struct vcpu *vcpus; /* owned */
	uint32_t nr_vcpus, nr_busy;
	struct turn *heap; /* owned */
	size_t n;
	uint64_t numbered;
	uint64_t now_ns; /* of the last access, or when it was done */
	uint64_t first_tick; /* the trace's clock: the engine's is in ns from then on */
	uint32_t ps_per_tick;
	bool has_started;
	uint32_t index[1 +
		       FEEDER_PAD]; /* one access, as engine_accesses() wants it */
};

static bool is_before(const struct turn *a, const struct turn *b)
{
	return a->ns != b->ns ? a->ns < b->ns : a->number < b->number;
}

static void put_turn(struct closed_loop *l, struct turn turn)
{
	size_t at = l->n++;

	for (; at && is_before(&turn, &l->heap[(at - 1) / 2]);
	     at = (at - 1) / 2)
		l->heap[at] = l->heap[(at - 1) / 2];
	l->heap[at] = turn;
}

static struct turn take_turn(struct closed_loop *l)
{
	struct turn first = l->heap[0], last = l->heap[--l->n];
	size_t at = 0, child;

	while ((child = 2 * at + 1) < l->n) {
		if (child + 1 < l->n &&
		    is_before(&l->heap[child + 1], &l->heap[child]))
			child++;
		if (!is_before(&l->heap[child], &last))
			break;
		l->heap[at] = l->heap[child];
		at = child;
	}
	l->heap[at] = last;
	return first;
}

/* @number is not busy: its turn comes with the first access of its queue. */
static void queue_up(struct closed_loop *l, uint32_t number)
{
	struct vcpu *v = &l->vcpus[number];
	const struct access *next = &v->queue[v->first];

	if (v->first < v->n)
		put_turn(l, (struct turn){next->ns + v->late_ns, next->number,
					  number});
}

/* Room for new accesses where old ones were, if that frees half of it. */
static void forget_made(struct vcpu *v)
{
	v->n -= v->first;
	if (v->n)
		memmove(v->queue, v->queue + v->first,
			v->n * sizeof(*v->queue));
	v->first = 0;
}

static int push(struct closed_loop *l, const struct access *access,
		struct status *st)
{
	uint32_t number =
		timeline_vcpu(l->timeline, access->page, access->vcpu);
	struct vcpu *v = &l->vcpus[number];
	bool was_empty = v->first == v->n;

	if (v->n == v->capacity && v->first >= v->n / 2)
		forget_made(v);
	if (kage_grow(&v->queue, &v->capacity, v->n, sizeof(*v->queue), st))
		return -ENOMEM;
	v->queue[v->n++] = *access;
	if (was_empty && !v->is_busy)
		queue_up(l, number);
	return 0;
}

/* Its job is done: it goes on, as late as that was. */
static void resume(struct closed_loop *l, uint32_t number, uint64_t done_ns)
{
	struct vcpu *v = &l->vcpus[number];

	v->late_ns += done_ns - v->began_ns;
	v->exits_ns = timeline_exits_ns(l->timeline);
	v->is_busy = false;
	l->nr_busy--;
	l->now_ns = done_ns;
	queue_up(l, number);
}

/* Return: whether flushes of others have made it late meanwhile. */
static bool was_flushed(struct closed_loop *l, struct vcpu *v)
{
	uint64_t exits_ns = timeline_exits_ns(l->timeline);
	uint64_t more_ns = exits_ns - v->exits_ns;

	v->late_ns += more_ns;
	v->exits_ns = exits_ns;
	return more_ns != 0;
}

static void make_access(struct closed_loop *l, const struct access *access,
			uint64_t now_ns)
{
	struct engine *e = l->e;
	uint8_t is_write = access->is_write;

	l->index[0] = access->page;
	e->vcpu = &access->vcpu;
	e->vcpu_tick = &now_ns;
	engine_accesses(e, l->index, &now_ns, &is_write, 1);
	e->vcpu = NULL;
}

static void take_first(struct closed_loop *l)
{
	struct turn turn = take_turn(l);
	struct vcpu *v = &l->vcpus[turn.vcpu];
	struct access access;

	if (was_flushed(l, v)) {
		queue_up(l, turn.vcpu);
		return;
	}
	access = v->queue[v->first++];
	l->now_ns = v->began_ns = turn.ns;
	make_access(l, &access, turn.ns);
	v->is_busy = timeline_is_busy(l->timeline, turn.vcpu);
	l->nr_busy += v->is_busy;
	if (!v->is_busy)
		queue_up(l, turn.vcpu);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Let all happen that comes before accesses that are yet to be read: those come at
 * @horizon_ns or later, and at equal times behind those that are here. */
static void run(struct closed_loop *l, uint64_t horizon_ns)
{
	struct engine *e = l->e;

	while (l->n || l->nr_busy) {
		uint64_t turn_ns = l->n ? l->heap[0].ns : UINT64_MAX;
		uint64_t until_ns =
			least(least(turn_ns, e->wake_ns), horizon_ns);
		uint64_t done_ns;
		uint32_t vcpu;

		if (timeline_until_done(l->timeline, until_ns, &vcpu, &done_ns))
			resume(l, vcpu, done_ns);
		else if (e->wake_ns == until_ns &&
			 (turn_ns == until_ns || until_ns < horizon_ns))
			engine_advance(e, until_ns);
		else if (turn_ns == until_ns)
			take_first(l);
		else
			break;
	}
}

/* From the first record on all of the engine counts in ns of virtual time. */
static void take_clock(struct closed_loop *l)
{
	struct engine *e = l->e;

	if (l->has_started)
		return;
	l->has_started = true;
	l->first_tick = e->first_tick;
	l->ps_per_tick = e->ps_per_tick;
	e->first_tick = e->truth.first_tick = 0;
	e->ps_per_tick = e->truth.ps_per_tick = 1000;
}

static uint64_t ns_of(const struct closed_loop *l, uint64_t tick)
{
	return (uint64_t)((unsigned __int128)(tick - l->first_tick) *
			  l->ps_per_tick / 1000);
}

static int push_stream(struct closed_loop *l, const struct trace_stream *s,
		       struct status *st)
{
	int ret = 0;

	for (size_t i = 0; i < s->n && !ret; i++) {
		enum trace_event_kind kind = (enum trace_event_kind)s->kind[i];
		struct access access = {.ns = ns_of(l, s->time[i]),
					.number = l->numbered++,
					.vcpu = s->vcpu[i],
					.is_write = kind == TRACE_WRITE};

		if (kind == TRACE_LOST)
			continue;
		if (!trace_event_is_access(kind))
			return status_fail(
				st, EINVAL,
				"--closed-loop: the trace has more than accesses of vCPUs; when the rest would come beside a late guest is not known");
		gfn_map_translate(&l->e->map, s->gfn + i, 1, &access.page);
		ret = push(l, &access, st);
	}
	return ret;
}

static int push_feed(struct closed_loop *l, const struct feed *feed,
		     struct status *st)
{
	int ret = 0;

	for (size_t i = 0; i < feed->n && !ret; i++) {
		const struct access access = {.ns = ns_of(l, feed->tick[i]),
					      .number = l->numbered++,
					      .page = feed->index[i],
					      .vcpu = feed->vcpu[i],
					      .is_write = feed->is_write[i]};

		ret = push(l, &access, st);
	}
	return ret;
}

int closed_loop_block(struct engine *e, const struct feed *feed,
		      struct status *st)
{
	struct closed_loop *l = e->closed;
	uint64_t late_ns = UINT64_MAX;
	int ret;

	take_clock(l);
	ret = feed->is_accesses ? push_feed(l, feed, st)
				: push_stream(l, &feed->block.stream, st);
	if (ret)
		return ret;
	e->now_tick = ns_of(l, e->now_tick);
	for (uint32_t v = 0; v < l->nr_vcpus; v++)
		late_ns = least(late_ns, l->vcpus[v].late_ns);
	run(l, e->now_tick + late_ns);
	return 0;
}

uint64_t closed_loop_end(struct engine *e)
{
	struct closed_loop *l = e->closed;
	uint64_t end_ns = engine_ns(e, e->now_tick);

	run(l, UINT64_MAX);
	if (l->now_ns < end_ns)
		l->now_ns = end_ns;
	return l->now_ns;
}

static int check(const struct engine *e, const char *path, struct status *st)
{
	if (e->nr_lanes != 1)
		return status_fail(st, EINVAL,
				   "--closed-loop: one lane per pass");
	if (e->trace->totals.epochs)
		return status_fail(
			st, EINVAL,
			"%s: epochs have neither order nor time for --closed-loop; it needs a stream",
			path);
	if (e->lanes[0].config->scenario)
		return status_fail(
			st, EINVAL,
			"--closed-loop: a scenario has no time of its own");
	return 0;
}

int closed_loop_init(struct engine *e, const char *path, struct status *st)
{
	struct closed_loop *l;

	if (!e->options->timeline || !e->options->timeline->is_closed)
		return 0;
	if (check(e, path, st))
		return -EINVAL;
	l = kage_calloc(1, sizeof(*l), st);
	if (!l)
		return -ENOMEM;
	e->closed = l;
	l->e = e;
	l->timeline = e->lanes[0].timeline;
	l->nr_vcpus = timeline_result(l->timeline)->vcpus;
	l->vcpus = kage_calloc(l->nr_vcpus, sizeof(*l->vcpus), st);
	l->heap = kage_calloc(l->nr_vcpus, sizeof(*l->heap), st);
	return l->vcpus && l->heap ? 0 : -ENOMEM;
}

void closed_loop_fini(struct engine *e)
{
	struct closed_loop *l = e->closed;

	if (!l)
		return;
	for (uint32_t v = 0; v < l->nr_vcpus && l->vcpus; v++)
		free(l->vcpus[v].queue);
	free(l->vcpus);
	free(l->heap);
	free(l);
	e->closed = NULL;
}

int closed_loop_check(const struct engine *e, struct status *st)
{
	const struct timeline_result *r;

	if (!e->closed)
		return 0;
	r = timeline_result(e->closed->timeline);
	if (!*r->lacking)
		return 0;
	return status_fail(
		st, EINVAL,
		"--closed-loop: profile '%s' has no cost for %.300s; how late the guest would be is not known",
		e->options->timeline->costs->profile, r->lacking);
}

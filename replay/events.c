/* SPDX-License-Identifier: MIT */
/*
 * Stream blocks that hold more than guest accesses: invalidations, pages that the
 * guest gives back, accesses by the VMM.  At equal times they come before drivers,
 * and accesses come last.
 */
#include "models/invalidate.h"
#include "replay/engine_internal.h"

/* Pages [page, page + count), of one memslot, leave a lane or are zapped in it. */
static void zap_range(struct lane *lane, uint32_t page, uint32_t count,
		      enum trace_event_kind kind)
{
	uint32_t end = page + count;

	if (kind == TRACE_INVALIDATE) {
		mglru_invalidate(&lane->mglru, page, end, MMU_TRACE);
		return;
	}
	for (; page < end; page++) {
		numa_forget(&lane->numa, page);
		mglru_discard(&lane->mglru, page);
	}
}

static void host_access(struct engine *e, struct lane *lane, gfn_t gfn,
			uint64_t now_ns)
{
	uint32_t page;

	gfn_map_translate(&e->map, &gfn, 1, &page);
	lane->now_ns = now_ns;
	lane_bring_in(lane, page, now_ns);
	if (lane->life && mglru_needs_charge(&lane->mglru, page))
		life_fault(lane, page);
	if (numa_is_prot_none(&lane->numa, page))
		numa_fault(&lane->numa, &lane->mglru, page, now_ns);
	mglru_host_access(&lane->mglru, page, now_ns);
}

/* Tell the watched page what concerns it. */
static void tell_event(struct engine *e, const struct trace_stream *s, size_t i,
		       uint64_t now_ns)
{
	enum trace_event_kind kind = (enum trace_event_kind)s->kind[i];
	uint32_t first = e->index[i];

	if (kind == TRACE_HOST_READ || kind == TRACE_HOST_WRITE)
		engine_tell(e, first, LIFE_HOST_TOUCHED, now_ns);
	else if (e->watched >= first && e->watched - first < s->count[i])
		engine_tell(e, e->watched,
			    kind == TRACE_INVALIDATE ? LIFE_INVALIDATED
						     : LIFE_GIVEN_BACK,
			    now_ns);
}

static void other_event(struct engine *e, const struct trace_stream *s,
			size_t i)
{
	enum trace_event_kind kind = (enum trace_event_kind)s->kind[i];
	bool is_host_access = kind == TRACE_HOST_READ ||
			      kind == TRACE_HOST_WRITE;
	uint64_t now_ns = engine_ns(e, s->time[i]);

	if (kind == TRACE_LOST)
		return;
	/* the VMM's touch makes a page as young as the guest's */
	if (e->truth.last && is_host_access)
		truth_begin(&e->truth, e->index[i], s->time[i]);
	for (size_t l = 0; l < e->nr_lanes; l++) {
		if (is_host_access)
			host_access(e, &e->lanes[l], s->gfn[i], now_ns);
		else
			zap_range(&e->lanes[l], e->index[i], s->count[i], kind);
		if (e->lanes[l].timeline)
			timeline_host(e->lanes[l].timeline, now_ns);
	}
	tell_event(e, s, i, now_ns);
	if (e->truth.last && is_host_access)
		truth_end(&e->truth);
}

/* Records of one instant: what is no access first, then drivers, then accesses. */
static void one_instant(struct engine *e, const struct trace_stream *s,
			size_t from, size_t to)
{
	uint64_t now_ns = engine_ns(e, s->time[from]);

	if (now_ns)
		engine_advance(e, now_ns - 1);
	for (size_t i = from; i < to; i++)
		if (!trace_event_is_access((enum trace_event_kind)s->kind[i]))
			other_event(e, s, i);
	engine_advance(e, now_ns);
	for (size_t i = from; i < to; i++)
		if (trace_event_is_access((enum trace_event_kind)s->kind[i]))
			engine_accesses(e, e->index + i, s->time + i,
					e->is_write + i, 1);
}

int engine_events(struct engine *e, const struct trace_stream *s,
		  struct status *st)
{
	int ret = engine_reserve(e, s->n, st);
	size_t end;

	e->vcpu = s->vcpu;
	e->vcpu_tick = s->time;
	if (ret)
		return ret;
	for (size_t i = 0; i < s->n; i++)
		if (s->kind[i] != TRACE_LOST)
			gfn_map_translate(&e->map, s->gfn + i, 1, e->index + i);
	for (size_t i = 0; i < s->n; i++)
		e->is_write[i] = s->kind[i] == TRACE_WRITE;
	for (size_t i = 0; i < s->n; i = end) {
		for (end = i + 1; end < s->n && s->time[end] == s->time[i];)
			end++;
		one_instant(e, s, i, end);
	}
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * What a pass keeps beside its lanes, and only if it is asked to: the last access of
 * each page (truth.h), and the page whose life is told (life.h).
 */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "replay/engine_internal.h"

static int find_watched(struct engine *e, const char *path, struct status *st)
{
	gfn_t gfn = e->options->watched_gfn;
	const struct trace_slot *slot = e->meta->slots;
	size_t i = 0;

	e->watched = e->pages.npages; /* none */
	if (!e->options->watches)
		return 0;
	while (i < e->meta->nr_slots &&
	       (gfn < slot[i].gfn || gfn - slot[i].gfn >= slot[i].npages))
		i++;
	if (i == e->meta->nr_slots)
		return status_fail(
			st, EINVAL,
			"%s: gfn %#llx is in none of its %zu memslots, which begin at %#llx (kage trace info lists them)",
			path, (unsigned long long)gfn,
			(size_t)e->meta->nr_slots,
			(unsigned long long)(i ? slot[0].gfn : 0));
	gfn_map_translate(&e->map, &gfn, 1, &e->watched);
	return 0;
}

void engine_tell(struct engine *e, uint32_t page, enum life_kind kind,
		 uint64_t now_ns)
{
	for (size_t i = 0; i < e->nr_lanes && page == e->watched; i++)
		life_note(&e->lanes[i], kind, now_ns);
}

int engine_witness_init(struct engine *e, const char *path, struct status *st)
{
	int ret = find_watched(e, path, st);

	if (ret || !e->options->measures_accuracy)
		return ret;
	e->truth.ps_per_tick = e->ps_per_tick;
	e->truth.last =
		kage_calloc_pages(e->pages.npages, sizeof(*e->truth.last), st);
	return e->truth.last ? 0 : -ENOMEM;
}

int engine_witness_lane(struct engine *e, struct lane *lane, struct status *st)
{
	int ret = 0;

	if (e->truth.last)
		ret = accuracy_attach(lane, &e->truth, engine_span_ns(e), st);
	if (!ret && e->options->watches)
		ret = life_attach(lane, e->watched, st);
	return ret;
}

void engine_witness_fini(struct engine *e)
{
	for (size_t i = 0; i < e->nr_lanes; i++)
		if (e->lanes[i].accuracy)
			e->lanes[i].accuracy->truth = NULL;
	free(e->truth.last);
}

/* SPDX-License-Identifier: MIT */
/* Recording and folding; see life.h. */
#include "replay/life.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "replay/lane.h"

/* Which events may stand in one run. */
enum group {
	ALONE,	/* ends a run, and is in none */
	EITHER, /* in any */
	IN_USE,
	IDLE
};

static const enum group groups[LIFE_KINDS] = {
	[LIFE_FIRST_TOUCH] = ALONE, [LIFE_REFAULT] = ALONE,
	[LIFE_TOUCHED] = IN_USE,    [LIFE_HOST_TOUCHED] = IN_USE,
	[LIFE_MAPPED] = IN_USE,	    [LIFE_WALK_YOUNG] = IN_USE,
	[LIFE_WALK_OLD] = IDLE,	    [LIFE_VICTIM_YOUNG] = IN_USE,
	[LIFE_VICTIM_OLD] = IDLE,   [LIFE_WINDOW_YOUNG] = IN_USE,
	[LIFE_WINDOW_OLD] = IDLE,   [LIFE_PROMOTED] = IN_USE,
	[LIFE_PUT_BACK] = EITHER,   [LIFE_CARRIED] = EITHER,
	[LIFE_AGED] = EITHER,	    [LIFE_EVICTED] = ALONE,
	[LIFE_GIVEN_BACK] = ALONE,  [LIFE_INVALIDATED] = EITHER,
};

const char *const life_names[LIFE_KINDS] = {
	[LIFE_FIRST_TOUCH] = "first_touch",
	[LIFE_REFAULT] = "refault",
	[LIFE_TOUCHED] = "touched",
	[LIFE_HOST_TOUCHED] = "host_touched",
	[LIFE_MAPPED] = "mapped",
	[LIFE_WALK_YOUNG] = "walk_young",
	[LIFE_WALK_OLD] = "walk_old",
	[LIFE_VICTIM_YOUNG] = "victim_young",
	[LIFE_VICTIM_OLD] = "victim_old",
	[LIFE_WINDOW_YOUNG] = "window_young",
	[LIFE_WINDOW_OLD] = "window_old",
	[LIFE_PROMOTED] = "promoted",
	[LIFE_PUT_BACK] = "put_back",
	[LIFE_CARRIED] = "carried",
	[LIFE_AGED] = "aged",
	[LIFE_EVICTED] = "evicted",
	[LIFE_GIVEN_BACK] = "given_back",
	[LIFE_INVALIDATED] = "invalidated",
};

int life_rank(const struct lane *lane)
{
	return lane->life->is_resident && !lane->life->is_coming
		       ? (int)(lane->mglru.max_seq - lane->life->seq)
		       : LIFE_NO_RANK;
}

/* Return: the event of @kind in the run that goes on, or NULL. */
static struct life_event *find_in_run(struct life *life, enum life_kind kind)
{
	for (size_t i = life->run; i < life->nr_events; i++)
		if (life->events[i].kind == kind)
			return &life->events[i];
	return NULL;
}

/* A kind of another group begins a run; one that is alone ends it, too. */
static void end_run(struct life *life, enum group group)
{
	if (group == EITHER || (group != ALONE && (life->run_group == EITHER ||
						   group == life->run_group))) {
		if (group != EITHER)
			life->run_group = group;
		return;
	}
	life->run = life->nr_events;
	life->run_group = group == ALONE ? EITHER : group;
}

static struct life_event *append(struct lane *lane, enum life_kind kind,
				 uint64_t now_ns)
{
	struct life *life = lane->life;

	if (kage_grow(&life->events, &life->capacity, life->nr_events,
		      sizeof(*life->events), NULL)) {
		lane->error = -ENOMEM;
		return NULL;
	}
	life->events[life->nr_events] =
		(struct life_event){.kind = kind, .first_ns = now_ns};
	return &life->events[life->nr_events++];
}

void life_note(struct lane *lane, enum life_kind kind, uint64_t now_ns)
{
	struct life *life = lane->life;
	enum group group = groups[kind];
	struct life_event *event;

	life->totals[kind]++;
	end_run(life, group);
	event = find_in_run(life, kind);
	if (!event)
		event = append(lane, kind, now_ns);
	if (!event)
		return;
	event->count++;
	event->last_ns = now_ns;
	event->rank = life_rank(lane);
	if (group == ALONE)
		life->run = life->nr_events;
	if (kind == LIFE_GIVEN_BACK)
		life->is_resident = life->is_coming = false;
}

static void asked(void *arg, enum mglru_asker who, uint32_t first,
		  uint64_t want, uint64_t young)
{
	static const enum life_kind kinds[][2] = {
		[MGLRU_ASKS_WALK] = {LIFE_WALK_OLD, LIFE_WALK_YOUNG},
		[MGLRU_ASKS_VICTIM] = {LIFE_VICTIM_OLD, LIFE_VICTIM_YOUNG},
		[MGLRU_ASKS_WINDOW] = {LIFE_WINDOW_OLD, LIFE_WINDOW_YOUNG},
	};
	struct lane *lane = arg;
	uint32_t at = lane->life->page - first;

	if (lane->life->page >= first && at < WINDOW && want >> at & 1)
		life_note(lane, kinds[who][young >> at & 1], lane->now_ns);
}

/* Return: the generation @gen as a sequence number that exists. */
static uint64_t seq_of(const struct mglru *m, unsigned int gen)
{
	uint64_t seq = m->max_seq;

	while (seq > mglru_oldest_seq(m) && seq % MAX_NR_GENS != gen)
		seq--;
	return seq;
}

/* A page that comes has its fault told already: all that is new is where it is. */
static void arrive(struct lane *lane)
{
	struct life *life = lane->life;
	size_t i = life->nr_events;

	life->is_coming = false;
	while (i--) {
		enum life_kind kind = life->events[i].kind;

		if (kind != LIFE_FIRST_TOUCH && kind != LIFE_REFAULT)
			continue;
		life->events[i].rank = life_rank(lane);
		return;
	}
}

static void moved(void *arg, uint32_t page, unsigned int gen,
		  enum mglru_move how)
{
	static const enum life_kind kinds[] = {
		[MGLRU_ADDED] = LIFE_PUT_BACK,
		[MGLRU_PROMOTED] = LIFE_PROMOTED,
		[MGLRU_INCREASED] = LIFE_CARRIED,
	};
	struct lane *lane = arg;
	struct life *life = lane->life;
	uint64_t seq = seq_of(&lane->mglru, gen);
	bool is_news = how != MGLRU_PROMOTED || seq != life->seq;

	if (page != mglru_folio(&lane->mglru, life->page))
		return;
	life->seq = seq;
	if (life->is_coming)
		arrive(lane);
	else if (is_news)
		life_note(lane, kinds[how], lane->now_ns);
}

static bool is_ours(const struct lane *lane, uint32_t page)
{
	return lane->life && lane->life->page == page;
}

/* A huge folio's pages share its fault. */
static bool is_of_our_folio(const struct lane *lane, uint32_t page)
{
	const struct mglru *m = &lane->mglru;

	return lane->life &&
	       mglru_folio(m, lane->life->page) == mglru_folio(m, page);
}

void life_fault(struct lane *lane, uint32_t page)
{
	struct life *life = lane->life;

	if (!is_of_our_folio(lane, page))
		return;
	life->is_resident = life->is_coming = true;
	if (!(lane->mglru.flags[page] & PAGE_SHADOW))
		life_note(lane, LIFE_FIRST_TOUCH, lane->now_ns);
}

void life_mapped(struct lane *lane, uint32_t page)
{
	if (is_of_our_folio(lane, page))
		life_note(lane, LIFE_MAPPED, lane->now_ns);
}

void life_refault(struct lane *lane, uint32_t page, uint64_t evicted_ns)
{
	struct life *life = lane->life;

	if (!is_ours(lane, page))
		return;
	life->is_resident = true;
	/* what was read ahead is on a list already */
	life->is_coming = !(lane->mglru.flags[page] & PAGE_GEN_MASK);
	life_note(lane, LIFE_REFAULT, lane->now_ns);
	if (life->nr_events)
		life->events[life->nr_events - 1].since_ns = evicted_ns;
}

void life_evicted(struct lane *lane, uint32_t page)
{
	if (!is_ours(lane, page))
		return;
	life_note(lane, LIFE_EVICTED, lane->now_ns);
	lane->life->is_resident = false;
}

void life_new_generation(struct lane *lane)
{
	if (lane->life && life_rank(lane) != LIFE_NO_RANK)
		life_note(lane, LIFE_AGED, lane->now_ns);
}

int life_attach(struct lane *lane, uint32_t page, struct status *st)
{
	lane->life = kage_calloc(1, sizeof(*lane->life), st);
	if (!lane->life)
		return -ENOMEM;
	*lane->life = (struct life){.page = page, .run_group = EITHER};
	lane->mglru.listener.asked = asked;
	lane->mglru.listener.moved = moved;
	return 0;
}

void life_free(struct life *life)
{
	if (!life)
		return;
	free(life->events);
	free(life);
}

/* SPDX-License-Identifier: MIT */
/*
 * The life of one page in one lane: what the guest did with it, who asked about it,
 * where it was moved, when it left and came back.
 *
 * Long lives are folded while they are recorded.  A run is what happens between two
 * turns of fate (a fault, an eviction, or a change between being found in use and
 * being found idle); within it, all that is of one kind is one event with a count, a
 * first and a last time.
 */
#ifndef REPLAY_LIFE_H
#define REPLAY_LIFE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct lane;

enum life_kind {
	LIFE_FIRST_TOUCH,
	LIFE_REFAULT, /* since: when it was evicted */
	LIFE_TOUCHED, /* by the guest; a folded record counts once */
	LIFE_HOST_TOUCHED,
	LIFE_MAPPED,	   /* a fault that only made an SPTE */
	LIFE_WALK_YOUNG,   /* the aging walk asked, and it was young */
	LIFE_WALK_OLD,	   /* the aging walk asked, and it was not */
	LIFE_VICTIM_YOUNG, /* asked as a candidate for eviction: kept */
	LIFE_VICTIM_OLD,
	LIFE_WINDOW_YOUNG, /* look-around of a neighbour asked */
	LIFE_WINDOW_OLD,
	LIFE_PROMOTED, /* to the youngest generation, found young */
	LIFE_PUT_BACK, /* on the lists again */
	LIFE_CARRIED,  /* from the oldest generation to the next */
	LIFE_AGED,     /* a pass made a younger generation than its own */
	LIFE_EVICTED,
	LIFE_GIVEN_BACK,  /* by the guest */
	LIFE_INVALIDATED, /* its SPTE was zapped, for another reason */
	LIFE_KINDS
};

/* For programs: "first_touch". */
extern const char *const life_names[LIFE_KINDS];

enum {
	LIFE_NO_RANK = -1
};

struct life_event {
	enum life_kind kind;
	uint64_t first_ns, last_ns, count;
	int rank; /* of its generation after the last one, 0 the youngest */
	uint64_t since_ns; /* LIFE_REFAULT: the eviction, known to 2^16 ns */
};

struct life {
	uint32_t page;
	struct life_event *events; /* owned */
	size_t nr_events, capacity;
	uint64_t totals[LIFE_KINDS];
	bool is_resident, is_coming; /* coming: faulted, on no list yet */
	uint64_t seq; /* of its generation, while it is on a list */

	size_t run; /* first event of the run that goes on */
	unsigned int run_group;
};

/**
 * life_attach - tell the life of @page in @lane from now on
 *
 * Return: 0 or -ENOMEM; lane_fini() frees what it made.
 */
int life_attach(struct lane *lane, uint32_t page, struct status *st);
void life_free(struct life *life);

/* The lane's own news; those of other pages are ignored.  fault: a page is about to be
 * instantiated or swapped in; mapped: a resident one got its SPTE. */
void life_mapped(struct lane *lane, uint32_t page);
void life_fault(struct lane *lane, uint32_t page);
void life_refault(struct lane *lane, uint32_t page, uint64_t evicted_ns);
void life_evicted(struct lane *lane, uint32_t page);
void life_new_generation(struct lane *lane);

/* What the engine alone knows of the page: it happened at @now_ns. */
void life_note(struct lane *lane, enum life_kind kind, uint64_t now_ns);

/* Return: the rank of the page's generation now, or LIFE_NO_RANK. */
int life_rank(const struct lane *lane);

#endif

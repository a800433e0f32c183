/* SPDX-License-Identifier: MIT */
/*
 * How well a lane knows the ages of its pages, judged at the end of each aging pass
 * against the last access of each page (truth.h).  Costs O(pages) per pass and is
 * done for runs that ask for it only; it changes no decision.
 *
 * Called young by a pass: in the youngest generation once the pass has seen the page,
 * or left it unseen at the end.  Truly young: accessed since the pass before had its
 * turn at that page's 64-page window.  Pages that are isolated for reclaim at that
 * moment are left out.
 */
#ifndef REPLAY_ACCURACY_H
#define REPLAY_ACCURACY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "models/mglru.h"
#include "replay/truth.h"

struct lane;

/* A 64th, a 16th and a quarter of the trace, and 120 s if it is longer. */
enum {
	ACCURACY_WINDOWS = 4
};

struct accuracy_verdicts {
	uint64_t true_young, false_young, true_old, false_old; /* pages */
	/* of pages called old: time since their last access, or if nobody has (they
	 * came with a huge folio) since the trace began; summed, in ns */
	double staleness_ns;
};

/* The estimate and the truth of how many pages were used within a time. */
struct accuracy_working_set {
	bool is_known;	    /* the trace is as long as the window */
	uint64_t estimated; /* UINT64_MAX: no generation is as young */
	uint64_t accessed;
};

struct accuracy_pass {
	uint64_t pass, end_ns;
	struct accuracy_verdicts verdicts;
	uint64_t resident; /* pages on lists: 0: no distance */
	double distance_s; /* age_distance() of the generations as they are */
	double exact_distance_s; /* the same with every page where it belongs */
	struct accuracy_working_set working_set[ACCURACY_WINDOWS];
};

struct accuracy {
	const struct truth *truth; /* borrowed from the engine while it runs */
	uint64_t window_ns[ACCURACY_WINDOWS]; /* 0: not used */

	struct accuracy_pass *passes; /* owned */
	size_t nr_passes, passes_capacity;
	/* Pages by true and assigned generation, 0 the youngest; over all passes. */
	uint64_t misplaced[MAX_NR_GENS][MAX_NR_GENS];

	/* Of the pass under way, and per window of pages: who had its turn, and
	 * after how many accesses. */
	struct accuracy_verdicts verdicts;
	uint64_t *judged_after;		  /* owned */
	uint32_t *judged_in;		  /* owned; pass, from 1 */
	uint64_t born_after[MAX_NR_GENS]; /* accesses before each generation */
	uint64_t *age_ns;		  /* owned; scratch, one per page */
};

/**
 * accuracy_attach - judge @lane from now on
 * @duration_ns: of the trace; decides which working sets are looked at
 *
 * Return: 0 or -ENOMEM; lane_fini() frees what it made in either case.
 */
int accuracy_attach(struct lane *lane, const struct truth *truth,
		    uint64_t duration_ns, struct status *st);
void accuracy_free(struct accuracy *a);

/* The pass has made its generation. */
void accuracy_new_generation(struct lane *lane);

#endif

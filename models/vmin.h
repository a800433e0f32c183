/* SPDX-License-Identifier: MIT */
/*
 * Bounds for drivers under which the resident set grows and shrinks: what a policy
 * could do with as much memory on average.
 *
 *   vmin  a page leaves at once if its next access is more than a window away, and
 *         else stays until then (Prieve and Fabry, "VMIN: an optimal variable-space
 *         page replacement algorithm", 1976): the least faults at that average
 *   ws    a page leaves when it has been idle for the window (Denning, "The working
 *         set model for program behavior", 1968): what exact ages could do without
 *         seeing the future
 *
 * Both fault on the same accesses for the same window.  Times between accesses are
 * kept to within 1/64 of themselves; averages and faults at the ends of these steps
 * are exact, and between them they are interpolated.
 */
#ifndef MODELS_VMIN_H
#define MODELS_VMIN_H

#include <stdint.h>

#include "base/status.h"

enum {
	VMIN_STEPS_PER_OCTAVE = 64,
	VMIN_STEPS = 59 * VMIN_STEPS_PER_OCTAVE,
};

enum vmin_kind {
	VMIN_OPT,
	VMIN_WS
};

struct vmin_step {
	uint64_t n; /* times between accesses that end in this step */
	double ns;  /* their sum */
	uint64_t nr_tails;
	double tail_ns; /* the same for times from the last access to the end */
};

struct vmin {
	uint32_t npages;
	uint64_t *last; /* per page: ns of its last access, plus one; owned */
	struct vmin_step *steps; /* owned */
	uint64_t accesses, footprint;
	uint64_t end_ns; /* of the trace, from 0 */
};

/* A point of the curve: what both do with a window. */
struct vmin_point {
	double window_ns, refaults;
	double pages[2]; /* resident on average, by vmin_kind */
};

/* Return: 0 or -ENOMEM; vmin_fini() is safe in either case. */
int vmin_init(struct vmin *v, uint32_t npages, struct status *st);
void vmin_fini(struct vmin *v);

/* Accesses by rising time. */
void vmin_access(struct vmin *v, uint32_t page, uint64_t now_ns);

/* No access comes any more; the trace ends at @end_ns. */
void vmin_end(struct vmin *v, uint64_t end_ns);

/* Return: the most pages that @kind would ever keep on average. */
double vmin_most_pages(const struct vmin *v, enum vmin_kind kind);

/* Return: the point of the curve at which @kind keeps @pages on average. */
struct vmin_point vmin_at(const struct vmin *v, enum vmin_kind kind,
			  double pages);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Does a ranking by price depend on what single operations cost?  What a policy's work
 * and refaults cost is linear in each cost, and costs change no decision, so that is
 * computed exactly from counters: no replay is needed.
 *
 * A cost that nobody knows is counted as 0 where another one is varied, and itself may
 * be anything from 0 on.  What it cannot know: what waiting for locks adds, which is not
 * linear; and costs that no counter has.
 */
#ifndef ANALYSIS_SENSITIVITY_H
#define ANALYSIS_SENSITIVITY_H

#include <stdbool.h>
#include <stddef.h>

struct sensitivity_cost {
	const char *name;
	bool is_known;
	double ns; /* if it is */
	bool has_range;
	double low_ns, high_ns; /* its interval, if it has one */
	const char *kind;	/* "missing" if not */
};

/* The runs of one trace, setup and limit. */
struct sensitivity {
	size_t nr_policies, nr_costs;
	const struct sensitivity_cost *costs;
	const double *counts; /* of policy p and cost c: [p * nr_costs + c] */
};

/* Where something changes, for one cost: from below a value, or from above it. */
struct sensitivity_edge {
	bool exists;
	double ns;
	size_t winner, loser; /* beyond it: who is cheaper than whom */
};

struct sensitivity_range {
	struct sensitivity_edge low, high;
};

enum {
	SENSITIVITY_NONE = -1, /* instead of a cost: all are as they are */
};

/* Return: what @policy's operations cost if one of @cost costs @ns. */
double sensitivity_total(const struct sensitivity *s, size_t policy, int cost,
			 double ns);

/* Return: -1 if @a is cheaper than @b, 0 if they cost the same, else 1. */
int sensitivity_compare(const struct sensitivity *s, size_t a, size_t b,
			int cost, double ns);

/* Sort @order, 0 to nr_policies - 1, by price; equals by their number. */
void sensitivity_rank(const struct sensitivity *s, size_t *order);

/* Return: whether any two policies compare as they do with costs as they are. */
bool sensitivity_holds(const struct sensitivity *s, size_t cost, double ns);

/**
 * sensitivity_edges - the interval of a cost in which nothing changes
 * @only: SIZE_MAX: any two policies; else only those with this one, the best
 *
 * The interval lies around the cost's value, or from 0 on if that is not known.  Without
 * an edge below it begins at 0, without one above it has no end.
 */
struct sensitivity_range sensitivity_edges(const struct sensitivity *s,
					   size_t cost, size_t only);

/* Return: whether @a costs at most what @b does whatever the missing costs are. */
bool sensitivity_dominates(const struct sensitivity *s, size_t a, size_t b);

#endif

/* SPDX-License-Identifier: MIT */
/* Prices as linear functions of one cost; see sensitivity.h. */
#include "analysis/sensitivity.h"

#include <math.h>
#include <stdint.h>

/* Sums of the same terms in another order are the same price. */
static const double precision = 1e-12;

static double count(const struct sensitivity *s, size_t policy, size_t cost)
{
	return s->counts[policy * s->nr_costs + cost];
}

static double value(const struct sensitivity *s, size_t cost)
{
	return s->costs[cost].is_known ? s->costs[cost].ns : 0;
}

double sensitivity_total(const struct sensitivity *s, size_t policy, int cost,
			 double ns)
{
	double total = 0;

	for (size_t i = 0; i < s->nr_costs; i++)
		total += count(s, policy, i) *
			 ((int)i == cost ? ns : value(s, i));
	return total;
}

int sensitivity_compare(const struct sensitivity *s, size_t a, size_t b,
			int cost, double ns)
{
	double x = sensitivity_total(s, a, cost, ns);
	double y = sensitivity_total(s, b, cost, ns);

	if (fabs(x - y) <= precision * fmax(fabs(x), fabs(y)))
		return 0;
	return x < y ? -1 : 1;
}

void sensitivity_rank(const struct sensitivity *s, size_t *order)
{
	for (size_t i = 0; i < s->nr_policies; i++) {
		size_t at = i;

		for (; at && sensitivity_compare(s, i, order[at - 1],
						 SENSITIVITY_NONE, 0) < 0;
		     at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
}

bool sensitivity_holds(const struct sensitivity *s, size_t cost, double ns)
{
	for (size_t a = 0; a < s->nr_policies; a++)
		for (size_t b = 0; b < a; b++)
			if (sensitivity_compare(s, a, b, (int)cost, ns) !=
			    sensitivity_compare(s, a, b, SENSITIVITY_NONE, 0))
				return false;
	return true;
}

/* Take the crossing of two policies, if it is nearer than what is known. */
static void cross(const struct sensitivity *s, size_t cost, size_t a, size_t b,
		  struct sensitivity_range *range)
{
	double slope = count(s, a, cost) - count(s, b, cost);
	double gap = sensitivity_total(s, b, (int)cost, 0) -
		     sensitivity_total(s, a, (int)cost, 0);
	double here = value(s, cost), at = gap / slope;
	bool is_tie = !sensitivity_compare(s, a, b, SENSITIVITY_NONE, 0);

	if (!slope) /* parallel: they never meet, or are the same */
		return;
	if (is_tie)
		at = here;
	if (at >= here && (!range->high.exists || at < range->high.ns))
		range->high = (struct sensitivity_edge){
			true, at, slope < 0 ? a : b, slope < 0 ? b : a};
	if (at <= here && at > 0 && (!range->low.exists || at > range->low.ns))
		range->low = (struct sensitivity_edge){
			true, at, slope < 0 ? b : a, slope < 0 ? a : b};
}

struct sensitivity_range sensitivity_edges(const struct sensitivity *s,
					   size_t cost, size_t only)
{
	struct sensitivity_range range = {{0}, {0}};

	for (size_t a = 0; a < s->nr_policies; a++)
		for (size_t b = 0; b < a; b++)
			if (only == SIZE_MAX || only == a || only == b)
				cross(s, cost, a, b, &range);
	return range;
}

bool sensitivity_dominates(const struct sensitivity *s, size_t a, size_t b)
{
	if (sensitivity_compare(s, a, b, SENSITIVITY_NONE, 0) > 0)
		return false;
	for (size_t i = 0; i < s->nr_costs; i++)
		if (!s->costs[i].is_known && count(s, a, i) > count(s, b, i))
			return false;
	return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * One order and one look of policies in every table and figure.  Colours are of the
 * palette of Okabe and Ito, which colour-blind readers can tell apart; shapes
 * differ too, for print.
 */
#ifndef ANALYSIS_STYLE_H
#define ANALYSIS_STYLE_H

#include <stdbool.h>

struct style {
	const char *colour; /* #rrggbb */
	int point;	    /* gnuplot point type */
	int dash;	    /* gnuplot dash type; 1 is solid */
};

/* Return: where the policy stands; those of equal rank go by name. */
int style_rank(const char *policy, bool is_bound);

/* @others: how many policies without a look of their own came before; counted up
 * when @label is one more. */
struct style style_of(const char *label, bool is_bound, unsigned int *others);

#endif

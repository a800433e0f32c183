/* SPDX-License-Identifier: MIT */
/*
 * What rounds of a measurement say: medians, because machines disturb in one direction,
 * with an interval by order statistics, which assumes nothing about how times are
 * distributed but that rounds are independent.  Pure.
 *
 * What it cannot know: whether all rounds were wrong by the same.
 */
#ifndef CAPTURE_CALIBRATE_STATS_H
#define CAPTURE_CALIBRATE_STATS_H

#include <stdbool.h>
#include <stddef.h>

struct stats_median {
	double value;
	double low, high;  /* holds the true median in 95 % of cases, or more */
	bool has_interval; /* false below 6 rounds */
};

/* @values is sorted by it; @n is not 0. */
struct stats_median stats_median(double *values, size_t n);

struct stats_line {
	double slope, intercept;
};

/* Least squares of y over x; at least two different x. */
struct stats_line stats_line(const double *x, const double *y, size_t n);

/* Return: the value that @share of @values are below of, sorted by it. */
double stats_quantile(double *values, size_t n, double share);

#endif

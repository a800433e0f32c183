/* SPDX-License-Identifier: MIT */
/* Medians and lines; see stats.h. */
#include "capture/calibrate/stats.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/*
 * The true median lies between the k-th lowest and the k-th highest of n values unless
 * fewer than k are below it, or fewer than k above: twice a tail of the binomial
 * distribution.  Return: the largest k for which that is 5 % at most, 0 for none.
 */
static size_t rank_of_interval(size_t n)
{
	double term = pow(0.5, (double)n), tail = 0;
	size_t k = 0;

	for (; k < n; k++) {
		tail += term;
		if (2 * tail > 0.05)
			break;
		term *= (double)(n - k) / (double)(k + 1);
	}
	return k;
}

struct stats_median stats_median(double *values, size_t n)
{
	struct stats_median m = {0};
	size_t k = rank_of_interval(n);

	assert(n);
	qsort(values, n, sizeof(*values), compare);
	m.value = n % 2 ? values[n / 2]
			: (values[n / 2 - 1] + values[n / 2]) / 2;
	m.has_interval = k > 0;
	if (m.has_interval) {
		m.low = values[k - 1];
		m.high = values[n - k];
	}
	return m;
}

struct stats_line stats_line(const double *x, const double *y, size_t n)
{
	double mean_x = 0, mean_y = 0, xx = 0, xy = 0;
	struct stats_line line;

	assert(n >= 2);
	for (size_t i = 0; i < n; i++) {
		mean_x += x[i] / (double)n;
		mean_y += y[i] / (double)n;
	}
	for (size_t i = 0; i < n; i++) {
		xx += (x[i] - mean_x) * (x[i] - mean_x);
		xy += (x[i] - mean_x) * (y[i] - mean_y);
	}
	assert(xx > 0);
	line.slope = xy / xx;
	line.intercept = mean_y - line.slope * mean_x;
	return line;
}

double stats_quantile(double *values, size_t n, double share)
{
	assert(n);
	qsort(values, n, sizeof(*values), compare);
	return values[(size_t)(share * (double)(n - 1))];
}

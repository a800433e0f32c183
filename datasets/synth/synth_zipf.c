/* SPDX-License-Identifier: MIT */
/*
 * Zipf: rank k (from 1) has weight k^-s.  Rejection-inversion, which needs no
 * table: Hörmann and Derflinger, "Rejection-inversion to generate variates from
 * monotone discrete distributions", ACM TOMACS 6(3), 1996.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "datasets/synth/scatter.h"
#include "datasets/synth/synth.h"

struct params {
	double s;
	unsigned int order;
};

struct state {
	double s;
	double area_first, area_last; /* of the hat, at its two ends */
	double n;
	double always;	 /* a distance from the rank that is always accepted */
	uint32_t *place; /* of each rank; NULL: rank k is page k */
};

static const char *const orders[] = {"scattered", "sorted", NULL};

static const struct param_spec specs[] = {
	{.name = "s",
	 .type = PARAM_REAL,
	 .offset = offsetof(struct params, s),
	 .preset = 0.99,
	 .min = 0.01,
	 .max = 10,
	 .unit = "",
	 .help = "exponent; 0.99 is what YCSB uses"},
	{.name = "order",
	 .type = PARAM_ENUM,
	 .offset = offsetof(struct params, order),
	 .names = orders,
	 .unit = "",
	 .help = "where hot pages are: anywhere, or first"},
	{.name = NULL},
};

/* (exp(x) - 1) / x and log(1 + x) / x, both 1 at 0. */
static double expm1_over(double x)
{
	return fabs(x) > 1e-8 ? expm1(x) / x : 1 + x / 2;
}

static double log1p_over(double x)
{
	return fabs(x) > 1e-8 ? log1p(x) / x : 1 - x / 2;
}

/* The hat's area from 1 to @x, its inverse, and the hat itself. */
static double area(double s, double x)
{
	double l = log(x);

	return expm1_over((1 - s) * l) * l;
}

static double area_inverse(double s, double a)
{
	double t = fmax(a * (1 - s), -1);

	return exp(log1p_over(t) * a);
}

static double hat(double s, double x)
{
	return exp(-s * log(x));
}

static int zipf_init(void *opaque, const struct synth_job *job,
		     const void *opaque_params, struct status *st)
{
	const struct params *params = opaque_params;
	struct scatter scatter = scatter_init(job->pages, job->seed);
	struct state *z = opaque;
	double s = params->s;

	z->s = s;
	z->n = (double)job->pages;
	z->area_first = area(s, 1.5) - 1;
	z->area_last = area(s, z->n + 0.5);
	z->always = 2 - area_inverse(s, area(s, 2.5) - hat(s, 2));
	if (params->order)
		return 0;
	z->place = kage_calloc_pages(job->pages, sizeof(*z->place), st);
	if (!z->place)
		return -ENOMEM;
	for (uint64_t rank = 0; rank < job->pages; rank++)
		z->place[rank] = (uint32_t)scatter_place(&scatter, rank);
	return 0;
}

static void zipf_fini(void *opaque)
{
	struct state *z = opaque;

	free(z->place);
}

static uint64_t next_rank(const struct state *z, struct rng *rng)
{
	for (;;) {
		double u = z->area_last +
			   rng_unit(rng) * (z->area_first - z->area_last);
		double x = area_inverse(z->s, u);
		double k = fmin(fmax(floor(x + 0.5), 1), z->n);

		if (k - x <= z->always ||
		    u >= area(z->s, k + 0.5) - hat(z->s, k))
			return (uint64_t)k - 1;
	}
}

static uint64_t zipf_next(void *opaque, uint64_t i, struct rng *rng)
{
	const struct state *z = opaque;
	uint64_t rank = next_rank(z, rng);

	(void)i;
	return z->place ? z->place[rank] : rank;
}

const struct synth synth_zipf = {
	.name = "zipf",
	.summary = "independent accesses, page of rank k with weight k^-s",
	.params = specs,
	.params_size = sizeof(struct params),
	.state_size = sizeof(struct state),
	.init = zipf_init,
	.fini = zipf_fini,
	.next = zipf_next,
};

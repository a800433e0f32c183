/* SPDX-License-Identifier: MIT */
/* The curves of VMIN and of working sets; see vmin.h. */
#include "models/vmin.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"

enum {
	MANTISSA_BITS = 6
};

/* Return: the step that holds @ns. */
static unsigned int step_of(uint64_t ns)
{
	int exponent;

	if (ns < VMIN_STEPS_PER_OCTAVE)
		return (unsigned int)ns;
	exponent = 63 - __builtin_clzll(ns);
	return (unsigned int)((exponent - MANTISSA_BITS + 1) << MANTISSA_BITS) +
	       (unsigned int)(ns >> (exponent - MANTISSA_BITS) &
			      (VMIN_STEPS_PER_OCTAVE - 1));
}

/* Return: the longest time in @step. */
static double end_of(unsigned int step)
{
	unsigned int octave = step >> MANTISSA_BITS;
	uint64_t mantissa = step & (VMIN_STEPS_PER_OCTAVE - 1);

	if (!octave)
		return (double)mantissa;
	mantissa += VMIN_STEPS_PER_OCTAVE + 1;
	return (double)mantissa * (double)(UINT64_C(1) << (octave - 1)) - 1;
}

int vmin_init(struct vmin *v, uint32_t npages, struct status *st)
{
	*v = (struct vmin){.npages = npages};
	v->last = kage_calloc_pages((size_t)npages + 1, sizeof(*v->last), st);
	v->steps = kage_calloc(VMIN_STEPS, sizeof(*v->steps), st);
	return v->last && v->steps ? 0 : -ENOMEM;
}

void vmin_fini(struct vmin *v)
{
	free(v->last);
	free(v->steps);
}

void vmin_access(struct vmin *v, uint32_t page, uint64_t now_ns)
{
	v->accesses++;
	if (v->last[page]) {
		uint64_t ns = now_ns + 1 - v->last[page];
		struct vmin_step *step = &v->steps[step_of(ns)];

		step->n++;
		step->ns += (double)ns;
	} else {
		v->footprint++;
	}
	v->last[page] = now_ns + 1;
}

void vmin_end(struct vmin *v, uint64_t end_ns)
{
	v->end_ns = end_ns;
	for (uint32_t page = 0; page < v->npages; page++) {
		uint64_t ns = end_ns + 1 - v->last[page];
		struct vmin_step *step;

		if (!v->last[page])
			continue;
		step = &v->steps[step_of(ns)];
		step->nr_tails++;
		step->tail_ns += (double)ns;
	}
}

/* Sums over the steps up to one. */
struct sums {
	double ns, tail_ns; /* of times that are no longer than the window */
	double longer, nr_tails; /* how many are longer */
};

static struct sums sums_of_all(const struct vmin *v)
{
	return (struct sums){
		.longer = (double)(v->accesses - v->footprint),
		.nr_tails = (double)v->footprint,
	};
}

static struct vmin_point point_of(const struct vmin *v, const struct sums *s,
				  double window_ns)
{
	double duration = v->end_ns ? (double)v->end_ns : 1;

	return (struct vmin_point){
		.window_ns = window_ns,
		.refaults = s->longer,
		.pages = {[VMIN_OPT] = s->ns / duration,
			  [VMIN_WS] = (s->ns + s->tail_ns +
				       window_ns * (s->longer + s->nr_tails)) /
				      duration},
	};
}

static void add_step(struct sums *s, const struct vmin_step *step)
{
	s->ns += step->ns;
	s->longer -= (double)step->n;
	s->tail_ns += step->tail_ns;
	s->nr_tails -= (double)step->nr_tails;
}

double vmin_most_pages(const struct vmin *v, enum vmin_kind kind)
{
	struct sums s = sums_of_all(v);

	for (unsigned int i = 0; i < VMIN_STEPS; i++)
		add_step(&s, &v->steps[i]);
	return point_of(v, &s, 0).pages[kind];
}

static double between(double from, double to, double share)
{
	return from + (to - from) * share;
}

struct vmin_point vmin_at(const struct vmin *v, enum vmin_kind kind,
			  double pages)
{
	struct sums s = sums_of_all(v);
	struct vmin_point next, at = point_of(v, &s, 0);
	double share;

	for (unsigned int i = 0; i < VMIN_STEPS; i++) {
		add_step(&s, &v->steps[i]);
		next = point_of(v, &s, end_of(i));
		if (next.pages[kind] >= pages)
			break;
		at = next;
	}
	if (next.pages[kind] <= at.pages[kind] || pages <= at.pages[kind])
		return at;
	share = (pages - at.pages[kind]) / (next.pages[kind] - at.pages[kind]);
	if (share > 1)
		return next;
	for (int k = 0; k < 2; k++)
		at.pages[k] = between(at.pages[k], next.pages[k], share);
	at.window_ns = between(at.window_ns, next.window_ns, share);
	at.refaults = between(at.refaults, next.refaults, share);
	return at;
}

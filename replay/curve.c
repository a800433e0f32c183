/* SPDX-License-Identifier: MIT */
/* A trace as an array of accesses; see curve.h. */
#include "replay/curve.h"

int curve_read(struct curve_trace *c, const char *path,
	       const struct engine_options *options, bool wants_ns,
	       struct status *st)
{
	struct lane none;
	int ret;

	*c = (struct curve_trace){.seed = options->seed,
				  .tape = {.wants_ns = wants_ns}};
	ret = engine_run(path, options, NULL, 0, &none, &c->tape, &c->trace,
			 st);
	if (!ret)
		trace_id_text(c->id, c->trace.totals.id);
	return ret;
}

void curve_fini(struct curve_trace *c)
{
	engine_tape_fini(&c->tape);
}

int curve_measure(const struct curve_trace *c, double rate,
		  struct mrc_point *points, size_t n, struct mrc_totals *totals,
		  struct status *st)
{
	const struct bound_trace trace = {
		.page = c->tape.page, .n = c->tape.n, .npages = c->tape.npages};

	if (!rate)
		return mrc_exact(&trace, points, n, totals, st);
	return mrc_sampled(&trace, rate, c->seed, points, n, totals, st);
}

int curve_vmin(const struct curve_trace *c, struct vmin *v, struct status *st)
{
	int ret = vmin_init(v, c->tape.npages, st);

	if (ret)
		return ret;
	for (size_t i = 0; i < c->tape.n; i++)
		vmin_access(v, c->tape.page[i], c->tape.ns[i]);
	vmin_end(v, c->trace.duration_ns);
	return 0;
}

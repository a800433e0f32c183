/* SPDX-License-Identifier: MIT */
/* Calibrating on all pairs, and drawing them; see populate.h. */
#include "analysis/populate.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/pool.h"

static int measure_pair(void *arg, size_t index, struct status *st)
{
	struct populate_view *v = arg;
	struct populate_pair *pair = &v->pairs[index];
	const struct populate_row *rows = v->table->rows;
	int ret = populate_calibrate(&rows[pair->first], &rows[pair->second],
				     &v->options, &pair->fit, st);

	for (size_t i = 0; i < v->table->n && !ret; i++)
		ret = populate_predict(&pair->fit, &rows[i], &v->options,
				       &pair->times[i], st);
	return ret;
}

static int try_change(void *arg, size_t index, struct status *st)
{
	struct populate_view *v = arg;
	struct populate_trials *t = &v->trials[index];
	int ret = 0;

	t->change = &v->changes->rows[index];
	for (const double *hold = populate_holds_ns; *hold; hold++)
		for (const double *hand = populate_handovers_ns; *hand;
		     hand++) {
			struct populate_outcome *o = &t->outcomes[t->n++];

			o->fault_hold_ns = *hold;
			o->handover_ns = *hand;
			if (!ret)
				ret = populate_change_predict(
					t->change, &v->options, o, st);
		}
	return ret;
}

static int pick_pairs(struct populate_view *v, struct status *st)
{
	const struct populate_table *t = v->table;

	v->pairs = kage_calloc(t->n * t->n + 1, sizeof(*v->pairs), st);
	if (!v->pairs)
		return -ENOMEM;
	for (size_t a = 0; a < t->n; a++)
		for (size_t b = a + 1; b < t->n; b++)
			if (t->rows[a].is_inside && t->rows[b].is_inside)
				v->pairs[v->nr_pairs++] =
					(struct populate_pair){.first = a,
							       .second = b};
	return v->nr_pairs
		       ? 0
		       : status_fail(st, EINVAL,
				     "%s: two rows inside are needed", v->name);
}

int populate_view_measure(struct populate_view *v, unsigned int threads,
			  struct status *st)
{
	size_t nr_changes = v->changes ? v->changes->n : 0;
	int ret = pick_pairs(v, st);

	if (ret)
		return ret;
	v->trials = kage_calloc(nr_changes + 1, sizeof(*v->trials), st);
	if (!v->trials)
		return -ENOMEM;
	ret = pool_run(threads, v->nr_pairs, measure_pair, v, st);
	if (!ret && nr_changes)
		ret = pool_run(threads, nr_changes, try_change, v, st);
	return ret;
}

void populate_view_fini(struct populate_view *v)
{
	free(v->pairs);
	free(v->trials);
}

static void put_published(const struct populate_table *t, struct outbuf *out)
{
	for (size_t i = 0; i < t->n; i++)
		outbuf_printf(out, "%u %.10g %.10g\n", t->rows[i].vcpus,
			      t->rows[i].times.locked_pass_s,
			      t->rows[i].times.lockless_pass_s);
}

static void put_pair(const struct populate_view *v,
		     const struct populate_pair *pair, struct outbuf *out)
{
	outbuf_printf(out, "\n\n# calibrated on %u and %u vCPUs\n",
		      v->table->rows[pair->first].vcpus,
		      v->table->rows[pair->second].vcpus);
	for (size_t i = 0; i < v->table->n; i++)
		outbuf_printf(out, "%u %.10g %.10g\n", v->table->rows[i].vcpus,
			      pair->times[i].locked_pass_s,
			      pair->times[i].lockless_pass_s);
}

void populate_figure(const struct populate_view *v, struct figure *figure)
{
	struct outbuf *out = &figure->commands;

	outbuf_printf(&figure->data, "# published: vCPUs, locked, lockless\n");
	put_published(v->table, &figure->data);
	for (size_t i = 0; i < v->nr_pairs; i++)
		put_pair(v, &v->pairs[i], &figure->data);
	outbuf_printf(out, "set title ");
	figure_quote(out, v->name);
	outbuf_printf(
		out,
		".': mean aging pass, published and predicted'\n"
		"set logscale xy\nset xlabel 'vCPUs that populate'\n"
		"set ylabel 'mean pass (s)'\nset grid\n"
		"set key top left\n"
		"plot for [i=1:%zu] data index i using 1:2 with lines "
		"linecolor rgb '#f0c090' title (i == 1 ? 'locked, from each two "
		"rows' : ''), "
		"for [i=1:%zu] data index i using 1:3 with lines linecolor rgb "
		"'#9fc8e8' title (i == 1 ? 'lockless, from each two rows' : '')"
		", data index 0 using 1:2 with points pointtype 7 linecolor rgb "
		"'#d55e00' title 'locked, published', "
		"data index 0 using 1:3 with points pointtype 5 linecolor rgb "
		"'#0072b2' title 'lockless, published'\n",
		v->nr_pairs, v->nr_pairs);
}

/* SPDX-License-Identifier: MIT */
/* Two rows in, all rows out; see populate_fit.h. */
#include "replay/populate_fit.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "replay/populate.h"
#include "replay/populate_lines.h"

enum {
	PREDICT_SCALE = 64, /* of the pages so few are played */
	FIT_SCALE = 256,
	GRID = 11, /* points of each cost at first */
	FINER = 3, /* times that the grid is narrowed */
	FINE_GRID = 5,
};

static const double pass_weight = 1 / 0.10, vcpu_weight = 1 / 0.05;
static const double hold_from = 20, hold_to = 2000;
static const double handover_from = 10, handover_to = 1000;

static int parse_row(void *arg, const char *line, const char *path, int number,
		     struct status *st)
{
	struct populate_table *table = arg;
	struct populate_row *row = &table->rows[table->n];
	struct populate_times *t = &row->times;
	unsigned int inside;
	int n = sscanf(line, "%u %u %lf %lf %lf %lf %lf", &row->vcpus, &inside,
		       &t->none_vcpu_s, &t->locked_vcpu_s, &t->locked_pass_s,
		       &t->lockless_vcpu_s, &t->lockless_pass_s);

	if (n != 7 || !row->vcpus || row->vcpus > 1024 || inside > 1 ||
	    !(t->none_vcpu_s > 0) || !(t->locked_vcpu_s > 0) ||
	    !(t->locked_pass_s > 0) || !(t->lockless_vcpu_s > 0) ||
	    !(t->lockless_pass_s > 0))
		return status_fail(st, EBADMSG,
				   "%s:%d: no row: 1 to 1024 vCPUs, 0 or 1, "
				   "and five times above 0",
				   path, number);
	row->is_inside = inside;
	table->n++;
	return 0;
}

int populate_load(struct populate_table *table, const char *path,
		  struct status *st)
{
	*table = (struct populate_table){0};
	return populate_lines(path, POPULATE_ROWS_MAX, parse_row, table, st);
}

static double fault_ns_of(const struct populate_row *row)
{
	return row->times.none_vcpu_s * 1e9 / POPULATE_PAGES;
}

/* One run of 1/@scale of the pages, in seconds of the whole. */
static int play(const struct populate_fit *fit, const struct populate_row *row,
		const struct populate_options *options, enum mmu_lock lock,
		unsigned int scale, double *vcpu_s, double *pass_s,
		struct status *st)
{
	struct populate p = {
		.vcpus = row->vcpus,
		.pages = POPULATE_PAGES / scale,
		.seed = options->seed,
		.has_ager = true,
		.young_lock = lock,
		.fault_lock = MMU_LOCK_READ,
		.fault_ns = options->has_given_faults
				    ? fault_ns_of(row)
				    : fit->fault_ns + fit->fault_ns_per_vcpu *
							      row->vcpus,
		.fault_hold_ns = fit->fault_hold_ns,
		.young_ns = fit->young_ns,
		.young_hold_ns = fit->young_ns * options->hold_share,
		.handover_ns = fit->handover_ns,
		.start_share = options->start_share,
	};
	struct populate_result result;
	int ret;

	if (p.fault_ns < p.fault_hold_ns)
		p.fault_ns = p.fault_hold_ns;
	ret = populate_run(&p, &result, st);
	*vcpu_s = (double)result.vcpu_ns * scale / 1e9;
	*pass_s = result.pass_ns * scale / 1e9;
	return ret;
}

int populate_predict(const struct populate_fit *fit,
		     const struct populate_row *row,
		     const struct populate_options *options,
		     struct populate_times *times, struct status *st)
{
	int ret = play(fit, row, options, MMU_LOCK_WRITE, PREDICT_SCALE,
		       &times->locked_vcpu_s, &times->locked_pass_s, st);

	if (!ret)
		ret = play(fit, row, options, MMU_LOCK_NONE, PREDICT_SCALE,
			   &times->lockless_vcpu_s, &times->lockless_pass_s,
			   st);
	times->none_vcpu_s = (options->has_given_faults
				      ? fault_ns_of(row)
				      : fit->fault_ns + fit->fault_ns_per_vcpu *
								row->vcpus) *
			     POPULATE_PAGES / 1e9;
	return ret;
}

static void fit_faults(const struct populate_row *a,
		       const struct populate_row *b, struct populate_fit *fit)
{
	double vcpus = (double)b->vcpus - (double)a->vcpus;

	fit->fault_ns_per_vcpu = (fault_ns_of(b) - fault_ns_of(a)) / vcpus;
	fit->fault_ns = fault_ns_of(a) - fit->fault_ns_per_vcpu * a->vcpus;
}

/* Passes take longer in proportion but for the number of them: a few rounds do. */
static int fit_young(const struct populate_row *const rows[2],
		     const struct populate_options *options,
		     struct populate_fit *fit, struct status *st)
{
	double vcpu_s, pass_s;
	int ret = 0;

	fit->young_ns = 50;
	for (int round = 0; round < 6 && !ret; round++) {
		double off = 0;

		for (int i = 0; i < 2 && !ret; i++) {
			ret = play(fit, rows[i], options, MMU_LOCK_NONE,
				   FIT_SCALE, &vcpu_s, &pass_s, st);
			off += log(rows[i]->times.lockless_pass_s / pass_s) / 2;
		}
		fit->young_ns *= exp(off);
	}
	return ret;
}

/* How far off the two rows are with the costs of @fit, in squares. */
static int judge(const struct populate_row *const rows[2],
		 const struct populate_options *options,
		 const struct populate_fit *fit, double *squares,
		 struct status *st)
{
	double vcpu_s, pass_s, off;
	int ret = 0;

	*squares = 0;
	for (int i = 0; i < 2 && !ret; i++) {
		ret = play(fit, rows[i], options, MMU_LOCK_WRITE, FIT_SCALE,
			   &vcpu_s, &pass_s, st);
		off = pass_weight * log(pass_s / rows[i]->times.locked_pass_s);
		*squares += off * off;
		off = vcpu_weight * log(vcpu_s / rows[i]->times.locked_vcpu_s);
		*squares += off * off;
	}
	return ret;
}

/* Costs on a grid around those of @fit, or over [from, to); the best are left there. */
struct grid {
	double hold_from, hold_step, handover_from, handover_step;
	int points;
};

static int search(const struct populate_row *const rows[2],
		  const struct populate_options *options,
		  const struct grid *grid, struct populate_fit *fit,
		  double *least, struct status *st)
{
	struct populate_fit trial = *fit;
	double squares;
	int ret = 0;

	for (int i = 0; i < grid->points * grid->points && !ret; i++) {
		trial.fault_hold_ns = grid->hold_from *
				      pow(grid->hold_step, i / grid->points);
		trial.handover_ns = grid->handover_from *
				    pow(grid->handover_step, i % grid->points);
		ret = judge(rows, options, &trial, &squares, st);
		if (!ret && squares < *least) {
			*least = squares;
			*fit = trial;
		}
	}
	return ret;
}

static int fit_locks(const struct populate_row *const rows[2],
		     const struct populate_options *options,
		     struct populate_fit *fit, struct status *st)
{
	struct grid grid = {hold_from,
			    pow(hold_to / hold_from, 1. / (GRID - 1)),
			    handover_from,
			    pow(handover_to / handover_from, 1. / (GRID - 1)),
			    GRID};
	double least = INFINITY;
	int ret = search(rows, options, &grid, fit, &least, st);

	for (int i = 0; i < FINER && !ret; i++) {
		grid.hold_step = pow(grid.hold_step, 0.45);
		grid.handover_step = pow(grid.handover_step, 0.45);
		grid.points = FINE_GRID;
		grid.hold_from = fit->fault_hold_ns / pow(grid.hold_step, 2);
		grid.handover_from =
			fit->handover_ns / pow(grid.handover_step, 2);
		ret = search(rows, options, &grid, fit, &least, st);
	}
	/* two rows, each with a weighted pass and a weighted vCPU time */
	fit->error = sqrt(least / (2 * (pass_weight * pass_weight +
					vcpu_weight * vcpu_weight)));
	return ret;
}

int populate_calibrate(const struct populate_row *first,
		       const struct populate_row *second,
		       const struct populate_options *options,
		       struct populate_fit *fit, struct status *st)
{
	const struct populate_row *const rows[2] = {first, second};
	int ret;

	*fit = (struct populate_fit){0};
	if (first->vcpus == second->vcpus)
		return status_fail(st, EINVAL,
				   "calibration needs two different rows");
	fit_faults(first, second, fit);
	ret = fit_young(rows, options, fit, st);
	return ret ? ret : fit_locks(rows, options, fit, st);
}

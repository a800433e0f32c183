/* SPDX-License-Identifier: MIT */
/*
 * Calibrating populate.h on two rows of a published table, and predicting others.
 *
 * Everything is taken from these two rows of one host:
 *
 *	fault time	a + b * vCPUs, from the time without aging; or, if asked for, as
 *			given for each row that is predicted
 *	young_ns	from the lockless passes: the mean of both rows in logarithms
 *	fault_hold_ns	with the next, from passes and vCPU times of the locked kernel,
 *	handover_ns	by least squares of logarithms, weights 1 / 10 % and 1 / 5 %
 *
 * Two things no row tells, so they are assumptions: which part of a call is a hold
 * (hold_share), and how many pages were there when the first pass began
 * (start_share).
 */
#ifndef REPLAY_POPULATE_FIT_H
#define REPLAY_POPULATE_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum {
	POPULATE_ROWS_MAX = 64,
	POPULATE_PAGES = 262144 /* of each vCPU: -b 1G */
};

struct populate_times {
	double none_vcpu_s; /* the time of the vCPUs without aging */
	double locked_vcpu_s, locked_pass_s;
	double lockless_vcpu_s, lockless_pass_s;
};

struct populate_row {
	uint32_t vcpus;
	bool is_inside; /* of what the model claims to explain */
	struct populate_times times;
};

struct populate_table {
	struct populate_row rows[POPULATE_ROWS_MAX];
	size_t n;
};

struct populate_options {
	double hold_share, start_share;
	bool has_given_faults; /* the fault times of all rows are inputs */
	uint64_t seed;
};

struct populate_fit {
	double fault_ns, fault_ns_per_vcpu;
	double young_ns, fault_hold_ns, handover_ns;
	double error; /* root mean square of what the two rows leave, in logarithms */
};

/* Lines of: vcpus, inside, and the members of populate_times, apart by blanks; "#" begins
 * a comment.  Return: 0, -EBADMSG or an I/O error. */
int populate_load(struct populate_table *table, const char *path,
		  struct status *st);

/* Return: 0, -ENOMEM or -EINVAL. */
int populate_calibrate(const struct populate_row *first,
		       const struct populate_row *second,
		       const struct populate_options *options,
		       struct populate_fit *fit, struct status *st);

/* What @fit says of @row, of which only vcpus is looked at, and, if fault times are
 * given, none_vcpu_s.  Return: as above. */
int populate_predict(const struct populate_fit *fit,
		     const struct populate_row *row,
		     const struct populate_options *options,
		     struct populate_times *times, struct status *st);

#endif

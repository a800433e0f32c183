/* SPDX-License-Identifier: MIT */
/*
 * What kage calibrate has found so far, and the benches that find it: one file bench_*.c
 * and one line in benches.def each.
 *
 * A bench makes guests of its own, repeats what it measures in rounds, and hands over
 * one figure per round: each round is a sample, what happens within one is not.  A
 * figure that cannot be told from zero is missing, not zero.
 */
#ifndef CAPTURE_CALIBRATE_CALIBRATION_H
#define CAPTURE_CALIBRATE_CALIBRATION_H

#include <stdint.h>

#include "base/status.h"
#include "datasets/costs/cost_file.h"

enum {
	CALIBRATE_ROUNDS_MIN = 15,
	CALIBRATE_ROUNDS_MAX = 1000,
	CALIBRATE_PAGES = 4096, /* of the guests */
};

struct calibration {
	struct cost_file file;
	char **strings; /* owned; of the rows */
	size_t nr_strings, capacity;
	const char *source;  /* of every row; the caller's */
	enum cost_kind kind; /* measured, or not for citing */
	unsigned int rounds;
	int error; /* the first failure of ours: no memory */
};

struct calibration_bench {
	const char *summary;
	const char *const *names; /* of all its rows; NULL ends */
	/*
	 * Return: 0; -EINTR; or an error that says in @st why this host cannot do it:
	 * then those of @names that have no row yet are missing for that reason.
	 */
	int (*run)(struct calibration *c, struct status *st);
};

struct calibration_entry {
	const char *name;
	const struct calibration_bench *bench;
};

/* Ends with a NULL name. */
extern const struct calibration_entry calibration_benches[];

/* All benches, one after the other.  Return: 0, -EINTR or -ENOMEM. */
int calibration_run(struct calibration *c, struct status *st);
void calibration_fini(struct calibration *c);

/* Add the row @name: the median of one figure (ns) per round, sorted by it, with its
 * interval; or a missing row, if that is not above zero. */
void calibration_put(struct calibration *c, const char *name, double *ns,
		     const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Add a row of 0, derived: @whole was measured with it, and has it in its price.  Missing
 * where @whole is. */
void calibration_include(struct calibration *c, const char *name,
			 const char *whole);

/* Add a missing row. */
void calibration_miss(struct calibration *c, const char *name,
		      const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif

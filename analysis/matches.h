/* SPDX-License-Identifier: MIT */
/*
 * How well models agreed with kernels, a line per scenario that both ran, from results
 * in memory or in a database.  A line says the worst of all that was compared; what
 * is not known to both sides is not in it.
 */
#ifndef ANALYSIS_MATCHES_H
#define ANALYSIS_MATCHES_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/table.h"

enum {
	MATCH_NAME = 64,
	MATCH_PAGES = 16, /* differences that are of no interest, unless said */
};

struct match_worst {
	/* Of counters that are off by more than @pages, if there are any, the one
	 * furthest off relative to the kernel; "": no counter is known to both. */
	char counter[MATCH_NAME], snapshot[MATCH_NAME];
	uint64_t model, kernel, pages;
	double jaccard, tau; /* least of all steps; NAN: of none */
	double misplaced;    /* share, most of all snapshots; NAN: of none */
	double hot; /* share of the hot set, most of all steps; NAN: of none */
};

/* All start with match_worst_init(); then what is known is added, in any order. */
void match_worst_init(struct match_worst *worst, uint64_t pages);
void match_worst_counter(struct match_worst *worst, const char *snapshot,
			 const char *name, uint64_t model, uint64_t kernel);
void match_worst_step(struct match_worst *worst, double jaccard, double tau);
void match_worst_snapshot(struct match_worst *worst, double misplaced);

/* Return: the error of the worst counter as a share of the kernel's value; NAN if
 * there is none, or if the kernel counted nothing and the model did. */
double match_worst_error(const struct match_worst *worst);

/* Texts are borrowed; NULL: not known. */
struct match {
	const char *release, *version, *accel, *kernel_mmu; /* of the kernel */
	const char *kernel, *mmu, *model_rev;
	const char *policy; /* with its parameters; "": not known */
	const char *scenario, *scenario_id, *trace, *trace_id;
	bool is_substitute; /* the model is of another kernel */
	const char *limits; /* NULL: held to no tolerance */
	uint64_t judged, beyond;
	bool passed;
	struct match_worst worst;
};

/* Return: a table that borrows from @matches, to table_free(), or NULL.  @matches in
 * order: those of one kernel and model are neighbours. */
struct table *matches_table(const struct match *matches, size_t n,
			    struct status *st);

#endif

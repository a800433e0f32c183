/* SPDX-License-Identifier: MIT */
/* The tables of `kage report`, from runs.  They borrow strings from @results. */
#ifndef ANALYSIS_REPORT_H
#define ANALYSIS_REPORT_H

#include "analysis/results.h"
#include "analysis/table.h"
#include "base/status.h"

/* Both end with how models agreed with kernels, if that is known of any.
 *
 * Return: all runs with all their columns, to table_free(), or NULL. */
struct table *report_full(const struct results *results, struct status *st);

/* Return: a table per trace and setup, to table_free(), or NULL: policies by memory
 * limits, with what a reader of a changelog has to know about method. */
struct table *report_changelog(const struct results *results,
			       struct status *st);

#endif

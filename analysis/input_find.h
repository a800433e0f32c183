/* SPDX-License-Identifier: MIT */
/*
 * The trace and the scenario that results are of, among those of a folder, by content
 * id, whatever they are called.  Files that cannot be read are passed over.
 */
#ifndef ANALYSIS_INPUT_FIND_H
#define ANALYSIS_INPUT_FIND_H

#include <limits.h>

#include "datasets/scenario/results.h"

/**
 * input_find_trace - where is the trace of @results?
 * @path: set to @where if that is no folder, whatever is in it; else to the first of
 *	its *.kgt, by name, whose content id is that of @results
 * @results_path: for messages
 *
 * Return: 0, -ENOENT naming the id if no file has it, -ENAMETOOLONG, or an I/O error.
 */
int input_find_trace(char path[PATH_MAX], const char *where,
		     const struct scenario_results *results,
		     const char *results_path, struct status *st);

/* The same for its scenario, among *.scn. */
int input_find_scenario(char path[PATH_MAX], const char *where,
			const struct scenario_results *results,
			const char *results_path, struct status *st);

#endif

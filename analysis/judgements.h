/* SPDX-License-Identifier: MIT */
/*
 * What kernels said of models (replay/validation.sql): who has judged the model of a
 * run, and how well each scenario agreed.  A database from before `kage validate -o` has
 * no such tables, which is as if they were empty.
 */
#ifndef ANALYSIS_JUDGEMENTS_H
#define ANALYSIS_JUDGEMENTS_H

#include "analysis/results.h"

/**
 * judgements_load - set run.judged of all runs, and read results.matches
 * @trace: only matches of this trace, or NULL; runs are judged by any
 *
 * Return: 0, -ENOMEM, or -EBADMSG.
 */
int judgements_load(struct results *results, sqlite3 *db, const char *trace,
		    struct status *st);

#endif

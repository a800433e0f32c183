/* SPDX-License-Identifier: MIT */
/* Comparisons in the results database (replay/validation.sql). */
#ifndef ANALYSIS_VALIDATE_STORE_H
#define ANALYSIS_VALIDATE_STORE_H

#include "analysis/validate_run.h"

struct store;

/**
 * validate_store - store both sides of a comparison, in one transaction
 * @limits: what job->verdict is about; unless they judge nothing, the verdict is
 *	stored, too
 *
 * The same comparison is stored once, and a judgement once per tolerance: both replace
 * what is there.  Return: 0, -ENOMEM, or an error of the database, and then nothing of
 * it is stored.
 */
int validate_store(struct store *store, const struct validate_job *job,
		   const struct validate_limits *limits, struct status *st);

#endif

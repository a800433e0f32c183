/* SPDX-License-Identifier: MIT */
/*
 * A parallel for: independent jobs on a few threads.  Jobs share nothing but the
 * counter that hands them out, so results cannot depend on the number of threads.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>

#include "base/status.h"

/**
 * pool_run - call @job(@arg, 0) ... @job(@arg, @jobs - 1)
 * @threads: at most this many at once; 1 runs in the caller's thread
 *
 * Each job gets a status of its own; after a failure no further job starts.
 * Return: 0, or the error of the failed job with the lowest number, in @st.
 */
int pool_run(unsigned int threads, size_t jobs,
	     int (*job)(void *arg, size_t index, struct status *st), void *arg,
	     struct status *st);

/* Return: the processors this process may use, at least 1. */
unsigned int pool_default_threads(void);

#endif

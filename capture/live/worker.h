/* SPDX-License-Identifier: MIT */
/*
 * A thread that does what blocks in the kernel (a write to memory.reclaim can take
 * seconds), so that the caller can empty the tracer's buffers meanwhile.
 */
#ifndef CAPTURE_LIVE_WORKER_H
#define CAPTURE_LIVE_WORKER_H

#include <pthread.h>

#include "base/status.h"

typedef int (*worker_job)(void *arg, struct status *st);

struct worker {
	pthread_t thread;
	int over; /* eventfd: readable when the job is done */
	worker_job job;
	void *arg;
	int ret;
	struct status why;
};

/* Start @job in a thread that no signal reaches.  Return: 0, then worker_end() is
 * due, or an error. */
int worker_begin(struct worker *worker, worker_job job, void *arg,
		 struct status *st);

/* Wait for its end.  Return: what the job returned, with its message. */
int worker_end(struct worker *worker, struct status *st);

#endif

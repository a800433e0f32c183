/* SPDX-License-Identifier: MIT */
/* Parallel for over pthreads; see pool.h. */
#include "base/pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct pool {
	int (*job)(void *arg, size_t index, struct status *st);
	void *arg;
	size_t jobs;
	atomic_size_t next;
	atomic_bool has_failed;
	pthread_mutex_t lock; /* protects what follows */
	size_t failed_job;
	int error;
	struct status status;
};

unsigned int pool_default_threads(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	return (unsigned int)CPU_COUNT(&set);
}

static void note_failure(struct pool *pool, size_t job, int error,
			 const struct status *st)
{
	pthread_mutex_lock(&pool->lock);
	if (!pool->error || job < pool->failed_job) {
		pool->error = error;
		pool->failed_job = job;
		pool->status = *st;
	}
	pthread_mutex_unlock(&pool->lock);
	atomic_store(&pool->has_failed, true);
}

static void *work(void *arg)
{
	struct pool *pool = arg;

	while (!atomic_load(&pool->has_failed)) {
		size_t job = atomic_fetch_add(&pool->next, 1);
		struct status st = {""};
		int ret;

		if (job >= pool->jobs)
			break;
		ret = pool->job(pool->arg, job, &st);
		if (ret)
			note_failure(pool, job, ret, &st);
	}
	return NULL;
}

int pool_run(unsigned int threads, size_t jobs,
	     int (*job)(void *arg, size_t index, struct status *st), void *arg,
	     struct status *st)
{
	struct pool pool = {.job = job, .arg = arg, .jobs = jobs};
	unsigned int started = 0;
	pthread_t *ids;

	if (threads > jobs)
		threads = (unsigned int)jobs;
	ids = kage_calloc(threads, sizeof(*ids), st);
	if (!ids)
		return -ENOMEM;
	pthread_mutex_init(&pool.lock, NULL);
	while (started + 1 < threads &&
	       !pthread_create(&ids[started], NULL, work, &pool))
		started++;
	work(&pool); /* the caller is one of the threads */
	while (started)
		pthread_join(ids[--started], NULL);
	pthread_mutex_destroy(&pool.lock);
	free(ids);
	if (pool.error && st)
		*st = pool.status;
	return pool.error;
}

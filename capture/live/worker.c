/* SPDX-License-Identifier: MIT */
/* A thread for one job; see worker.h. */
#include "capture/live/worker.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void *work(void *arg)
{
	struct worker *worker = arg;

	worker->ret = worker->job(worker->arg, &worker->why);
	eventfd_write(worker->over, 1);
	return NULL;
}

int worker_begin(struct worker *worker, worker_job job, void *arg,
		 struct status *st)
{
	sigset_t all, before;
	int error;

	*worker = (struct worker){.job = job, .arg = arg};
	worker->over = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->over < 0)
		return status_fail(st, errno, "eventfd: %s", strerror(errno));
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&worker->thread, NULL, work, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!error)
		return 0;
	close(worker->over);
	return status_fail(st, error, "thread: %s", strerror(error));
}

int worker_end(struct worker *worker, struct status *st)
{
	pthread_join(worker->thread, NULL);
	close(worker->over);
	if (worker->ret && st)
		*st = worker->why;
	return worker->ret;
}

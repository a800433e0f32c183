/* SPDX-License-Identifier: MIT */
/*
 * Host work, in a thread of its own, and what goes on beside it.  In a concurrent run
 * the guest follows the last epoch that it played over and over; these rounds are no
 * epochs of the scenario, and how many there are depends on the machine.
 */
#include <poll.h>

#include "capture/live/run.h"

enum {
	WAKE_MS = 100,
};

enum {
	EVICTIONS,
	WORKER,
	GUEST,
	NR_FDS
};

struct guest_load {
	size_t n, next; /* of run->orders */
	bool is_busy;
};

/* Begin the next part of the epoch. */
static int go_on(struct live_run *run, struct guest_load *load,
		 struct status *st)
{
	size_t most = (size_t)LIVE_VM_BATCH * run->vm.nr_vcpus;
	size_t left = load->n - load->next;
	size_t n = left < most ? left : most;
	int ret = live_vm_begin(&run->vm, run->orders + load->next, n, st);

	load->next = n < left ? load->next + n : 0;
	load->is_busy = !ret;
	run->meanwhile++;
	return ret;
}

static int finish(struct live_run *run, struct guest_load *load,
		  struct status *st)
{
	load->is_busy = false;
	return live_vm_end(&run->vm, st);
}

static int look(struct live_run *run, const struct pollfd fds[NR_FDS],
		struct guest_load *load, struct status *st)
{
	int ret = 0;

	if (fds[EVICTIONS].revents)
		ret = evictions_drain(&run->evictions, st);
	if (!ret && load->is_busy && fds[GUEST].revents)
		ret = finish(run, load, st);
	if (!ret && load->n && !load->is_busy)
		ret = go_on(run, load, st);
	return ret;
}

/* Return: the first error of those beside the worker. */
static int attend(struct live_run *run, const struct worker *worker,
		  struct guest_load *load, struct status *st)
{
	struct pollfd fds[NR_FDS] = {
		[EVICTIONS] = {.fd = tracer_fd(run->evictions.tracer),
			       .events = POLLIN},
		[WORKER] = {.fd = worker->over, .events = POLLIN},
		[GUEST] = {.fd = load->n ? run->vm.socket : -1,
			   .events = POLLIN},
	};
	int ret = load->n ? go_on(run, load, st) : 0;

	while (!fds[WORKER].revents) {
		if (ret)
			fds[EVICTIONS].fd = fds[GUEST].fd = -1;
		if (poll(fds, NR_FDS, WAKE_MS) > 0 && !ret)
			ret = look(run, fds, load, st);
	}
	if (load->is_busy && !ret)
		ret = finish(run, load, st);
	return ret;
}

int live_host_work(struct live_run *run, worker_job job, void *arg,
		   bool is_frozen, struct status *st)
{
	struct guest_load load = {.n = 0};
	struct worker worker;
	ssize_t n = 0;
	int ret = live_settle_lists(run, st), error;

	if (!ret && run->config.is_concurrent && !is_frozen)
		n = live_last_epoch(run, st);
	if (!ret && n < 0)
		ret = (int)n;
	if (!ret)
		ret = worker_begin(&worker, job, arg, st);
	if (ret)
		return ret;
	load.n = (size_t)n;
	ret = attend(run, &worker, &load, st);
	error = worker_end(&worker, ret ? NULL : st);
	if (!ret)
		ret = error;
	return ret ? ret : live_settle_lists(run, st);
}

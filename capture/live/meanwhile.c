/* SPDX-License-Identifier: MIT */
/*
 * Host work, in a thread of its own, and what goes on beside it.  In a concurrent run
 * the guest follows the last epoch that it played over and over; these rounds are no
 * epochs of the scenario, and how many there are depends on the machine.  So the step's
 * outcome tells how often the guest touched a page meanwhile, and how often KVM's
 * notifiers were called: what was done in the same time, whatever a clock says.
 */
#include <poll.h>
#include <string.h>

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
	uint64_t calls,
		calls_before; /* at its beginning: of all; of the step */
};

/* Return: calls so far, which is all the work that a model counts, too; UINT64_MAX if
 * they are not known. */
static uint64_t count_calls(const struct live_run *run)
{
	static const char *const names[] = {"kvm_age_hva",
					    "kvm_unmap_hva_range"};
	uint64_t sum = 0;

	for (size_t i = 0; live_counters[i].name; i++)
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
			if (!strcmp(live_counters[i].name, names[k])) {
				uint64_t n =
					live_counting_value(&run->counting, i);

				if (n == UINT64_MAX)
					return n;
				sum += n;
			}
	return sum;
}

/* Every other point goes, so that there is room for as many again. */
static void thin_out(struct live_run *run)
{
	struct scenario_beside *b = &run->outcome->beside;
	struct scenario_point *p = run->results->course + b->first_point;
	size_t n = b->nr_points / 2;

	for (size_t i = 0; i < n; i++)
		p[i] = p[2 * i + 1];
	run->results->nr_points -= b->nr_points - n;
	b->nr_points = n;
	run->stride *= 2;
}

/* Bring the calls of the step up to date, those of this work having begun at
 * @load->calls. */
static void note_calls(struct live_run *run, const struct guest_load *load)
{
	uint64_t *calls = &run->outcome->beside.calls;
	uint64_t now = count_calls(run);

	if (*calls == SCENARIO_UNKNOWN)
		return;
	if (now == UINT64_MAX || load->calls == UINT64_MAX)
		*calls = SCENARIO_UNKNOWN;
	else
		*calls = load->calls_before + now - load->calls;
}

/* Where the guest is in the host's work. */
static int note_point(struct live_run *run, const struct guest_load *load,
		      struct status *st)
{
	const struct scenario_beside *b = &run->outcome->beside;
	struct scenario_point point;

	note_calls(run, load);
	if (b->calls == SCENARIO_UNKNOWN)
		return 0;
	if (b->nr_points == SCENARIO_POINTS_MAX)
		thin_out(run);
	point = (struct scenario_point){b->calls, b->touches};
	return scenario_results_point(run->results, &point, st);
}

/* Begin the next part of the epoch. */
static int go_on(struct live_run *run, struct guest_load *load,
		 struct status *st)
{
	size_t most = (size_t)LIVE_VM_BATCH * run->vm.nr_vcpus;
	size_t left = load->n - load->next;
	size_t n = left < most ? left : most;
	int ret = 0;

	if (run->turns++ % run->stride == 0)
		ret = note_point(run, load, st);
	if (ret)
		return ret;
	ret = live_vm_begin(&run->vm, run->orders + load->next, n, st);
	load->next = n < left ? load->next + n : 0;
	load->is_busy = !ret;
	run->meanwhile++;
	run->outcome->beside.touches += n;
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
	load.calls = run->config.is_concurrent ? count_calls(run) : 0;
	load.calls_before = run->outcome->beside.calls;
	if (!ret)
		ret = worker_begin(&worker, job, arg, st);
	if (ret)
		return ret;
	load.n = (size_t)n;
	ret = attend(run, &worker, &load, st);
	error = worker_end(&worker, ret ? NULL : st);
	if (!ret)
		ret = error;
	if (run->config.is_concurrent && !ret)
		ret = note_point(run, &load, st);
	return ret ? ret : live_settle_lists(run, st);
}

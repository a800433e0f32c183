/* SPDX-License-Identifier: MIT */
/*
 * What MGLRU's aging of a guest takes: CPU time of forced passes over n present pages, old
 * ones and young ones, and the same of a process that no KVM looks into.
 *
 *	slope over n, process, old pages	aging_ptes
 *	slope, guest less process, old pages	calls_aging, by the calls per page
 *	slope, guest, young less old pages	promoted
 *	intercept, guest, old pages		passes
 *	a guest that faults less one that sleeps, by the calls	lock_write_young
 *
 * A page is one notifier call of one SPTE in released kernels, so what another SPTE in
 * the same call takes cannot be known here; nor can what the lock itself takes when
 * nobody else wants it, which is in the call.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "capture/calibrate/aged.h"
#include "capture/calibrate/calibration.h"
#include "capture/calibrate/stats.h"
#include "capture/interrupts.h"

enum {
	SIZES = 4,
	STEP = 2048,
	MOST = SIZES * STEP,
	FRESH = 1024, /* pages that the guest faults on during a pass, at most */
	VCPUS_MAX = 4,
};

extern const struct calibration_bench bench_age;

struct passes {
	double old[SIZES][CALIBRATE_ROUNDS_MAX];
	double young[SIZES][CALIBRATE_ROUNDS_MAX];
	double calls; /* per page, in all passes over the most pages */
};

struct age_bench {
	struct calibration *c;
	struct aged_host host;
	struct passes guest, process;
	double retouch[CALIBRATE_ROUNDS_MAX];
	double wait[CALIBRATE_ROUNDS_MAX];
	unsigned int vcpus; /* that faulted; 0: that was not tried */
};

/* A pass over pages that were not touched since the last one but for the first, and one
 * over pages that all were. */
static int measure_size(struct age_bench *b, struct aged *aged,
			struct passes *passes, size_t size, struct status *st)
{
	uint64_t n = STEP * (size + 1), calls, all = 0;
	double ns;
	int ret = aged_touch(aged, 0, n, st);

	if (!ret)
		ret = aged_pass(aged, &ns, &calls, st);
	for (unsigned int r = 0; r < b->c->rounds && !ret; r++) {
		ret = aged_touch(aged, 0, 1, st);
		if (!ret)
			ret = aged_pass(aged, &passes->old[size][r], &calls,
					st);
		all += calls;
		if (!ret)
			ret = aged_touch(aged, 0, n, st);
		if (!ret)
			ret = aged_pass(aged, &passes->young[size][r], &calls,
					st);
		all += calls;
		if (!ret)
			ret = interrupts_check(st);
	}
	passes->calls = (double)all / (2.0 * b->c->rounds * (double)n);
	return ret;
}

/* What touching costs a guest once aging took the bits, less touching again. */
static int measure_retouch(struct age_bench *b, struct aged *guest,
			   struct status *st)
{
	int ret = 0;

	for (unsigned int r = 0; r < b->c->rounds && !ret; r++) {
		uint64_t calls, start;
		double ns, first = 0;

		ret = aged_pass(guest, &ns, &calls, st);
		start = clock_ns();
		if (!ret)
			ret = aged_touch(guest, 0, MOST, st);
		first = (double)(clock_ns() - start);
		start = clock_ns();
		if (!ret)
			ret = aged_touch(guest, 0, MOST, st);
		b->retouch[r] = (first - (double)(clock_ns() - start)) / MOST;
	}
	return ret;
}

static int run_process(struct age_bench *b, struct status *st)
{
	struct aged process;
	int ret = aged_start_process(&process, &b->host, MOST, st);

	for (size_t i = 0; i < SIZES && !ret; i++)
		ret = measure_size(b, &process, &b->process, i, st);
	aged_stop(&process);
	return ret;
}

static int run_guest(struct age_bench *b, struct status *st)
{
	struct aged guest;
	int ret = aged_start_guest(&guest, &b->host, MOST, 1, st);

	for (size_t i = 0; i < SIZES && !ret; i++)
		ret = measure_size(b, &guest, &b->guest, i, st);
	if (!ret)
		ret = measure_retouch(b, &guest, st);
	aged_stop(&guest);
	return ret;
}

/* Faults by another thread until it is told to stop. */
struct faulter {
	struct aged *guest;
	uint64_t from;
	_Atomic bool is_over;
	int ret;
	struct status st;
};

static void *fault(void *arg)
{
	enum {
		CHUNK = LIVE_VM_BATCH * VCPUS_MAX
	};
	struct faulter *f = arg;

	for (uint64_t n = 0; n < FRESH && !f->ret && !f->is_over; n += CHUNK)
		f->ret = aged_touch(f->guest, f->from + n, f->from + n + CHUNK,
				    &f->st);
	return NULL;
}

static int pass_beside_faults(struct age_bench *b, struct aged *guest,
			      unsigned int round, struct status *st)
{
	struct faulter f = {.guest = guest,
			    .from = STEP + (uint64_t)round * FRESH};
	uint64_t calls = 0, still_calls = 0;
	double ns = 0, still = 0;
	pthread_t thread;
	int ret = aged_touch(guest, 0, 1, st);

	if (!ret)
		ret = aged_pass(guest, &still, &still_calls, st);
	if (ret)
		return ret;
	ret = pthread_create(&thread, NULL, fault, &f);
	if (ret)
		return status_fail(st, ret, "starting a thread failed");
	ret = aged_pass(guest, &ns, &calls, st);
	f.is_over = true;
	pthread_join(thread, NULL);
	if (!ret && f.ret)
		ret = status_fail(st, -f.ret, "%s", f.st.message);
	b->wait[round] =
		calls && still_calls
			? ns / (double)calls - still / (double)still_calls
			: 0;
	return ret;
}

static int run_contended(struct age_bench *b, struct status *st)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int vcpus = cpus > VCPUS_MAX ? VCPUS_MAX
					      : (unsigned int)(cpus - 1);
	struct aged guest;
	int ret;

	if (!vcpus)
		return 0;
	ret = aged_start_guest(&guest, &b->host,
			       STEP + (uint64_t)FRESH * (b->c->rounds + 1),
			       vcpus, st);
	if (!ret)
		ret = aged_touch(&guest, 0, STEP, st);
	for (unsigned int r = 0; r < b->c->rounds && !ret; r++) {
		ret = pass_beside_faults(b, &guest, r, st);
		if (!ret)
			ret = interrupts_check(st);
	}
	aged_stop(&guest);
	b->vcpus = vcpus;
	return ret;
}

static struct stats_line line_of(double times[SIZES][CALIBRATE_ROUNDS_MAX],
				 unsigned int round)
{
	double x[SIZES], y[SIZES];

	for (size_t i = 0; i < SIZES; i++) {
		x[i] = (double)(STEP * (i + 1));
		y[i] = times[i][round];
	}
	return stats_line(x, y, SIZES);
}

/* Evicting asks by the same call, of which there is no pass to be timed. */
static void put_other_calls(struct age_bench *b, double *call)
{
	calibration_put(b->c, "calls_window", call,
			"not measured apart: the call of aging");
	calibration_put(b->c, "calls_victim", call,
			"not measured apart: the call of aging; the rmap walk "
			"around it is not in this price");
}

static void put_calls(struct age_bench *b, double *extra)
{
	if (b->guest.calls < 0.01) {
		for (size_t i = 0; i < 3; i++)
			calibration_miss(
				b->c, bench_age.names[i],
				"aging of this kernel does not ask KVM: "
				"%.4f calls of kvm_age_hva per page",
				b->guest.calls);
		return;
	}
	for (unsigned int r = 0; r < b->c->rounds; r++)
		extra[r] /= b->guest.calls;
	calibration_put(b->c, "calls_aging", extra,
			"CPU time (task-clock) of a pass over old pages, guest "
			"less process, slope over %d to %d pages, by %.3f "
			"calls of kvm_age_hva per page; SPTE and lock "
			"included; vCPUs asleep",
			STEP, MOST, b->guest.calls);
	put_other_calls(b, extra);
}

static void put_lock(struct age_bench *b)
{
	if (!b->vcpus || b->guest.calls < 0.01)
		calibration_miss(b->c, "lock_write_young", "%s",
				 b->vcpus ? "aging of this kernel does not "
					    "ask KVM"
					  : "needs 2 CPUs: a vCPU that faults, "
					    "and us");
	else
		calibration_put(b->c, "lock_write_young", b->wait,
				"CPU time per call of a pass beside %u vCPUs "
				"that fault less one beside sleeping vCPUs; "
				"includes the waiting",
				b->vcpus);
}

static void put_rows(struct age_bench *b)
{
	double process[CALIBRATE_ROUNDS_MAX], call[CALIBRATE_ROUNDS_MAX];
	double young[CALIBRATE_ROUNDS_MAX], once[CALIBRATE_ROUNDS_MAX];

	for (unsigned int r = 0; r < b->c->rounds; r++) {
		struct stats_line old = line_of(b->guest.old, r);

		once[r] = old.intercept;
		process[r] = line_of(b->process.old, r).slope;
		call[r] = old.slope - process[r];
		young[r] = line_of(b->guest.young, r).slope - old.slope;
	}
	put_calls(b, call);
	calibration_put(b->c, "aging_ptes", process,
			"CPU time of a pass over old pages of a process "
			"without KVM: slope over %d to %d pages",
			STEP, MOST);
	calibration_put(b->c, "promoted", young,
			"CPU time of a pass over young pages of a guest less "
			"old ones: slope; clearing the bit included");
	calibration_put(b->c, "passes", once,
			"CPU time of a pass over old pages of a guest: "
			"intercept; all nodes, the memory of kage's own guest "
			"process included");
	calibration_put(b->c, "retouch", b->retouch,
			"a guest's write to a page after aging less one before "
			"the next: wall time, %d pages",
			MOST);
	put_lock(b);
}

static int age_run(struct calibration *c, struct status *st)
{
	struct age_bench *b = kage_calloc(1, sizeof(*b), st);
	struct status closing = {""};
	int ret, error;

	if (!b)
		return -ENOMEM;
	b->c = c;
	ret = aged_host_open(&b->host, st);
	if (!ret)
		ret = run_process(b, st);
	if (!ret)
		ret = run_guest(b, st);
	if (!ret)
		ret = run_contended(b, st);
	if (!ret)
		put_rows(b);
	error = aged_host_close(&b->host, &closing);
	if (!ret && error)
		ret = status_fail(st, -error, "%s", closing.message);
	free(b);
	return ret;
}

/* The first three are of one call. */
static const char *const names[] = {
	"calls_aging", "calls_window",	   "calls_victim",
	"aging_ptes",  "promoted",	   "passes",
	"retouch",     "lock_write_young", NULL};

const struct calibration_bench bench_age = {
	.summary = "aging passes over a guest, with MGLRU",
	.names = names,
	.run = age_run,
};

/* SPDX-License-Identifier: MIT */
/*
 * Sampling threads by the kernel's own events, which every machine has: cpu-clock
 * stands for a PMU's event.  Its samples have an empty raw part.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/test.h"
#include "capture/pmu/pmu_sampler.h"

enum {
	THREADS = 2,
	BUSY_MS = 150,
	MOST = BUSY_MS * 3 / 2, /* samples of a thread; twice is a mistake */
	PERIOD_NS = 1000000,
};

struct worker {
	pthread_t thread;
	_Atomic pid_t tid;
	atomic_bool may_go;
};

static uint64_t thread_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void *work(void *arg)
{
	struct worker *worker = arg;

	worker->tid = (pid_t)syscall(SYS_gettid);
	while (!worker->may_go)
		usleep(1000);
	while (thread_ns() < BUSY_MS * UINT64_C(1000000))
		continue;
	return NULL;
}

struct seen {
	uint64_t samples[THREADS];
	uint64_t first_ns, last_ns[THREADS];
	bool is_ordered;
};

static int note(void *arg, const struct pmu_sample *sample, struct status *st)
{
	struct seen *seen = arg;

	(void)st;
	assert_true(sample->thread < THREADS);
	assert_int_equal(sample->raw_size, 4);
	assert_true(sample->mode == PERF_RECORD_MISC_USER ||
		    sample->mode == PERF_RECORD_MISC_KERNEL);
	seen->is_ordered &= sample->time_ns >= seen->last_ns[sample->thread];
	if (!seen->first_ns || sample->time_ns < seen->first_ns)
		seen->first_ns = sample->time_ns;
	seen->last_ns[sample->thread] = sample->time_ns;
	seen->samples[sample->thread]++;
	return 0;
}

static int open_sampler(struct pmu_sampler **sampler, const char *event_name,
			const pid_t *threads, size_t n, size_t ring_bytes,
			struct status *st)
{
	static const struct pmu_cpu cpu = {.ibs_op_type = -1};
	struct pmu_event event;
	struct pmu_sampler_plan plan = {.event = &event,
					.period = PERIOD_NS,
					.threads = threads,
					.nr_threads = n,
					.ring_bytes = ring_bytes};

	assert_int_equal(
		pmu_event_encode(&event, event_name, PMU_HOST, &cpu, st), 0);
	return pmu_sampler_open(sampler, &plan, st);
}

static void run(struct seen *seen, struct pmu_sampler_stats *stats,
		size_t ring_bytes)
{
	struct worker workers[THREADS] = {{.tid = 0}};
	struct pmu_sampler *sampler;
	struct status st = {""};
	pid_t tids[THREADS];

	for (int i = 0; i < THREADS; i++) {
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
		while (!workers[i].tid)
			usleep(1000);
		tids[i] = workers[i].tid;
	}
	if (open_sampler(&sampler, "cpu-clock", tids, THREADS, ring_bytes,
			 &st)) {
		print_message("%s\n", st.message);
		fail();
	}
	assert_int_equal(pmu_sampler_enable(sampler, &st), 0);
	for (int i = 0; i < THREADS; i++)
		workers[i].may_go = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	pmu_sampler_disable(sampler);
	assert_int_equal(pmu_sampler_drain(sampler, note, seen, &st), 0);
	pmu_sampler_stats(sampler, stats);
	pmu_sampler_close(sampler);
}

static void threads_are_sampled_at_the_period(void **state)
{
	uint64_t start = monotonic_ns();
	struct seen seen = {.is_ordered = true};
	struct pmu_sampler_stats stats;

	(void)state;
	run(&seen, &stats, 1 << 20);
	print_message("%lu and %lu samples\n", seen.samples[0],
		      seen.samples[1]);
	for (int i = 0; i < THREADS; i++) {
		/* the clock's interrupts can be late, never early; it counts
		 * what a hypervisor steals, which the thread's time does not */
		assert_in_range(seen.samples[i], BUSY_MS / 10, MOST);
		assert_true(seen.last_ns[i] < monotonic_ns());
	}
	assert_true(seen.is_ordered);
	assert_true(seen.first_ns > start);
	assert_int_equal(stats.samples, seen.samples[0] + seen.samples[1]);
	assert_int_equal(stats.lost, 0);
}

/* A buffer of one page holds 128 samples of 32 bytes. */
static void what_does_not_fit_is_counted(void **state)
{
	struct pmu_sampler_stats stats = {.lost = 0}, roomy;
	struct seen all = {.is_ordered = true};

	(void)state;
	run(&all, &roomy, 1 << 20);
	if (roomy.samples < THREADS * 140) {
		print_message("skip: the clock is too coarse to fill a page\n");
		skip();
	}
	/* a machine that is busy just then takes too few to fill a page */
	for (int i = 0; i < 10 && !stats.lost; i++) {
		struct seen seen = {.is_ordered = true};

		run(&seen, &stats, 4096);
	}
	print_message("%lu of about %lu, %lu lost\n", stats.samples,
		      roomy.samples, stats.lost);
	assert_true(stats.samples <= THREADS * 4096 / 32);
	assert_true(stats.lost > 0);
	assert_in_range(stats.samples + stats.lost, THREADS * BUSY_MS / 10,
			THREADS * MOST);
}

static void a_thread_that_is_gone_is_refused(void **state)
{
	const pid_t none = 0x3fffffff;
	struct pmu_sampler *sampler;
	struct status st = {""};

	(void)state;
	assert_int_equal(open_sampler(&sampler, "cpu-clock", &none, 1, 4096,
				      &st),
			 -ESRCH);
	assert_null(sampler);
	assert_non_null(strstr(st.message, "has ended"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_are_sampled_at_the_period),
		cmocka_unit_test(what_does_not_fit_is_counted),
		cmocka_unit_test(a_thread_that_is_gone_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

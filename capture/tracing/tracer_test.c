/* SPDX-License-Identifier: MIT */
/*
 * Tracepoints of the running kernel, made to fire a known number of times in a
 * known order.  Skipped without the privileges to trace.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/test.h"
#include "capture/tracing/hostfs.h"
#include "capture/tracing/tracer.h"

enum {
	SKIPPED = 77,
	SEEN_MAX = 40000,
	TURNS = 4000, /* of two threads together */
	SMALL = 4096, /* a ring of one page */
	LARGE = 8 << 20,
};

struct seen {
	size_t n;
	uint64_t last_ns;
	pid_t only;	   /* 0: all */
	const pid_t *pair; /* of these two; NULL: all */
	struct {
		uint64_t time_ns;
		pid_t tid;
		unsigned int which;
		uint64_t field[2];
	} events[SEEN_MAX];
};

static int take(void *arg, const struct tracer_event *event, struct status *st)
{
	struct seen *seen = arg;

	(void)st;
	assert_true(event->time_ns >= seen->last_ns);
	seen->last_ns = event->time_ns;
	if (seen->only && event->tid != seen->only)
		return 0;
	if (seen->pair && event->tid != seen->pair[0] &&
	    event->tid != seen->pair[1])
		return 0; /* other programs of this host call, too */
	assert_true(seen->n < SEEN_MAX);
	seen->events[seen->n].time_ns = event->time_ns;
	seen->events[seen->n].tid = event->tid;
	seen->events[seen->n].which = event->which;
	memcpy(seen->events[seen->n].field, event->field,
	       sizeof(seen->events[seen->n].field));
	seen->n++;
	return 0;
}

static char *filter_text(long number)
{
	static const char format[] = "id == %ld";
	char *text = test_malloc(64);

	snprintf(text, 64, format, number);
	return text;
}

struct fixture {
	int tracefs;
	char *filter; /* of getppid, which nobody else here calls */
	struct tracer_point points[2];
	struct seen seen;
	struct status st;
};

static int set_up(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->tracefs = hostfs_open("tracefs", &f->st);
	assert_true(f->tracefs >= 0);
	f->filter = filter_text(SYS_getppid);
	f->points[0] = (struct tracer_point){
		"raw_syscalls", "sys_enter", {"id", "common_pid"}, f->filter};
	f->points[1] = (struct tracer_point){
		"raw_syscalls", "sys_exit", {"id", "ret"}, f->filter};
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	close(f->tracefs);
	test_free(f->filter);
	test_free(f);
	return 0;
}

static struct tracer *opened(struct fixture *f, size_t nr_points,
			     const pid_t *tids, size_t nr_tids, size_t bytes)
{
	const struct tracer_plan plan = {f->points, nr_points, tids,
					 nr_tids,   bytes,     0};
	struct tracer *tracer;
	int ret = tracer_open(&tracer, f->tracefs, &plan, &f->st);

	if (ret)
		fail_msg("%s", f->st.message);
	return tracer;
}

static void call(size_t n)
{
	while (n--)
		syscall(SYS_getppid);
}

static void two_points_come_in_turn(void **state)
{
	struct fixture *f = *state;
	pid_t self = (pid_t)syscall(SYS_gettid);
	struct tracer *tracer = opened(f, 2, &self, 1, LARGE);
	uint64_t lost = 1, before = clock_ns(), after;

	call(10); /* not enabled yet */
	assert_int_equal(tracer_enable(tracer, &f->st), 0);
	call(5000);
	assert_int_equal(tracer_disable(tracer, &f->st), 0);
	after = clock_ns();
	call(10);
	assert_int_equal(tracer_drain(tracer, take, &f->seen, &lost, &f->st),
			 1);
	assert_int_equal(lost, 0);
	assert_int_equal(f->seen.n, 10000);
	for (size_t i = 0; i < f->seen.n; i++) {
		assert_int_equal(f->seen.events[i].which, i % 2);
		assert_int_equal(f->seen.events[i].tid, self);
		assert_int_equal(f->seen.events[i].field[0], SYS_getppid);
		assert_int_equal(f->seen.events[i].field[1],
				 i % 2 ? getppid() : self);
	}
	assert_true(f->seen.events[0].time_ns > before);
	assert_true(f->seen.last_ns < after);
	assert_int_equal(tracer_late(tracer), 0);
	tracer_close(tracer);
}

static void negative_fields_stay_negative(void **state)
{
	struct fixture *f = *state;
	pid_t self = (pid_t)syscall(SYS_gettid);
	char *filter = filter_text(SYS_close);
	struct tracer *tracer;
	uint64_t lost;

	f->points[1].filter = filter;
	tracer = opened(f, 2, &self, 1, SMALL);
	assert_int_equal(tracer_enable(tracer, &f->st), 0);
	close(-1);
	assert_int_equal(tracer_finish(tracer, take, &f->seen, &lost, &f->st),
			 1);
	assert_int_equal(f->seen.n, 1);
	assert_true((int64_t)f->seen.events[0].field[1] == -EBADF);
	tracer_close(tracer);
	test_free(filter);
}

/* Four rounds: what is lost in one does not disturb the next. */
static void an_overflow_is_counted_exactly(void **state)
{
	struct fixture *f = *state;
	pid_t self = (pid_t)syscall(SYS_gettid);
	struct tracer *tracer = opened(f, 2, &self, 1, SMALL);
	static const size_t rounds[] = {9000, 3, 1000, 2};
	uint64_t lost, seen;

	for (size_t i = 0; i < 4; i++) {
		f->seen.n = 0;
		assert_int_equal(tracer_enable(tracer, &f->st), 0);
		call(rounds[i]);
		assert_int_equal(tracer_finish(tracer, take, &f->seen, &lost,
					       &f->st),
				 1);
		seen = f->seen.n;
		assert_true(seen > 0);
		assert_int_equal(seen + lost, 2 * rounds[i]);
		assert_true(rounds[i] > 100 ? lost > 0 : lost == 0);
	}
	tracer_close(tracer);
}

/* Losses that are known early are reported early, and never twice. */
static void losses_are_reported_on_the_way(void **state)
{
	struct fixture *f = *state;
	pid_t self = (pid_t)syscall(SYS_gettid);
	struct tracer *tracer = opened(f, 1, &self, 1, SMALL);
	uint64_t lost, early = 0;

	assert_int_equal(tracer_enable(tracer, &f->st), 0);
	for (int i = 0; i < 50; i++) {
		call(100);
		assert_int_equal(
			tracer_drain(tracer, take, &f->seen, &lost, &f->st), 1);
		early += lost;
	}
	assert_int_equal(tracer_finish(tracer, take, &f->seen, &lost, &f->st),
			 1);
	assert_true(early > 0);
	assert_true(lost > 0);
	assert_int_equal(f->seen.n + early + lost, 5000);
	tracer_close(tracer);
}

static void the_descriptor_tells_when_to_drain(void **state)
{
	struct fixture *f = *state;
	pid_t self = (pid_t)syscall(SYS_gettid);
	struct tracer *tracer = opened(f, 1, &self, 1, LARGE);
	struct pollfd fd = {.fd = tracer_fd(tracer), .events = POLLIN};
	uint64_t lost;

	assert_int_equal(tracer_enable(tracer, &f->st), 0);
	call(100);
	assert_int_equal(poll(&fd, 1, 0), 0);
	call(LARGE / 4 / 56); /* a record has more bytes */
	assert_int_equal(poll(&fd, 1, 5000), 1);
	assert_int_equal(tracer_drain(tracer, take, &f->seen, &lost, &f->st),
			 1);
	assert_int_equal(f->seen.n, 100 + LARGE / 4 / 56);
	assert_int_equal(poll(&fd, 1, 0), 0);
	tracer_close(tracer);
}

struct turns {
	_Atomic pid_t tids[2];
	_Atomic size_t turn; /* 0: not started */
	_Atomic size_t next_id;
};

/* Two threads, each in its turn: the order of the calls is known. */
static void *take_turns(void *arg)
{
	struct turns *turns = arg;
	size_t id = atomic_fetch_add(&turns->next_id, 1), turn;

	atomic_store(&turns->tids[id], (pid_t)syscall(SYS_gettid));
	while ((turn = atomic_load(&turns->turn)) <= TURNS) {
		if (turn && turn % 2 == id) {
			syscall(SYS_getppid);
			atomic_fetch_add(&turns->turn, 1);
		} else {
			sched_yield();
		}
	}
	return NULL;
}

static void start_turns(struct turns *turns, pthread_t threads[2])
{
	memset(turns, 0, sizeof(*turns));
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_turns,
						turns),
				 0);
	while (!turns->tids[0] || !turns->tids[1])
		sched_yield();
}

/* Where two neighbours are of one thread, an event came late: as many as that. */
static size_t count_out_of_turn(const struct fixture *f,
				const struct turns *turns)
{
	size_t n = 0, out = 0;
	pid_t last = 0;

	for (size_t i = 0; i < f->seen.n; i++) {
		pid_t tid = f->seen.events[i].tid;

		if (tid != turns->tids[0] && tid != turns->tids[1])
			continue;
		out += tid == last;
		last = tid;
		n++;
	}
	assert_int_equal(n, TURNS);
	return out;
}

static void check_order(struct fixture *f, bool is_by_thread)
{
	pthread_t threads[2];
	struct turns turns;
	struct tracer *tracer;
	uint64_t lost;
	pid_t tids[2];
	int ret = 1;

	start_turns(&turns, threads);
	tids[0] = turns.tids[0];
	tids[1] = turns.tids[1];
	f->seen.pair = tids;
	tracer = opened(f, 1, tids, is_by_thread ? 2 : 0, LARGE);
	assert_int_equal(tracer_enable(tracer, &f->st), 0);
	turns.turn = 1;
	while (turns.turn <= TURNS) {
		ret = tracer_drain(tracer, take, &f->seen, &lost, &f->st);
		assert_true(ret >= 0);
		assert_int_equal(lost, 0);
	}
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	ret = tracer_finish(tracer, take, &f->seen, &lost, &f->st);
	assert_int_equal(ret, is_by_thread ? 0 : 1); /* threads end, CPUs not */
	assert_int_equal(lost, 0);
	assert_true(count_out_of_turn(f, &turns) <= 2 * tracer_late(tracer));
	assert_true(tracer_late(tracer) <= TURNS / 100);
	tracer_close(tracer);
}

static void rings_of_cpus_merge_in_order(void **state)
{
	check_order(*state, false);
}

static void rings_of_threads_merge_in_order(void **state)
{
	check_order(*state, true);
}

static void *call_only(void *arg)
{
	(void)arg;
	call(100);
	return NULL;
}

/* The first point of this thread alone, the second of every thread. */
static void a_point_is_watched_everywhere(void **state)
{
	struct fixture *f = *state;
	pid_t self = (pid_t)syscall(SYS_gettid);
	const struct tracer_plan plan = {f->points, 2, &self, 1, LARGE, 2};
	size_t n[2][2] = {{0}};
	struct tracer *tracer;
	pthread_t thread;
	uint64_t lost;

	assert_int_equal(tracer_open(&tracer, f->tracefs, &plan, &f->st), 0);
	assert_int_equal(tracer_enable(tracer, &f->st), 0);
	assert_int_equal(pthread_create(&thread, NULL, call_only, NULL), 0);
	call(50);
	pthread_join(thread, NULL);
	assert_int_equal(tracer_finish(tracer, take, &f->seen, &lost, &f->st),
			 1);
	assert_int_equal(lost, 0);
	for (size_t i = 0; i < f->seen.n; i++)
		n[f->seen.events[i].which][f->seen.events[i].tid == self]++;
	assert_int_equal(n[0][0], 0);
	assert_int_equal(n[0][1], 50);
	assert_true(n[1][0] >= 100); /* others may call, too */
	assert_int_equal(n[1][1], 50);
	assert_true(tracer_time_ns(tracer) > f->seen.last_ns);
	tracer_close(tracer);
}

static void *call_and_end(void *arg)
{
	struct turns *turns = arg;

	turns->tids[0] = (pid_t)syscall(SYS_gettid);
	while (!turns->turn)
		sched_yield();
	call(100);
	return NULL;
}

static void the_end_of_all_threads_is_the_end(void **state)
{
	struct fixture *f = *state;
	struct turns turns = {.turn = 0};
	struct tracer *tracer;
	pthread_t thread;
	struct pollfd fd = {.events = POLLIN};
	uint64_t lost;
	pid_t tid;

	assert_int_equal(pthread_create(&thread, NULL, call_and_end, &turns),
			 0);
	while (!(tid = turns.tids[0]))
		sched_yield();
	tracer = opened(f, 1, &tid, 1, LARGE);
	fd.fd = tracer_fd(tracer);
	assert_int_equal(tracer_enable(tracer, &f->st), 0);
	assert_int_equal(tracer_drain(tracer, take, &f->seen, &lost, &f->st),
			 1);
	turns.turn = 1;
	pthread_join(thread, NULL);
	assert_int_equal(poll(&fd, 1, 5000), 1);
	assert_int_equal(tracer_drain(tracer, take, &f->seen, &lost, &f->st),
			 0);
	assert_int_equal(f->seen.n, 100);
	assert_int_equal(poll(&fd, 1, 0), 0);
	tracer_close(tracer);
}

/* Wherever memory runs out: an error, and nothing is left (ASan looks). */
static void want_of_memory_is_survived(void **state)
{
	struct fixture *f = *state;
	pid_t self = (pid_t)syscall(SYS_gettid);
	const struct tracer_plan plan = {f->points, 2, &self, 1, SMALL, 0};
	struct tracer *tracer;
	unsigned long nth = 0;
	int ret;

	do {
		kage_alloc_fail_at(++nth);
		ret = tracer_open(&tracer, f->tracefs, &plan, &f->st);
		assert_int_equal(ret, kage_alloc_failed() ? -ENOMEM : 0);
	} while (ret);
	kage_alloc_fail_at(0);
	assert_true(nth > 5);
	tracer_close(tracer);
}

/* Return: whether tracing is possible; says why not. */
static int can_trace(void)
{
	const struct tracer_point point = {
		"raw_syscalls", "sys_enter", {"id"}, NULL};
	const struct tracer_plan plan = {&point, 1, NULL, 0, SMALL, 0};
	struct tracer *tracer = NULL;
	struct status st;
	int tracefs = hostfs_open("tracefs", &st);
	int ret = tracefs < 0 ? tracefs
			      : tracer_open(&tracer, tracefs, &plan, &st);

	tracer_close(tracer);
	if (tracefs >= 0)
		close(tracefs);
	if (ret)
		printf("skip: %s\n", st.message);
	return !ret;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(two_points_come_in_turn, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(negative_fields_stay_negative,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_overflow_is_counted_exactly,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(losses_are_reported_on_the_way,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_descriptor_tells_when_to_drain, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rings_of_cpus_merge_in_order,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(rings_of_threads_merge_in_order,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_end_of_all_threads_is_the_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_point_is_watched_everywhere,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(want_of_memory_is_survived,
						set_up, tear_down),
	};

	return can_trace() ? cmocka_run_group_tests(tests, NULL, NULL)
			   : SKIPPED;
}

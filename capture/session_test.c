/* SPDX-License-Identifier: MIT */
/*
 * The session's loop with backends made for the purpose: how captures end, what is
 * in the file then, and what the report says.  Each runs in a child process,
 * because a session gives up its privileges and takes signals.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/test.h"
#include "capture/session.h"

#define FILE_NAME "session_test.kgt"
#define MS	  UINT64_C(1000000)

enum behaviour {
	STEADY,	      /* one page more in each epoch */
	ENDS,	      /* the source ends with its third scan */
	FAILS,	      /* the third scan fails */
	LOSES,	      /* one event of each epoch */
	LOSES_SOME,   /* and nobody knows how many */
	SLOW,	      /* a scan takes three epochs */
	KILLS_ITSELF, /* SIGKILL in the fourth scan */
	TERMINATES,   /* SIGTERM in the fourth scan */
	NEVER_STARTS,
	CHANGES_HOST, /* and is killed in the fourth scan */
	OWN_CLOCK,    /* two epochs of 7 ms by each second scan, else none */
};

struct fake {
	enum behaviour behaviour;
	unsigned int scans;
};

static struct trace_slot slot = {
	.npages = 64, .page_bytes = 4096, .node = -1, .backing = "anon"};

static int fake_open(void *state, const struct capture_target *target,
		     struct status *st)
{
	struct fake *fake = state;
	FILE *host;
	int ret = 0;

	fake->behaviour = *(const enum behaviour *)target->values;
	if (fake->behaviour != CHANGES_HOST)
		return 0;
	ret = guard_keep(target->guard, "session_test.host", st);
	host = fopen("session_test.host", "we");
	if (host) {
		fputs("changed", host);
		fclose(host);
	}
	return ret;
}

static int fake_start(void *state, struct status *st)
{
	struct fake *fake = state;

	return fake->behaviour == NEVER_STARTS
		       ? status_fail(st, EOPNOTSUPP, "no such luck")
		       : 0;
}

static int behave(struct fake *fake, struct recorder *recorder,
		  struct status *st)
{
	const struct timespec pause = {0, 35 * (long)MS};

	switch (fake->behaviour) {
	case ENDS:
		return fake->scans == 3 ? 0 : 1;
	case FAILS:
		return fake->scans == 3 ? status_fail(st, EIO, "broken") : 1;
	case LOSES:
	case LOSES_SOME:
		return recorder_lost(recorder, fake->scans, 1,
				     fake->behaviour == LOSES, st)
			       ? -EIO
			       : 1;
	case SLOW:
		nanosleep(&pause, NULL);
		return 1;
	case KILLS_ITSELF:
	case CHANGES_HOST:
	case TERMINATES:
		if (fake->scans == 4)
			raise(fake->behaviour == TERMINATES ? SIGTERM
							    : SIGKILL);
		return 1;
	default:
		return 1;
	}
}

static int write_own_epoch(struct fake *fake, struct recorder *recorder,
			   struct status *st)
{
	struct trace_epoch epoch = {.channels = TRACE_CHANNEL_ACCESSED,
				    .start = recorder->index * 7 * MS};
	const struct trace_run run = {.npages = fake->scans,
				      .flags = TRACE_RUN_ACCESSED};
	int ret = recorder_run(recorder, &run, st);

	epoch.end = epoch.scan_start = epoch.scan_end = epoch.start + 7 * MS;
	return ret ? ret : recorder_sample(recorder, &epoch, st);
}

static int own_clock_scan(void *state, struct recorder *recorder,
			  struct status *st)
{
	struct fake *fake = state;
	int ret = 0;

	if (++fake->scans % 2)
		return 1;
	for (int i = 0; !ret && i < 2; i++)
		ret = write_own_epoch(fake, recorder, st);
	return ret ? ret : 1;
}

static int fake_scan(void *state, struct recorder *recorder, struct status *st)
{
	struct fake *fake = state;
	const struct trace_run run = {
		.gfn = 0, .npages = ++fake->scans, .flags = TRACE_RUN_ACCESSED};
	int ret = recorder_run(recorder, &run, st);

	return ret ? ret : behave(fake, recorder, st);
}

static void fake_close(void *state)
{
	(void)state;
}

static const struct capture_ops fake_ops = {
	.unseen = "everything else",
	.needs = GUEST_SLOTS,
	.clock = TRACE_CLOCK_NS,
	.fidelity = TRACE_ACCESSED_BIT,
	.channels = TRACE_CHANNEL_ACCESSED,
	.state_size = sizeof(struct fake),
	.open = fake_open,
	.start = fake_start,
	.scan = fake_scan,
	.close = fake_close,
};

/* What the child found, in shared memory. */
struct outcome {
	int ret;
	struct session_report report;
	struct status st;
};

static void run_here(enum behaviour behaviour,
		     const struct session_limits *limits, int pidfd,
		     struct outcome *outcome)
{
	struct capture_ops ops = fake_ops;
	const struct capture_backend backend = {"fake", &ops};
	struct guest guest = {.pidfd = pidfd, .nr_slots = 1, .slots = &slot};
	struct session_plan plan = {
		.backend = &backend,
		.target = {.guest = &guest,
			   .epoch_ticks = 10 * MS,
			   .ps_per_tick = 1000,
			   .values = &behaviour},
		.limits = *limits,
		.last_gfn = TRACE_GFN_LIMIT - 1,
		.output = FILE_NAME,
		.details = json_object(),
	};

	if (behaviour == OWN_CLOCK) {
		ops.writes_epochs = true;
		ops.scan = own_clock_scan;
	}
	outcome->ret = session_run(&plan, &outcome->report, &outcome->st);
	json_decref(plan.details);
}

/* Return: the child's wait status. */
static int run(enum behaviour behaviour, const struct session_limits *limits,
	       int pidfd, struct outcome *outcome)
{
	struct outcome *shared = mmap(NULL, sizeof(*shared),
				      PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t child;

	assert_ptr_not_equal(shared, MAP_FAILED);
	unlink(FILE_NAME);
	unlink(FILE_NAME ".part");
	child = fork();
	if (!child) {
		run_here(behaviour, limits, pidfd, shared);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	*outcome = *shared;
	munmap(shared, sizeof(*shared));
	return status;
}

/* Return: the epochs of the file, each of which must hold one page more. */
static uint64_t count_epochs(const char *path)
{
	struct status st = {""};
	struct trace_reader *reader;
	struct trace_block block;
	uint64_t n = 0, end = 0;

	assert_int_equal(trace_reader_open(&reader, path, 0, &st), 0);
	while (trace_reader_next(reader, &block, &st) > 0) {
		if (block.type != TRACE_BLOCK_EPOCH)
			continue;
		assert_int_equal(block.epoch.npages, ++n);
		assert_int_equal(block.epoch.start, end);
		assert_int_equal(block.epoch.scan_start, block.epoch.end);
		assert_true(block.epoch.scan_end >= block.epoch.scan_start);
		assert_false(block.epoch.is_ordered);
		end = block.epoch.end;
	}
	assert_string_equal(st.message, "");
	trace_reader_close(reader);
	return n;
}

static const struct session_limits five = {.epochs = 5};

static void epochs_end_a_capture(void **state)
{
	struct outcome outcome;

	(void)state;
	assert_int_equal(run(STEADY, &five, -1, &outcome), 0);
	assert_int_equal(outcome.ret, 0);
	assert_int_equal(outcome.report.stats.epochs, 5);
	assert_int_equal(outcome.report.stats.least, 1);
	assert_int_equal(outcome.report.stats.most, 5);
	assert_int_equal(count_epochs(FILE_NAME), 5);
	assert_true(outcome.report.wall_ns >= 50 * MS);
	assert_true(outcome.report.cpu_ns > 0);
}

static void duration_and_size_end_a_capture(void **state)
{
	const struct session_limits soon = {.duration_ns = 65 * MS};
	const struct session_limits small = {.bytes = 1};
	struct outcome outcome;

	(void)state;
	assert_int_equal(run(STEADY, &soon, -1, &outcome), 0);
	assert_int_equal(outcome.ret, 0);
	assert_in_range(count_epochs(FILE_NAME), 1, 6);
	assert_int_equal(run(STEADY, &small, -1, &outcome), 0);
	assert_int_equal(outcome.ret, 0);
	assert_in_range(count_epochs(FILE_NAME), 0, 1);
}

static void the_file_is_its_owners(void **state)
{
	struct outcome outcome;
	struct stat info;

	(void)state;
	run(STEADY, &five, -1, &outcome);
	assert_int_equal(stat(FILE_NAME, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
}

static void a_source_that_ends_is_a_success(void **state)
{
	struct outcome outcome;

	(void)state;
	run(ENDS, &five, -1, &outcome);
	assert_int_equal(outcome.ret, 0);
	assert_int_equal(count_epochs(FILE_NAME), 3);
}

static void a_failing_scan_keeps_the_part(void **state)
{
	struct outcome outcome;

	(void)state;
	run(FAILS, &five, -1, &outcome);
	assert_int_equal(outcome.ret, -EIO);
	assert_string_equal(outcome.st.message, "broken");
	assert_int_equal(access(FILE_NAME, F_OK), -1);
	assert_int_equal(count_epochs(FILE_NAME ".part"), 2);
}

static void nothing_is_left_of_what_never_started(void **state)
{
	struct outcome outcome;

	(void)state;
	run(NEVER_STARTS, &five, -1, &outcome);
	assert_int_equal(outcome.ret, -EOPNOTSUPP);
	assert_int_equal(access(FILE_NAME ".part", F_OK), -1);
	assert_int_equal(access(FILE_NAME, F_OK), -1);
}

static void losses_are_judged(void **state)
{
	const struct session_limits lenient = {.epochs = 5, .max_loss = 0.5};
	struct outcome outcome;

	(void)state;
	run(LOSES, &five, -1, &outcome);
	assert_int_equal(outcome.ret, -ENOBUFS);
	assert_int_equal(outcome.report.stats.lost, 5);
	assert_int_equal(outcome.report.totals.lost, 5);
	assert_int_equal(count_epochs(FILE_NAME), 5);
	run(LOSES, &lenient, -1, &outcome);
	assert_int_equal(outcome.ret, 0);
	run(LOSES_SOME, &lenient, -1, &outcome);
	assert_int_equal(outcome.ret, -ENOBUFS);
	assert_non_null(strstr(outcome.st.message, "unknown"));
}

static void late_scans_are_counted(void **state)
{
	struct outcome outcome;

	(void)state;
	run(SLOW, &five, -1, &outcome);
	assert_int_equal(outcome.ret, 0);
	assert_true(outcome.report.late_scans >= 5);
	assert_true(outcome.report.longest_scan_ns >= 35 * MS);
}

static void a_source_with_a_clock_says_when_its_epochs_were(void **state)
{
	const struct session_limits four = {.epochs = 4};
	struct outcome outcome;
	struct trace_reader *reader;
	struct trace_block block;
	uint64_t n = 0;

	(void)state;
	run(OWN_CLOCK, &four, -1, &outcome);
	assert_int_equal(outcome.ret, 0);
	assert_int_equal(outcome.report.stats.epochs, 4);
	assert_int_equal(trace_reader_open(&reader, FILE_NAME, 0, NULL), 0);
	while (trace_reader_next(reader, &block, NULL) == 1) {
		if (block.type != TRACE_BLOCK_EPOCH)
			continue;
		assert_int_equal(block.epoch.start, n * 7 * MS);
		assert_int_equal(block.epoch.scan_end, (n + 1) * 7 * MS);
		assert_int_equal(block.epoch.npages, n < 2 ? 2 : 4);
		n++;
	}
	assert_int_equal(n, 4);
	trace_reader_close(reader);
}

static void sigterm_closes_cleanly(void **state)
{
	struct outcome outcome;

	(void)state;
	assert_int_equal(run(TERMINATES, &five, -1, &outcome), 0);
	assert_int_equal(outcome.ret, -EINTR);
	assert_int_equal(count_epochs(FILE_NAME), 4);
}

/* Epochs are made safe once a second, so this one has to last. */
static void sigkill_leaves_a_readable_part(void **state)
{
	struct trace_totals totals;
	struct status st = {""};
	struct outcome outcome;
	uint64_t dropped;
	int status;

	(void)state;
	status = run(KILLS_ITSELF, &five, -1, &outcome);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(count_epochs(FILE_NAME ".part"), 3);
	assert_int_equal(
		trace_recover(FILE_NAME ".part", &totals, &dropped, &st), 0);
	assert_int_equal(totals.epochs, 3);
}

static void sigkill_restores_the_host(void **state)
{
	const struct timespec pause = {0, 10 * (long)MS};
	char text[16] = "";
	struct outcome outcome;
	FILE *host = fopen("session_test.host", "we");

	(void)state;
	assert_non_null(host);
	fputs("before", host);
	fclose(host);
	assert_true(WIFSIGNALED(run(CHANGES_HOST, &five, -1, &outcome)));
	for (int i = 0; i < 500 && strcmp(text, "before"); i++) {
		host = fopen("session_test.host", "re");
		assert_non_null(host);
		if (!fgets(text, sizeof(text), host))
			text[0] = '\0';
		fclose(host);
		nanosleep(&pause, NULL);
	}
	assert_string_equal(text, "before");
	unlink("session_test.host");
}

static void a_dead_guest_ends_the_capture(void **state)
{
	const struct session_limits none = {0};
	const struct timespec life = {0, 400 * (long)MS};
	struct outcome outcome;
	pid_t child = fork();
	int pidfd;

	(void)state;
	if (!child) {
		nanosleep(&life, NULL);
		_exit(0);
	}
	pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	assert_true(pidfd >= 0);
	run(STEADY, &none, pidfd, &outcome);
	assert_int_equal(outcome.ret, -ESRCH);
	assert_true(outcome.report.is_guest_gone);
	assert_true(count_epochs(FILE_NAME) >= 1);
	waitpid(child, NULL, 0);
	close(pidfd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(epochs_end_a_capture),
		cmocka_unit_test(duration_and_size_end_a_capture),
		cmocka_unit_test(the_file_is_its_owners),
		cmocka_unit_test(a_source_that_ends_is_a_success),
		cmocka_unit_test(a_failing_scan_keeps_the_part),
		cmocka_unit_test(nothing_is_left_of_what_never_started),
		cmocka_unit_test(losses_are_judged),
		cmocka_unit_test(late_scans_are_counted),
		cmocka_unit_test(
			a_source_with_a_clock_says_when_its_epochs_were),
		cmocka_unit_test(sigterm_closes_cleanly),
		cmocka_unit_test(sigkill_leaves_a_readable_part),
		cmocka_unit_test(sigkill_restores_the_host),
		cmocka_unit_test(a_dead_guest_ends_the_capture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

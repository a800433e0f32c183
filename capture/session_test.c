/* SPDX-License-Identifier: MIT */
/*
 * The session's loop with a source made for the purpose: how captures end, what is
 * in the file then, and what the report says.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/test.h"
#include "capture/session_fake.h"

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
	assert_int_equal(session_fake_run(STEADY, &five, -1, &outcome), 0);
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
	assert_int_equal(session_fake_run(STEADY, &soon, -1, &outcome), 0);
	assert_int_equal(outcome.ret, 0);
	assert_in_range(count_epochs(FILE_NAME), 1, 6);
	assert_int_equal(session_fake_run(STEADY, &small, -1, &outcome), 0);
	assert_int_equal(outcome.ret, 0);
	assert_in_range(count_epochs(FILE_NAME), 0, 1);
}

static void the_file_is_its_owners(void **state)
{
	struct outcome outcome;
	struct stat info;

	(void)state;
	session_fake_run(STEADY, &five, -1, &outcome);
	assert_int_equal(stat(FILE_NAME, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
}

static void a_source_that_ends_is_a_success(void **state)
{
	struct outcome outcome;

	(void)state;
	session_fake_run(ENDS, &five, -1, &outcome);
	assert_int_equal(outcome.ret, 0);
	assert_int_equal(count_epochs(FILE_NAME), 3);
}

static void a_failing_scan_keeps_the_part(void **state)
{
	struct outcome outcome;

	(void)state;
	session_fake_run(FAILS, &five, -1, &outcome);
	assert_int_equal(outcome.ret, -EIO);
	assert_string_equal(outcome.st.message,
			    "broken; kage trace recover finishes " FILE_NAME
			    ".part");
	assert_int_equal(access(FILE_NAME, F_OK), -1);
	assert_int_equal(count_epochs(FILE_NAME ".part"), 2);
}

static void nothing_is_left_of_what_never_started(void **state)
{
	struct outcome outcome;

	(void)state;
	session_fake_run(NEVER_STARTS, &five, -1, &outcome);
	assert_int_equal(outcome.ret, -EOPNOTSUPP);
	assert_int_equal(access(FILE_NAME ".part", F_OK), -1);
	assert_int_equal(access(FILE_NAME, F_OK), -1);
}

static void losses_are_judged(void **state)
{
	const struct session_limits lenient = {.epochs = 5, .max_loss = 0.5};
	struct outcome outcome;

	(void)state;
	session_fake_run(LOSES, &five, -1, &outcome);
	assert_int_equal(outcome.ret, -ENOBUFS);
	assert_int_equal(outcome.report.stats.lost, 5);
	assert_int_equal(outcome.report.totals.lost, 5);
	assert_int_equal(count_epochs(FILE_NAME), 5);
	session_fake_run(LOSES, &lenient, -1, &outcome);
	assert_int_equal(outcome.ret, 0);
	session_fake_run(LOSES_SOME, &lenient, -1, &outcome);
	assert_int_equal(outcome.ret, -ENOBUFS);
	assert_non_null(strstr(outcome.st.message, "unknown"));
}

static void late_scans_are_counted(void **state)
{
	struct outcome outcome;

	(void)state;
	session_fake_run(SLOW, &five, -1, &outcome);
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
	session_fake_run(OWN_CLOCK, &four, -1, &outcome);
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
	assert_int_equal(session_fake_run(TERMINATES, &five, -1, &outcome), 0);
	assert_int_equal(outcome.ret, -EINTR);
	assert_int_equal(count_epochs(FILE_NAME), 4);
}

static void a_signal_after_the_loop_is_a_clean_end_too(void **state)
{
	struct outcome outcome;

	(void)state;
	assert_int_equal(session_fake_run(LATE_SIGNAL, &five, -1, &outcome), 0);
	assert_int_equal(outcome.ret, -EINTR);
	assert_int_equal(count_epochs(FILE_NAME), 5);
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
	status = session_fake_run(KILLS_ITSELF, &five, -1, &outcome);
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
	assert_true(WIFSIGNALED(
		session_fake_run(CHANGES_HOST, &five, -1, &outcome)));
	for (int i = 0; i < 6000 && strcmp(text, "before"); i++) {
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

static void a_host_that_stays_changed_is_an_error(void **state)
{
	struct outcome outcome;

	(void)state;
	session_fake_run(CANNOT_RESTORE, &five, -1, &outcome);
	assert_int_equal(outcome.ret, -EIO);
	assert_non_null(strstr(outcome.st.message, "not restored"));
	assert_int_equal(count_epochs(FILE_NAME), 5);
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
	session_fake_run(STEADY, &none, pidfd, &outcome);
	assert_int_equal(outcome.ret, -ESRCH);
	assert_true(outcome.report.is_guest_gone);
	assert_true(count_epochs(FILE_NAME) >= 1);
	waitpid(child, NULL, 0);
	close(pidfd);
}

/* Its pages vanish with it: that is no epoch, and the scan's error none of ours. */
static void a_guest_that_dies_in_a_scan_leaves_no_epoch(void **state)
{
	static const enum behaviour ways[] = {GUEST_DIES, DIES_BADLY};
	struct outcome outcome;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		pid_t child = fork();
		int pidfd;

		if (!child) {
			pause();
			_exit(0);
		}
		pidfd = (int)syscall(SYS_pidfd_open, child, 0);
		assert_true(pidfd >= 0);
		session_fake_run(ways[i], &five, pidfd, &outcome);
		assert_int_equal(outcome.ret, -ESRCH);
		assert_int_equal(count_epochs(FILE_NAME), 2);
		waitpid(child, NULL, 0);
		close(pidfd);
	}
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
		cmocka_unit_test(a_signal_after_the_loop_is_a_clean_end_too),
		cmocka_unit_test(sigkill_leaves_a_readable_part),
		cmocka_unit_test(sigkill_restores_the_host),
		cmocka_unit_test(a_host_that_stays_changed_is_an_error),
		cmocka_unit_test(a_dead_guest_ends_the_capture),
		cmocka_unit_test(a_guest_that_dies_in_a_scan_leaves_no_epoch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

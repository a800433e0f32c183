/* SPDX-License-Identifier: MIT */
/* What the guard puts back: in which order, and after which deaths. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/test.h"
#include "capture/host/guard.h"

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* Wait up to a minute for a file to say it. */
static void expect_soon(const char *path, const char *text)
{
	const struct timespec pause = {0, 10000000};
	char found[64] = "";

	for (int i = 0; i < 6000 && strcmp(found, text); i++) {
		FILE *file = fopen(path, "re");

		assert_non_null(file);
		if (!fgets(found, sizeof(found), file))
			found[0] = '\0';
		fclose(file);
		nanosleep(&pause, NULL);
	}
	assert_string_equal(found, text);
}

static void guard_restores_last_first(void **state)
{
	struct guard guard = {0};
	struct status st = {""};

	(void)state;
	put("guarded", "old");
	assert_int_equal(guard_keep(&guard, "guarded", &st), 0);
	put("guarded", "new");
	assert_int_equal(guard_restore(&guard, "guarded", "two", &st), 0);
	assert_int_equal(guard_close(&guard, &st), 0);
	expect_soon("guarded", "old");
}

static void guard_keeps_no_half_of_a_file(void **state)
{
	struct guard guard = {0};
	struct status st = {""};
	char text[300];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	put("guarded", text);
	assert_int_equal(guard_keep(&guard, "guarded", &st), -EINVAL);
	assert_non_null(strstr(st.message, "too much"));
	assert_int_equal(guard_close(&guard, &st), 0);
}

static void guard_close_without_wishes_does_nothing(void **state)
{
	struct guard guard = {0};

	(void)state;
	assert_int_equal(guard_close(&guard, NULL), 0);
}

static void guard_says_what_it_cannot_restore(void **state)
{
	struct guard guard = {0};
	struct status st = {""};

	(void)state;
	assert_int_equal(guard_restore(&guard, "no/such/file", "x", &st), 0);
	assert_int_equal(guard_close(&guard, &st), -EIO);
	assert_non_null(strstr(st.message, "not restored"));
}

static void guard_attempts_are_allowed_to_fail(void **state)
{
	struct guard guard = {0};
	struct status st = {""};

	(void)state;
	put("guarded", "new");
	assert_int_equal(guard_restore(&guard, "guarded", "old", &st), 0);
	assert_int_equal(guard_attempt(&guard, "no/such/file", "x", &st), 0);
	assert_int_equal(guard_close(&guard, &st), 0);
	expect_soon("guarded", "old");
}

static void guard_removes_a_folder(void **state)
{
	struct guard guard = {0};
	struct status st = {""};

	(void)state;
	rmdir("guarded.d");
	assert_int_equal(mkdir("guarded.d", 0755), 0);
	assert_int_equal(guard_remove(&guard, "guarded.d", &st), 0);
	assert_int_equal(guard_remove(&guard, "no/such/folder", &st), 0);
	assert_int_equal(guard_close(&guard, &st), 0);
	assert_int_equal(access("guarded.d", F_OK), -1);
}

static void guard_says_which_folder_it_cannot_remove(void **state)
{
	struct guard guard = {0};
	struct status st = {""};

	(void)state;
	put("guarded", "a file");
	assert_int_equal(guard_remove(&guard, "guarded", &st), 0);
	assert_int_equal(guard_close(&guard, &st), -EIO);
}

static void guard_refuses_more_than_it_can_hold(void **state)
{
	struct guard guard = {0};
	struct status st = {""};

	(void)state;
	put("guarded", "old");
	for (int i = 0; i < GUARD_WISHES_MAX; i++)
		assert_int_equal(guard_restore(&guard, "guarded", "x", &st), 0);
	assert_int_equal(guard_restore(&guard, "guarded", "x", &st), -EINVAL);
	assert_int_equal(guard_close(&guard, &st), 0);
}

/* As kage would: register, change, and then never come back. */
static void die_guarded(int signal)
{
	struct guard guard = {0};

	if (guard_keep(&guard, "guarded", NULL))
		_exit(1);
	put("guarded", "changed");
	raise(signal);
	_exit(0);
}

static void guard_outlives_a_killed_owner(void **state)
{
	static const int signals[] = {SIGKILL, SIGTERM, SIGINT};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		pid_t child;
		int status;

		put("guarded", "before");
		child = fork();
		if (!child)
			die_guarded(signals[i]);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		expect_soon("guarded", "before");
	}
}

/* A terminal's Ctrl-C reaches the whole group. */
static void guard_ignores_the_terminal(void **state)
{
	struct guard guard = {0};
	struct status st = {""};

	(void)state;
	put("guarded", "before");
	assert_int_equal(guard_keep(&guard, "guarded", &st), 0);
	put("guarded", "changed");
	kill(guard.pid, SIGINT);
	kill(guard.pid, SIGTERM);
	assert_int_equal(guard_restore(&guard, "guarded", "changed", &st), 0);
	assert_int_equal(guard_close(&guard, &st), 0);
	expect_soon("guarded", "before");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guard_restores_last_first),
		cmocka_unit_test(guard_keeps_no_half_of_a_file),
		cmocka_unit_test(guard_close_without_wishes_does_nothing),
		cmocka_unit_test(guard_says_what_it_cannot_restore),
		cmocka_unit_test(guard_attempts_are_allowed_to_fail),
		cmocka_unit_test(guard_removes_a_folder),
		cmocka_unit_test(guard_says_which_folder_it_cannot_remove),
		cmocka_unit_test(guard_refuses_more_than_it_can_hold),
		cmocka_unit_test(guard_outlives_a_killed_owner),
		cmocka_unit_test(guard_ignores_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * The two threads of a pass, on a plain file instead of the kernel's lru_gen and on
 * system calls instead of KVM's events: they begin, end and count in every case.
 * What a kernel does, tests/lab_mglru.bats holds it to.
 * Skipped without the privileges to trace.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/test.h"
#include "capture/mglru/mglru_pass.h"
#include "capture/tracing/hostfs.h"
#include "capture/tracing/tracer.h"

enum {
	SKIPPED = 77,
	RING_BYTES = 64 << 10,
	TRIES = 3, /* of mglru_pass.c */
};

/* What is written goes to the end of the file: into the last, odd path. */
static const char text[] = "memcg    64 /vm\n"
			   " node     0\n"
			   "         18      10000          0           0 \n"
			   "         19       1000      30020          11 \n"
			   "memcg    65 /odd ";

struct fixture {
	struct mglru_ager ager;
	struct status st;
};

/* The numbers of the calls stand for gfn, before, after and level: none of them is
 * an entry in use. */
static int open_changes(struct mglru_ager *ager, struct status *st)
{
	static const struct tracer_point point = {
		"raw_syscalls", "sys_enter", {"id", "id", "id", "id"}, NULL};
	const pid_t self = gettid();
	const struct tracer_plan plan = {.points = &point,
					 .nr_points = 1,
					 .tids = &self,
					 .nr_tids = 1,
					 .ring_bytes = RING_BYTES};
	int tracefs = hostfs_open("tracefs", st);
	int ret = tracefs < 0 ? tracefs
			      : tracer_open(&ager->changes, tracefs, &plan, st);

	if (tracefs >= 0)
		close(tracefs);
	return ret;
}

static int set_up(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	char path[] = "lru_gen.XXXXXX";

	f->ager.lru_gen = mkstemp(path);
	assert_true(f->ager.lru_gen >= 0);
	unlink(path);
	f->ager.over = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_true(f->ager.over >= 0);
	strcpy(f->ager.memcg.path, "/vm");
	assert_int_equal(open_changes(&f->ager, &f->st), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	tracer_close(f->ager.changes);
	close(f->ager.over);
	close(f->ager.lru_gen);
	test_free(f);
	return 0;
}

static void put(const struct fixture *f, const char *what)
{
	assert_int_equal(ftruncate(f->ager.lru_gen, 0), 0);
	assert_int_equal(pwrite(f->ager.lru_gen, what, strlen(what), 0),
			 strlen(what));
}

static int run(struct fixture *f, struct mglru_pass *pass)
{
	*pass = (struct mglru_pass){.ager = &f->ager};
	return mglru_pass_run(pass, &f->st);
}

/* The file never has a new generation, as if others were at it all the time. */
static void a_pass_ends_and_counts_the_events_of_its_thread(void **state)
{
	struct fixture *f = *state;
	struct mglru_pass pass;

	for (unsigned int i = 1; i <= 20; i++) {
		uint64_t before = f->ager.events;

		put(f, text);
		assert_int_equal(run(f, &pass), 0);
		assert_true(pass.is_disturbed);
		assert_true(pass.ns > 0);
		assert_int_equal(pass.lost, 0);
		/* at least: a command and the look after it, per try */
		assert_true(f->ager.events - before >= 3 * TRIES);
		assert_int_equal(f->ager.nr_passes, i);
		assert_int_equal(f->ager.nr_disturbed, i);
	}
	assert_int_equal(f->ager.aged, 0);
	assert_int_equal(f->ager.memcg.id, 64);
}

static void between_passes_nothing_is_recorded(void **state)
{
	struct fixture *f = *state;
	struct mglru_pass pass;
	uint64_t one, many;

	put(f, text);
	assert_int_equal(run(f, &pass), 0);
	one = f->ager.events;
	for (int i = 0; i < 1000; i++)
		getppid();
	put(f, text);
	assert_int_equal(run(f, &pass), 0);
	many = f->ager.events - one;
	assert_true(many < 1000);
}

static void a_cgroup_that_is_gone_ends_the_pass(void **state)
{
	struct fixture *f = *state;
	struct mglru_pass pass;

	put(f, "memcg     1 /\n node 0\n 0 1 0 0 \n");
	assert_int_equal(run(f, &pass), -ENOBUFS);
	assert_non_null(strstr(f->st.message, "/vm is gone"));
	put(f, text);
	assert_int_equal(run(f, &pass), 0);
}

static void text_of_another_kind_ends_the_pass(void **state)
{
	struct fixture *f = *state;
	struct mglru_pass pass;

	put(f, "memcg     1 /\n node 0\n zero\n");
	assert_int_equal(run(f, &pass), -EBADMSG);
	assert_non_null(strstr(f->st.message, "line 3"));
}

static void a_command_that_is_refused_ends_the_pass(void **state)
{
	struct fixture *f = *state;
	struct mglru_pass pass;
	char path[64];
	int fd;

	put(f, text);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", f->ager.lru_gen);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(dup2(fd, f->ager.lru_gen) >= 0);
	close(fd);
	assert_int_equal(run(f, &pass), -EBADF);
	assert_non_null(strstr(f->st.message, "refuses '+ 64 0 19 1 1'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_pass_ends_and_counts_the_events_of_its_thread, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			between_passes_nothing_is_recorded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_cgroup_that_is_gone_ends_the_pass, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			text_of_another_kind_ends_the_pass, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_command_that_is_refused_ends_the_pass, set_up,
			tear_down),
	};
	struct mglru_ager ager = {.changes = NULL};
	struct status st = {""};

	if (open_changes(&ager, &st)) {
		printf("skip: %s\n", st.message);
		return SKIPPED;
	}
	tracer_close(ager.changes);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * What cannot be traced is refused with the reason, and what was traced leaves
 * nothing behind, however kage ends.  Skipped without the privileges to trace.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"
#include "capture/tracing/hostfs.h"
#include "capture/tracing/perf_ring.h"
#include "capture/tracing/tracer.h"

enum {
	SKIPPED = 77,
	NOBODY = 65534,
	SMALL = 4096,
	STATE_MAX = 65536,
};

static const struct tracer_point syscall_point = {
	"raw_syscalls", "sys_enter", {"id"}, NULL};

struct fixture {
	int tracefs;
	struct status st;
};

static int set_up(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->tracefs = hostfs_open("tracefs", &f->st);
	assert_true(f->tracefs >= 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	close(f->tracefs);
	test_free(f);
	return 0;
}

static void refused(struct fixture *f, const struct tracer_point *point,
		    pid_t tid, int error, const char *why)
{
	const struct tracer_plan plan = {point, 1, &tid, 1, SMALL, 0};
	struct tracer *tracer;

	assert_int_equal(tracer_open(&tracer, f->tracefs, &plan, &f->st),
			 -error);
	assert_null(tracer);
	if (!strstr(f->st.message, why))
		fail_msg("'%s' does not say '%s'", f->st.message, why);
}

static void wrong_plans_are_refused_by_name(void **state)
{
	struct fixture *f = *state;
	pid_t self = (pid_t)syscall(SYS_gettid), ended = fork();
	struct tracer_point point = syscall_point;

	if (!ended)
		_exit(0);
	waitpid(ended, NULL, 0);
	refused(f, &point, ended, ESRCH, "has ended");
	point.filter = "id = (";
	refused(f, &point, self, ENODEV, "id = (");
	point.filter = NULL;
	point.fields[1] = "args";
	refused(f, &point, self, ENODEV, "args of tracepoint");
	point.fields[1] = "absent";
	refused(f, &point, self, ENODEV, "no field absent; it has: id args");
	point.system = "kvm";
	point.event = "kvm_absent";
	refused(f, &point, self, ENODEV, "no tracepoint kvm:kvm_absent");
	assert_non_null(strstr(f->st.message, "modprobe kvm"));
}

/* Run in a child, whose limits and user are its own.  Return: its exit code. */
static int in_child(int (*run)(struct fixture *), struct fixture *f)
{
	pid_t child = fork();
	int status;

	if (!child)
		_exit(run(f));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int says(const struct status *st, const char *what)
{
	if (strstr(st->message, what))
		return 0;
	printf("'%s' does not say '%s'\n", st->message, what);
	return 1;
}

static int open_with_few_files(struct fixture *f)
{
	struct rlimit limit = {.rlim_cur = 8, .rlim_max = 8};
	const struct tracer_plan plan = {&syscall_point, 1, NULL, 0, SMALL, 0};
	struct tracer *tracer;

	while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0 &&
	       setrlimit(RLIMIT_NOFILE, &limit))
		;
	while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
		;
	close(7);
	close(6);
	return tracer_open(&tracer, f->tracefs, &plan, &f->st) != -EMFILE ||
	       says(&f->st, "ulimit -n");
}

/* What the settings let a user without privileges do, is another matter. */
static int open_as_nobody(struct fixture *f)
{
	const struct tracer_plan plan = {&syscall_point, 1, NULL, 0, SMALL, 0};
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
		.exclude_kernel = 1,
	};
	struct perf_ring ring = {.page = NULL};
	struct tracer *tracer;
	int fd;

	if (setuid(NOBODY))
		return 2;
	if (tracer_open(&tracer, f->tracefs, &plan, &f->st) != -EPERM ||
	    says(&f->st, "run as root"))
		return 3;
	fd = perf_ring_open(&attr, 0, -1, &f->st);
	if (fd < 0)
		return f->st.message[0] && fd == -EPERM ? 0 : 4;
	if (perf_ring_map(&ring, fd, 256 << 20, &f->st) != -EPERM)
		return 5;
	return says(&f->st, "perf_event_mlock_kb (");
}

static int count(void *arg, const struct tracer_event *event, struct status *st)
{
	(void)event;
	(void)st;
	++*(size_t *)arg;
	return 0;
}

/* As the session does it: nothing after the opening needs privileges. */
static int trace_without_privileges(struct fixture *f)
{
	pid_t self = (pid_t)syscall(SYS_gettid);
	const struct tracer_plan plan = {&syscall_point, 1, &self, 1, SMALL, 0};
	struct tracer *tracer;
	uint64_t lost;
	size_t n = 0;

	if (tracer_open(&tracer, f->tracefs, &plan, &f->st) || setuid(NOBODY) ||
	    tracer_enable(tracer, &f->st))
		return says(&f->st, "(nothing)");
	for (int i = 0; i < 1000; i++)
		syscall(SYS_getppid);
	if (tracer_finish(tracer, count, &n, &lost, &f->st) != 1)
		return says(&f->st, "(nothing)");
	tracer_close(tracer);
	/* and the one system call that disables */
	return n + lost == 1001 ? 0 : 2;
}

static void privileges_are_for_opening(void **state)
{
	if (geteuid())
		skip();
	assert_int_equal(in_child(trace_without_privileges, *state), 0);
}

static void want_of_means_is_explained(void **state)
{
	assert_int_equal(in_child(open_with_few_files, *state), 0);
	if (!geteuid())
		assert_int_equal(in_child(open_as_nobody, *state), 0);
}

/* A mount namespace without tracefs: found, and still not mounted afterwards. */
static int open_unmounted(struct fixture *f)
{
	char text[16], mounts[65536];
	int fd;

	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return SKIPPED;
	/* the second is mounted by itself once somebody looks there: perf, trace-cmd */
	while (!umount2("/sys/kernel/tracing", MNT_DETACH) ||
	       !umount2("/sys/kernel/debug/tracing", MNT_DETACH))
		;
	fd = hostfs_open("tracefs", &f->st);
	if (fd < 0 ||
	    hostfs_read(fd, "tracing_on", text, sizeof(text), &f->st) <= 0)
		return says(&f->st, "(nothing)");
	if (hostfs_read(AT_FDCWD, "/proc/self/mounts", mounts, sizeof(mounts),
			&f->st) <= 0)
		return 2;
	return strstr(mounts, " tracefs ") ? 3 : 0;
}

static void tracefs_needs_no_mount(void **state)
{
	int ret = in_child(open_unmounted, *state);

	if (ret == SKIPPED)
		skip();
	assert_int_equal(ret, 0);
}

static void files_that_do_not_fit_are_refused(void **state)
{
	struct fixture *f = *state;
	char small[8];

	assert_int_equal(hostfs_read(f->tracefs, "README", small, sizeof(small),
				     &f->st),
			 -EFBIG);
	assert_int_equal(hostfs_read(f->tracefs, "absent", small, sizeof(small),
				     &f->st),
			 -ENOENT);
	assert_int_equal(hostfs_open("procfs", &f->st), -EINVAL);
}

/* What a host's operator sees of its tracing. */
struct host_state {
	char tracing_on[16], set_event[STATE_MAX], enable[8], sys_enter[8];
};

static void read_state(struct fixture *f, struct host_state *host)
{
	struct status *st = &f->st;

	memset(host, 0, sizeof(*host));
	assert_true(hostfs_read(f->tracefs, "tracing_on", host->tracing_on,
				sizeof(host->tracing_on), st) > 0);
	assert_true(hostfs_read(f->tracefs, "set_event", host->set_event,
				sizeof(host->set_event), st) >= 0);
	assert_true(hostfs_read(f->tracefs, "events/enable", host->enable,
				sizeof(host->enable), st) > 0);
	assert_true(
		hostfs_read(f->tracefs, "events/raw_syscalls/sys_enter/enable",
			    host->sys_enter, sizeof(host->sys_enter), st) > 0);
}

/* Trace until killed; @ready is closed when it has begun. */
static void trace_for_ever(struct fixture *f, int ready)
{
	const struct tracer_plan plan = {&syscall_point, 1, NULL, 0, SMALL, 0};
	struct tracer *tracer;

	if (tracer_open(&tracer, f->tracefs, &plan, &f->st) ||
	    tracer_enable(tracer, &f->st) || write(ready, "y", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void a_killed_tracer_leaves_nothing_behind(void **state)
{
	struct host_state *host = test_calloc(3, sizeof(*host));
	struct fixture *f = *state;
	int ready[2], status;
	char byte;
	pid_t child;

	assert_int_equal(pipe(ready), 0);
	read_state(f, &host[0]);
	child = fork();
	if (!child)
		trace_for_ever(f, ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	read_state(f, &host[1]);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	read_state(f, &host[2]);
	assert_memory_equal(&host[0], &host[1], sizeof(*host));
	assert_memory_equal(&host[0], &host[2], sizeof(*host));
	close(ready[0]);
	test_free(host);
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
		cmocka_unit_test_setup_teardown(wrong_plans_are_refused_by_name,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(want_of_means_is_explained,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(privileges_are_for_opening,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(tracefs_needs_no_mount, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			files_that_do_not_fit_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_killed_tracer_leaves_nothing_behind, set_up,
			tear_down),
	};

	return can_trace() ? cmocka_run_group_tests(tests, NULL, NULL)
			   : SKIPPED;
}

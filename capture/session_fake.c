/* SPDX-License-Identifier: MIT */
/* A sampler that misbehaves on demand; see session_fake.h. */
#include "capture/session_fake.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/test.h"

struct fake {
	enum behaviour behaviour;
	const struct guest *guest;
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
	fake->guest = target->guest;
	if (fake->behaviour == CANNOT_RESTORE)
		return guard_restore(target->guard, "no-such/file", "x", st);
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

/* It is gone when this returns. */
static void kill_guest(const struct guest *guest)
{
	struct pollfd gone = {.fd = guest->pidfd, .events = POLLIN};

	syscall(SYS_pidfd_send_signal, guest->pidfd, SIGKILL, NULL, 0);
	poll(&gone, 1, 10000);
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
	case GUEST_DIES:
	case DIES_BADLY:
		if (fake->scans < 3)
			return 1;
		kill_guest(fake->guest);
		return fake->behaviour == GUEST_DIES
			       ? 1
			       : status_fail(st, EIO, "no such file");
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

static int fake_finish(void *state, struct recorder *recorder,
		       struct status *st)
{
	const struct fake *fake = state;

	(void)recorder;
	(void)st;
	if (fake->behaviour == LATE_SIGNAL)
		raise(SIGTERM);
	return 0;
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
	.finish = fake_finish,
	.close = fake_close,
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

int session_fake_run(enum behaviour behaviour,
		     const struct session_limits *limits, int pidfd,
		     struct outcome *outcome)
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

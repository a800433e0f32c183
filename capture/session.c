/* SPDX-License-Identifier: MIT */
/* The capture loop; see session.h. */
#include "capture/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "capture/recorder.h"

enum {
	SAME_WISH_MS = 1000
};

struct session {
	const struct capture_ops *ops;
	void *state;
	int signals; /* signalfd */
	sigset_t before;
	unsigned int interrupts;
	int64_t interrupted_ms;
	struct trace_writer *writer;
	time_t flushed; /* when the file was last made safe */
	struct recorder recorder;
};

static int catch_signals(struct session *s, struct status *st)
{
	sigset_t caught;

	sigemptyset(&caught);
	sigaddset(&caught, SIGINT);
	sigaddset(&caught, SIGTERM);
	sigaddset(&caught, SIGHUP);
	sigprocmask(SIG_BLOCK, &caught, &s->before);
	s->signals = signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signals < 0
		       ? status_fail(st, errno, "signalfd: %s", strerror(errno))
		       : 0;
}

static void release_signals(struct session *s)
{
	if (s->signals >= 0)
		close(s->signals);
	sigprocmask(SIG_SETMASK, &s->before, NULL);
}

static int open_file(struct session *s, const struct session_plan *plan,
		     struct status *st)
{
	const struct capture_ops *ops = s->ops;
	struct trace_meta meta = {
		.clock = {ops->clock, plan->target.ps_per_tick},
		.fidelity = ops->fidelity,
		.channels = ops->channels,
	};
	int ret;

	snprintf(meta.source, sizeof(meta.source), "%s", plan->backend->name);
	ret = ops->describe(s->state, &meta, plan->details, st);
	if (!ret) {
		meta.details = json_dumps(plan->details, JSON_COMPACT);
		ret = meta.details ? trace_writer_open(&s->writer, plan->output,
						       &meta, st)
				   : -ENOMEM;
	}
	trace_meta_fini(&meta);
	return ret;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One wish to stop may come as several signals: to us and to our group. */
static void take_signal(struct session *s)
{
	struct signalfd_siginfo info;
	int64_t now = now_ms();

	if (read(s->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (s->interrupts && now - s->interrupted_ms < SAME_WISH_MS)
		return;
	s->interrupted_ms = now;
	s->ops->stop(s->state, ++s->interrupts);
}

/* Once a second what was captured is made to survive a crash.
 * Return: 1 to go on, or an error. */
static int flush_now_and_then(struct session *s, struct status *st)
{
	struct timespec now;
	int ret;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (now.tv_sec == s->flushed)
		return 1;
	s->flushed = now.tv_sec;
	ret = trace_writer_flush(s->writer, st);
	return ret ? ret : 1;
}

static int loop(struct session *s, struct status *st)
{
	struct pollfd fds[] = {
		{.fd = s->signals, .events = POLLIN},
		{.fd = s->ops->fd(s->state), .events = POLLIN},
	};
	int ret = 1;

	while (ret > 0) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return status_fail(st, errno, "poll: %s",
					   strerror(errno));
		if (fds[0].revents)
			take_signal(s);
		if (fds[1].revents)
			ret = s->ops->collect(s->state, &s->recorder, st);
		if (ret > 0)
			ret = flush_now_and_then(s, st);
	}
	return ret;
}

static int close_file(struct session *s, int ret, struct trace_totals *totals,
		      struct status *st)
{
	int closed;

	if (!s->writer)
		return ret;
	if (ret && ret != -ENOBUFS) {
		if (s->recorder.has_data)
			trace_writer_abort(s->writer);
		else
			trace_writer_discard(s->writer);
		return ret;
	}
	closed = trace_writer_close(s->writer, totals, st);
	return closed ? closed : ret;
}

/* From the opened backend to the last record. */
static int capture(struct session *s, const struct session_plan *plan,
		   struct status *st)
{
	int ret = open_file(s, plan, st);

	if (ret)
		return ret;
	recorder_init(&s->recorder, s->writer, plan->target.epoch_ticks,
		      s->ops->channels);
	ret = s->ops->start(s->state, st);
	if (!ret)
		ret = loop(s, st);
	if (!ret)
		ret = s->ops->finish(s->state, &s->recorder, st);
	recorder_fini(&s->recorder);
	return ret;
}

int session_run(const struct session_plan *plan, struct trace_totals *totals,
		struct status *st)
{
	struct session s = {.ops = plan->backend->ops, .signals = -1};
	int ret;

	s.state = kage_calloc(1, s.ops->state_size, st);
	if (!s.state)
		return -ENOMEM;
	ret = catch_signals(&s, st);
	if (ret)
		goto release_signals;
	ret = s.ops->open(s.state, &plan->target, st);
	if (!ret)
		ret = capture(&s, plan, st);
	ret = close_file(&s, ret, totals, st);
	s.ops->close(s.state);
release_signals:
	release_signals(&s);
	free(s.state);
	return !ret && s.interrupts ? -EINTR : ret;
}

/* SPDX-License-Identifier: MIT */
/* The capture loop; see session.h. */
#include "capture/session.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/progress.h"
#include "base/units.h"
#include "capture/header.h"
#include "capture/host/privileges.h"
#include "capture/interrupts.h"

struct session {
	const struct session_plan *plan;
	const struct capture_ops *ops;
	struct session_report *report;
	void *state;
	int signals; /* signalfd of INT, TERM and HUP */
	int timer;   /* of the epochs; -1 for a source of events */
	sigset_t before;
	unsigned int interrupts;
	uint64_t interrupted_ns;
	bool is_over; /* leave the loop */
	bool is_stopping;
	bool is_cut_short; /* the source broke off, the file is good */
	struct guard guard;
	struct trace_meta meta;
	struct trace_writer *writer;
	uint64_t zero_ns;    /* when the trace's time began */
	uint64_t epoch_ns;   /* when the epoch that is running began */
	uint64_t flushed_ns; /* when the file was last made safe */
	struct recorder recorder;
};

static int catch_signals(struct session *s, struct status *st)
{
	sigset_t caught;

	interrupts_set(&caught);
	s->signals = signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK);
	sigaddset(&caught, SIGPIPE); /* then a write fails with EPIPE */
	sigprocmask(SIG_BLOCK, &caught, &s->before);
	return s->signals < 0
		       ? status_fail(st, errno, "signalfd: %s", strerror(errno))
		       : 0;
}

/* What came too late for the loop must not kill us once it is let through: the
 * file has its end, the user gets the summary and the exit code. */
static void release_signals(struct session *s)
{
	const struct timespec now = {0};
	sigset_t caught;
	int number;

	interrupts_set(&caught);
	sigaddset(&caught, SIGPIPE);
	while ((number = sigtimedwait(&caught, NULL, &now)) > 0)
		s->interrupts += number != SIGPIPE;
	if (s->signals >= 0)
		close(s->signals);
	sigprocmask(SIG_SETMASK, &s->before, NULL);
}

static int open_file(struct session *s, struct status *st)
{
	const struct session_plan *plan = s->plan;
	mode_t mask;
	int ret;

	s->meta = (struct trace_meta){
		.clock = {s->ops->clock, plan->target.ps_per_tick},
		.fidelity = s->ops->fidelity,
		.channels = s->ops->channels,
	};
	snprintf(s->meta.source, sizeof(s->meta.source), "%s",
		 plan->backend->name);
	ret = header_describe(s->ops, s->state, plan, &s->meta, st);
	if (ret)
		return ret;
	s->meta.details = json_dumps(plan->details, JSON_COMPACT);
	if (!s->meta.details)
		return status_fail(st, ENOMEM, "out of memory");
	mask = umask(077); /* addresses of a guest are for its owner */
	ret = trace_writer_open(&s->writer, plan->output, &s->meta, st);
	umask(mask);
	return ret;
}

/* Somebody or a limit wants the capture to end. */
static void request_stop(struct session *s, unsigned int times)
{
	s->is_stopping = true;
	if (s->ops->stop)
		s->ops->stop(s->state, times);
	else
		s->is_over = true;
}

/* One wish to stop may come as several signals: to us and to our group. */
static void take_signal(struct session *s)
{
	struct signalfd_siginfo info;
	uint64_t now = clock_ns();

	if (read(s->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (s->interrupts && now - s->interrupted_ns < CLOCK_SECOND_NS)
		return;
	s->interrupted_ns = now;
	request_stop(s, ++s->interrupts);
}

static void check_limits(struct session *s)
{
	const struct session_limits *limits = &s->plan->limits;
	bool is_reached = false;

	if (s->is_stopping)
		return;
	if (limits->duration_ns)
		is_reached |= clock_ns() - s->zero_ns >= limits->duration_ns;
	if (limits->epochs)
		is_reached |= s->recorder.stats.epochs >= limits->epochs;
	if (limits->bytes)
		is_reached |= trace_writer_bytes(s->writer) >= limits->bytes;
	if (is_reached)
		request_stop(s, 1);
}

/* Once a second what was captured is made to survive a crash. */
static int flush_now_and_then(struct session *s, struct status *st)
{
	uint64_t now = clock_ns();

	if (now - s->flushed_ns < CLOCK_SECOND_NS)
		return 0;
	s->flushed_ns = now;
	progress_show(s->ops->scan ? "epochs" : "KiB written",
		      s->ops->scan ? s->recorder.stats.epochs
				   : trace_writer_bytes(s->writer) / 1024,
		      s->ops->scan ? s->plan->limits.epochs : 0);
	return trace_writer_flush(s->writer, st);
}

static void count_scan(struct session_report *report, uint64_t ns,
		       uint64_t expirations)
{
	report->scans++;
	report->scan_ns += ns;
	if (ns > report->longest_scan_ns)
		report->longest_scan_ns = ns;
	report->late_scans += expirations - 1;
}

/* A guest that is gone has no pages: a scan finds none, or some, or fails, and none
 * of that is an epoch of the guest. */
static bool has_guest_gone(struct session *s)
{
	const struct guest *guest = s->plan->target.guest;
	struct pollfd fd = {.fd = s->ops->needs ? guest->pidfd : -1,
			    .events = POLLIN};

	if (poll(&fd, 1, 0) > 0)
		s->report->is_guest_gone = s->is_over = true;
	return s->report->is_guest_gone;
}

/* The epoch ends when its scan begins: what is touched during the scan is in this
 * epoch or in the next one, and scan_start and scan_end say when that was.
 * Return: as scan(). */
static int sample(struct session *s, struct status *st)
{
	struct trace_epoch epoch = {.channels = s->meta.channels};
	uint64_t start, end, expirations;
	int ret, error;

	if (has_guest_gone(s) ||
	    read(s->timer, &expirations, sizeof(expirations)) !=
		    sizeof(expirations))
		return 1;
	start = clock_ns();
	ret = s->ops->scan(s->state, &s->recorder, st);
	end = clock_ns();
	count_scan(s->report, end - start,
		   s->ops->writes_epochs ? 1 : expirations);
	if (has_guest_gone(s))
		return 1;
	if (ret < 0 || s->ops->writes_epochs)
		return ret;
	epoch.start = s->epoch_ns - s->zero_ns;
	epoch.end = epoch.scan_start = start - s->zero_ns;
	epoch.scan_end = end - s->zero_ns;
	epoch.is_ordered = s->recorder.is_ordered;
	epoch.samples = s->recorder.samples;
	epoch.has_hits = epoch.samples;
	s->epoch_ns = start;
	error = recorder_sample(&s->recorder, &epoch, st);
	return error ? error : ret;
}

/* Until the next thing that is due by the clock. */
static int wait_ms(const struct session *s)
{
	uint64_t wait = CLOCK_SECOND_NS, end, now;

	if (s->plan->limits.duration_ns && !s->is_stopping) {
		now = clock_ns();
		end = s->zero_ns + s->plan->limits.duration_ns;
		if (end < now + wait)
			wait = end > now ? end - now : 0;
	}
	return (int)((wait + 999999) / 1000000);
}

/* One turn.  Return: 1 to go on, 0 when the source has ended, or an error. */
static int turn(struct session *s, struct pollfd fds[4], struct status *st)
{
	int ready = poll(fds, 4, wait_ms(s));
	int ret = 1, error;

	if (ready < 0 && errno != EINTR)
		return status_fail(st, errno, "poll: %s", strerror(errno));
	if (fds[0].revents)
		take_signal(s);
	if (fds[1].fd >= 0 && (fds[1].revents || !ready))
		ret = s->ops->collect(s->state, &s->recorder, st);
	if (ret > 0 && fds[2].revents)
		ret = sample(s, st);
	if (ret > 0 && fds[3].revents)
		has_guest_gone(s);
	error = flush_now_and_then(s, st);
	check_limits(s);
	return error ? error : ret;
}

static int loop(struct session *s, struct status *st)
{
	const struct guest *guest = s->plan->target.guest;
	struct pollfd fds[4] = {
		{.fd = s->signals, .events = POLLIN},
		{.fd = s->ops->fd ? s->ops->fd(s->state) : -1,
		 .events = POLLIN},
		{.fd = s->timer, .events = POLLIN},
		{.fd = s->ops->needs ? guest->pidfd : -1, .events = POLLIN},
	};
	int ret = 1;

	while (ret > 0 && !s->is_over)
		ret = turn(s, fds, st);
	progress_end();
	return ret < 0 ? ret : 0;
}

/* The time of the trace begins now, and with it the epochs of a sampler. */
static int start_clock(struct session *s, struct status *st)
{
	const uint64_t ns = s->plan->target.epoch_ticks;
	const struct timespec period = {(time_t)(ns / CLOCK_SECOND_NS),
					(long)(ns % CLOCK_SECOND_NS)};
	const struct itimerspec spec = {period, period};

	s->zero_ns = s->epoch_ns = s->flushed_ns = clock_ns();
	s->recorder.zero_ns = s->zero_ns;
	if (!s->ops->scan)
		return 0;
	s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->timer < 0 || timerfd_settime(s->timer, 0, &spec, NULL))
		return status_fail(st, errno, "timerfd: %s", strerror(errno));
	return 0;
}

/* A capture that did not end well: where the first half is, and what to do. */
static void point_to_part(const struct session *s, int error, struct status *st)
{
	const struct status why = *st;
	char part[4096];

	snprintf(part, sizeof(part), "%s.part", s->plan->output);
	if (!access(part, F_OK))
		status_fail(st, -error,
			    "%.300s; kage trace recover finishes %.120s%s",
			    why.message, part,
			    error == -ENOSPC ? ", once there is room" : "");
}

static int close_file(struct session *s, int ret, struct status *st)
{
	int closed;

	if (!s->writer)
		return ret;
	if (ret && ret != -ENOBUFS && !s->is_cut_short) {
		if (!s->recorder.has_data) {
			trace_writer_discard(s->writer);
			return ret;
		}
		trace_writer_abort(s->writer);
		point_to_part(s, ret, st);
		return ret;
	}
	s->report->bytes = trace_writer_bytes(s->writer);
	closed = trace_writer_close(s->writer, &s->report->totals, st);
	return closed ? closed : ret;
}

/* A sampler's first pass forgets what was before, page by page: what is touched
 * behind its back is in epoch 0. */
static int start_source(struct session *s, struct status *st)
{
	uint64_t start = s->recorder.zero_ns = clock_ns();
	char took[UNITS_TEXT], text[128];
	int ret = s->ops->start(s->state, st);

	if (ret || !s->ops->scan)
		return ret;
	snprintf(text, sizeof(text),
		 "starting took %s; epoch 0 may hold accesses of that time",
		 units_time(took, clock_ns() - start));
	return recorder_note(&s->recorder, text, st);
}

/* Whoever captures somebody's guest is told what that costs and disturbs. */
static void tell_price(const struct session *s)
{
	if (s->ops->needs && s->ops->price)
		fprintf(stderr, "kage: %s runs; its price: %s\n",
			s->plan->backend->name, s->ops->price);
}

/* From the written header to the last record. */
static int record(struct session *s, struct status *st)
{
	const struct recorder_setup setup = {
		.writer = s->writer,
		.meta = &s->meta,
		.epoch_ticks = s->ops->scan ? 0 : s->plan->target.epoch_ticks,
		.is_sampler = s->ops->scan,
		.first_gfn = s->plan->first_gfn,
		.last_gfn = s->plan->last_gfn,
	};
	int ret = recorder_init(&s->recorder, &setup, st);

	if (!ret && !s->recorder.wanted_pages)
		ret = status_fail(st, EINVAL,
				  "--pages: the guest has no memory there");
	if (!ret)
		ret = privileges_drop(s->plan->output, st);
	if (!ret)
		ret = start_source(s, st);
	if (!ret)
		ret = start_clock(s, st);
	if (!ret)
		tell_price(s);
	if (!ret)
		ret = loop(s, st);
	if (s->zero_ns)
		s->report->wall_ns = clock_ns() - s->zero_ns;
	if (!ret && s->ops->finish) {
		ret = s->ops->finish(s->state, &s->recorder, st);
		s->is_cut_short = ret == -ESRCH || ret == -EPIPE;
	}
	s->report->stats = s->recorder.stats;
	recorder_fini(&s->recorder);
	return ret;
}

static uint64_t used_cpu_ns(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) *
		       CLOCK_SECOND_NS +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) *
		       1000;
}

/* Losing more than allowed is an error with a complete file. */
static int judge_loss(const struct session *s, struct status *st)
{
	const struct recorder_stats *stats = &s->report->stats;
	uint64_t seen = stats->events + stats->pages;
	double share =
		stats->lost ? (double)stats->lost / (double)(stats->lost + seen)
			    : 0;

	if (stats->is_lost_unknown)
		return status_fail(
			st, ENOBUFS,
			"%s is finished, but lacks an unknown number "
			"of events",
			s->plan->output);
	if (share > s->plan->limits.max_loss)
		return status_fail(st, ENOBUFS,
				   "%s is finished, but %" PRIu64
				   " events are lost, %.3g %% of all "
				   "(--max-loss)",
				   s->plan->output, stats->lost, 100 * share);
	return 0;
}

/* How a capture with a finished file ended. */
static int judge(const struct session *s, struct status *st)
{
	int ret = judge_loss(s, st);

	if (ret)
		return ret;
	if (s->report->is_guest_gone)
		return status_fail(st, ESRCH,
				   "the guest's process ended; %s is complete "
				   "up to then",
				   s->plan->output);
	return s->interrupts ? -EINTR : 0;
}

int session_run(const struct session_plan *plan, struct session_report *report,
		struct status *st)
{
	struct session s = {.plan = plan,
			    .ops = plan->backend->ops,
			    .report = report,
			    .signals = -1,
			    .timer = -1};
	struct capture_target target = plan->target;
	int ret, restored;

	*report = (struct session_report){0};
	s.state = kage_calloc(1, s.ops->state_size, st);
	if (!s.state)
		return -ENOMEM;
	target.guard = &s.guard;
	ret = catch_signals(&s, st);
	if (ret)
		goto release_signals;
	ret = s.ops->open(s.state, &target, st);
	if (!ret)
		ret = open_file(&s, st);
	if (!ret)
		ret = record(&s, st);
	ret = close_file(&s, ret, st);
	s.ops->close(s.state);
	restored = guard_close(&s.guard, ret ? NULL : st);
	ret = ret ? ret : restored;
	report->cpu_ns =
		used_cpu_ns(RUSAGE_SELF) + used_cpu_ns(RUSAGE_CHILDREN);
release_signals:
	release_signals(&s);
	if (s.timer >= 0)
		close(s.timer);
	trace_meta_fini(&s.meta);
	free(s.state);
	return ret ? ret : judge(&s, st);
}

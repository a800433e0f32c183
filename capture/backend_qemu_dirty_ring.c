/* SPDX-License-Identifier: MIT */
/*
 * Backend qemu-dirty-ring: the pages that the vCPUs of a running QEMU write, once
 * per epoch, in the order of their first write.  QEMU's calc-dirty-rate turns
 * KVM's dirty logging on for each epoch; KVM's tracepoint kvm_dirty_ring_push then
 * tells every page that goes into a vCPU's ring.  Nothing of the host changes: the
 * tracepoints are perf events of ours, and QEMU ends logging by itself.
 *
 * What it cannot know:
 *  - reads, and writes by QEMU and vhost themselves (virtio, DMA);
 *  - writes between two epochs, when logging is off (some ms; the trace's epochs
 *    have these gaps), and in the first moments of an epoch, until QEMU has turned
 *    it on;
 *  - which page a push was when memslots were deleted before and after it within
 *    one epoch (push_map.h), as firmware does while it boots: counted as lost;
 *  - the order within one drain of Intel's page-modification log before Linux 7,
 *    so with PML epochs have no order;
 *  - vCPUs that are plugged in during the capture.
 *
 * A guest can be stopped for good by it, by a fault of KVM's: kvm_pvm emulates many
 * instructions before it looks whether the ring is full, and overruns the 64 entries
 * that are kept for that (virt/kvm/dirty_ring.c).  Such a vCPU is reported.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "capture/backend.h"
#include "capture/host/fingerprint.h"
#include "capture/qemu/dirty_rate.h"
#include "capture/qemu/push_record.h"
#include "capture/qemu/qemu_slots.h"
#include "capture/qemu/ring_trace.h"
#include "capture/qemu/still_map.h"
#include "capture/recorder.h"
#include "capture/tracing/hostfs.h"

enum {
	POLL_NS = 10000000, /* how often QEMU is asked whether it is done */
	LATE_NS = 200000000,
	DEATH_MS = 500,
};

struct qdr_params {
	uint64_t ring_bytes;
};

static const struct param_spec qdr_params[] = {
	{.name = "ring_bytes",
	 .type = PARAM_UINT,
	 .offset = offsetof(struct qdr_params, ring_bytes),
	 .preset = 2 << 20,
	 .min = 4096,
	 .max = 1 << 30,
	 .unit = "bytes",
	 .help = "of kage's buffer, per thread; 2M hold 28,000 pushes"},
	{.name = NULL},
};

struct qdr {
	const struct capture_target *target;
	struct dirty_rate rate;
	struct qemu_memory memory;
	struct kvm_slots before; /* as it was when the epoch began */
	struct ring_trace *trace;
	int epoll, timer;
	bool is_measuring, is_stopping, is_impatient, has_pml;
	uint64_t start_ns; /* of the measurement */
	uint64_t device;   /* pushes of memory that is no RAM */
	int error;	   /* that ended the source, with its message */
	struct status why;
};

static void qdr_probe(struct capture_probe *probe)
{
	struct status why = {""};
	int ret = 0;

	if (access("/dev/kvm", F_OK))
		ret = status_fail(&why, ENODEV, "there is no /dev/kvm");
	if (!ret)
		ret = ring_trace_probe(&why);
	if (!ret) {
		snprintf(probe->found, sizeof(probe->found),
			 "kvm_dirty_ring_push, %s",
			 ring_trace_has_pml() ? "PML" : "write protection");
		return;
	}
	snprintf(probe->reason, sizeof(probe->reason), "%.255s", why.message);
	snprintf(probe->fix, sizeof(probe->fix), "%.255s",
		 ret == -EPERM || ret == -EACCES
			 ? hostfs_privilege_hint()
			 : "modprobe kvm_intel or kvm_amd, of Linux 5.11 or "
			   "later with CONFIG_FTRACE");
}

/* -- opening -- */

static int watch(struct qdr *q, int fd, uint32_t events, struct status *st)
{
	struct epoll_event event = {.events = events};

	if (!epoll_ctl(q->epoll, EPOLL_CTL_ADD, fd, &event))
		return 0;
	return status_fail(st, errno, "epoll: %s", strerror(errno));
}

static int open_loop(struct qdr *q, struct status *st)
{
	int ret;

	q->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	q->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (q->timer < 0 || q->epoll < 0)
		return status_fail(st, errno, "timerfd: %s", strerror(errno));
	ret = watch(q, q->timer, EPOLLIN, st);
	if (!ret)
		ret = watch(q, ring_trace_fd(q->trace), EPOLLIN, st);
	return ret ? ret : watch(q, q->target->guest->socket, EPOLLRDHUP, st);
}

static int qdr_open(void *state, const struct capture_target *target,
		    struct status *st)
{
	const struct qdr_params *params = target->values;
	struct qdr *q = state;
	int ret;

	q->target = target;
	q->timer = q->epoll = q->memory.fd = -1;
	q->has_pml = ring_trace_has_pml();
	ret = dirty_rate_init(&q->rate, &target->guest->qmp,
			      target->epoch_ticks, st);
	if (!ret)
		ret = qemu_memory_open(&q->memory, target->guest->pid, st);
	if (!ret)
		ret = ring_trace_open(&q->trace, target->guest,
				      params->ring_bytes, st);
	return ret ? ret : open_loop(q, st);
}

static int qdr_describe(const void *state, struct trace_meta *meta,
			json_t *details, struct status *st)
{
	const struct qdr *q = state;
	const struct guest *guest = q->target->guest;
	json_t *ours = json_pack(
		"{s:s, s:s, s:s, s:s, s:s}", "vmm", guest->vmm, "mechanism",
		q->has_pml ? "page-modification log (PML)"
			   : "write protection, or writes that KVM emulates",
		"epochs",
		"runs of calc-dirty-rate; between them nothing is logged",
		"vmm_writes", "unseen", "dma", "unseen");

	meta->nr_vcpus = (unsigned int)guest->nr_vcpus;
	if (ours && !json_object_update(details, ours)) {
		json_decref(ours);
		return 0;
	}
	json_decref(ours);
	return status_fail(st, ENOMEM, "out of memory");
}

/* -- epochs -- */

/* Arm the timer: the first time after @ns, then as often as QEMU is to be asked. */
static int wake_after(struct qdr *q, uint64_t ns, struct status *st)
{
	const struct itimerspec spec = {
		.it_value = {(time_t)(ns / CLOCK_SECOND_NS),
			     (long)(ns % CLOCK_SECOND_NS)},
		.it_interval = {0, POLL_NS},
	};

	if (!timerfd_settime(q->timer, 0, &spec, NULL))
		return 0;
	return status_fail(st, errno, "timerfd: %s", strerror(errno));
}

static int begin_epoch(struct qdr *q, struct status *st)
{
	int ret = ring_trace_drain(q->trace, st);

	if (ret < 0)
		return ret;
	q->is_measuring = true;
	q->start_ns = clock_ns();
	ring_trace_keep(q->trace, q->start_ns);
	ret = dirty_rate_start(&q->rate, st);
	return ret ? ret : wake_after(q, q->rate.period_ns, st);
}

/* Events that never came, and those that name no page. */
static int report_losses(struct qdr *q, struct recorder *recorder,
			 uint64_t time, uint64_t unmapped, struct status *st)
{
	uint64_t n = ring_trace_take_losses(q->trace) + unmapped;

	return n ? recorder_lost(recorder, time, n, true, st) : 0;
}

static int write_epoch(struct qdr *q, struct recorder *recorder,
		       const struct kvm_slots *after, uint64_t end_ns,
		       struct status *st)
{
	uint64_t end = recorder_time(recorder, end_ns);
	struct trace_epoch epoch = {
		.start = recorder_time(recorder, q->start_ns),
		.end = end,
		.scan_start = end,
		.scan_end = end,
		.channels = TRACE_CHANNEL_DIRTY,
		.is_ordered = !q->has_pml,
	};
	uint64_t unmapped = 0;
	int ret = push_record(ring_trace_pushes(q->trace), &q->before, after,
			      recorder, &unmapped, &q->device, st);

	if (!ret)
		ret = report_losses(q, recorder, end, unmapped, st);
	return ret ? ret : recorder_sample(recorder, &epoch, st);
}

/* The map at the end; without one (QEMU is gone, or the map does not stand still)
 * pushes that need it have no page, and the next epoch has no earlier one. */
static int write_with_later_map(struct qdr *q, struct recorder *recorder,
				uint64_t end_ns, struct status *st)
{
	struct kvm_slots after = {0};
	int ret = 0;

	if (!push_list_needs_later(ring_trace_pushes(q->trace), &q->before))
		return write_epoch(q, recorder, &q->before, end_ns, st);
	if (!q->rate.qmp->broken)
		ret = still_map_read(&q->memory, q->rate.qmp, q->trace, &after,
				     NULL);
	if (ret == -ENOMEM)
		return status_fail(st, ENOMEM, "out of memory");
	ret = write_epoch(q, recorder, &after, end_ns, st);
	free(q->before.slots);
	q->before = after;
	return ret;
}

/* We were not there when logging ended: not before the last push, and not before
 * QEMU's time was over. */
static uint64_t end_of_late_epoch(const struct qdr *q)
{
	const struct push_list *list = ring_trace_pushes(q->trace);
	uint64_t due = q->start_ns + q->rate.period_ns;
	uint64_t last = list->nr ? list->pushes[list->nr - 1].time_ns : 0;

	return last > due ? last : due;
}

/* Logging is off, or we cannot wait for that. */
static int end_epoch(struct qdr *q, struct recorder *recorder,
		     struct status *st)
{
	uint64_t end_ns = clock_ns();
	int ret = ring_trace_drain_all(q->trace, st);

	if (ret < 0)
		return ret;
	if (end_ns - q->start_ns > q->rate.period_ns + LATE_NS)
		end_ns = end_of_late_epoch(q);
	q->is_measuring = false;
	ret = write_with_later_map(q, recorder, end_ns, st);
	ring_trace_forget(q->trace);
	return ret;
}

/* -- the session's hooks -- */

static bool is_qemus_doing(int error)
{
	return error == -EPIPE || error == -EPROTO || error == -EBUSY ||
	       error == -EOPNOTSUPP;
}

static void warn_of_pvm(void)
{
	char kind[FINGERPRINT_WORD];

	fingerprint_kvm_word(-1, "kind", kind);
	if (!strcmp(kind, "pvm"))
		fprintf(stderr,
			"kage: warning: this kind of KVM (pvm) overruns the "
			"ring of a guest that writes fast, which then stands "
			"still for good: capture after its boot\n");
}

static int qdr_start(void *state, struct status *st)
{
	struct qdr *q = state;
	int ret = ring_trace_enable(q->trace, st);

	warn_of_pvm();
	if (!ret)
		ret = still_map_read(&q->memory, q->rate.qmp, q->trace,
				     &q->before, st);
	ring_trace_forget(q->trace);
	return ret ? ret : begin_epoch(q, st);
}

static int qdr_fd(const void *state)
{
	return ((const struct qdr *)state)->epoll;
}

static bool is_ready(int fd, short events, int ms)
{
	struct pollfd poller = {.fd = fd, .events = events};

	return poll(&poller, 1, ms) > 0;
}

static int say_stuck(const struct qdr *q, struct status *st)
{
	return status_fail(st, EPIPE,
			   "vCPU thread %d stands still for good, because KVM "
			   "overran its dirty ring (it does where it emulates "
			   "many instructions in one go: kvm_pvm); restart the "
			   "guest",
			   ring_trace_stuck(q->trace));
}

/* QEMU is asked by the clock. */
static int step(struct qdr *q, struct recorder *recorder, struct status *st)
{
	uint64_t expirations;
	bool is_due = read(q->timer, &expirations, sizeof(expirations)) > 0;
	int ret = ring_trace_drain(q->trace, st);

	if (ret < 0 || q->is_impatient)
		return ret < 0 ? ret : 0;
	if (!ret)
		return status_fail(st, EPIPE, "the vCPU threads ended");
	if (ring_trace_stuck(q->trace))
		return say_stuck(q, st);
	if (!is_due && !is_ready(q->rate.qmp->fd, POLLRDHUP, 0))
		return 1;
	if (!q->is_measuring) {
		if (q->is_stopping)
			return 0;
		ret = begin_epoch(q, st);
		return ret ? ret : 1;
	}
	ret = dirty_rate_is_done(&q->rate, st);
	if (ret <= 0)
		return ret < 0 ? ret : 1;
	ret = end_epoch(q, recorder, st);
	if (!ret) /* the session looks at its limits first */
		ret = wake_after(q, 1, st);
	return ret ? ret : 1;
}

/* What QEMU does ends the source, not the trace; finish() says why. */
static int qdr_collect(void *state, struct recorder *recorder,
		       struct status *st)
{
	struct qdr *q = state;
	int ret = step(q, recorder, st);

	if (ret >= 0 || !is_qemus_doing(ret))
		return ret;
	q->error = ret;
	q->why = *st;
	*st = (struct status){""};
	return 0;
}

/* Epochs end by QEMU's clock, not by the session's. */
static int qdr_scan(void *state, struct recorder *recorder, struct status *st)
{
	(void)state;
	(void)recorder;
	(void)st;
	return 1;
}

static void qdr_stop(void *state, unsigned int times)
{
	struct qdr *q = state;

	q->is_stopping = true;
	q->is_impatient = times > 1;
	if (!q->is_measuring || q->is_impatient)
		wake_after(q, 1, NULL);
}

static int note_totals(struct qdr *q, struct recorder *recorder,
		       struct status *st)
{
	char text[160];

	snprintf(text, sizeof(text),
		 "%" PRIu64 " pushes of memory that is no guest RAM (video, "
		 "firmware) are left out",
		 q->device);
	return q->device ? recorder_note(recorder, text, st) : 0;
}

static int say_why(const struct qdr *q, struct status *st)
{
	/* the socket closes before the process ends */
	if (is_ready(q->target->guest->pidfd, POLLIN, DEATH_MS))
		return status_fail(st, ESRCH,
				   "QEMU ended; the trace is complete up to "
				   "then");
	return status_fail(st, EPIPE,
			   "%.300s; the trace is complete up to then",
			   q->why.message);
}

static int qdr_finish(void *state, struct recorder *recorder, struct status *st)
{
	struct qdr *q = state;
	int ret = ring_trace_finish(q->trace, st);

	if (ret >= 0)
		ret = q->is_measuring ? end_epoch(q, recorder, st) : 0;
	if (!ret) /* what perf tells only at the very end */
		ret = report_losses(q, recorder,
				    recorder_time(recorder, clock_ns()), 0, st);
	if (!ret)
		ret = note_totals(q, recorder, st);
	if (!ret && q->error)
		ret = say_why(q, st);
	return ret;
}

static void qdr_close(void *state)
{
	struct qdr *q = state;

	ring_trace_close(q->trace);
	qemu_memory_close(&q->memory);
	free(q->before.slots);
	if (q->timer >= 0)
		close(q->timer);
	if (q->epoll >= 0)
		close(q->epoll);
}

const struct capture_ops backend_qemu_dirty_ring = {
	.summary =
		"first write of the vCPUs to each page, per epoch (KVM dirty "
		"ring of a running QEMU)",
	.price = "an exit per page and epoch, or PML; huge mappings are split "
		 "while logging is on; where KVM emulates instructions in "
		 "batches (kvm_pvm), a vCPU that writes fast can stop for good",
	.unseen = "reads; writes by QEMU and vhost (virtio, DMA); writes "
		  "between two epochs",
	.empty_means = "the guest is idle or stopped",
	.verified_on = "QEMU 7.2.22 of Debian 12 on Linux 6.18, AMD EPYC, PVM "
		       "kind of KVM (no PML), 2026-11",
	.params = qdr_params,
	.values_size = sizeof(struct qdr_params),
	.needs = GUEST_PID | GUEST_QMP | GUEST_SLOTS | GUEST_VCPUS,
	.clock = TRACE_CLOCK_NS,
	.fidelity = TRACE_FIRST_WRITE,
	.channels = TRACE_CHANNEL_DIRTY,
	.epoch_ns = CLOCK_SECOND_NS,
	.writes_epochs = true,
	.state_size = sizeof(struct qdr),
	.probe = qdr_probe,
	.open = qdr_open,
	.describe = qdr_describe,
	.start = qdr_start,
	.fd = qdr_fd,
	.collect = qdr_collect,
	.scan = qdr_scan,
	.stop = qdr_stop,
	.finish = qdr_finish,
	.close = qdr_close,
};

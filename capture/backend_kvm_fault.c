/* SPDX-License-Identifier: MIT */
/*
 * Backend kvm-fault: the faults by which a running guest's pages are mapped into
 * KVM's page tables, and the invalidations that unmap them.
 *
 * 1. Between the two, accesses are not seen: this is first touch after a zap.
 * 2. A fault that maps a huge page names one of its pages.  A read of anonymous
 *    memory that was never written maps the zero page, and the write after it
 *    invalidates that and faults again: one first touch, two records.
 * 3. An invalidation names addresses of a process, but not which: one of another
 *    VM at the same addresses is taken for the guest's.  Why it happened is not
 *    known.
 * 4. vCPUs that are plugged in later are not watched.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "capture/backend.h"
#include "capture/recorder.h"
#include "capture/tracing/hostfs.h"
#include "capture/tracing/kvm_faults.h"
#include "capture/tracing/tracer.h"

struct kvm_fault_params {
	uint64_t ring_bytes;
};

static const struct param_spec kvm_fault_params[] = {
	{.name = "ring_bytes",
	 .type = PARAM_UINT,
	 .offset = offsetof(struct kvm_fault_params, ring_bytes),
	 .preset = 1 << 20,
	 .min = 4096,
	 .max = 1 << 30,
	 .unit = "bytes",
	 .help = "kernel buffer, one per vCPU and one per CPU"},
	{.name = NULL},
};

enum {
	FAULT,
	UNMAP,
	NR_POINTS
};

struct kvm_fault {
	const struct guest *guest;
	enum kvm_paging paging;
	struct tracer *tracer;
	struct recorder *recorder; /* while events are handed over */
	uint64_t faults, invalidations;
};

static const char no_paging[] =
	"KVM does not use EPT or NPT here: its faults do not name "
	"guest-physical addresses";

/* Only what meets the guest's memory leaves the kernel. */
static void write_filter(char *text, size_t size, const struct guest *guest)
{
	uint64_t low = UINT64_MAX, high = 0;

	for (size_t i = 0; i < guest->nr_slots; i++) {
		const struct trace_slot *slot = &guest->slots[i];
		uint64_t end = slot->hva + slot->npages * TRACE_PAGE_BYTES;

		low = slot->hva < low ? slot->hva : low;
		high = end > high ? end : high;
	}
	snprintf(text, size, "start < 0x%" PRIx64 " && end > 0x%" PRIx64, high,
		 low);
}

/* @filter: NULL for none. */
static int open_tracer(struct tracer **tracer, const pid_t *tids,
		       size_t nr_tids, const char *filter, uint64_t ring_bytes,
		       struct status *st)
{
	const struct tracer_point points[NR_POINTS] = {
		[FAULT] = {"kvm",
			   "kvm_page_fault",
			   {"fault_address", "error_code"},
			   NULL},
		[UNMAP] = {"kvm",
			   "kvm_unmap_hva_range",
			   {"start", "end"},
			   filter},
	};
	const struct tracer_plan plan = {
		.points = points,
		.nr_points = NR_POINTS,
		.tids = tids,
		.nr_tids = nr_tids,
		.ring_bytes = ring_bytes,
		.everywhere = 1 << UNMAP,
	};
	int tracefs = hostfs_open("tracefs", st);
	int ret = tracefs;

	if (tracefs >= 0) {
		ret = tracer_open(tracer, tracefs, &plan, st);
		close(tracefs);
	}
	return ret;
}

static void kvm_fault_probe(struct capture_probe *probe)
{
	enum kvm_paging paging = kvm_paging_of_host();
	const pid_t self = getpid();
	struct tracer *tracer = NULL;
	struct status why = {""};
	int ret = open_tracer(&tracer, &self, 1, NULL, 4096, &why);

	tracer_close(tracer);
	if (ret) {
		snprintf(probe->reason, sizeof(probe->reason), "%.255s",
			 why.message);
		snprintf(probe->fix, sizeof(probe->fix), "%.255s",
			 ret == -EPERM ? hostfs_privilege_hint()
				       : "modprobe kvm_intel or kvm_amd");
	} else if (paging == KVM_PAGING_OTHER) {
		snprintf(probe->reason, sizeof(probe->reason), "%s", no_paging);
		snprintf(probe->fix, sizeof(probe->fix),
			 "a host with VMX or SVM, and kvm_intel.ept=1 or "
			 "kvm_amd.npt=1");
	} else {
		snprintf(probe->found, sizeof(probe->found),
			 "kvm_page_fault, %s",
			 paging == KVM_PAGING_EPT ? "EPT" : "NPT");
	}
}

static int kvm_fault_open(void *state, const struct capture_target *target,
			  struct status *st)
{
	const struct kvm_fault_params *params = target->values;
	struct kvm_fault *k = state;
	char filter[64];

	k->guest = target->guest;
	k->paging = kvm_paging_of_host();
	if (k->paging == KVM_PAGING_OTHER)
		return status_fail(st, EOPNOTSUPP, "kvm-fault: %s", no_paging);
	write_filter(filter, sizeof(filter), k->guest);
	return open_tracer(&k->tracer, k->guest->vcpus, k->guest->nr_vcpus,
			   filter, params->ring_bytes, st);
}

static int kvm_fault_start(void *state, struct status *st)
{
	struct kvm_fault *k = state;

	return tracer_enable(k->tracer, st);
}

static int kvm_fault_fd(const void *state)
{
	const struct kvm_fault *k = state;

	return tracer_fd(k->tracer);
}

static uint16_t vcpu_of(const struct guest *guest, pid_t tid)
{
	uint16_t i = 0;

	while (i + 1u < guest->nr_vcpus && guest->vcpus[i] != tid)
		i++;
	return i;
}

static int record_invalidation(struct kvm_fault *k, uint64_t time,
			       uint64_t start, uint64_t end, struct status *st)
{
	struct trace_event event;
	int ret = 0;

	for (size_t i = 0; i < k->guest->nr_slots && !ret; i++) {
		if (!kvm_fault_invalidation(&k->guest->slots[i], start, end,
					    &event))
			continue;
		event.time = time;
		k->invalidations++;
		ret = recorder_event(k->recorder, &event, st);
	}
	return ret;
}

static int take(void *arg, const struct tracer_event *found, struct status *st)
{
	struct kvm_fault *k = arg;
	uint64_t time = recorder_time(k->recorder, found->time_ns);
	struct trace_event event;

	if (found->which == UNMAP)
		return record_invalidation(k, time, found->field[0],
					   found->field[1], st);
	event = kvm_fault_access(k->paging, found->field[0], found->field[1]);
	event.time = time;
	event.vcpu = vcpu_of(k->guest, found->tid);
	k->faults++;
	return recorder_access(k->recorder, &event, st);
}

static int record_loss(const struct kvm_fault *k, uint64_t lost,
		       struct status *st)
{
	uint64_t time = recorder_time(k->recorder, tracer_time_ns(k->tracer));

	return lost ? recorder_lost(k->recorder, time, lost, true, st) : 0;
}

static int kvm_fault_collect(void *state, struct recorder *recorder,
			     struct status *st)
{
	struct kvm_fault *k = state;
	uint64_t lost;
	int ret, error;

	k->recorder = recorder;
	ret = tracer_drain(k->tracer, take, k, &lost, st);
	error = ret < 0 ? 0 : record_loss(k, lost, st);
	return error ? error : ret;
}

static int kvm_fault_finish(void *state, struct recorder *recorder,
			    struct status *st)
{
	struct kvm_fault *k = state;
	char text[128];
	uint64_t lost;
	int ret;

	k->recorder = recorder;
	ret = tracer_finish(k->tracer, take, k, &lost, st);
	if (ret >= 0)
		ret = record_loss(k, lost, st);
	if (ret)
		return ret;
	snprintf(text, sizeof(text),
		 "kvm-fault: %" PRIu64 " faults, %" PRIu64
		 " invalidations; %" PRIu64 " of them with a corrected time",
		 k->faults, k->invalidations, tracer_late(k->tracer));
	return recorder_note(recorder, text, st);
}

static void kvm_fault_close(void *state)
{
	struct kvm_fault *k = state;

	tracer_close(k->tracer);
}

const struct capture_ops backend_kvm_fault = {
	.summary = "faults that map a page, and invalidations, as a stream "
		   "(tracepoints)",
	.price = "an event per fault and per invalidation; nothing else is "
		 "disturbed",
	.unseen = "accesses of pages that KVM has mapped; the rest of a huge "
		  "page; why something was invalidated; addresses of guests "
		  "of the guest are mistaken for its own",
	.empty_means =
		"KVM has mapped all that the guest uses, and nothing was "
		"unmapped; reclaim, a balloon or a guest that starts "
		"makes faults",
	.verified_on = "Linux 6.1, 6.12 and 7.2 under QEMU (nested NPT), "
		       "2026-11; never run on hardware",
	.params = kvm_fault_params,
	.values_size = sizeof(struct kvm_fault_params),
	.needs = GUEST_PID | GUEST_SLOTS | GUEST_HVAS | GUEST_VCPUS,
	.clock = TRACE_CLOCK_NS,
	.fidelity = TRACE_FAULT,
	.channels = TRACE_CHANNEL_ACCESSED | TRACE_CHANNEL_DIRTY,
	.state_size = sizeof(struct kvm_fault),
	.probe = kvm_fault_probe,
	.open = kvm_fault_open,
	.start = kvm_fault_start,
	.fd = kvm_fault_fd,
	.collect = kvm_fault_collect,
	.finish = kvm_fault_finish,
	.close = kvm_fault_close,
};

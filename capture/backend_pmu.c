/* SPDX-License-Identifier: MIT */
/*
 * Backend pmu: one access in so many, with its address, by AMD's instruction-based
 * sampling (IBS op) of a running guest's vCPU threads.
 *
 * IBS tells the host's physical address of a guest's access; /proc/PID/pagemap
 * tells which guest page lies there.  That is read again every now and then: a page
 * that moved in between is missed, or taken for the one that was there before.
 *
 * Intel's PEBS is refused.  While the guest runs there is nowhere for it to write
 * the host's records, so the kernel turns such events off at every entry
 * (intel_guest_get_msrs(); 971079464001 says why); and what it would record is the
 * guest's virtual address, which nobody outside of the guest can translate:
 * PERF_SAMPLE_PHYS_ADDR would walk the host's page tables (perf_virt_to_phys()).
 *
 * No machine of ours has IBS.  What is tested is all but the hardware: records as
 * the PPR lays them out, the buffers, the map, the order.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/backend.h"
#include "capture/pmu/pmu_access.h"
#include "capture/pmu/pmu_event.h"
#include "capture/pmu/pmu_sampler.h"
#include "capture/recorder.h"
#include "capture/tracing/perf_ring.h"

enum {
	DRAIN_NS = 50000000,
	SETTLE_NS = 1000000, /* a sample is in its buffer after so long */
	MAP_SHARE = 10,	     /* of our time, one part reads the map */
	IBS_STEP = 16,	     /* of its periods */
};

static const char no_pebs[] =
	"PEBS cannot sample a guest for the host: the kernel stops it in guest "
	"mode, and its addresses would be the guest's virtual ones";

struct pmu_params {
	uint64_t period;
	uint64_t buffer;
};

static const struct param_spec pmu_params[] = {
	{.name = "period",
	 .type = PARAM_UINT,
	 .offset = offsetof(struct pmu_params, period),
	 .preset = 250000,
	 .min = 1024,
	 .max = 1u << 26,
	 .unit = "",
	 .help = "one sample in so many operations, in steps of 16"},
	{.name = "buffer",
	 .type = PARAM_UINT,
	 .offset = offsetof(struct pmu_params, buffer),
	 .preset = 1 << 20,
	 .min = 4096,
	 .max = 1 << 30,
	 .unit = "bytes",
	 .help = "for samples, per vCPU"},
	{.name = NULL},
};

struct pmu {
	const struct guest *guest;
	struct pmu_cpu cpu;
	struct pmu_event event;
	uint64_t period;
	struct pmu_sampler *sampler;
	struct pmu_accesses accesses;
	int pagemap, timer;
	uint64_t map_read_ns, map_cost_ns;
	uint64_t lost; /* told to the recorder */
};

static void probe_machine(struct pmu_cpu *cpu)
{
	int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	pmu_cpu_probe(root, cpu);
	if (root >= 0)
		close(root);
}

/* Would the kernel let us? */
static int try_ibs(const struct pmu_cpu *cpu, struct status *st)
{
	struct pmu_event event;
	int fd;
	int ret = pmu_event_encode(&event, "ibs_op", PMU_GUEST, cpu, st);

	if (ret)
		return ret;
	event.attr.sample_period = 1u << 26;
	event.attr.disabled = 1;
	fd = perf_ring_open(&event.attr, -1, 0, st);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static void pmu_probe(struct capture_probe *probe)
{
	struct status why = {""};
	struct pmu_cpu cpu;

	probe_machine(&cpu);
	snprintf(probe->found, sizeof(probe->found), "libpfm4 knows %s",
		 *cpu.model ? cpu.model : "no PMU of this CPU");
	if (cpu.ibs_op_type < 0 && cpu.has_load_latency) {
		snprintf(probe->reason, sizeof(probe->reason), "%s", no_pebs);
		snprintf(probe->fix, sizeof(probe->fix),
			 "use an AMD host with IBS, or another backend");
		return;
	}
	if (try_ibs(&cpu, &why)) {
		snprintf(probe->reason, sizeof(probe->reason), "%.255s",
			 why.message);
		snprintf(probe->fix, sizeof(probe->fix),
			 cpu.ibs_op_type < 0
				 ? "use a bare AMD host with IBS, or another "
				   "backend"
				 : "run kage as root");
	}
}

/* Only IBS has addresses that lead back to a guest's pages. */
static int choose_event(struct pmu *pmu, const char *text, struct status *st)
{
	int ret;

	text = text ? text : "ibs_op:uops";
	ret = pmu_event_encode(&pmu->event, text, PMU_GUEST, &pmu->cpu, st);
	if (!ret)
		ret = pmu_event_check(&pmu->event, &pmu->cpu, st);
	if (ret)
		return ret;
	if (pmu->event.attr.type == (__u32)pmu->cpu.ibs_op_type)
		return 0;
	if (pmu->event.attr.type == PERF_TYPE_SOFTWARE)
		return status_fail(st, ENODEV,
				   "'%s' has no data address: pmu samples "
				   "ibs_op",
				   text);
	return status_fail(st, ENODEV, "'%s': %s", text,
			   pmu->cpu.has_load_latency
				   ? no_pebs
				   : "only ibs_op has data addresses that lead "
				     "to a guest's pages");
}

static int read_map(struct pmu *pmu, struct status *st)
{
	uint64_t start = clock_ns();
	int ret = pfn_map_read(&pmu->accesses.map, pmu->pagemap,
			       pmu->guest->slots, pmu->guest->nr_slots, st);

	pmu->map_read_ns = clock_ns();
	pmu->map_cost_ns = pmu->map_read_ns - start;
	return ret;
}

static int open_map(struct pmu *pmu, struct status *st)
{
	char path[64];
	int ret;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pmu->guest->pid);
	pmu->pagemap = open(path, O_RDONLY | O_CLOEXEC);
	if (pmu->pagemap < 0)
		return status_fail(st, errno, "%s: %s", path, strerror(errno));
	ret = read_map(pmu, st);
	if (!ret && !pmu->accesses.map.npages)
		ret = status_fail(st, ENODATA,
				  "pmu: no page of the guest has memory; is "
				  "the memory map right?");
	return ret;
}

static int open_sampler(struct pmu *pmu, uint64_t buffer, struct status *st)
{
	const struct pmu_sampler_plan plan = {
		.event = &pmu->event,
		.period = pmu->period,
		.threads = pmu->guest->vcpus,
		.nr_threads = pmu->guest->nr_vcpus,
		.ring_bytes = buffer,
	};

	pmu->timer =
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (pmu->timer < 0)
		return status_fail(st, errno, "timerfd: %s", strerror(errno));
	return pmu_sampler_open(&pmu->sampler, &plan, st);
}

static int pmu_open(void *state, const struct capture_target *target,
		    struct status *st)
{
	struct pmu *pmu = state;
	const struct pmu_params *params = target->values;
	int ret;

	pmu->pagemap = pmu->timer = -1;
	pmu->guest = target->guest;
	probe_machine(&pmu->cpu);
	ret = choose_event(pmu, target->event, st);
	pmu->period = params->period / IBS_STEP * IBS_STEP;
	if (!ret)
		ret = open_map(pmu, st);
	return ret ? ret : open_sampler(pmu, params->buffer, st);
}

static int pmu_describe(const void *state, struct trace_meta *meta,
			json_t *details, struct status *st)
{
	const struct pmu *pmu = state;

	(void)meta;
	if (json_object_set_new(details, "pmu",
				json_pack("{s:s, s:I, s:s}", "event",
					  pmu->event.full, "period",
					  (json_int_t)pmu->period, "address",
					  "host physical, through pagemap")))
		return status_fail(st, ENOMEM, "out of memory");
	return 0;
}

static int pmu_start(void *state, struct status *st)
{
	struct pmu *pmu = state;
	const struct timespec period = {0, DRAIN_NS};
	const struct itimerspec spec = {period, period};

	if (timerfd_settime(pmu->timer, 0, &spec, NULL))
		return status_fail(st, errno, "timerfd: %s", strerror(errno));
	return pmu_sampler_enable(pmu->sampler, st);
}

static int pmu_fd(const void *state)
{
	return ((const struct pmu *)state)->timer;
}

/* Take what is in the buffers, hand over what is older than @horizon_ns. */
static int drain(struct pmu *pmu, uint64_t horizon_ns,
		 struct recorder *recorder, struct status *st)
{
	struct pmu_sampler_stats stats;
	int ret = pmu_sampler_drain(pmu->sampler, pmu_access_take,
				    &pmu->accesses, st);

	if (!ret)
		ret = pmu_access_hand_over(&pmu->accesses, horizon_ns, recorder,
					   st);
	pmu_sampler_stats(pmu->sampler, &stats);
	if (!ret && stats.lost > pmu->lost) {
		ret = recorder_lost(recorder,
				    recorder_time(recorder,
						  pmu->accesses.last_ns),
				    stats.lost - pmu->lost, true, st);
		pmu->lost = stats.lost;
	}
	return ret;
}

static bool is_map_old(const struct pmu *pmu)
{
	uint64_t age = clock_ns() - pmu->map_read_ns;

	return age >= CLOCK_SECOND_NS && age >= MAP_SHARE * pmu->map_cost_ns;
}

static int pmu_collect(void *state, struct recorder *recorder,
		       struct status *st)
{
	struct pmu *pmu = state;
	uint64_t expirations;
	int ret = 0;

	if (read(pmu->timer, &expirations, sizeof(expirations)) < 0)
		return 1;
	if (is_map_old(pmu))
		ret = read_map(pmu, st);
	if (!ret)
		ret = drain(pmu, clock_ns() - SETTLE_NS, recorder, st);
	return ret ? ret : 1;
}

static int pmu_finish(void *state, struct recorder *recorder, struct status *st)
{
	struct pmu *pmu = state;
	const struct pmu_access_counts *counts = &pmu->accesses.counts;
	struct pmu_sampler_stats stats;
	char text[320];
	int ret;

	pmu_sampler_disable(pmu->sampler);
	ret = drain(pmu, UINT64_MAX, recorder, st);
	if (ret)
		return ret;
	pmu_sampler_stats(pmu->sampler, &stats);
	snprintf(text, sizeof(text),
		 "pmu: %" PRIu64 " samples: %" PRIu64
		 " accesses of guest pages, %" PRIu64
		 " without an access, %" PRIu64
		 " outside of guest mode, %" PRIu64
		 " in frames not known as the guest's; paused %" PRIu64
		 " times by the kernel for their rate",
		 stats.samples, counts->accesses, counts->none, counts->host,
		 counts->strangers, stats.throttled);
	return recorder_note(recorder, text, st);
}

static void pmu_close(void *state)
{
	struct pmu *pmu = state;

	pmu_sampler_close(pmu->sampler);
	pmu_accesses_fini(&pmu->accesses);
	if (pmu->pagemap >= 0)
		close(pmu->pagemap);
	if (pmu->timer >= 0)
		close(pmu->timer);
}

const struct capture_ops backend_pmu = {
	.summary = "one load or store in so many, with its page (AMD IBS op)",
	.price = "an interrupt and a VM exit per sample; reads the guest's "
		 "page map about once a second",
	.unseen = "accesses between the samples; the VMM's own; pages that "
		  "moved since the page map was read; frames shared by pages",
	.verified_on = "never run on hardware: no machine of ours has a PMU",
	.params = pmu_params,
	.values_size = sizeof(struct pmu_params),
	.needs = GUEST_PID | GUEST_SLOTS | GUEST_HVAS | GUEST_VCPUS,
	.takes_event = true,
	.clock = TRACE_CLOCK_NS,
	.fidelity = TRACE_SAMPLED_ADDRESS,
	.channels = TRACE_CHANNEL_ACCESSED | TRACE_CHANNEL_DIRTY,
	.state_size = sizeof(struct pmu),
	.probe = pmu_probe,
	.open = pmu_open,
	.describe = pmu_describe,
	.start = pmu_start,
	.fd = pmu_fd,
	.collect = pmu_collect,
	.finish = pmu_finish,
	.close = pmu_close,
};

/* SPDX-License-Identifier: MIT */
/*
 * Backend damon: regions of the guest's memory and how often the kernel's DAMON
 * found each accessed (damon_regions.h says what a region is worth), from the
 * tracepoint damon:damon_aggregated.
 *
 * An epoch is an aggregation interval by DAMON's own clock, which lags behind the
 * wall's by the time its work takes: scan() writes the intervals that have ended
 * since the last call, with the times of their events.  Regions without a hit are
 * written too: they were looked at.  An interval that lacks an event is left out.
 *
 * vaddr (the kernel's 'fvaddr': the ranges stay what we set) watches the addresses
 * of the guest's slots in the VMM's process.  paddr watches the frames that these
 * had when the capture began (damon_frames.h), by the reverse map: accesses of
 * others to these frames count too.  How a write differs from a read nobody
 * knows, nor, below a huge page, which small page it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "capture/backend.h"
#include "capture/damon/damon_frames.h"
#include "capture/damon/damon_regions.h"
#include "capture/damon/damon_sysfs.h"
#include "capture/recorder.h"
#include "capture/tracing/hostfs.h"
#include "capture/tracing/tracer.h"

enum {
	RING_BYTES = 1 << 18,	   /* per CPU, at least */
	RING_BYTES_A_REGION = 256, /* two bursts: an event takes some 100 */
};

enum damon_ops {
	DAMON_VADDR,
	DAMON_PADDR
};

struct damon_params {
	unsigned int ops;
	uint64_t sample_ns;
	uint64_t min_regions, max_regions;
};

static const char *const ops_names[] = {"vaddr", "paddr", NULL};

static const struct param_spec damon_params[] = {
	{.name = "ops",
	 .type = PARAM_ENUM,
	 .offset = offsetof(struct damon_params, ops),
	 .names = ops_names,
	 .unit = "",
	 .help = "vaddr: the process's addresses; paddr: the frames behind "
		 "them"},
	{.name = "sample",
	 .type = PARAM_TIME,
	 .offset = offsetof(struct damon_params, sample_ns),
	 .preset = 5e6,
	 .min = 1e3,
	 .max = 1e11,
	 .unit = "ns",
	 .help = "time between two looks at each region"},
	{.name = "min_regions",
	 .type = PARAM_UINT,
	 .offset = offsetof(struct damon_params, min_regions),
	 .preset = 10,
	 .min = 3,
	 .max = 1e5,
	 .unit = "",
	 .help = "so many at the least; more tell more and cost more"},
	{.name = "max_regions",
	 .type = PARAM_UINT,
	 .offset = offsetof(struct damon_params, max_regions),
	 .preset = 1000,
	 .min = 3,
	 .max = 1e5,
	 .unit = "",
	 .help = "so many at the most: the bound of DAMON's CPU time"},
	{.name = NULL},
};

struct damon {
	const struct guest *guest;
	struct damon_params params;
	uint64_t epoch_ns;
	struct damon_sysfs sysfs;
	struct tracer *tracer;
	struct damon_ranges hvas;    /* of the guest */
	struct damon_ranges watched; /* what the kdamond begins with */
	struct damon_frames frames;  /* paddr */
	struct damon_ranges found;   /* paddr: of one region, reused */
	struct damon_burst burst;
	struct recorder *recorder; /* during a drain */
	pid_t tid;
	uint64_t last_end; /* of an epoch; the trace's time */
	uint64_t moved;	   /* paddr: pages of all epochs */
	bool has_ended;
};

static uint64_t looks_per_epoch(const struct damon *damon)
{
	return damon->epoch_ns / 1000 / (damon->params.sample_ns / 1000);
}

static int open_tracer(struct tracer **tracer, uint64_t regions,
		       struct status *st)
{
	static const struct tracer_point point = {
		.system = "damon",
		.event = "damon_aggregated",
		.fields = {"target_id", "nr_regions", "start", "end",
			   "nr_accesses"},
	};
	const struct tracer_plan plan = {
		.points = &point,
		.nr_points = 1,
		.ring_bytes = RING_BYTES + regions * RING_BYTES_A_REGION,
	};
	int tracefs = hostfs_open("tracefs", st);
	int ret = tracefs;

	if (tracefs < 0)
		return ret;
	ret = tracer_open(tracer, tracefs, &plan, st);
	close(tracefs);
	return ret;
}

static void damon_probe(struct capture_probe *probe)
{
	struct tracer *tracer = NULL;
	struct status why = {""};

	if (damon_sysfs_probe("", probe))
		return;
	if (open_tracer(&tracer, 0, &why)) {
		snprintf(probe->reason, sizeof(probe->reason), "%.255s",
			 why.message);
		snprintf(probe->fix, sizeof(probe->fix),
			 "run kage as root, on a kernel with "
			 "CONFIG_TRACEPOINTS and CONFIG_PERF_EVENTS");
	}
	tracer_close(tracer);
}

static int check_params(const struct damon *damon, struct status *st)
{
	const struct damon_params *params = &damon->params;

	if (params->min_regions > params->max_regions)
		return status_fail(st, EINVAL,
				   "damon: min_regions is above max_regions");
	if (params->sample_ns > damon->epoch_ns)
		return status_fail(st, EINVAL,
				   "damon: sample is longer than an epoch; "
				   "use a longer --epoch or a shorter sample");
	return 0;
}

static int read_frames(struct damon *damon, struct damon_ranges *ranges,
		       struct status *st)
{
	char path[64];
	int fd, ret;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", damon->guest->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return status_fail(st, errno == ENOENT ? ESRCH : errno,
				   "damon: %s: %s", path, strerror(errno));
	ret = damon_frames_read(&damon->frames, fd, &damon->hvas, st);
	if (!ret)
		ret = damon_frames_ranges(&damon->frames, ranges, st);
	if (!ret && ranges->nr > damon->params.max_regions)
		ret = status_fail(
			st, EOPNOTSUPP,
			"damon: the guest's frames lie in %zu pieces, each "
			"of which is a region: use max_regions=%zu or more, "
			"huge pages for the guest, or ops=vaddr",
			ranges->nr, ranges->nr);
	return ret;
}

static int find_ranges(struct damon *damon, struct status *st)
{
	struct damon_ranges frames = {0};
	int ret = damon_ranges_of_guest(&damon->hvas, damon->guest, st);

	if (!ret && damon->params.ops == DAMON_PADDR)
		ret = read_frames(damon, &frames, st);
	if (!ret)
		ret = damon_ranges_cut(&damon->watched,
				       damon->params.ops == DAMON_PADDR
					       ? &frames
					       : &damon->hvas,
				       damon->params.min_regions, st);
	damon_ranges_fini(&frames);
	return ret;
}

static int damon_open(void *state, const struct capture_target *target,
		      struct status *st)
{
	struct damon *damon = state;
	const struct damon_params *params = target->values;
	struct damon_wish wish = {
		.is_physical = params->ops == DAMON_PADDR,
		.pid = target->guest->pid,
		.sample_us = params->sample_ns / 1000,
		.aggr_us = target->epoch_ticks / 1000,
		.min_regions = params->min_regions,
		.max_regions = params->max_regions,
		.ranges = &damon->watched,
	};
	int ret;

	damon->guest = target->guest;
	damon->params = *params;
	damon->epoch_ns = target->epoch_ticks;
	damon->sysfs = (struct damon_sysfs){-1, -1};
	damon->frames.pagemap = -1;
	ret = check_params(damon, st);
	if (!ret)
		ret = find_ranges(damon, st);
	if (!ret)
		ret = open_tracer(&damon->tracer, params->max_regions, st);
	return ret ? ret
		   : damon_sysfs_open(&damon->sysfs, "", &wish, target->guard,
				      st);
}

static int damon_describe(const void *state, struct trace_meta *meta,
			  json_t *details, struct status *st)
{
	const struct damon *damon = state;
	const struct damon_params *params = &damon->params;
	const struct damon_frames *frames = &damon->frames;
	bool is_physical = params->ops == DAMON_PADDR;
	json_t *ours = json_pack(
		"{s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:o*, s:o*}", "ops",
		ops_names[params->ops], "sample_us",
		(json_int_t)(params->sample_ns / 1000), "aggregation_us",
		(json_int_t)(damon->epoch_ns / 1000), "min_regions",
		(json_int_t)params->min_regions, "max_regions",
		(json_int_t)params->max_regions, "watched_pages",
		(json_int_t)damon_ranges_pages(&damon->watched), "epochs",
		"aggregation intervals of DAMON's clock", "absent_pages",
		is_physical ? json_integer((json_int_t)frames->absent) : NULL,
		"shared_pages",
		is_physical ? json_integer((json_int_t)frames->shared) : NULL);

	(void)meta;
	if (json_object_set_new(details, "damon", ours))
		return status_fail(st, ENOMEM, "out of memory");
	return 0;
}

static int damon_start(void *state, struct status *st)
{
	struct damon *damon = state;
	int ret = tracer_enable(damon->tracer, st);

	return ret ? ret : damon_sysfs_start(&damon->sysfs, &damon->tid, st);
}

/* A range of the process's addresses, in every slot that it meets. */
static int hand_over_hvas(struct damon *damon, const struct damon_range *range,
			  uint32_t hits, struct status *st)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < damon->guest->nr_slots; i++) {
		const struct trace_slot *slot = &damon->guest->slots[i];
		uint64_t slot_end = slot->hva + slot->npages * TRACE_PAGE_BYTES;
		uint64_t start = range->start > slot->hva ? range->start
							  : slot->hva;
		uint64_t end = range->end < slot_end ? range->end : slot_end;
		struct trace_run run = {.flags = hits ? TRACE_RUN_ACCESSED : 0,
					.hits = hits};

		if (start >= end)
			continue;
		run.gfn = slot->gfn + (start - slot->hva) / TRACE_PAGE_BYTES;
		run.npages = (uint32_t)((end - start) / TRACE_PAGE_BYTES);
		ret = recorder_run(damon->recorder, &run, st);
	}
	return ret;
}

static int hand_over_frames(struct damon *damon,
			    const struct damon_range *region, uint32_t hits,
			    struct status *st)
{
	int64_t moved;
	int ret = 0;

	damon->found.nr = 0;
	moved = damon_frames_find(&damon->frames, region->start, region->end,
				  &damon->found, st);
	if (moved < 0)
		return (int)moved;
	damon->moved += (uint64_t)moved;
	for (size_t i = 0; !ret && i < damon->found.nr; i++)
		ret = hand_over_hvas(damon, &damon->found.ranges[i], hits, st);
	return ret;
}

static int hand_over_region(struct damon *damon,
			    const struct damon_sample *sample,
			    struct status *st)
{
	const struct damon_range range = {sample->start, sample->end};
	uint32_t hits = (uint32_t)sample->hits;

	if (sample->hits > looks_per_epoch(damon))
		return status_fail(st, EPROTO,
				   "damon: %" PRIu64 " hits in %" PRIu64
				   " looks: somebody changed the intervals",
				   sample->hits, looks_per_epoch(damon));
	return damon->params.ops == DAMON_PADDR
		       ? hand_over_frames(damon, &range, hits, st)
		       : hand_over_hvas(damon, &range, hits, st);
}

/* An interval lasts from the end of the one before to its own.  If that is twice
 * as long as it should be, others were lost between: then it lasted at least as
 * long as it should. */
static uint64_t start_of(const struct damon *damon, uint64_t end)
{
	return end - damon->last_end < 2 * damon->epoch_ns
		       ? damon->last_end
		       : end - damon->epoch_ns;
}

static int hand_over_burst(struct damon *damon, struct status *st)
{
	const struct damon_burst *burst = &damon->burst;
	const struct damon_sample *last = &burst->samples[burst->nr - 1];
	struct trace_epoch epoch = {
		.channels = TRACE_CHANNEL_ACCESSED,
		.has_hits = true,
		.samples = (uint32_t)looks_per_epoch(damon),
	};
	int ret = 0;

	epoch.end = recorder_time(damon->recorder, burst->samples[0].time_ns);
	epoch.start = start_of(damon, epoch.end);
	epoch.scan_start = epoch.end;
	epoch.scan_end = recorder_time(damon->recorder, last->time_ns);
	damon->last_end = epoch.end;
	for (size_t i = 0; !ret && i < burst->nr; i++)
		ret = hand_over_region(damon, &burst->samples[i], st);
	return ret ? ret : recorder_sample(damon->recorder, &epoch, st);
}

static int take_event(void *arg, const struct tracer_event *event,
		      struct status *st)
{
	struct damon *damon = arg;
	const struct damon_sample sample = {
		.time_ns = event->time_ns,
		.target = event->field[0],
		.nr_regions = event->field[1],
		.start = event->field[2],
		.end = event->field[3],
		.hits = event->field[4],
	};
	uint64_t broken = damon->burst.broken;
	int ret;

	if (event->tid != damon->tid)
		return 0;
	ret = damon_burst_add(&damon->burst, &sample, damon->epoch_ns / 2, st);
	if (ret >= 0 && damon->burst.broken != broken)
		damon->last_end =
			recorder_time(damon->recorder, damon->burst.broken_ns);
	return ret > 0 ? hand_over_burst(damon, st) : ret;
}

static int drain(struct damon *damon, struct recorder *recorder, bool is_last,
		 struct status *st)
{
	uint64_t lost = 0;
	int ret;

	damon->recorder = recorder;
	ret = is_last ? tracer_finish(damon->tracer, take_event, damon, &lost,
				      st)
		      : tracer_drain(damon->tracer, take_event, damon, &lost,
				     st);
	if (ret >= 0 && lost)
		ret = recorder_lost(recorder, damon->last_end, lost, true, st);
	return ret < 0 ? ret : 0;
}

static int damon_scan(void *state, struct recorder *recorder, struct status *st)
{
	struct damon *damon = state;
	bool is_on = damon_sysfs_is_on(&damon->sysfs);
	int ret = drain(damon, recorder, false, st);

	damon->has_ended = !is_on;
	return ret ? ret : is_on;
}

static int note_end(const struct damon *damon, struct recorder *recorder,
		    struct status *st)
{
	uint64_t ms = damon_sysfs_cpu_ms(damon->tid);
	char text[256];
	int n = snprintf(text, sizeof(text),
			 "damon: %" PRIu64
			 " intervals lack events and are left out",
			 damon->burst.broken);

	if (ms)
		n += snprintf(text + n, sizeof(text) - (size_t)n,
			      "; the kdamond used %" PRIu64 " ms of CPU time",
			      ms);
	if (damon->params.ops == DAMON_PADDR)
		snprintf(text + n, sizeof(text) - (size_t)n,
			 "; %" PRIu64 " pages, summed over the epochs, had "
			 "changed their frame",
			 damon->moved);
	return recorder_note(recorder, text, st);
}

static int damon_finish(void *state, struct recorder *recorder,
			struct status *st)
{
	struct damon *damon = state;
	int ret = drain(damon, recorder, true, st);

	if (!ret)
		ret = note_end(damon, recorder, st);
	if (!ret && damon->has_ended)
		ret = status_fail(st, ENOBUFS,
				  "damon: the kdamond ended before we did: the "
				  "process is gone, or somebody turned it off");
	if (!ret && !recorder->stats.epochs)
		ret = status_fail(st, ENODATA,
				  "damon: no aggregation interval ended while "
				  "we looked");
	return ret;
}

static void damon_close(void *state)
{
	struct damon *damon = state;

	tracer_close(damon->tracer);
	damon_sysfs_close(&damon->sysfs);
	damon_frames_fini(&damon->frames);
	damon_burst_fini(&damon->burst);
	damon_ranges_fini(&damon->hvas);
	damon_ranges_fini(&damon->watched);
	damon_ranges_fini(&damon->found);
}

const struct capture_ops backend_damon = {
	.summary =
		"how often each region was found accessed, per epoch (DAMON)",
	.price = "a page-table walk or a reverse-map walk and a KVM call per "
		 "region and look; marks pages idle and young, which misleads "
		 "the host's MGLRU and whoever else tracks idle pages",
	.unseen = "single pages: a look at one page stands for its region; "
		  "whether an access was a write; pages that stay in a TLB",
	.empty_means = "the guest was idle, or its regions are so large that "
		       "no look met a hot page: more min_regions",
	.verified_on =
		"vaddr and paddr: Debian's Linux 6.12.117 and 7.2.13 with "
		"nested NPT under QEMU TCG, 2026-11; never run on "
		"hardware",
	.params = damon_params,
	.values_size = sizeof(struct damon_params),
	.needs = GUEST_PID | GUEST_SLOTS | GUEST_HVAS,
	.clock = TRACE_CLOCK_NS,
	.fidelity = TRACE_REGION_SAMPLE,
	.channels = TRACE_CHANNEL_ACCESSED,
	.epoch_ns = 100000000,
	.writes_epochs = true,
	.state_size = sizeof(struct damon),
	.probe = damon_probe,
	.open = damon_open,
	.describe = damon_describe,
	.start = damon_start,
	.scan = damon_scan,
	.finish = damon_finish,
	.close = damon_close,
};

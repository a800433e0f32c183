/* SPDX-License-Identifier: MIT */
/*
 * Backend mglru: at the end of each epoch the kernel's multi-generational LRU is
 * told to make a new generation of the guest's memory cgroup.  On the way it takes
 * the accessed bit from every page-table entry of the guest that has one, and KVM
 * says which (spte.h).
 *
 * What it cannot know: which accesses were writes; a page that the guest's TLB
 * still knows, because nothing is flushed, and its bit is not set again before the
 * TLB forgets it; what others took in between: kswapd and every other aging of the
 * cgroup, page_idle, DAMON; which VM an event is from.  The last is why only one
 * cgroup is aged, only the events of the thread that does it count, and a cgroup
 * with two VMs is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "capture/backend.h"
#include "capture/guest/guest.h"
#include "capture/mglru/lru_gen.h"
#include "capture/mglru/mglru_host.h"
#include "capture/mglru/mglru_pass.h"
#include "capture/pmu/pmu_counters.h"
#include "capture/recorder.h"
#include "capture/tracing/hostfs.h"
#include "capture/tracing/tracer.h"

enum {
	ASKED_RING_BYTES = 64 << 10,
};

struct mglru_params {
	uint64_t ring_bytes;
};

static const struct param_spec mglru_params[] = {
	{.name = "ring",
	 .type = PARAM_UINT,
	 .offset = offsetof(struct mglru_params, ring_bytes),
	 .preset = 16 << 20,
	 .min = 64 << 10,
	 .max = 1 << 30,
	 .unit = "bytes",
	 .help = "buffer for the events of a pass, 88 bytes each, that were "
		 "not taken out yet"},
	{.name = NULL},
};

struct mglru {
	const struct capture_target *target;
	struct mglru_params params;
	struct mglru_host host;
	struct mglru_ager ager;
	struct tracer *asked;	      /* calls of KVM by this thread */
	struct pmu_counters counters; /* --event: around each pass */
};

static void mglru_probe(struct capture_probe *probe)
{
	struct mglru_host host;

	mglru_host_check(&host);
	snprintf(probe->found, sizeof(probe->found), "Linux %s", host.release);
	snprintf(probe->reason, sizeof(probe->reason), "%s", host.reason);
	snprintf(probe->fix, sizeof(probe->fix), "%s", host.fix);
	if (host.reason[0])
		return;
	snprintf(probe->found, sizeof(probe->found),
		 "Linux %s, %s, MGLRU 0x%04x", host.release,
		 spte_format_names[host.format], host.mask);
	if (!mglru_is_old(host.release))
		return;
	snprintf(probe->reason, sizeof(probe->reason),
		 "aging does not touch SPTEs in Linux %s", host.release);
	snprintf(probe->fix, sizeof(probe->fix), "boot Linux 6.12 or later");
}

/* -- opening -- */

static int find_memcg(struct mglru *mglru, const char *text, struct status *st)
{
	const struct guest *guest = mglru->target->guest;
	int ret;

	if (guest->pid)
		ret = lru_gen_find_near(text, guest->cgroup, &mglru->ager.memcg,
					st);
	else
		ret = lru_gen_find(text, guest->cgroup, &mglru->ager.memcg, st);
	if (ret != -ENOENT)
		return ret;
	return status_fail(st, ENODEV,
			   "lru_gen does not list the cgroup %s: it is not as "
			   "/proc/PID/cgroup has it (/vm1), has no memory "
			   "controller, or kage is in another cgroup namespace",
			   guest->cgroup);
}

/* Where debugfs does not list VMs, it is up to the user. */
static int check_vms(const struct mglru *mglru, int debugfs, const char *text,
		     struct status *st)
{
	int n = mglru_count_vms(debugfs, text, mglru->ager.memcg.path, NULL);

	if (n <= 1)
		return 0;
	return status_fail(st, EBUSY,
			   "%d VMs are charged to the cgroup %s, and the "
			   "events do not tell whose page it was: start each "
			   "in one of its own (systemd-run --scope)",
			   n, mglru->ager.memcg.path);
}

static int open_lru_gen(struct mglru *mglru, struct status *st)
{
	int debugfs = hostfs_open("debugfs", st);
	char *text = NULL;
	int ret;

	if (debugfs < 0)
		return debugfs;
	mglru->ager.lru_gen = lru_gen_open(debugfs, st);
	ret = mglru->ager.lru_gen < 0
		      ? mglru->ager.lru_gen
		      : lru_gen_read(mglru->ager.lru_gen, &text, st);
	if (!ret)
		ret = find_memcg(mglru, text, st);
	if (!ret)
		ret = check_vms(mglru, debugfs, text, st);
	free(text);
	close(debugfs);
	return ret;
}

static int open_tracers(struct mglru *mglru, struct status *st)
{
	static const struct tracer_point change = {
		MGLRU_SYSTEM,
		MGLRU_EVENT,
		{"gfn", "old_spte", "new_spte", "level"},
		NULL,
	};
	static const struct tracer_point asked = {
		"kvm", "kvm_age_hva", {"start"}, NULL};
	const pid_t self = gettid();
	struct tracer_plan plan = {
		.points = &change,
		.nr_points = 1,
		.tids = &self,
		.nr_tids = 1,
		.ring_bytes = mglru->params.ring_bytes,
	};
	int tracefs = hostfs_open("tracefs", st);
	int ret;

	if (tracefs < 0)
		return tracefs;
	ret = tracer_open(&mglru->ager.changes, tracefs, &plan, st);
	plan.points = &asked;
	plan.ring_bytes = ASKED_RING_BYTES;
	if (!ret)
		ret = tracer_open(&mglru->asked, tracefs, &plan, st);
	close(tracefs);
	return ret;
}

static int open_counters(struct mglru *mglru, struct status *st)
{
	const struct capture_target *target = mglru->target;
	int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct pmu_cpu cpu;

	pmu_cpu_probe(root, &cpu);
	if (root >= 0)
		close(root);
	return pmu_counters_open(&mglru->counters, target->event, &cpu,
				 target->guest->vcpus, target->guest->nr_vcpus,
				 st);
}

static int mglru_open(void *state, const struct capture_target *target,
		      struct status *st)
{
	struct mglru *mglru = state;
	int ret;

	mglru->target = target;
	mglru->params = *(const struct mglru_params *)target->values;
	mglru->ager.lru_gen = -1;
	mglru->ager.over = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (mglru->ager.over < 0)
		return status_fail(st, errno, "eventfd: %s", strerror(errno));
	mglru_host_check(&mglru->host);
	mglru->ager.format = mglru->host.format;
	if (mglru->host.reason[0])
		return status_fail(st, ENODEV, "%s (what helps: %s)",
				   mglru->host.reason, mglru->host.fix);
	ret = open_lru_gen(mglru, st);
	if (!ret)
		ret = open_tracers(mglru, st);
	return ret ? ret : open_counters(mglru, st);
}

static int mglru_describe(const void *state, struct trace_meta *meta,
			  json_t *details, struct status *st)
{
	const struct mglru *mglru = state;
	const struct lru_gen_memcg *memcg = &mglru->ager.memcg;
	bool is_root = !strcmp(memcg->path, "/");
	json_t *ours = json_pack("{s:s, s:b, s:I, s:s}", "cgroup", memcg->path,
				 "is_cgroup_root", is_root, "nodes",
				 (json_int_t)memcg->nr_nodes, "spte",
				 spte_format_names[mglru->host.format]);
	int ret = ours ? json_object_update(details, ours) : -1;

	(void)meta;
	json_decref(ours);
	if (is_root)
		fprintf(stderr,
			"kage: mglru: the guest is in the root cgroup: every "
			"process there is aged with it\n");
	return ret ? status_fail(st, ENOMEM, "out of memory") : 0;
}

/* -- before the first epoch -- */

/* Changes in a pass are aging; if none looks like it, we read them wrongly. */
static int check_format(const struct mglru *mglru, struct status *st)
{
	const struct mglru_ager *ager = &mglru->ager;

	if (ager->aged || !ager->events)
		return 0;
	return status_fail(st, ENODEV,
			   "Linux %s: %" PRIu64 " SPTEs changed in a pass, and "
			   "none as %s of 6.12 or 7.2 does",
			   mglru->host.release, ager->events,
			   spte_format_names[ager->format]);
}

static int count_call(void *arg, const struct tracer_event *event,
		      struct status *st)
{
	uint64_t *calls = arg;

	(void)event;
	(void)st;
	(*calls)++;
	return 0;
}

static int refuse_silence(const struct mglru *mglru, struct status *st)
{
	if (mglru_is_old(mglru->host.release))
		return status_fail(st, ENODEV,
				   "aging does not touch SPTEs in Linux %s: a "
				   "pass over %s asked KVM about no page; boot "
				   "6.12 or later",
				   mglru->host.release, mglru->ager.memcg.path);
	if (mglru->ager.nr_disturbed)
		return status_fail(st, EBUSY,
				   "somebody else ages the cgroup %s all the "
				   "time (memory pressure, or another tool on "
				   "lru_gen), and what KVM says goes to him",
				   mglru->ager.memcg.path);
	return status_fail(st, ENODEV,
			   "a pass over the cgroup %s asked KVM about no page: "
			   "the guest's memory is hugetlbfs, mlocked or "
			   "charged to another cgroup, or it has none yet",
			   mglru->ager.memcg.path);
}

/* A pass found no page that was accessed: did it ask at all?  Another one, with
 * KVM's calls counted. */
static int check_asking(struct mglru *mglru, struct status *st)
{
	struct mglru_pass pass = {.ager = &mglru->ager};
	uint64_t calls = 0, lost = 0;
	int ret = tracer_enable(mglru->asked, st);

	if (!ret)
		ret = mglru_pass_run(&pass, st);
	if (!ret)
		ret = tracer_finish(mglru->asked, count_call, &calls, &lost,
				    st);
	if (ret < 0)
		return ret;
	return calls + lost ? 0 : refuse_silence(mglru, st);
}

/* The first pass forgets what was before, and shows what a pass takes. */
static int mglru_start(void *state, struct status *st)
{
	struct mglru *mglru = state;
	struct mglru_pass pass = {.ager = &mglru->ager};
	int ret = mglru_pass_run(&pass, st);

	if (!ret && !mglru->ager.events)
		ret = check_asking(mglru, st);
	if (!ret)
		ret = check_format(mglru, st);
	return ret ? ret
		   : mglru_period_check(mglru->target->epoch_ticks, pass.ns,
					st);
}

/* -- epochs -- */

/* The other one took accessed bits that we have not heard of, nobody knows how
 * many: pages that are missing must not pass for idle. */
static int record_disturbance(struct recorder *recorder, struct status *st)
{
	char text[128];
	int ret;

	snprintf(text, sizeof(text),
		 "epoch %" PRIu64 ": somebody else aged the cgroup too: pages "
		 "may be missing",
		 recorder->index);
	ret = recorder_note(recorder, text, st);
	return ret ? ret
		   : recorder_lost(recorder,
				   recorder_time(recorder, clock_ns()), 1,
				   false, st);
}

/* A pass of an epoch, and what it cost. */
static int run_counted(struct mglru *mglru, struct mglru_pass *pass,
		       struct status *st)
{
	struct pmu_count counts[PMU_COUNTERS_MAX];
	char text[1536];
	int n, ret = pmu_counters_start(&mglru->counters, st);

	if (!ret)
		ret = mglru_pass_run(pass, st);
	if (!ret)
		ret = pmu_counters_stop(&mglru->counters, counts, st);
	if (ret || !mglru->counters.nr)
		return ret;
	n = snprintf(text, sizeof(text),
		     "epoch %" PRIu64 ", pass: ", pass->recorder->index);
	pmu_counters_text(counts, mglru->counters.nr, text + n,
			  sizeof(text) - (size_t)n);
	return recorder_note(pass->recorder, text, st);
}

static int mglru_scan(void *state, struct recorder *recorder, struct status *st)
{
	struct mglru *mglru = state;
	struct mglru_pass pass = {.ager = &mglru->ager, .recorder = recorder};
	int ret = run_counted(mglru, &pass, st);

	if (!ret)
		ret = check_format(mglru, st);
	if (!ret && pass.lost)
		ret = recorder_lost(recorder,
				    recorder_time(recorder, clock_ns()),
				    pass.lost, true, st);
	if (!ret && pass.is_disturbed)
		ret = record_disturbance(recorder, st);
	return ret ? ret : 1;
}

static int mglru_finish(void *state, struct recorder *recorder,
			struct status *st)
{
	const struct mglru *mglru = state;

	(void)recorder;
	(void)st;
	if (mglru->ager.nr_disturbed)
		fprintf(stderr,
			"kage: mglru: in %" PRIu64 " epochs somebody else aged "
			"the cgroup too (memory pressure?): they may lack "
			"pages\n",
			mglru->ager.nr_disturbed);
	return 0;
}

static void mglru_close(void *state)
{
	struct mglru *mglru = state;

	tracer_close(mglru->ager.changes);
	tracer_close(mglru->asked);
	pmu_counters_close(&mglru->counters);
	if (mglru->ager.lru_gen >= 0)
		close(mglru->ager.lru_gen);
	if (mglru->ager.over >= 0)
		close(mglru->ager.over);
}

const struct capture_ops backend_mglru = {
	.summary = "the accessed bit of every page of a running guest, once "
		   "per epoch, by aging its cgroup (MGLRU)",
	.price = "a generation per epoch, so that four epochs erase the host's "
		 "own ages; about 100 ns per page of the guest and epoch, in "
		 "6.12 under KVM's mmu_lock",
	.unseen = "which accesses were writes; pages that the guest's TLB "
		  "still holds, or that it never wrote (zero page); nested "
		  "guests; memory in hugetlbfs or mlocked; what others aged "
		  "in between",
	.empty_means = "the guest did nothing, or the VMM's memory is charged "
		       "to another cgroup",
	.verified_on = "Linux 6.12.117 and 7.2.13 of Debian under QEMU TCG "
		       "with nested paging, 2026-11; never run on hardware",
	.params = mglru_params,
	.values_size = sizeof(struct mglru_params),
	.needs = GUEST_CGROUP | GUEST_SLOTS,
	.takes_event = true,
	.clock = TRACE_CLOCK_NS,
	.fidelity = TRACE_ACCESSED_BIT,
	.channels = TRACE_CHANNEL_ACCESSED,
	.epoch_ns = 1000000000,
	.state_size = sizeof(struct mglru),
	.probe = mglru_probe,
	.open = mglru_open,
	.describe = mglru_describe,
	.start = mglru_start,
	.scan = mglru_scan,
	.finish = mglru_finish,
	.close = mglru_close,
};

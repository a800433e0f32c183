/* SPDX-License-Identifier: MIT */
/*
 * Backend page-idle: the accessed bits of a running guest, one per folio and
 * epoch, through the kernel's idle page tracking (idle_scan.h says how, and what
 * it cannot know).
 *
 * Each look at a page that is still idle is a walk of its reverse mapping and a
 * call into KVM, so a pass takes long; and what it finds young is hidden from the
 * kernel's own multi-gen LRU walk (PG_young), so reclaim decides worse meanwhile.
 * Writes are unknown.  Accesses of the VMM itself count as the guest's.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "capture/backend.h"
#include "capture/idle/idle_scan.h"
#include "capture/interrupts.h"
#include "capture/recorder.h"

#define BITMAP "/sys/kernel/mm/page_idle/bitmap"

enum {
	WAVE = 256 /* ranges whose findings are held at once */
};

struct page_idle_params {
	uint64_t threads;
};

static const struct param_spec page_idle_params[] = {
	{.name = "threads",
	 .type = PARAM_UINT,
	 .offset = offsetof(struct page_idle_params, threads),
	 .preset = 1,
	 .min = 1,
	 .max = 64,
	 .unit = "",
	 .help = "how many scan at once"},
	{.name = NULL},
};

struct range {
	uint64_t hva;
	gfn_t gfn;
	uint64_t npages;
};

struct page_idle {
	struct idle_source source;
	unsigned int threads;
	struct range *ranges;
	size_t nr_ranges, first; /* first: of the wave that runs */
	struct idle_found *found;
	uint64_t present, unmarked; /* of the last pass */
};

static void page_idle_probe(struct capture_probe *probe)
{
	if (access(BITMAP, F_OK)) {
		snprintf(probe->reason, sizeof(probe->reason),
			 BITMAP " is absent: the kernel was built without "
				"CONFIG_IDLE_PAGE_TRACKING");
		snprintf(probe->fix, sizeof(probe->fix),
			 "boot a kernel that has it (Ubuntu's do, Debian's do "
			 "not)");
	} else if (access(BITMAP, W_OK)) {
		snprintf(probe->reason, sizeof(probe->reason), BITMAP ": %s",
			 strerror(errno));
		snprintf(probe->fix, sizeof(probe->fix), "run kage as root");
	} else {
		snprintf(probe->found, sizeof(probe->found), BITMAP);
	}
}

static int open_or_say(int *fd, const char *path, int flags, struct status *st)
{
	*fd = open(path, flags | O_CLOEXEC);
	if (*fd >= 0)
		return 0;
	return status_fail(st, errno == ENOENT ? EOPNOTSUPP : errno,
			   "page-idle: %s: %s (see kage probe)", path,
			   strerror(errno));
}

/* idle_range_pages() says where. */
static size_t cut_slot(const struct trace_slot *slot, struct range *ranges)
{
	uint64_t done = 0, n;
	size_t nr = 0;

	for (; done < slot->npages; done += n, nr++) {
		uint64_t hva = slot->hva + done * TRACE_PAGE_BYTES;

		n = idle_range_pages(hva, slot->npages - done);
		if (ranges)
			ranges[nr] = (struct range){hva, slot->gfn + done, n};
	}
	return nr;
}

static int make_ranges(struct page_idle *idle, const struct guest *guest,
		       struct status *st)
{
	size_t nr = 0;

	for (size_t i = 0; i < guest->nr_slots; i++)
		nr += cut_slot(&guest->slots[i], NULL);
	idle->ranges = kage_calloc(nr, sizeof(*idle->ranges), st);
	idle->found = kage_calloc(WAVE, sizeof(*idle->found), st);
	if (!idle->ranges || !idle->found)
		return -ENOMEM;
	for (size_t i = 0; i < guest->nr_slots; i++)
		idle->nr_ranges += cut_slot(&guest->slots[i],
					    &idle->ranges[idle->nr_ranges]);
	return 0;
}

static int page_idle_open(void *state, const struct capture_target *target,
			  struct status *st)
{
	struct page_idle *idle = state;
	char pagemap[64];
	int ret;

	idle->source = (struct idle_source){-1, -1, -1};
	idle->threads =
		(unsigned int)((const struct page_idle_params *)target->values)
			->threads;
	snprintf(pagemap, sizeof(pagemap), "/proc/%d/pagemap",
		 target->guest->pid);
	ret = open_or_say(&idle->source.bitmap, BITMAP, O_RDWR, st);
	if (!ret)
		ret = open_or_say(&idle->source.pagemap, pagemap, O_RDONLY, st);
	if (!ret)
		ret = open_or_say(&idle->source.kpageflags, "/proc/kpageflags",
				  O_RDONLY, st);
	return ret ? ret : make_ranges(idle, target->guest, st);
}

static int page_idle_describe(const void *state, struct trace_meta *meta,
			      json_t *details, struct status *st)
{
	const struct page_idle *idle = state;

	(void)meta;
	if (json_object_set_new(details, "page_idle",
				json_pack("{s:i, s:s}", "threads",
					  (int)idle->threads, "bit_of",
					  "folio")))
		return status_fail(st, ENOMEM, "out of memory");
	return 0;
}

static int scan_range(void *arg, size_t index, struct status *st)
{
	struct page_idle *idle = arg;
	const struct range *range = &idle->ranges[idle->first + index];

	return idle_scan(&idle->source, range->hva, range->gfn, range->npages,
			 &idle->found[index], st);
}

/* @recorder: NULL to forget what was found. */
static int hand_over(struct page_idle *idle, size_t n,
		     struct recorder *recorder, struct status *st)
{
	int ret = 0;

	for (size_t i = 0; i < n; i++) {
		const struct idle_found *found = &idle->found[i];

		idle->present += found->present;
		idle->unmarked += found->unmarked;
		for (size_t j = 0; !ret && recorder && j < found->nr_runs; j++)
			ret = recorder_run(recorder, &found->runs[j], st);
	}
	return ret;
}

static int pass(struct page_idle *idle, struct recorder *recorder,
		struct status *st)
{
	int ret = 0;

	idle->present = idle->unmarked = 0;
	for (idle->first = 0; !ret && idle->first < idle->nr_ranges;
	     idle->first += WAVE) {
		size_t n = idle->nr_ranges - idle->first;

		if (n > WAVE)
			n = WAVE;
		ret = recorder ? 0 : interrupts_check(st);
		if (!ret)
			ret = pool_run(idle->threads, n, scan_range, idle, st);
		if (!ret)
			ret = hand_over(idle, n, recorder, st);
	}
	return ret;
}

static int page_idle_start(void *state, struct status *st)
{
	struct page_idle *idle = state;
	int ret = pass(idle, NULL, st);

	if (!ret && !idle->present)
		ret = status_fail(st, ENODATA,
				  "page-idle: no page of the guest has memory; "
				  "is the memory map right?");
	return ret;
}

static int page_idle_scan(void *state, struct recorder *recorder,
			  struct status *st)
{
	int ret = pass(state, recorder, st);

	return ret ? ret : 1;
}

/* The last pass stands for all. */
static int page_idle_finish(void *state, struct recorder *recorder,
			    struct status *st)
{
	const struct page_idle *idle = state;
	char text[128];

	snprintf(text, sizeof(text),
		 "page-idle: %" PRIu64 " of %" PRIu64
		 " present pages could not be marked in the last pass",
		 idle->unmarked, idle->present);
	return recorder_note(recorder, text, st);
}

static void page_idle_close(void *state)
{
	struct page_idle *idle = state;

	for (size_t i = 0; idle->found && i < WAVE; i++)
		idle_found_fini(&idle->found[i]);
	free(idle->found);
	free(idle->ranges);
	if (idle->source.bitmap >= 0)
		close(idle->source.bitmap);
	if (idle->source.pagemap >= 0)
		close(idle->source.pagemap);
	if (idle->source.kpageflags >= 0)
		close(idle->source.kpageflags);
}

const struct capture_ops backend_page_idle = {
	.summary = "accessed bit of every folio, per epoch (idle page "
		   "tracking)",
	.price = "a reverse-map walk and a KVM call per page and pass; hides "
		 "young pages from the host's MGLRU",
	.unseen = "whether an access was a write; which page of a large folio; "
		  "hugetlb and isolated pages; pages that stay in a TLB",
	.empty_means = "the guest was idle, or its pages never became idle "
		       "(hugetlb)",
	.verified_on =
		"Linux 6.12, NPT emulated by QEMU 7.2, 2026-11; never run "
		"on hardware",
	.params = page_idle_params,
	.values_size = sizeof(struct page_idle_params),
	.needs = GUEST_PID | GUEST_SLOTS | GUEST_HVAS,
	.clock = TRACE_CLOCK_NS,
	.fidelity = TRACE_ACCESSED_BIT,
	.channels = TRACE_CHANNEL_ACCESSED,
	.epoch_ns = 1000000000,
	.state_size = sizeof(struct page_idle),
	.probe = page_idle_probe,
	.open = page_idle_open,
	.describe = page_idle_describe,
	.start = page_idle_start,
	.scan = page_idle_scan,
	.finish = page_idle_finish,
	.close = page_idle_close,
};

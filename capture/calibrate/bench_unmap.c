/* SPDX-License-Identifier: MIT */
/*
 * What unmapping guest memory takes its caller: mprotect() of pages that KVM has mapped,
 * less mprotect() of as many that no guest has.  Of one page that is a pair of notifier
 * calls with their two holds of mmu_lock, its slope over the pages is a zap; with vCPUs
 * that run in guest mode there is a remote flush more.
 *
 * What it cannot know: what a flush takes from the vCPUs, chunks other than one call for
 * the whole range, waiting for mmu_lock (the guest's vCPUs do not fault meanwhile).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "capture/calibrate/calibration.h"
#include "capture/calibrate/ordered.h"
#include "capture/calibrate/stats.h"
#include "capture/interrupts.h"

enum {
	PAGE = 4096,
	SIZES = 4,
	STEP = 128,
	SINGLES = 32, /* unmappings of one page per round: their median */
	BUSY_MAX = 4,
};

struct unmap_bench {
	struct calibration *c;
	char *plain; /* CALIBRATE_PAGES that are no guest's */
	double zap[CALIBRATE_ROUNDS_MAX];
	double still[CALIBRATE_ROUNDS_MAX]; /* one page, vCPUs asleep */
	double flush[BUSY_MAX][CALIBRATE_ROUNDS_MAX]; /* i + 1 vCPUs run */
	double per_vcpu[CALIBRATE_ROUNDS_MAX];
	unsigned int busy; /* most vCPUs that ran */
};

static void touch_plain(const struct unmap_bench *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((volatile char *)b->plain)[i * PAGE] = 1;
}

/* Of @n pages of each.  Return: 0 with the difference in @ns. */
static int compare(struct unmap_bench *b, struct ordered *guest, size_t n,
		   double *ns, struct status *st)
{
	double mapped = 0, plain = 0;
	struct ordered_time touch;
	int ret = ordered_touch(guest, n, &touch, st);

	if (!ret)
		ret = ordered_protect(guest->data, n, &mapped, st);
	touch_plain(b, n);
	if (!ret)
		ret = ordered_protect(b->plain, n, &plain, st);
	*ns = mapped - plain;
	return ret;
}

static int measure_still(struct unmap_bench *b, struct ordered *guest,
			 unsigned int round, struct status *st)
{
	double x[SIZES], y[SIZES], one[SINGLES];
	struct stats_line line;
	int ret = 0;

	for (size_t i = 0; i < SIZES && !ret; i++) {
		x[i] = (double)(STEP * (i + 1));
		ret = compare(b, guest, STEP * (i + 1), &y[i], st);
	}
	for (size_t i = 0; i < SINGLES && !ret; i++)
		ret = compare(b, guest, 1, &one[i], st);
	if (ret)
		return ret;
	line = stats_line(x, y, SIZES);
	b->zap[round] = line.slope;
	b->still[round] = stats_median(one, SINGLES).value;
	return 0;
}

static int run_still(struct unmap_bench *b, struct status *st)
{
	struct ordered guest;
	int ret = ordered_start(&guest, 1, st);

	if (ret)
		return ret;
	for (unsigned int i = 0; i < b->c->rounds && !ret; i++) {
		ret = measure_still(b, &guest, i, st);
		if (!ret)
			ret = interrupts_check(st);
	}
	ordered_stop(&guest);
	return ret;
}

/* One page of the guest that no vCPU comes back to, @nth from the end of the last
 * share, and one of ours. */
static int compare_one(struct unmap_bench *b, char *end, size_t nth, double *ns,
		       struct status *st)
{
	double mapped = 0, plain = 0;
	int ret = ordered_protect(end - (nth + 1) * PAGE, 1, &mapped, st);

	touch_plain(b, 1);
	if (!ret)
		ret = ordered_protect(b->plain, 1, &plain, st);
	*ns = mapped - plain;
	return ret;
}

static int measure_busy(struct unmap_bench *b, char *end, unsigned int vcpus,
			struct status *st)
{
	size_t nth = 0;
	int ret = 0;

	for (unsigned int round = 0; round < b->c->rounds && !ret; round++) {
		double one[SINGLES];

		for (size_t i = 0; i < SINGLES && !ret; i++)
			ret = compare_one(b, end, nth++, &one[i], st);
		b->flush[vcpus - 1][round] =
			stats_median(one, SINGLES).value - b->still[round];
		if (!ret)
			ret = interrupts_check(st);
	}
	return ret;
}

/* vCPUs go over the first eighth of their pages for ever; round 0 wrote to all. */
static int run_busy(struct unmap_bench *b, unsigned int vcpus,
		    struct status *st)
{
	const struct program_entry *program = program_find("hotcold", st);
	_Alignas(max_align_t) char params[PROGRAM_PARAMS_MAX] = {0};
	uint64_t share = (uint64_t)SINGLES * b->c->rounds * 8 / 7 + 512;
	struct vmm_config config = {.program = program,
				    .params = params,
				    .pages = share * vcpus,
				    .rounds = VMM_ENDLESS,
				    .nr_vcpus = vcpus};
	struct vmm *vmm = NULL;
	int ret;

	ret = param_parse(program->program->params, params, program->name,
			  "hot=100,hot_access=read", st);
	if (!ret)
		ret = vmm_create(&vmm, &config, st);
	if (!ret)
		ret = vmm_start(vmm, st);
	if (!ret)
		ret = vmm_wait(vmm, -1, st);
	if (ret >= 0) {
		const struct trace_slot *slot = &vmm_slots(vmm)[VMM_SLOT_DATA];

		ret = measure_busy(b, (char *)slot->hva + config.pages * PAGE,
				   vcpus, st);
	}
	vmm_destroy(vmm);
	return ret;
}

static void put_flushes(struct unmap_bench *b)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (b->busy > 1) {
		for (unsigned int i = 0; i < b->c->rounds; i++)
			b->per_vcpu[i] =
				(b->flush[b->busy - 1][i] - b->flush[0][i]) /
				(b->busy - 1);
		calibration_put(b->c, "flush_vcpu", b->per_vcpu,
				"a flush with %u vCPUs in guest mode less one "
				"with 1, for each",
				b->busy);
	} else {
		calibration_miss(b->c, "flush_vcpu",
				 "needs 3 CPUs or more: 2 vCPUs that run, and "
				 "us; here are %ld",
				 cpus);
	}
	if (!b->busy)
		calibration_miss(b->c, "flushes",
				 "needs 2 CPUs: a vCPU that runs, and us");
	else
		calibration_put(b->c, "flushes", b->flush[0],
				"unmapping one page while 1 vCPU runs in guest "
				"mode, less while it sleeps; the host's own "
				"flush taken off");
}

static int run_all(struct unmap_bench *b, struct status *st)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int ret = run_still(b, st);

	while (!ret && b->busy < BUSY_MAX && (long)b->busy + 1 < cpus) {
		ret = run_busy(b, b->busy + 1, st);
		b->busy += !ret;
	}
	if (ret)
		return ret;
	put_flushes(b);
	calibration_put(b->c, "calls_unmap", b->still,
			"mprotect() of one page that the guest has mapped less "
			"one that no guest has: both calls, both holds, the "
			"zap; no vCPU runs, mmu_lock is free");
	calibration_include(b->c, "lock_write_unmap", "calls_unmap");
	calibration_put(b->c, "zap", b->zap,
			"the same for %d to %d pages: slope", STEP,
			SIZES * STEP);
	return 0;
}

static int unmap_run(struct calibration *c, struct status *st)
{
	struct unmap_bench *b = kage_calloc(1, sizeof(*b), st);
	size_t bytes = (size_t)CALIBRATE_PAGES * PAGE;
	int ret = -ENOMEM;

	if (!b)
		return -ENOMEM;
	b->c = c;
	b->plain = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b->plain != MAP_FAILED) {
		madvise(b->plain, bytes, MADV_NOHUGEPAGE);
		ret = run_all(b, st);
		munmap(b->plain, bytes);
	}
	free(b);
	return ret;
}

static const char *const names[] = {"calls_unmap", "lock_write_unmap", "zap",
				    "flushes",	   "flush_vcpu",       NULL};

const struct calibration_bench bench_unmap = {
	.summary = "unmapping guest memory, and flushing vCPUs",
	.names = names,
	.run = unmap_run,
};

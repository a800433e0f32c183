/* SPDX-License-Identifier: MIT */
/*
 * The page frames behind a guest's memory, read from /proc/PID/pagemap, and the
 * way back from a frame to the process's address.
 *
 * It is a picture of one moment: pages get frames, lose them and move (swap,
 * compaction, NUMA balancing, collapse into a huge page).  So whoever looks a
 * frame up gets only addresses that still have it.  Frames that several addresses
 * share (the zero page, KSM) are left out: an access to one cannot be told from an
 * access to another.
 */
#ifndef CAPTURE_DAMON_FRAMES_H
#define CAPTURE_DAMON_FRAMES_H

#include "capture/damon/damon_regions.h"

/* Consecutive frames behind consecutive addresses. */
struct damon_frame_run {
	uint64_t pfn;
	uint64_t hva;
	uint64_t npages;
};

struct damon_frames {
	int pagemap;		      /* descriptor, owned; -1: none */
	struct damon_frame_run *runs; /* by pfn, disjoint */
	size_t nr, capacity;
	uint64_t absent, shared; /* pages without a frame of their own */
};

/**
 * damon_frames_read - find the frames of @hvas
 * @pagemap: /proc/PID/pagemap, opened with CAP_SYS_ADMIN; owned from now on
 *
 * Return: 0, -EPERM if the kernel hides frame numbers from us, -ENODATA if there
 * is no frame at all.  damon_frames_fini() is due in every case.
 */
int damon_frames_read(struct damon_frames *frames, int pagemap,
		      const struct damon_ranges *hvas, struct status *st);

/* The physical ranges that they make up; @ranges: empty before. */
int damon_frames_ranges(const struct damon_frames *frames,
			struct damon_ranges *ranges, struct status *st);

/* Append to @hvas the addresses that have the frames of the physical range [@start,
 * @end) now.  Return: pages that have another one or none by now, or an error. */
int64_t damon_frames_find(const struct damon_frames *frames, uint64_t start,
			  uint64_t end, struct damon_ranges *hvas,
			  struct status *st);

void damon_frames_fini(struct damon_frames *frames);

#endif

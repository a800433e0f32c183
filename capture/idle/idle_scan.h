/* SPDX-License-Identifier: MIT */
/*
 * Which pages of a range were accessed since they were last marked idle, by
 * /proc/PID/pagemap, /proc/kpageflags and /sys/kernel/mm/page_idle/bitmap.
 *
 * What it cannot know: the idle bit belongs to a folio, so all pages of a huge or
 * otherwise large folio are accessed together; a folio that is not on an LRU list
 * at this moment (isolated, in a per-CPU batch, hugetlb) cannot be marked and is
 * left out, counted as unmarked; a folio that came or moved since the last mark
 * has no idle bit and counts as accessed, which it was when it was filled.  Nothing
 * is flushed: what stays in a TLB stays idle (mm/page_idle.c, Linux 6.12).
 *
 * The descriptors may be plain files of the same layout: tests do that.
 */
#ifndef CAPTURE_IDLE_SCAN_H
#define CAPTURE_IDLE_SCAN_H

#include <stdint.h>

#include "base/status.h"
#include "datasets/trace/trace.h"

struct idle_source {
	int pagemap;	/* of the process; read */
	int kpageflags; /* read */
	int bitmap;	/* read and written */
};

enum {
	IDLE_SCAN_PAGES = 8192 /* at most, in one range */
};

/* What one range gave; @runs is owned by it and is reused by the next call. */
struct idle_found {
	struct trace_run *runs; /* accessed, by gfn */
	size_t nr_runs, capacity;
	uint64_t present;  /* pages that have memory behind them */
	uint64_t unmarked; /* of these, pages that cannot be marked */
};

/**
 * idle_range_pages - how far a range reaches that begins at @hva
 * @left: pages of the slot from there on
 *
 * Whoever scans a folio first marks it idle again, and its pages in another range
 * seem idle then.  So ranges end at multiples of IDLE_SCAN_PAGES of the process's
 * addresses, where no huge page crosses; the guest's may be shifted against them.
 * The edges of slots remain: of a folio in two slots one sees the access.
 */
uint64_t idle_range_pages(uint64_t hva, uint64_t left);

/**
 * idle_scan - find what was accessed and mark everything idle again
 * @hva, @gfn, @npages: the range, in one slot; at most IDLE_SCAN_PAGES
 *
 * Return: 0, or an error with the file in @st; -EPERM if page frame numbers are
 * hidden from us.
 */
int idle_scan(const struct idle_source *source, uint64_t hva, gfn_t gfn,
	      uint64_t npages, struct idle_found *found, struct status *st);

void idle_found_fini(struct idle_found *found);

#endif

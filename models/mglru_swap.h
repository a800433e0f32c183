/* SPDX-License-Identifier: MIT */
/*
 * Swap on a disk that does not rotate: swap-ins go through the swap cache and read ahead
 * around the fault (swap_vma_readahead(), mm/swap_state.c; the window is the same in
 * 6.1, 6.12 and 7.2).  Without it swap is synchronous (zram, SWP_SYNCHRONOUS_IO).
 *
 * The guest's memory is one VMA, of which only tables are seen: a window ends with the
 * leaf table.  A page read ahead waits in the swap cache, charged and on the lists, but
 * unmapped (PAGE_UNMAPPED).  If nobody touches it before its eviction, that calls no
 * notifier and writes nothing.
 *
 * It does not model: the time that reading takes (pages being read are locked: they are
 * kept off the lists until their window is complete); a page that a read fault mapped
 * and that stays clean in the swap cache, so that its next eviction need not write;
 * swap that is full, or so full that mem_cgroup_swap_full() frees entries early; the
 * read-ahead by clusters of a disk that rotates, or of shmem.
 */
#ifndef MODELS_MGLRU_SWAP_H
#define MODELS_MGLRU_SWAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct mglru;

enum {
	PAGE_CLUSTER = 3,	   /* swap_setup() of more than 16 MiB */
	PAGE_CLUSTER_MAX = 31,	   /* page_cluster_max */
	SWAP_RA_ORDER_CEILING = 5, /* of 64-bit kernels */
	SWAP_RA_HITS_MAX = 63,
};

struct mglru_swap {
	uint8_t *state; /* per page; NULL: synchronous swap; owned */
	unsigned int page_cluster;
	/* vma->swap_readahead_info: the last fault on swap, its window, hits since */
	uint32_t prev;
	unsigned int win, hits;
};

/**
 * mglru_use_ssd - swap of @m is on a disk, with the sysctl vm.page-cluster
 *
 * After mglru_init(), before the first fault.  Return: 0 or -ENOMEM.
 */
int mglru_use_ssd(struct mglru *m, unsigned int page_cluster,
		  struct status *st);

/* One swapin_readahead(): the pages that come with @page.  Between its steps anything
 * may happen. */
struct mglru_swapin {
	uint32_t page, first, nr, at;
	uint32_t brought; /* bit i: page @first + i came with it */
};

/*
 * An access to @page is to fault (or may be): begin, and for each page that next has,
 * charge it as any other, then read; then end.  Afterwards @page itself may still need
 * a charge: without a window (one page, not swapped out, synchronous swap) there is no
 * step at all.  next returns whether there is a page, in *@page.
 */
void mglru_swapin_begin(struct mglru *m, struct mglru_swapin *s, uint32_t page);
bool mglru_swapin_next(const struct mglru *m, struct mglru_swapin *s,
		       uint32_t *page);
void mglru_swapin_read(struct mglru *m, struct mglru_swapin *s,
		       uint64_t now_ns);
void mglru_swapin_end(struct mglru *m, const struct mglru_swapin *s);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A process that takes no page fault while it watches a guest.  New pages of all
 * processes wait in one batch per CPU before they reach a list (mm/swap.c, cpu_fbatches),
 * and unmapping drains it: a page of ours would be one of the guest's too early.
 */
#ifndef CAPTURE_LIVE_STILL_H
#define CAPTURE_LIVE_STILL_H

#include <stdbool.h>
#include <stddef.h>

/**
 * live_hold_still - have all memory that is there, and @bytes more on the heap
 *
 * Call it without threads, and when the guest's process was forked: what a fork shares is
 * copied at the next write.  Memory stays locked until the process ends.  Threads that
 * come one after the other find a stack that is there, too.  What is allocated beyond
 * @bytes faults as ever.
 * Return: whether it could be done.  If not (RLIMIT_MEMLOCK, memory), nothing is worse
 * than before.
 */
bool live_hold_still(size_t bytes);

#endif

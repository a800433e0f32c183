/* SPDX-License-Identifier: MIT */
/*
 * memory.stat of a cgroup (mm/memcontrol.c memory_stat_format()): which of its lines
 * count events, and which are amounts of the moment.
 *
 * The kernel collects what CPUs counted now and then: see live_flush() in
 * snapshot.h.
 */
#ifndef CAPTURE_LIVE_MEMORY_STAT_H
#define CAPTURE_LIVE_MEMORY_STAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum {
	MEMORY_STAT_KEY = 48,
	MEMORY_STAT_MAX = 128, /* lines; 7.2 has 80 */
};

struct memory_stat {
	size_t n;
	struct memory_stat_line {
		char key[MEMORY_STAT_KEY];
		uint64_t value;
	} lines[MEMORY_STAT_MAX];
};

/* Return: 0; -EPROTO naming the line that is none that we know. */
int memory_stat_parse(struct memory_stat *stat, const char *text,
		      struct status *st);

/* Return: the value, or UINT64_MAX where the kernel has no such line. */
uint64_t memory_stat_value(const struct memory_stat *stat, const char *key);

/* Does it count events since the cgroup was made? */
bool memory_stat_is_event(const char *key);

/* Return: what was counted between two readings of anything that counts, or
 * UINT64_MAX if one of them is not known. */
static inline uint64_t counted_since(uint64_t now, uint64_t base)
{
	return now == UINT64_MAX || base == UINT64_MAX || now < base
		       ? UINT64_MAX
		       : now - base;
}

#endif

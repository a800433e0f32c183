/* SPDX-License-Identifier: MIT */
/*
 * Folding: all accesses to a page within one window become one record, which
 * carries the time and vCPU of the first, their number, and "write" if any of
 * them was one.  A window starts with a page's first access and lasts a fixed
 * number of instructions, or up to the next multiple of it (aligned: for epochs).
 *
 * Windows are equally long, so they close in the order in which they opened:
 * records leave in time order through a queue, each when its window is over.
 * What is lost by folding is the times of all but the first access of a window.
 */
#ifndef CAPTURE_TCG_FOLD_H
#define CAPTURE_TCG_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/tcg/wire.h"

enum fold_access {
	FOLD_READ = 1 << WIRE_READ,
	FOLD_WRITE = 1 << WIRE_WRITE,
	FOLD_FETCH = 1 << WIRE_FETCH,
};

/* One page's window; closed while count is 0, and then until is 0. */
struct fold {
	uint64_t start;
	uint64_t until; /* first time outside */
	uint32_t count;
	uint16_t vcpu;
	uint16_t seen; /* of enum fold_access */
};

struct folder {
	struct fold *folds; /* one per page of guest RAM */
	uint32_t *queue;    /* open pages, oldest first; a ring of npages */
	size_t npages;
	size_t head, tail; /* never wrapped: the ring index is modulo npages */
	uint64_t window;
	bool is_aligned;
	uint64_t origin; /* of aligned windows: the last instruction before them */
	void (*emit)(void *arg, const struct wire_record *record);
	void *arg;
};

/* @emit gets each finished record.  Return: 0 or -ENOMEM. */
int folder_init(struct folder *folder, size_t npages, uint64_t window,
		bool is_aligned,
		void (*emit)(void *arg, const struct wire_record *record),
		void *arg);
void folder_fini(struct folder *folder);

/* Start a window for a page that has none at @now (>= 1, never decreasing),
 * after emitting every window that is over. */
void folder_open(struct folder *folder, struct fold *fold, uint64_t now,
		 enum fold_access access, unsigned int vcpu);

/* Emit all windows, over or not. */
void folder_drain(struct folder *folder);

/* Add an access to a page's window: the path that runs for most guest
 * instructions.  Return: whether the page has a window at @now. */
static inline bool fold_add(struct fold *fold, uint64_t now,
			    enum fold_access access)
{
	if (__builtin_expect(now >= fold->until, 0))
		return false;
	fold->count += fold->count != UINT32_MAX;
	fold->seen |= (uint16_t)access;
	return true;
}

#endif

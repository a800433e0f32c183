/* SPDX-License-Identifier: MIT */
/*
 * Which of the guest's pages are in its process's page tables (/proc/PID/pagemap), so
 * that a page whose eviction is under way is none of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "capture/live/refusal.h"
#include "capture/live/run.h"
#include "datasets/scenario/hot.h"

enum {
	PATH_TEXT = 32,
	ENTRY_BYTES = sizeof(uint64_t),
};

static bool is_present(uint64_t entry)
{
	return entry >> 63;
}

static int read_all(int fd, const struct trace_slot *slot, uint64_t *entries)
{
	size_t bytes = slot->npages * ENTRY_BYTES;
	off_t at = (off_t)(slot->hva / TRACE_PAGE_BYTES * ENTRY_BYTES);

	for (size_t done = 0; done < bytes;) {
		ssize_t n = pread(fd, (char *)entries + done, bytes - done,
				  at + (off_t)done);

		if (n <= 0)
			return n ? -errno : -EIO;
		done += (size_t)n;
	}
	return 0;
}

/* Into run->entries, one per page of the slot. */
static int read_pagemap(struct live_run *run, struct status *st)
{
	const struct trace_slot *slot = &run->vm.slot;
	char path[PATH_TEXT];
	int fd, ret;

	if (!run->entries)
		run->entries = kage_calloc(slot->npages, ENTRY_BYTES, st);
	if (!run->entries)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/proc/%d/pagemap", run->vm.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return refuse_host(st, errno, "%s: %s", path, strerror(errno));
	ret = read_all(fd, slot, run->entries);
	close(fd);
	return ret ? refuse_host(st, -ret, "%s: %s", path, strerror(-ret)) : 0;
}

int live_count_present(struct live_run *run, uint64_t *present,
		       struct status *st)
{
	int ret = read_pagemap(run, st);

	*present = 0;
	for (uint64_t i = 0; i < run->vm.slot.npages && !ret; i++)
		*present += is_present(run->entries[i]);
	return ret;
}

/* The epochs that the step itself played come after the hot set. */
static const struct playback_epoch *hot_epoch(const struct live_run *run)
{
	uint64_t before = run->next_epoch - run->outcome->epochs;

	return before ? &run->config.playback->epochs[before - 1] : NULL;
}

int live_note_present(struct live_run *run, struct status *st)
{
	const struct playback *playback = run->config.playback;
	const struct playback_epoch *hot = hot_epoch(run);
	uint64_t present = 0;
	int ret;

	if (!hot || !run->config.is_concurrent ||
	    !scenario_word_has_hot(run->outcome->word))
		return 0;
	ret = read_pagemap(run, st);
	for (size_t i = 0; i < hot->n && !ret; i++) {
		gfn_t gfn = playback->touches[hot->first + i].gfn;

		present +=
			is_present(run->entries[live_page_of(playback, gfn)]);
	}
	if (!ret)
		run->outcome->beside.present = present;
	return ret;
}

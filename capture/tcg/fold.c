/* SPDX-License-Identifier: MIT */
/* Windows of accesses per page; see fold.h.  Runs inside QEMU: libc only. */
#include "capture/tcg/fold.h"

#include <errno.h>
#include <stdlib.h>

int folder_init(struct folder *folder, size_t npages, uint64_t window,
		bool is_aligned,
		void (*emit)(void *arg, const struct wire_record *record),
		void *arg)
{
	*folder = (struct folder){
		.folds = calloc(npages, sizeof(*folder->folds)),
		.queue = calloc(npages, sizeof(*folder->queue)),
		.npages = npages,
		.window = window,
		.is_aligned = is_aligned,
		.emit = emit,
		.arg = arg,
	};
	if (folder->folds && folder->queue)
		return 0;
	folder_fini(folder);
	return -ENOMEM;
}

void folder_fini(struct folder *folder)
{
	free(folder->folds);
	free(folder->queue);
	*folder = (struct folder){0};
}

static enum wire_kind strongest(unsigned int seen)
{
	if (seen & FOLD_WRITE)
		return WIRE_WRITE;
	return seen & FOLD_READ ? WIRE_READ : WIRE_FETCH;
}

static void close_oldest(struct folder *folder)
{
	uint32_t page = folder->queue[folder->head++ % folder->npages];
	struct fold *fold = &folder->folds[page];
	const struct wire_record record = {
		.time = fold->start,
		.page = page,
		.count = fold->count,
		.vcpu = fold->vcpu,
		.kind = (uint16_t)strongest(fold->seen),
	};

	*fold = (struct fold){0};
	folder->emit(folder->arg, &record);
}

static const struct fold *oldest(const struct folder *folder)
{
	return &folder->folds[folder->queue[folder->head % folder->npages]];
}

static uint64_t window_end(const struct folder *folder, uint64_t now)
{
	if (folder->is_aligned)
		now -= (now - folder->origin - 1) % folder->window;
	return now + folder->window;
}

void folder_open(struct folder *folder, struct fold *fold, uint64_t now,
		 enum fold_access access, unsigned int vcpu)
{
	while (folder->head != folder->tail && oldest(folder)->until <= now)
		close_oldest(folder);
	*fold = (struct fold){
		.start = now,
		.until = window_end(folder, now),
		.count = 1,
		.vcpu = (uint16_t)vcpu,
		.seen = (uint16_t)access,
	};
	folder->queue[folder->tail++ % folder->npages] =
		(uint32_t)(fold - folder->folds);
}

void folder_drain(struct folder *folder)
{
	while (folder->head != folder->tail)
		close_oldest(folder);
}

/* SPDX-License-Identifier: MIT */
/*
 * Where a running QEMU keeps guest RAM and where the guest sees it: all memory
 * backends (query-memdev) in the flat view (qemu_view.h), DIMMs included.
 *
 * Pieces of one backend that are equally displaced form one slot, the VGA and ROM
 * windows between them included, because firmware turns ROM windows into RAM later.
 */
#ifndef CAPTURE_QEMU_RAM_H
#define CAPTURE_QEMU_RAM_H

#include <stddef.h>

#include "base/status.h"
#include "capture/qemu/qemu_view.h"
#include "datasets/trace/trace.h"

/**
 * qemu_ram_slots - put view and backends together
 * @memdevs: the answer to query-memdev
 * @bytes: of all RAM, as query-memory-size-summary has it
 *
 * Return: 0 with @slots owned by the caller; -EPROTO if the view shows more or less
 * than @bytes; -ENOMEM.
 */
int qemu_ram_slots(const struct qemu_view *view, const json_t *memdevs,
		   uint64_t bytes, struct trace_slot **slots, size_t *nr,
		   struct status *st);

/* Ask QEMU for all of it. */
int qemu_ram_read(struct qmp *qmp, struct trace_slot **slots, size_t *nr,
		  struct status *st);

#endif

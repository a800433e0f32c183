/* SPDX-License-Identifier: MIT */
/* The memslots of a moment at which none of them was changing. */
#ifndef CAPTURE_QEMU_STILL_MAP_H
#define CAPTURE_QEMU_STILL_MAP_H

#include "capture/qemu/qemu_slots.h"
#include "capture/qemu/ring_trace.h"

/* Ask QEMU until no memslot was deleted meanwhile, which @trace tells.  Return: 0 with
 * @slots to free; -EAGAIN if the map does not stand still, or what the asking said. */
int still_map_read(struct qemu_memory *memory, struct qmp *qmp,
		   struct ring_trace *trace, struct kvm_slots *slots,
		   struct status *st);

#endif

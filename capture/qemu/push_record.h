/* SPDX-License-Identifier: MIT */
/* From the pushes of one epoch to pages in the trace. */
#ifndef CAPTURE_PUSH_RECORD_H
#define CAPTURE_PUSH_RECORD_H

#include <stdint.h>

#include "base/status.h"
#include "capture/qemu/push_map.h"
#include "capture/recorder.h"

/**
 * push_record - hand the pages over as written, in the order of the pushes
 * @unmapped: gets the number of those that have no page; notes in the trace say
 *	how many of them why
 * @device: grows by the number of those whose page is in no slot of the trace:
 *	video memory, firmware
 *
 * Return: 0 or the recorder's error.
 */
int push_record(const struct push_list *list, const struct kvm_slots *before,
		const struct kvm_slots *after, struct recorder *recorder,
		uint64_t *unmapped, uint64_t *device, struct status *st);

#endif

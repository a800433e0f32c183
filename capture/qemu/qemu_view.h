/* SPDX-License-Identifier: MIT */
/*
 * QEMU's flat view of guest-physical memory, as its human monitor prints it: which
 * part of which RAM block lies where, which pieces are KVM memslots, and at which
 * address of the QEMU process they begin.
 *
 * The monitor's text is no interface that QEMU promises to keep; 7.2 is what was
 * read.  It holds for the moment: firmware and guests move pieces.
 */
#ifndef CAPTURE_QEMU_VIEW_H
#define CAPTURE_QEMU_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "capture/guest/qmp.h"

struct qemu_piece {
	uint64_t gpa, bytes;
	uint64_t offset; /* in the block */
	uint64_t hva;	 /* 0: not asked for, or QEMU does not say */
	char kind[16];	 /* "ram", "rom", "romd", "i/o" ... */
	char block[64];	 /* of RAM: the memory backend's id; or a device's */
	bool is_kvm;	 /* one KVM memslot is exactly this piece */
};

struct qemu_view {
	size_t nr;
	struct qemu_piece *pieces; /* by gpa, disjoint */
};

/**
 * qemu_view_parse - the pieces, without their hva
 * @mtree: "info mtree -f"
 *
 * Return: 0, -EPROTO if there is no view of memory in it, or -ENOMEM.
 * qemu_view_fini() is due in every case.
 */
int qemu_view_parse(struct qemu_view *view, const char *mtree,
		    struct status *st);

/* Ask QEMU, also for the hva of every "ram" piece and every KVM memslot.  Return:
 * 0 or an error; qemu_view_fini() is due in every case. */
int qemu_view_read(struct qemu_view *view, struct qmp *qmp, struct status *st);
void qemu_view_fini(struct qemu_view *view);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Where QEMU keeps guest RAM and where the guest sees it: read from the human
 * monitor, before the guest runs.
 *
 * RAM is one block of QEMU's (pc.ram or the memory-backend of the machine) that
 * appears in guest-physical space in pieces: below 4 GiB, above, and around the
 * VGA and ROM windows under 1 MiB.  Pieces that are equally displaced form one
 * slot, windows included, because firmware turns ROM windows into RAM later.
 * What it cannot do: guests whose RAM is several blocks (NUMA with a memdev per
 * node); only the block at address 0 is taken then, and refused.
 */
#ifndef CAPTURE_GUEST_MAP_H
#define CAPTURE_GUEST_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "capture/guest/qmp.h"
#include "datasets/trace/trace.h"

enum {
	GUEST_MAP_SLOTS = 8
};

struct guest_map_slot {
	gfn_t gfn;
	uint64_t page; /* in the RAM block */
	uint64_t npages;
};

struct guest_map {
	char block[64];	     /* the block's name in QEMU */
	uint64_t ram_offset; /* bytes, in QEMU's space of blocks */
	uint64_t ram_host;   /* address in the QEMU process */
	uint64_t ram_pages;
	size_t nr_slots;
	struct guest_map_slot slots[GUEST_MAP_SLOTS]; /* by gfn */
};

/**
 * guest_map_parse - put the three answers together
 * @mtree: "info mtree -f"
 * @ramblock: "info ramblock"
 * @gpa2hva: "gpa2hva 0"
 *
 * Return: 0, or -EPROTO naming what was not understood.
 */
int guest_map_parse(struct guest_map *map, const char *mtree,
		    const char *ramblock, const char *gpa2hva,
		    struct status *st);

/* Ask QEMU and parse; also checks that there is no other RAM. */
int guest_map_read(struct guest_map *map, struct qmp *qmp, struct status *st);

/* Return: the gfn of a page of the block; TRACE_GFN_LIMIT if it has none. */
gfn_t guest_map_gfn(const struct guest_map *map, uint64_t page);

#endif

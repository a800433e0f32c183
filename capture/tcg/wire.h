/* SPDX-License-Identifier: MIT */
/*
 * What kage and its plugin inside QEMU say to each other over one inherited
 * stream socket: kage sends one struct wire_setup before the guest runs, the
 * plugin answers with struct wire_record until QEMU ends.  Both ends are built
 * together on one machine, so fields are in host order.
 *
 * Nothing is dropped: a full socket blocks the guest.  A stream that ends without
 * WIRE_END is one whose QEMU was killed.
 */
#ifndef CAPTURE_TCG_WIRE_H
#define CAPTURE_TCG_WIRE_H

#include <stdint.h>

enum {
	WIRE_MAGIC = 0x6b740001, /* changes with the layout of these structs */
};

enum wire_flags {
	WIRE_ALIGNED = 1 << 0, /* windows end at multiples of the window */
	WIRE_MARKED = 1 << 1,  /* record only between the guest's marks */
};

struct wire_setup {
	uint32_t magic;
	uint32_t flags;
	uint64_t ram_offset; /* of guest RAM in QEMU's space of RAM blocks */
	uint64_t ram_host;   /* where this QEMU maps guest RAM */
	uint64_t ram_pages;
	uint64_t window; /* instructions in which a page's accesses are folded */
};

enum wire_kind {
	WIRE_READ,
	WIRE_WRITE,
	WIRE_FETCH,
	WIRE_VCPU, /* at the end, per vCPU: time is its own instructions */
	WIRE_END,  /* the last record: time is the clock's last value,
			 0 if recording never started */
};

struct wire_record {
	uint64_t time;	/* retired instructions of all vCPUs, from 1 */
	uint32_t page;	/* index in guest RAM as QEMU holds it, not a gfn */
	uint32_t count; /* accesses folded */
	uint16_t vcpu;	/* of the first of them */
	uint16_t kind;	/* enum wire_kind */
	uint32_t unused;
};

#endif

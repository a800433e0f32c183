/* SPDX-License-Identifier: MIT */
/*
 * What the VMM and the code inside the guest agree on: where things lie in guest
 * memory, what stands in the boot page, which ports mean what.  Guest virtual
 * addresses equal guest physical ones.
 */
#ifndef CAPTURE_VMM_GUEST_ABI_H
#define CAPTURE_VMM_GUEST_ABI_H

#include <stdint.h>

#include "capture/vmm/program.h"

enum {
	GUEST_PAGE = 4096,
	GUEST_VCPUS_MAX = 16,

	/* The low slot, 2 MiB from address 0. */
	GUEST_BOOT = 0x1000, /* struct guest_boot */
	GUEST_PML4 = 0x2000,
	GUEST_PDPT = 0x3000,
	GUEST_PD_LOW = 0x4000,
	GUEST_CODE = 0x10000, /* also in guest.ld */
	GUEST_CODE_END = 0x100000,
	GUEST_STACKS = 0x100000,
	GUEST_STACK_BYTES = 0x4000,
	GUEST_ORDERS = 0x140000, /* a struct guest_orders per vCPU */
	GUEST_ORDERS_BYTES = 0x4000,
	GUEST_ORDERS_MAX = GUEST_ORDERS_BYTES / 4 - 1,
	GUEST_PD_DATA = 0x180000, /* one page per GiB of data */
	GUEST_LOW_BYTES = 0x200000,
	GUEST_DATA_GIB_MAX = (GUEST_LOW_BYTES - GUEST_PD_DATA) / GUEST_PAGE,

	/* Written by a vCPU's 32-bit OUT; the value is not looked at. */
	GUEST_PORT_ROUND = 0x4b,  /* a round is done */
	GUEST_PORT_END = 0x4c,	  /* all are; a HLT follows */
	GUEST_PORT_BREATH = 0x4d, /* see guest_boot.breath */
};

#define GUEST_DATA	     ((uint64_t)4 << 30) /* address of the data slot */
#define GUEST_DATA_GFN	     (GUEST_DATA >> 12)	 /* its first page */
#define GUEST_ROUNDS_ENDLESS (~(uint64_t)0)	 /* guest_boot.rounds */
#define GUEST_NO_PROGRAM     (~(uint64_t)0) /* guest_boot.program: orders */

struct guest_boot {
	uint64_t program; /* index into guest_programs[], or GUEST_NO_PROGRAM */
	uint64_t rounds;  /* including round 0 */
	uint64_t share;	  /* data pages of each vCPU */
	uint64_t breath;  /* leave the guest after so many writes; 0: never */
	_Alignas(16) unsigned char params[PROGRAM_PARAMS_MAX];
};

/* What an order writes: never zero, so that no kernel takes the page for a page of
 * zeros, which is not swapped out but forgotten. */
#define GUEST_ORDER_VALUE(round) ((uint64_t)1 << 63 | (round))

/* What a vCPU without a program does in the next round; see vmm_order(). */
struct guest_orders {
	uint32_t n;
	uint32_t order[GUEST_ORDERS_MAX]; /* page << 1 | is_write */
};

#endif

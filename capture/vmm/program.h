/* SPDX-License-Identifier: MIT */
/*
 * A guest program: known accesses to a guest's data pages, in rounds.
 *
 * Each program is one file that is compiled twice: freestanding, as what the
 * guest executes, and for the host, where truth.c runs it to learn what the guest
 * does.  Both give it touch_read() and touch_write(), and nothing else: no libc,
 * no floating point, no clock, no global that changes.  What it does must follow
 * from its parameters, the share of the pages, the vCPU and the round alone.
 *
 * Each vCPU runs the program on a share of the pages of its own, so that vCPUs
 * need not wait for each other and the truth does not depend on their speed.
 */
#ifndef CAPTURE_VMM_PROGRAM_H
#define CAPTURE_VMM_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/param.h"

enum {
	PROGRAM_PARAMS_MAX = 256, /* bytes of a program's parameter struct */
	PROGRAM_STATE = 4,
};

struct program_run {
	const void *params;
	uint64_t npages; /* of this vCPU's share: pages 0 .. npages - 1 */
	uint64_t round;	 /* 0 is the setup */
	uint32_t vcpu;
	uint64_t state[PROGRAM_STATE]; /* the program's own; zeros at first */
	void *memory;		       /* for the touch functions only */
};

struct guest_program {
	const char *summary;
	const struct param_spec *params;
	size_t params_size; /* at most PROGRAM_PARAMS_MAX */

	/* Round 0: fill the memory.  NULL: write each page once, in order. */
	void (*setup)(struct program_run *run);

	/* Rounds 1 and up. */
	void (*round)(struct program_run *run);

	/* Does every round from 1 on touch the same pages?  NULL: not known to. */
	bool (*is_steady)(const void *params);
};

struct program_entry {
	const char *name;
	const struct guest_program *program;
};

extern const struct program_entry guest_programs[]; /* ends with a NULL name */

/* Return: an entry of guest_programs[], or NULL with @st naming those. */
const struct program_entry *program_find(const char *name, struct status *st);

/* The program's round run->round, whichever it is. */
void program_round(const struct guest_program *program,
		   struct program_run *run);

/* A page's one word: what was last written to it, 0 at first. */
uint64_t touch_read(struct program_run *run, uint64_t page);
void touch_write(struct program_run *run, uint64_t page, uint64_t value);

/* The values of an access parameter. */
enum program_access {
	PROGRAM_READ,
	PROGRAM_WRITE,
};

extern const char *const program_access_names[];

static inline void touch(struct program_run *run, uint64_t page,
			 unsigned int access)
{
	if (access == PROGRAM_WRITE)
		touch_write(run, page, run->round);
	else
		touch_read(run, page);
}

/* Return: @per_mille of the pages, rounded down. */
static inline uint64_t program_part(uint64_t pages, uint64_t per_mille)
{
	return pages * per_mille / 1000;
}

/*
 * Position i of an order that spreads neighbours over the memory is page
 * i * stride % npages.  Return: a stride that makes this a permutation; 1 unless
 * @is_scattered.
 */
uint64_t program_stride(uint64_t npages, uint64_t is_scattered);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What a guest program does, learnt by running it on the host: which pages each
 * round reads and which it writes.  Pages are counted from the start of the data
 * slot.  Order and counts are not kept; a guest's stack, code and page tables are
 * no data pages.
 */
#ifndef CAPTURE_VMM_TRUTH_H
#define CAPTURE_VMM_TRUTH_H

#include <stdint.h>

#include "base/status.h"
#include "capture/vmm/program.h"

enum truth_touch {
	TRUTH_READ = 1,
	TRUTH_WRITTEN = 2,
};

struct truth;

/**
 * truth_create - before round 0
 * @params: the program's; must stay
 * @pages: of the data slot, shared out among @nr_vcpus
 *
 * Return: 0 with *@truth to be given to truth_destroy(), or -ENOMEM.
 */
int truth_create(struct truth **truth, const struct guest_program *program,
		 const void *params, uint64_t pages, unsigned int nr_vcpus,
		 struct status *st);

/* Run the next round of all vCPUs: round 0 first. */
void truth_round(struct truth *truth);

/* Return: enum truth_touch flags of each page in the last round run; valid until
 * the next one. */
const uint8_t *truth_touches(const struct truth *truth);

/* Harmless with NULL. */
void truth_destroy(struct truth *truth);

#endif

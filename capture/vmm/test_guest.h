/* SPDX-License-Identifier: MIT */
/* A guest beside its truth, for tests only. */
#ifndef CAPTURE_VMM_TEST_GUEST_H
#define CAPTURE_VMM_TEST_GUEST_H

#include "capture/vmm/truth.h"
#include "capture/vmm/vmm.h"

enum {
	TEST_SKIPPED = 77,
	TEST_RING = 4096,      /* entries */
	TEST_RING_SMALL = 256, /* the smallest: one page */
	TEST_BREATH = 16,
	TEST_PATIENCE_MS = 60000,
};

struct test_guest {
	_Alignas(max_align_t) char params[PROGRAM_PARAMS_MAX];
	struct vmm_config config;
	struct vmm *vmm;
	struct truth *truth;
	uint8_t *written; /* per page; by test_guest_harvest() */
};

/* Return: 0, or TEST_SKIPPED with a line that says why. */
int test_guest_missing(void);

/* @config: all but the program and its params. */
void test_guest_up(struct test_guest *guest, const char *program,
		   const char *params, const struct vmm_config *config);
void test_guest_down(struct test_guest *guest);

/* Add to guest->written; pages outside of the data slot fail the test. */
void test_guest_harvest(struct test_guest *guest);

/* Wait, harvesting when a ring is full.  Return: VMM_ROUND or VMM_ENDED. */
int test_guest_wait(struct test_guest *guest);

/* The pages of guest->written are those that the truth's last round wrote. */
void test_guest_expect_round(struct test_guest *guest);

#endif

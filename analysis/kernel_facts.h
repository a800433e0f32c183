/* SPDX-License-Identifier: MIT */
/*
 * What results of a kernel tell about the machine below it, as far as anybody wrote
 * it into their details: kage live knows its own kernel, but not what that runs on;
 * scripts/kage-lab does ("lab", as in lab.json).
 */
#ifndef ANALYSIS_KERNEL_FACTS_H
#define ANALYSIS_KERNEL_FACTS_H

#include <stdbool.h>

struct kernel_facts {
	char version[128]; /* of the package, else uname -v; "": not known */
	char accel[16];	   /* "tcg", "kvm"; "": not known, or no lab */
	char mmu[16];	   /* as in models/mmus.def; "": not known */
	bool is_thp;	   /* the guest's memory is of huge pages */
};

/* @details: a JSON object as text, or NULL: then nothing is known. */
void kernel_facts(struct kernel_facts *facts, const char *details);

#endif

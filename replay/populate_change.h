/* SPDX-License-Identifier: MIT */
/*
 * What a change of the lock of young calls does in the loop of populate.h, where only
 * one setup is published: nothing can be calibrated that is predicted elsewhere, so the
 * costs of the lock are tried over a range, and what holds over all of it is the answer.
 *
 * Inputs are the vCPU and pass times *after* the change: fault time and young_ns
 * follow from them for each pair of lock costs.  The times before are predicted.
 */
#ifndef REPLAY_POPULATE_CHANGE_H
#define REPLAY_POPULATE_CHANGE_H

#include "models/mmu.h"
#include "replay/populate_fit.h"

enum {
	POPULATE_CHANGES_MAX = 16
};

struct populate_change {
	char name[32];
	uint32_t vcpus;
	enum mmu_lock fault_lock, before, after;
	/* published, in seconds; 0: not */
	double before_vcpu_s, before_pass_s, after_vcpu_s, after_pass_s;
};

struct populate_changes {
	struct populate_change rows[POPULATE_CHANGES_MAX];
	size_t n;
};

/* One pair of costs, and what follows. */
struct populate_outcome {
	double fault_hold_ns, handover_ns;
	bool is_possible; /* else faults alone would take longer than was published */
	double fault_ns, young_ns;
	double before_vcpu_s, before_pass_s, after_vcpu_s, after_pass_s;
	uint64_t before_passes, after_passes;
};

/* The costs that are tried; both end with 0. */
extern const double populate_holds_ns[], populate_handovers_ns[];

/* Return: 0, -EBADMSG or an I/O error. */
int populate_changes_load(struct populate_changes *changes, const char *path,
			  struct status *st);

/* Fill in the rest of @outcome, of which the costs are set.  Return: 0, -ENOMEM or
 * -EINVAL. */
int populate_change_predict(const struct populate_change *change,
			    const struct populate_options *options,
			    struct populate_outcome *outcome,
			    struct status *st);

#endif

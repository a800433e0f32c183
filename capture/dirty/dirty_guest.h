/* SPDX-License-Identifier: MIT */
/*
 * What the backends dirty-ring and dirty-log share: a guest program under our own
 * VMM whose writes KVM logs.
 *
 * What they cannot know: reads; more than the first write to a page per epoch;
 * writes of the VMM itself, of which this one makes none.  Only the data slot is
 * logged and is in the trace; code, page tables and stacks are not.
 */
#ifndef CAPTURE_DIRTY_GUEST_H
#define CAPTURE_DIRTY_GUEST_H

#include "capture/backend.h"
#include "capture/vmm/vmm.h"

struct dirty_guest {
	struct vmm *vmm;
	struct recorder *recorder; /* during a scan */
	_Alignas(max_align_t) char program_params[PROGRAM_PARAMS_MAX];
	struct vmm_config config;
	bool is_stepped;
	bool is_first_first;  /* a ring hands out pages in the order written */
	bool has_ended;	      /* the program, or a ring that was overrun */
	uint64_t epoch_start; /* of the trace's time */
	uint64_t epochs;
};

enum {
	DIRTY_GUEST_VALUES = 64 /* bytes of the parameters' struct */
};

extern const struct param_spec dirty_guest_params[];

void dirty_guest_probe(enum vmm_logging logging, struct capture_probe *probe);
int dirty_guest_open(struct dirty_guest *guest,
		     const struct capture_target *target,
		     enum vmm_logging logging, struct status *st);

/* The hooks of both backends; @state begins with a struct dirty_guest. */
int dirty_guest_describe(const void *state, struct trace_meta *meta,
			 json_t *details, struct status *st);
int dirty_guest_start(void *state, struct status *st);
int dirty_guest_fd(const void *state);
int dirty_guest_collect(void *state, struct recorder *recorder,
			struct status *st);
int dirty_guest_scan(void *state, struct recorder *recorder, struct status *st);
int dirty_guest_finish(void *state, struct recorder *recorder,
		       struct status *st);
void dirty_guest_close(void *state);

#endif

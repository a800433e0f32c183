/* SPDX-License-Identifier: MIT */
/*
 * A guest that goes on while the host works, in a lane of its own: kage live
 * --concurrent on a model.  It follows the last epoch that it played, from its
 * beginning and over and over, in turns of SCENARIO_BREATH touches; these rounds are no
 * epochs of the scenario.
 *
 * How far it gets is counted, not timed: a kernel's results say for each step how often
 * its guest had touched a page after how many calls of KVM's notifiers
 * (scenario_beside).  Here the guest has made as many after as many.  A step without
 * any call is over before the guest goes on.
 *
 * It cannot know where between two calls the kernel's guest ran, nor what it would have
 * done beside more calls than the kernel made.  The TLB of kinds that have one hides
 * nothing of these touches, and accuracy is not told of them.
 */
#ifndef REPLAY_BESIDE_H
#define REPLAY_BESIDE_H

#include "datasets/gfn_map.h"
#include "datasets/scenario/playback.h"
#include "datasets/scenario/results.h"

struct lane;

struct beside {
	const struct scenario_results *kernel; /* whose pace; borrowed */
	uint32_t *index;		       /* of the epoch's pages; owned */
	size_t index_capacity;
	const struct playback_touch *touch; /* of the epoch; borrowed */
	size_t n, next;
	uint64_t now_ns;
	const struct scenario_beside *pace; /* of this step; borrowed */
	uint64_t calls_before, made;	    /* in this request */
};

/* Return: 0, or -EINVAL if @kernel is not of a guest that went on beside @scenario, or
 * does not say how fast. */
int beside_check(const struct scenario_results *kernel,
		 const struct scenario *scenario, struct status *st);

void beside_fini(struct beside *beside);

/**
 * beside_begin - let the guest go on in @lane from here to beside_end()
 * @beside: kernel is set; the rest is filled
 * @epoch: what the guest follows; its touches are those of @playback
 * @map: pages of these gfns
 * @step: the index of the step in the kernel's results
 *
 * Return: 0 or -ENOMEM, and then the guest stands still.
 */
int beside_begin(struct beside *beside, struct lane *lane,
		 const struct playback *playback,
		 const struct playback_epoch *epoch, const struct gfn_map *map,
		 size_t step, uint64_t now_ns, struct status *st);

/* The guest comes as far as the work that @lane has done allows. */
void beside_go_on(struct beside *beside, struct lane *lane);

/* The work is done: the guest ends its turn.  Adds what was done to the current step
 * of @lane.  Harmless without beside_begin(). */
void beside_end(struct beside *beside, struct lane *lane);

#endif

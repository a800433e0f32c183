/* SPDX-License-Identifier: MIT */
/*
 * The closed loop: a vCPU that stalls makes its next access later, by as much.  So the
 * guest's accesses move in time, against each other and against what the host does by
 * its own clock, and decisions may be others: a mode of its own, which results name.
 *
 * Between two accesses a vCPU takes the time that it took in the trace.  It stalls from
 * the exit of a fault until that is done (timeline.h), and for flush_exit at each
 * remote flush while it runs.  Drivers, the scanner of NUMA balancing and a mixed trace
 * keep to the host's clock, which waits for nobody, and reclaim to its pace, whatever its
 * steps cost: who reclaims may be late without any decision being so.  What the guest
 * lost is timeline_result.behind_ns; when all was done, span_ns.
 *
 * With all costs at zero nothing is late, and decisions are those of the open loop, bit
 * for bit: the merged accesses keep the trace's order at equal times.
 *
 * It cannot know what a vCPU waits for: time that it idled until a timer or a packet
 * came is shifted like time that it computed, and a vCPU that waits for another one
 * does not wait longer.  Pages dealt out by --vcpus are not threads of a program.
 *
 * One lane per pass: each has an order of accesses of its own.  It refuses what has no
 * such order: epochs, scenarios, and traces with records other than accesses of vCPUs,
 * of which nobody knows when they would come beside a guest that is late; bounds; and
 * costs that are lacking, for what is missing is not zero.
 */
#ifndef REPLAY_CLOSED_LOOP_H
#define REPLAY_CLOSED_LOOP_H

#include "replay/engine_internal.h"

/* Close the loop of @e if its options say so.  Return: 0, -EINVAL or -ENOMEM. */
int closed_loop_init(struct engine *e, const char *path, struct status *st);
void closed_loop_fini(struct engine *e);

/* One block of the stream: makes the accesses that nothing later can come before.
 * Return: 0, -EINVAL or -ENOMEM. */
int closed_loop_block(struct engine *e, const struct feed *feed,
		      struct status *st);

/* The trace has ended: make all that are left.  Return: when the guest was done. */
uint64_t closed_loop_end(struct engine *e);

/* Return: 0, or -EINVAL if a cost was lacking: then nothing that happened is known. */
int closed_loop_check(const struct engine *e, struct status *st);

#endif

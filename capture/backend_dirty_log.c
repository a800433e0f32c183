/* SPDX-License-Identifier: MIT */
/*
 * Backend dirty-log: a guest program's first write to each page per epoch, from
 * KVM's dirty bitmap (dirty_guest.h says what it cannot know).
 */
#include "capture/dirty/dirty_guest.h"

static void probe(struct capture_probe *probe)
{
	dirty_guest_probe(VMM_LOG_BITMAP, probe);
}

static int open_guest(void *state, const struct capture_target *target,
		      struct status *st)
{
	return dirty_guest_open(state, target, VMM_LOG_BITMAP, st);
}

const struct capture_ops backend_dirty_log = {
	.summary = "first write to each page per epoch of a guest program of "
		   "ours (KVM dirty log)",
	.price = "an exit per first write where the CPU has no PML; huge pages "
		 "are split in KVM",
	.unseen = "reads; later writes to a page in the same epoch",
	.empty_means = "the program only reads, or sleeps longer than an epoch",
	.verified_on = "PVM kind of KVM, Linux 6.18, AMD EPYC, 2026-11; never "
		       "run on hardware with PML",
	.params = dirty_guest_params,
	.values_size = DIRTY_GUEST_VALUES,
	.takes_command = true,
	.clock = TRACE_CLOCK_NS,
	.fidelity = TRACE_FIRST_WRITE,
	.channels = TRACE_CHANNEL_DIRTY,
	.epoch_ns = 100000000,
	.writes_epochs = true,
	.state_size = sizeof(struct dirty_guest),
	.probe = probe,
	.open = open_guest,
	.describe = dirty_guest_describe,
	.start = dirty_guest_start,
	.fd = dirty_guest_fd,
	.collect = dirty_guest_collect,
	.scan = dirty_guest_scan,
	.finish = dirty_guest_finish,
	.close = dirty_guest_close,
};

/* SPDX-License-Identifier: MIT */
/*
 * Memory in a cgroup of its own that MGLRU ages on command, and how long a pass takes: of
 * a guest, or of a process that no KVM looks into.
 */
#ifndef CAPTURE_CALIBRATE_AGED_H
#define CAPTURE_CALIBRATE_AGED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "capture/live/cgroup.h"
#include "capture/live/counters.h"
#include "capture/live/vm.h"
#include "capture/pmu/pmu_counters.h"

/* What passes need of the host. */
struct aged_host {
	int debugfs, tracefs, lru_gen;
	struct guard guard;
	struct live_cgroup cgroup;
	struct pmu_counters clock; /* task-clock of this thread, by libpfm4 */
	struct live_counting counting;
};

/* Return: 0, or an error with all that this host lacks.  aged_host_close() is due in any
 * case, and says what could not be put back. */
int aged_host_open(struct aged_host *host, struct status *st);
int aged_host_close(struct aged_host *host, struct status *st);

/* The cgroup has one at a time. */
struct aged {
	struct aged_host *host;
	struct live_vm vm; /* of a guest */
	pid_t pid;	   /* of a process, or 0 */
	int socket;
};

/* Return: 0 with nothing of @pages touched; aged_stop() is due in any case. */
int aged_start_guest(struct aged *aged, struct aged_host *host, uint64_t pages,
		     unsigned int nr_vcpus, struct status *st);
int aged_start_process(struct aged *aged, struct aged_host *host,
		       uint64_t pages, struct status *st);
void aged_stop(struct aged *aged);

/* Write to pages [@from, @to), in order.  Runs it, so that the next pass looks at it. */
int aged_touch(struct aged *aged, uint64_t from, uint64_t to,
	       struct status *st);

/* One pass over the cgroup.  @ns: CPU time of this thread; @calls: kvm_age_hva meanwhile,
 * UINT64_MAX if that is not known. */
int aged_pass(struct aged *aged, double *ns, uint64_t *calls,
	      struct status *st);

#endif

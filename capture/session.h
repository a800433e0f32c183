/* SPDX-License-Identifier: MIT */
/*
 * One capture from start to file: opens the backend, writes the header, runs the
 * loop, ends it on a limit, a signal or the end of the guest, closes the file.
 * Whatever happens after the first record, the file is finished with what was
 * seen.
 */
#ifndef CAPTURE_SESSION_H
#define CAPTURE_SESSION_H

#include <jansson.h>
#include <stdbool.h>

#include "base/status.h"
#include "capture/backend.h"
#include "capture/host/guard.h"
#include "capture/recorder.h"

/* When to end; 0: no limit. */
struct session_limits {
	uint64_t duration_ns;
	uint64_t epochs;
	uint64_t bytes;	 /* of the file */
	double max_loss; /* share of the events, 0 to 1 */
};

struct session_plan {
	const struct capture_backend *backend;
	struct capture_target target;
	struct session_limits limits;
	gfn_t first_gfn, last_gfn; /* inclusive; what is recorded */
	const char *output;
	json_t *details; /* borrowed: what the caller says of the workload */
};

/* What it was like, for the summary. */
struct session_report {
	struct trace_totals totals; /* of the finished file */
	struct recorder_stats stats;
	uint64_t wall_ns, cpu_ns; /* cpu: of kage and the programs it ran */
	uint64_t scans,
		scan_ns; /* a sampler's passes, and their time together */
	uint64_t longest_scan_ns;
	uint64_t late_scans; /* an epoch ended before its predecessor's scan */
	uint64_t bytes;	     /* of the file */
	bool is_guest_gone;
};

/**
 * session_run - capture until the source ends, a limit is reached or the user
 *	interrupts
 *
 * SIGINT, SIGTERM and SIGHUP end the capture cleanly; they are blocked in the
 * calling thread meanwhile.  Privileges are gone for good afterwards.
 * Return: 0; -EINTR after a clean end that a signal asked for; -ESRCH with a
 * finished file when the guest ended first; -ENOBUFS with a finished file that
 * lacks more events than allowed, @st says which; other errors leave OUTPUT.part
 * or nothing.
 */
int session_run(const struct session_plan *plan, struct session_report *report,
		struct status *st);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * One capture from start to file: opens the backend, writes the header, runs the
 * loop, ends it on a signal, closes the file.  Whatever happens after the first
 * record, the file is finished with what was seen.
 */
#ifndef CAPTURE_SESSION_H
#define CAPTURE_SESSION_H

#include <jansson.h>

#include "base/status.h"
#include "capture/backend.h"

struct session_plan {
	const struct capture_backend *backend;
	struct capture_target target;
	const char *output;
	json_t *details; /* borrowed: what the caller says of the workload */
};

/**
 * session_run - capture until the source ends or the user interrupts
 * @totals: of the finished file
 *
 * SIGINT, SIGTERM and SIGHUP end the capture cleanly; they are blocked in the
 * calling thread meanwhile.
 * Return: 0; -EINTR after a clean end that a signal asked for; -ENOBUFS with a
 * finished file that lacks events, @st says which; other errors leave OUTPUT.part
 * or nothing.
 */
int session_run(const struct session_plan *plan, struct trace_totals *totals,
		struct status *st);

#endif

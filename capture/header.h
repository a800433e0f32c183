/* SPDX-License-Identifier: MIT */
/* The header of a captured trace: what is the same for every backend, and what the
 * backend adds. */
#ifndef CAPTURE_HEADER_H
#define CAPTURE_HEADER_H

#include "capture/session.h"

/* Fill slots, vCPUs and @plan's details; the backend may change them.  Return: 0 or
 * an error. */
int header_describe(const struct capture_ops *ops, const void *state,
		    const struct session_plan *plan, struct trace_meta *meta,
		    struct status *st);

#endif

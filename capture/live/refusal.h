/* SPDX-License-Identifier: MIT */
/*
 * Errors of the host's kernel in `kage live`.  Some errnos mean something else to
 * whoever ends the program (status_exit_code()): a kernel's EINVAL is no wrong usage.
 */
#ifndef CAPTURE_LIVE_REFUSAL_H
#define CAPTURE_LIVE_REFUSAL_H

#include <errno.h>

#include "base/status.h"

/* Return: @error, or EIO in place of one that stands for something else. */
static inline int host_errno(int error)
{
	switch (error) {
	case EINVAL:
	case ENOENT:
	case EISDIR:
	case EBADMSG:
	case ENOBUFS:
	case EINTR:
		return EIO;
	default:
		return error;
	}
}

/* The same for what another function has returned, with its message. */
static inline int host_error(int ret)
{
	return ret < 0 ? -host_errno(-ret) : ret;
}

#define refuse_host(st, error, ...)                                            \
	status_fail(st, host_errno(error), __VA_ARGS__)

#endif
